/**
 * What the host asks of the relay through this gateway: questions on their way, and the answers to them.
 *
 * Bounded, so that a script of the host's does not make the relay take this gateway for a flood (it ends a
 * session with more than a hundred messages in ten seconds).
 *
 * A lock is remembered here, since the relay has it only while the room is there: it is asked for again in each
 * new session, a while after its beginning.
 *
 * @module
 */
import type { HostAction, HostAnswer, HostRequest, ListedBan } from "../control/host_messages.ts";

/** The relay answers within this time, or nobody waits for it any more. */
export const ANSWER_TIMEOUT_MS = 4_000;
/** Requests on their way. */
export const REQUESTS_PENDING_MAX = 16;
/** Requests in any {@linkcode REQUESTS_WINDOW_MS}. */
export const REQUESTS_MAX = 50;
export const REQUESTS_WINDOW_MS = 10_000;
/** Bans that are taken out of the answers to one request. */
export const BANS_MAX = 1_024;

/**
 * A new session's room is locked after this: a relay that was started anew knows none of the players, who come
 * back meanwhile.
 */
export const LOCK_AGAIN_MS = 60_000;

/** What the host wants of the room: `again` until the relay has been asked once more. */
export type LockState = "open" | "locked" | "again";

/** A request, but for its number. */
export type HostOrder = Omit<HostRequest, "type" | "request">;

/** What came of a request. */
export interface HostOutcome {
  readonly ok: boolean;
  readonly message: string;
  readonly bans: readonly ListedBan[];
}

/** Takes a request on its way; false: the relay cannot be asked. */
export type SendRequest = (request: HostRequest) => boolean;

/** What is told of the lock. */
export interface LockListener {
  /** The host has locked or unlocked the room: to be remembered. */
  keep(locked: boolean): void;
  /** A new session's room was locked again, or could not be. */
  renewed(outcome: HostOutcome): void;
}

interface Pending {
  readonly action: HostAction;
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
  readonly #listener: LockListener;
  #locked: boolean;
  /** When the room is to be locked again, and by what way. */
  #lockDueMs = Infinity;
  #send: SendRequest = () => false;

  /** `locked`: the host's last word, to an earlier process. */
  constructor(locked: boolean, listener: LockListener) {
    this.#locked = locked;
    this.#listener = listener;
  }

  /** Whether the host lets new players in. */
  get lockState(): LockState {
    return !this.#locked ? "open" : this.#lockDueMs === Infinity ? "locked" : "again";
  }

  /** Asks for something; `done` is called once, now or later. */
  ask(
    order: HostOrder,
    send: SendRequest,
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
    const { action } = order;
    this.#pending.set(request, { action, bans: [], dueMs: nowMs + ANSWER_TIMEOUT_MS, done });
  }

  /** A session has begun. */
  handleJoined(send: SendRequest, nowMs: number): void {
    this.#send = send;
    //= PROTOCOL.md 6.7
    //# A gateway that is to keep it should ask for it again in each new session, a while (this
    //# project: 60 s) after its welcome: a relay that was started anew knows no tokens, and would
    //# shut out the players who were there before.
    if (this.#locked) this.#lockDueMs = nowMs + LOCK_AGAIN_MS;
  }

  /** The relay has answered; what nobody waits for is ignored. */
  handleAnswer({ request, ok, message, bans = [], more = false }: HostAnswer): void {
    const pending = this.#pending.get(request);
    if (pending === undefined) return;
    pending.bans.push(...bans.slice(0, BANS_MAX - pending.bans.length));
    if (more && ok && pending.bans.length < BANS_MAX) return;
    this.#pending.delete(request);
    if (pending.action === "unlock" || (pending.action === "lock" && ok)) {
      this.#lockDueMs = Infinity;
      this.#keepLocked(pending.action === "lock");
    }
    pending.done({ ok, message, bans: pending.bans });
  }

  #keepLocked(locked: boolean): void {
    if (locked !== this.#locked) this.#listener.keep(locked);
    this.#locked = locked;
  }

  /** The room is left: there will be no answers. */
  handleLeft(): void {
    this.#lockDueMs = Infinity;
    this.#end("the gateway has left its room before the relay answered", () => true);
  }

  /** Gives up what has waited too long, and locks the room of a new session. */
  handleTimer(nowMs: number): void {
    if (nowMs >= this.#lockDueMs) {
      // Once more, unless the answer is that it is done.
      this.#lockDueMs = nowMs + LOCK_AGAIN_MS;
      this.ask({ action: "lock" }, this.#send, (outcome) => this.#listener.renewed(outcome), nowMs);
    }
    this.#end("the relay does not answer", ({ dueMs }) => dueMs <= nowMs);
  }

  /** When {@link handleTimer} is to be called, ms. */
  nextDeadlineMs(): number {
    const [oldest] = this.#pending.values();
    return Math.min(oldest?.dueMs ?? Infinity, this.#lockDueMs);
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
