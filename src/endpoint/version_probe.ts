/**
 * A packet that any QUIC server answers, whatever it serves: of a version that there is not (RFC 9000, section 6.3).
 *
 * @module
 */
import { equalBytes } from "../proto/bytes.ts";
import type { RandomBytes } from "./random.ts";

/** A first packet is at least so long (RFC 9000, section 14.1): shorter ones are dropped. */
export const PROBE_BYTES = 1_200;
/** Long header, fixed bit. */
const FIRST_BYTE = 0xc0;
const LONG_HEADER = 0x80;
/** Reserved: no server speaks it (RFC 9000, section 15). */
const VERSION = 0x1a2a3a4a;
const ID_BYTES = 8;
/** Where the ids lie: RFC 8999, section 5.1. */
const DESTINATION_OFFSET = 6;
const SOURCE_OFFSET = DESTINATION_OFFSET + ID_BYTES + 1;

/** Makes such a packet. */
export function versionProbe(random: RandomBytes): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PROBE_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = FIRST_BYTE;
  view.setUint32(1, VERSION);
  bytes[DESTINATION_OFFSET - 1] = ID_BYTES;
  bytes.set(random(ID_BYTES), DESTINATION_OFFSET);
  bytes[SOURCE_OFFSET - 1] = ID_BYTES;
  bytes.set(random(ID_BYTES), SOURCE_OFFSET);
  return bytes;
}

/** Whether bytes are the answer to a probe: version 0, and its ids the other way round (RFC 8999, section 6). */
export function answersProbe(answer: Uint8Array, probe: Uint8Array): boolean {
  const end = SOURCE_OFFSET + ID_BYTES;
  if (answer.length < end || (answer[0] & LONG_HEADER) === 0) return false;
  const isVersion0 = answer.subarray(1, 5).every((byte) => byte === 0);
  const destination = probe.subarray(DESTINATION_OFFSET, DESTINATION_OFFSET + ID_BYTES);
  const source = probe.subarray(SOURCE_OFFSET, end);
  return isVersion0 && answer[DESTINATION_OFFSET - 1] === ID_BYTES &&
    answer[SOURCE_OFFSET - 1] === ID_BYTES &&
    equalBytes(answer.subarray(DESTINATION_OFFSET, DESTINATION_OFFSET + ID_BYTES), source) &&
    equalBytes(answer.subarray(SOURCE_OFFSET, end), destination);
}
