/**
 * The frames by which gateways look for loops, and for each other.
 *
 * A gateway broadcasts one kind to its LAN and another into its room, each under a number that nobody
 * can guess. Where one comes in again shows which way round the loop leads; what comes in of another
 * gateway shows that there is one. Players hear from it whether their gateway forwards.
 *
 * ```
 *  0        6              12     14         22      23   24    25     26     34      38           44     60
 *  │ff × 6  │ MAC of the id │ 88b5 │"lanprobe"│version│side│state│ LAN  │ id   │age ms│gateway MAC│zeros │
 * ```
 *
 * The source is made of the id: a switch learns it only at the port where such a frame comes in, so
 * its address table shows where a loop leads. Numbers are big-endian.
 *
 * A **witness** is a broadcast of the gateway's, too, but bears no mark: who knows the protocol, and sends
 * back what looks like a probe, does not send this one back. A loop does.
 *
 * @module
 */
import { copyBytes, readU16 } from "./bytes.ts";
import {
  ETHERNET_HEADER_BYTES,
  EtherType,
  FRAME_BYTES_MIN,
  SOURCE_MAC_OFFSET,
} from "./ethernet.ts";
import { MAC_BYTES } from "./mac.ts";

/** Bytes of a probe's id. */
export const PROBE_ID_BYTES = 8;

/**
 * What the room's probe says of the LAN: bits, 0 of a gateway that answers no questions about it. `held`: there is a
 * link, but the gateway's machine lets nothing through to it.
 */
export const ProbeLan = { answers: 1, down: 2, held: 4 } as const;

/** Which way a gateway has sent a probe. */
export const ProbeSide = { lan: 0, tunnel: 1 } as const;
export type ProbeSide = (typeof ProbeSide)[keyof typeof ProbeSide];

const VERSION = 1;
const MARK = new TextEncoder().encode("lanprobe");
const VERSION_OFFSET = 22;
const SIDE_OFFSET = 23;
const STATE_OFFSET = 24;
const LAN_OFFSET = 25;
const ID_OFFSET = 26;
const AGE_OFFSET = 34;
const GATEWAY_OFFSET = 38;
const PROBE_BYTES = 44;
const AGE_MS_MAX = 0xffff_ffff;

//= PROTOCOL.md 12
//# Of EtherType 88b5, it holds, from the frame's beginning on: `lanprobe` (14), 1 (22), 1 for the
//# room's side (23), 1 while the gateway forwards and 0 while it does not (24)
/** A probe of this gateway: a frame that stays, and is written anew before it is sent. */
export class LoopProbe {
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(FRAME_BYTES_MIN);
  readonly #view = new DataView(this.bytes.buffer);

  /**
   * @param id {@link PROBE_ID_BYTES} random bytes
   * @param gatewayMac MAC of the gateway's interface, by which people find it
   */
  constructor(side: ProbeSide, id: Uint8Array, gatewayMac: Uint8Array) {
    const { bytes } = this;
    bytes.fill(0xff, 0, MAC_BYTES);
    bytes.set(id.subarray(0, MAC_BYTES), SOURCE_MAC_OFFSET);
    bytes[SOURCE_MAC_OFFSET] = id[0] & 0xfc | 0x02;
    this.#view.setUint16(12, EtherType.camRefresh);
    bytes.set(MARK, ETHERNET_HEADER_BYTES);
    bytes[VERSION_OFFSET] = VERSION;
    bytes[SIDE_OFFSET] = side;
    bytes.set(id.subarray(0, PROBE_ID_BYTES), ID_OFFSET);
    bytes.set(gatewayMac.subarray(0, MAC_BYTES), GATEWAY_OFFSET);
  }

  /** The MAC that is made of the id, at which players reach the gateway. */
  get source(): Uint8Array {
    return this.bytes.subarray(SOURCE_MAC_OFFSET, SOURCE_MAC_OFFSET + MAC_BYTES);
  }

  /** Writes whether the gateway forwards, since when, and what of {@linkcode ProbeLan} is so. */
  write(forwarding: boolean, ageMs: number, lan: number): void {
    this.bytes[STATE_OFFSET] = forwarding ? 1 : 0;
    this.bytes[LAN_OFFSET] = lan;
    this.#view.setUint32(AGE_OFFSET, Math.min(Math.max(0, Math.floor(ageMs)), AGE_MS_MAX));
  }

  /** Negative, zero or positive, as the id at `bytes[offset]` is less than, equal to or above its own. */
  compareId(bytes: Uint8Array, offset: number): number {
    for (let index = 0; index < PROBE_ID_BYTES; index++) {
      const difference = bytes[offset + index] - this.bytes[ID_OFFSET + index];
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

/** A probe that came in, of whatever gateway; made once and refilled. */
export class ProbeView {
  side: ProbeSide = ProbeSide.lan;
  forwarding = false;
  /** Bits of {@linkcode ProbeLan}. */
  lan = 0;
  ageMs = 0;
  /** Where the id is, in the bytes that were parsed. */
  idOffset = 0;
  /** MAC of the interface of the gateway that sent it. */
  readonly gatewayMac = new Uint8Array(MAC_BYTES);
}

/** Whether a frame is a probe; fills `out`. Tags that the kernel left in the frame hide one. */
export function parseProbe(
  bytes: Uint8Array,
  offset: number,
  length: number,
  out: ProbeView,
): boolean {
  if (length < PROBE_BYTES || readU16(bytes, offset + 12) !== EtherType.camRefresh) return false;
  for (let index = 0; index < MARK.length; index++) {
    if (bytes[offset + ETHERNET_HEADER_BYTES + index] !== MARK[index]) return false;
  }
  if (bytes[offset + VERSION_OFFSET] !== VERSION) return false;
  const side = bytes[offset + SIDE_OFFSET];
  if (side !== ProbeSide.lan && side !== ProbeSide.tunnel) return false;
  out.side = side;
  out.forwarding = bytes[offset + STATE_OFFSET] === 1;
  out.lan = bytes[offset + LAN_OFFSET];
  out.idOffset = offset + ID_OFFSET;
  const age = offset + AGE_OFFSET;
  out.ageMs = readU16(bytes, age) * 0x1_0000 + readU16(bytes, age + 2);
  copyBytes(bytes, offset + GATEWAY_OFFSET, MAC_BYTES, out.gatewayMac, 0);
  return true;
}

/** A broadcast for the room that only its sender knows, by the random bytes in it. */
export function witnessFrame(id: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAME_BYTES_MIN).fill(0xff, 0, MAC_BYTES);
  bytes.set(id.subarray(0, MAC_BYTES), SOURCE_MAC_OFFSET);
  bytes[SOURCE_MAC_OFFSET] = id[0] & 0xfc | 0x02;
  new DataView(bytes.buffer).setUint16(12, EtherType.camRefresh);
  bytes.set(id.subarray(0, PROBE_ID_BYTES), ETHERNET_HEADER_BYTES);
  return bytes;
}

/** Whether a frame is this witness. */
export function isWitness(
  bytes: Uint8Array,
  offset: number,
  length: number,
  witness: Uint8Array,
): boolean {
  if (length < ETHERNET_HEADER_BYTES + PROBE_ID_BYTES) return false;
  for (let index = SOURCE_MAC_OFFSET; index < ETHERNET_HEADER_BYTES + PROBE_ID_BYTES; index++) {
    if (bytes[offset + index] !== witness[index]) return false;
  }
  return true;
}
