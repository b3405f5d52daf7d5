/**
 * What a player's client and the party's gateway say to each other about the LAN, in frames of their own: the client
 * asks whether it is there, and the gateway answers from its LAN side.
 *
 * ```
 *  0               6              12     14         22      23    24   32      33     34         38
 *  │gateway's MAC  │client's MAC  │ 88b5 │"lanproof"│version│0    │ id │sight  │ zeros                  │60
 *  │client's MAC   │gateway's MAC │ 88b5 │"lanproof"│version│1    │ id │state  │zero  │quiet ms  │zeros │60
 * ```
 *
 * The gateway's MAC is the source of the probes that it sends into the room (`loop_probe.ts`). Numbers are big-endian.
 *
 * @module
 */
import { copyBytes, readU16, readU32, writeU16, writeU32 } from "./bytes.ts";
import {
  ETHER_TYPE_OFFSET,
  ETHERNET_HEADER_BYTES,
  EtherType,
  FRAME_BYTES_MIN,
  SOURCE_MAC_OFFSET,
} from "./ethernet.ts";
import { MAC_BYTES } from "./mac.ts";

/** Bytes of a question's id. */
export const QUESTION_ID_BYTES = 8;

/** What a client sees of the LAN, as it tells the gateway. */
export const LanSight = { unknown: 0, good: 1, noAddress: 2, nothing: 3 } as const;
export type LanSight = (typeof LanSight)[keyof typeof LanSight];

/** Bits of an answer's state: three that are good, and that the gateway's machine lets nothing through to its LAN. */
export const LanState = { up: 1, forwarding: 2, served: 4, held: 8 } as const;
/** An answer's time since something was heard in the LAN, if nothing ever was. */
export const NEVER_HEARD_MS = 0xffff_ffff;

const VERSION = 1;
const QUESTION = 0;
const ANSWER = 1;
const MARK = new TextEncoder().encode("lanproof");
const VERSION_OFFSET = 22;
const KIND_OFFSET = 23;
const ID_OFFSET = 24;
const STATE_OFFSET = 32;
const QUIET_OFFSET = 34;
const TALK_BYTES = 38;

/** One of them that came in; made once and refilled. */
export class LanTalkView {
  isAnswer = false;
  /** Where the id is, in the bytes that were parsed. */
  idOffset = 0;
  /** Of a question: a value of {@linkcode LanSight}; of an answer: bits of {@linkcode LanState}. */
  state = 0;
  /** Of an answer: since when nothing was heard in the LAN, ms. */
  quietMs = 0;
}

/** Whether a frame bears the mark of these, whatever else is in it. Nobody but client and gateway has to see it. */
export function isLanTalk(bytes: Uint8Array, offset: number, length: number): boolean {
  if (
    length < VERSION_OFFSET || readU16(bytes, offset + ETHER_TYPE_OFFSET) !== EtherType.camRefresh
  ) {
    return false;
  }
  for (let index = 0; index < MARK.length; index++) {
    if (bytes[offset + ETHERNET_HEADER_BYTES + index] !== MARK[index]) return false;
  }
  return true;
}

/** Whether a frame is one of them; fills `out`. */
export function parseLanTalk(
  bytes: Uint8Array,
  offset: number,
  length: number,
  out: LanTalkView,
): boolean {
  if (length < TALK_BYTES || !isLanTalk(bytes, offset, length)) return false;
  if (bytes[offset + VERSION_OFFSET] !== VERSION) return false;
  const kind = bytes[offset + KIND_OFFSET];
  if (kind !== QUESTION && kind !== ANSWER) return false;
  out.isAnswer = kind === ANSWER;
  out.idOffset = offset + ID_OFFSET;
  out.state = bytes[offset + STATE_OFFSET];
  out.quietMs = kind === ANSWER ? readU32(bytes, offset + QUIET_OFFSET) : 0;
  return true;
}

//= PROTOCOL.md 12.1
//# A question is a frame of 60 bytes from the client's MAC to the source of the probe, of EtherType
//# 88b5. From its beginning on it holds `lanproof` (14), 1 (22), 0 (23), an id of 8 random bytes (24)
/**
 * A client's question.
 *
 * @param gatewayMac source of the gateway's probes, six bytes
 * @param id {@linkcode QUESTION_ID_BYTES} random bytes
 */
export function encodeQuestion(
  gatewayMac: Uint8Array,
  mac: Uint8Array,
  id: Uint8Array,
  sight: LanSight,
): Uint8Array {
  const bytes = frameOf(gatewayMac, mac, QUESTION);
  bytes.set(id.subarray(0, QUESTION_ID_BYTES), ID_OFFSET);
  bytes[STATE_OFFSET] = sight;
  return bytes;
}

//= PROTOCOL.md 12.1
//# The answer is as long, from there to the client's MAC, with the question's id. It has 1 (23); a sum
//# (32) of 1 if the interface has a link, 2 if the gateway forwards, and 4 if it serves this player
/**
 * The gateway's answer.
 *
 * @param question bytes with the question at `offset`
 * @param state bits of {@linkcode LanState}
 * @param quietMs since when nothing was heard in the LAN; Infinity: nothing ever was
 */
export function encodeAnswer(
  gatewayMac: Uint8Array,
  question: Uint8Array,
  offset: number,
  state: number,
  quietMs: number,
): Uint8Array {
  const source = offset + SOURCE_MAC_OFFSET;
  const bytes = frameOf(question.subarray(source, source + MAC_BYTES), gatewayMac, ANSWER);
  copyBytes(question, offset + ID_OFFSET, QUESTION_ID_BYTES, bytes, ID_OFFSET);
  bytes[STATE_OFFSET] = state;
  const quiet = Math.min(NEVER_HEARD_MS, Math.max(0, Math.floor(quietMs)));
  writeU32(bytes, QUIET_OFFSET, quiet);
  return bytes;
}

function frameOf(target: Uint8Array, source: Uint8Array, kind: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_BYTES_MIN);
  bytes.set(target.subarray(0, MAC_BYTES));
  bytes.set(source.subarray(0, MAC_BYTES), SOURCE_MAC_OFFSET);
  writeU16(bytes, ETHER_TYPE_OFFSET, EtherType.camRefresh);
  bytes.set(MARK, ETHERNET_HEADER_BYTES);
  bytes[VERSION_OFFSET] = VERSION;
  bytes[KIND_OFFSET] = kind;
  return bytes;
}
