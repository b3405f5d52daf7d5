/**
 * What the host asks of the relay through this gateway: questions on their way, and the answers to them.
 *
 * Bounded, so that a script of the host's does not make the relay take this gateway for a flood (it ends a
 * session with more than a hundred messages in ten seconds).
 */
import type { HostAnswer, HostRequest, ListedBan } from "../ctrl/host_messages.ts";

/** The relay answers within this time, or nobody waits for it any more. */
export const ANSWER_TIMEOUT_MS = 4_000;
/** Requests on their way. */
export const REQUESTS_PENDING_MAX = 16;
/** Requests in any {@linkcode REQUESTS_WINDOW_MS}. */
export const REQUESTS_MAX = 50;
export const REQUESTS_WINDOW_MS = 10_000;
/** Bans that are taken out of the answers to one request. */
export const BANS_MAX = 1_024;

/** A request, but for its number. */
export type HostOrder = Omit<HostRequest, "type" | "request">;

/** What came of a request. */
export interface HostOutcome {
  readonly ok: boolean;
  readonly message: string;
  readonly bans: readonly ListedBan[];
}

interface Pending {
  readonly bans: ListedBan[];
  readonly dueMs: number;
  readonly done: (outcome: HostOutcome) => void;
}

/** See the module. */
export class HostRequests {
  /** By number, the oldest first. */
  readonly #pending = new Map<number, Pending>();
  /** When the last requests were made, the oldest first. */
  readonly #madeMs: number[] = [];
  #next = 1;

  /**
   * Asks for something; `done` is called once, now or later.
   *
   * @param send takes the request on its way; false: the relay cannot be asked
   */
  ask(
    order: HostOrder,
    send: (request: HostRequest) => boolean,
    done: (outcome: HostOutcome) => void,
    nowMs: number,
  ): void {
    while (this.#madeMs.length > 0 && nowMs - this.#madeMs[0] >= REQUESTS_WINDOW_MS) {
      this.#madeMs.shift();
    }
    if (this.#madeMs.length >= REQUESTS_MAX || this.#pending.size >= REQUESTS_PENDING_MAX) {
      return done(failed("too much at once: wait ten seconds"));
    }
    const request = this.#next++;
    if (!send({ type: "hostRequest", request, ...order })) {
      return done(failed("the gateway is not in its room, or the relay is too old for this"));
    }
    this.#madeMs.push(nowMs);
    this.#pending.set(request, { bans: [], dueMs: nowMs + ANSWER_TIMEOUT_MS, done });
  }

  /** The relay has answered; what nobody waits for is ignored. */
  handleAnswer({ request, ok, message, bans = [], more = false }: HostAnswer): void {
    const pending = this.#pending.get(request);
    if (pending === undefined) return;
    pending.bans.push(...bans.slice(0, BANS_MAX - pending.bans.length));
    if (more && ok && pending.bans.length < BANS_MAX) return;
    this.#pending.delete(request);
    pending.done({ ok, message, bans: pending.bans });
  }

  /** The room is left: there will be no answers. */
  handleLeft(): void {
    this.#end("the gateway has left its room before the relay answered", () => true);
  }

  /** Gives up what has waited too long. */
  handleTimer(nowMs: number): void {
    this.#end("the relay does not answer", ({ dueMs }) => dueMs <= nowMs);
  }

  /** When {@link handleTimer} is to be called, ms. */
  nextDeadlineMs(): number {
    const [oldest] = this.#pending.values();
    return oldest?.dueMs ?? Infinity;
  }

  #end(why: string, isOver: (pending: Pending) => boolean): void {
    for (const [request, pending] of this.#pending) {
      if (!isOver(pending)) continue;
      this.#pending.delete(request);
      pending.done(failed(why));
    }
  }
}

function failed(message: string): HostOutcome {
  return { ok: false, message, bans: [] };
}
