/**
 * Whether the relay still hears us, and we it: a path that has died in a session, one way or both, is noticed by acknowledgements
 * that do not come, long before the transport gives it up (15 s), so that another one can be tried meanwhile.
 *
 * @module
 */

/** How long after a packet of ours nothing need come back: longer than a Wi-Fi needs to change its access point. */
export const SILENCE_MAX_MS = 2_000;

/** See the module. */
export class PathWatch {
  #acks = 0;
  #asked = 0;
  /** When the first packet was sent since an acknowledgement came. */
  #askedMs: number | undefined;

  /** Another connection: its counts begin anew. */
  reset(): void {
    this.#acks = 0;
    this.#asked = 0;
    this.#askedMs = undefined;
  }

  /**
   * @param acks acknowledgements that the connection has received so far
   * @param asked packets that it has sent so far and that have to be acknowledged
   * @returns whether they have been waited for for too long
   */
  look(acks: number, asked: number, nowMs: number): boolean {
    if (acks !== this.#acks) this.#askedMs = undefined;
    else if (asked !== this.#asked) this.#askedMs ??= nowMs;
    this.#acks = acks;
    this.#asked = asked;
    return this.#askedMs !== undefined && nowMs - this.#askedMs >= SILENCE_MAX_MS;
  }
}
