/**
 * What the gateway writes down of frames, for who wants a log of each.
 *
 * @module
 */
import { PASS, type Verdict } from "../observe/drops.ts";
import type { FrameDirection, FrameLog } from "../observe/frame_log.ts";
import { dissect, Dissection } from "../proto/dissect.ts";
import type { PeerId } from "../proto/brands.ts";

/** See the module. */
export class BridgeLog {
  /** The room that is joined. */
  room = "";
  readonly #log: FrameLog;
  readonly #dissection = new Dissection();

  constructor(log: FrameLog) {
    this.#log = log;
  }

  /** Records a frame, if anybody wants it, whole or as it came from the LAN's interface. */
  record(
    nowMs: number,
    direction: FrameDirection,
    peerId: PeerId,
    bytes: Uint8Array,
    offset: number,
    length: number,
    reason: Verdict,
  ): void {
    if (!this.#log.enabled) return;
    dissect(bytes, offset, length, this.#dissection);
    const { etherType } = this.#dissection;
    const targets = reason === PASS ? 1 : 0;
    this.#log.record(
      ...[nowMs, this.room, peerId, direction] as const,
      ...[bytes, offset, length, etherType] as const,
      ...[reason, targets] as const,
    );
  }
}
