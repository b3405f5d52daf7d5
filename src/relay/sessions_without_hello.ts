/**
 * Connections that have said nothing: where there are too many of all, the longest silent one gives way, so
 * that whoever would hold them all must come again and again.
 *
 * @module
 */
import { SILENT_GRACE_MS } from "./limits.ts";
import type { Session } from "./session.ts";

/** Of so many connections that there may be one is giving way at a time. */
const GIVING_WAY_SHARE = 64;

/** Sessions without a hello, the oldest first. */
export class SessionsWithoutHello {
  readonly #waiting = new Set<Session>();
  readonly #givingWay = new Set<Session>();
  readonly #connectionsMax: number;

  constructor(connectionsMax: number) {
    this.#connectionsMax = connectionsMax;
  }

  /** A session has begun. */
  add(session: Session): void {
    this.#waiting.add(session);
  }

  /** A session has said hello. */
  spoke(session: Session): void {
    this.#waiting.delete(session);
  }

  /** A connection is no more. */
  forget(session: Session): void {
    this.#waiting.delete(session);
    this.#givingWay.delete(session);
  }

  /** The session that is to give way, if there is one that had its time, and not too many do already. */
  next(nowMs: number): Session | undefined {
    if (this.#givingWay.size * GIVING_WAY_SHARE >= this.#connectionsMax) return undefined;
    for (const session of this.#waiting) {
      const isWaiting = session.state === "hello";
      if (isWaiting && nowMs - session.connectedMs < SILENT_GRACE_MS) return undefined;
      this.#waiting.delete(session);
      if (!isWaiting) continue;
      this.#givingWay.add(session);
      return session;
    }
    return undefined;
  }
}
