/**
 * The MTU of a room, which follows its gateway's path: up at once, down only after a while, since a path may be
 * narrow for a moment. Players of narrower paths have their frames split, and so do those with another MTU.
 *
 * @module
 */

/** Changes follow each other no faster, ms: each is told to everybody. */
export const ROOM_MTU_INTERVAL_MS = 1_000;
/** A gateway's path must have been narrower than the room's MTU for so long, ms, for that to fall. */
export const ROOM_MTU_LOWER_AFTER_MS = 60_000;

/** See the module. */
export class RoomMtu {
  /** The MTU of every TAP in the room, bytes. */
  tapMtu: number;
  /** When {@linkcode handleTimer} is to be called, ms; `Infinity` while the room and its gateway agree. */
  dueMs = Infinity;
  /** When a change was said last, ms. */
  saidMs = -Infinity;
  /** What the gateway's path asks for. */
  #wanted: number;
  #changedMs = -Infinity;

  /** @param tapMtu what the path of a gateway that opens the room asks for, or else the greatest */
  constructor(tapMtu: number) {
    this.tapMtu = tapMtu;
    this.#wanted = tapMtu;
  }

  /** The gateway's path carries frames of this MTU now; true: the room's has changed. */
  follow(tapMtu: number, nowMs: number): boolean {
    const wasNarrower = this.#wanted < this.tapMtu;
    this.#wanted = tapMtu;
    //= PROTOCOL.md 10
    //# It rises as soon as the gateway's path carries more, and falls when that has carried less for
    //# 60 s without a break; it changes once a second at most.
    if (tapMtu === this.tapMtu) this.dueMs = Infinity;
    else if (tapMtu > this.tapMtu) this.dueMs = this.#changedMs + ROOM_MTU_INTERVAL_MS;
    else if (!wasNarrower) this.dueMs = nowMs + ROOM_MTU_LOWER_AFTER_MS;
    return this.handleTimer(nowMs);
  }

  //= PROTOCOL.md 10
  //# While there is no gateway, it stays.
  /** The gateway has left: the room keeps what it has. */
  unfollow(): void {
    this.#wanted = this.tapMtu;
    this.dueMs = Infinity;
  }

  /** To be called at {@linkcode dueMs}; earlier calls do no harm. True: the room's MTU has changed. */
  handleTimer(nowMs: number): boolean {
    if (nowMs < this.dueMs) return false;
    this.dueMs = Infinity;
    this.tapMtu = this.#wanted;
    this.#changedMs = nowMs;
    return true;
  }
}
