/**
 * The wire protocol's bytes for the second implementation, written from the text of PROTOCOL.md
 * alone: framing of the control stream (section 4), datagrams (8), pieces and their reassembly (9).
 *
 * It shares no code with `src`, is plain rather than fast, and allocates as it likes.
 */

type Bytes = Uint8Array<ArrayBuffer>;

const MESSAGE_BYTES_MAX = 65_536;
const ETHERNET_HEADER_BYTES = 14;
const HEADER_BYTES = 4;
const PIECE_HEADER_BYTES = 8;
const FIRST_PIECE_BYTES_MIN = 600;
const FRAME_BYTES_MAX = 1_522;
const OPEN_FRAMES_PER_SOURCE_MAX = 64;
const OPEN_FRAMES_MAX = 4_096;
const REASSEMBLY_MAX_MS = 500;
const FRAGMENT = 0x01;
const MORE = 0x8000;

/** A control message with its length in front. */
export function encodeControl(message: unknown): Bytes {
  const json = new TextEncoder().encode(JSON.stringify(message));
  const bytes = new Uint8Array(4 + json.length);
  new DataView(bytes.buffer).setUint32(0, json.length);
  bytes.set(json, 4);
  return bytes;
}

/** What stands next in a control stream. */
export type ControlItem =
  | { readonly json: unknown; readonly error?: undefined }
  | { readonly error: "bad-length" | "bad-json" };

/** Cuts a control stream into messages. */
export class ControlReader {
  #waiting: Bytes = new Uint8Array(0);

  /** Takes over bytes as they come. */
  push(bytes: Uint8Array): void {
    this.#waiting = concat(this.#waiting, bytes);
  }

  /** The next message, what is wrong with it, or `undefined` while it is not all there. */
  next(): ControlItem | undefined {
    if (this.#waiting.length < 4) return undefined;
    const length = new DataView(this.#waiting.buffer).getUint32(0);
    if (length < 1 || length > MESSAGE_BYTES_MAX) return { error: "bad-length" };
    if (this.#waiting.length < 4 + length) return undefined;
    const json = this.#waiting.subarray(4, 4 + length);
    this.#waiting = this.#waiting.slice(4 + length);
    try {
      return { json: JSON.parse(new TextDecoder("utf-8", DECODING).decode(json)) };
    } catch {
      return { error: "bad-json" };
    }
  }
}

/** A byte order mark stays in the text, where JSON does not allow it. */
const DECODING = { fatal: true, ignoreBOM: true } as const;

/** A datagram with a whole frame. */
export interface WholeDatagram {
  readonly sourcePeerId: number;
  readonly frame: Bytes;
}

/** A datagram with a piece of a frame; `header` is its copy of the Ethernet header. */
export interface PieceDatagram {
  readonly sourcePeerId: number;
  readonly frameId: number;
  readonly byteOffset: number;
  readonly more: boolean;
  /** Absent at offset 0, where `payload` begins with the header itself. */
  readonly header?: Bytes;
  readonly payload: Bytes;
}

/** What {@link readDatagram} gives for a datagram against the rules. */
export interface MalformedDatagram {
  readonly malformed: string;
}

/** Section 8: a datagram's contents, or the reason why it is malformed. */
export function readDatagram(
  bytes: Uint8Array,
): WholeDatagram | PieceDatagram | MalformedDatagram {
  if (bytes.length < HEADER_BYTES) return { malformed: "short" };
  if (bytes[0] !== 1) return { malformed: "version" };
  if ((bytes[1] & 0xfe) !== 0) return { malformed: "flags" };
  const sourcePeerId = bytes[2] << 8 | bytes[3];
  if ((bytes[1] & FRAGMENT) === 0) {
    const frame = bytes.slice(HEADER_BYTES);
    if (frame.length < ETHERNET_HEADER_BYTES) return { malformed: "shortFrame" };
    return { sourcePeerId, frame };
  }
  if (bytes.length < PIECE_HEADER_BYTES) return { malformed: "short" };
  const frameId = bytes[4] << 8 | bytes[5];
  const more = (bytes[6] & 0x80) !== 0;
  const byteOffset = (bytes[6] & 0x7f) << 8 | bytes[7];
  const rest = bytes.slice(PIECE_HEADER_BYTES);
  if (byteOffset === 0) {
    if (!more) return { malformed: "pieceOnly" };
    if (rest.length < FIRST_PIECE_BYTES_MIN) return { malformed: "pieceShortFirst" };
    return { sourcePeerId, frameId, byteOffset, more, payload: rest };
  }
  if (byteOffset < FIRST_PIECE_BYTES_MIN) return { malformed: "pieceOffset" };
  if (rest.length < ETHERNET_HEADER_BYTES) return { malformed: "short" };
  if (rest.length === ETHERNET_HEADER_BYTES) return { malformed: "pieceEmpty" };
  const header = rest.slice(0, ETHERNET_HEADER_BYTES);
  const payload = rest.slice(ETHERNET_HEADER_BYTES);
  return { sourcePeerId, frameId, byteOffset, more, header, payload };
}

/** The bytes of a datagram. */
export function writeDatagram(datagram: WholeDatagram | PieceDatagram): Bytes {
  const source = u16(datagram.sourcePeerId);
  if ("frame" in datagram) return concat([1, 0], source, datagram.frame);
  const place = u16((datagram.more ? MORE : 0) | datagram.byteOffset);
  const { frameId, header = [], payload } = datagram;
  return concat([1, FRAGMENT], source, u16(frameId), place, header, payload);
}

/** Section 9.1: the datagrams of a frame for a path with this maximum; none where it does not fit. */
export function splitFrame(
  frame: Uint8Array,
  maximumBytes: number,
  sourcePeerId: number,
  frameId: number,
): Bytes[] {
  if (HEADER_BYTES + frame.length <= maximumBytes) {
    return [writeDatagram({ sourcePeerId, frame: frame.slice() })];
  }
  if (maximumBytes < PIECE_HEADER_BYTES + FIRST_PIECE_BYTES_MIN) return [];
  return cut(frame, 0, false, frame, maximumBytes, sourcePeerId, frameId);
}

/** Section 9.1: what a relay makes of a piece for a target with this maximum. */
export function cutPiece(
  piece: PieceDatagram,
  maximumBytes: number,
  sourcePeerId: number,
): Bytes[] {
  const whole = writeDatagram({ ...piece, sourcePeerId });
  if (whole.length <= maximumBytes) return [whole];
  const { payload, byteOffset, more, header = payload, frameId } = piece;
  return cut(payload, byteOffset, more, header, maximumBytes, sourcePeerId, frameId);
}

/** Pieces as long as the maximum allows, of bytes that belong at `offset` of their frame. */
function cut(
  bytes: Uint8Array,
  offset: number,
  moreBehind: boolean,
  header: Uint8Array,
  maximumBytes: number,
  sourcePeerId: number,
  frameId: number,
): Bytes[] {
  const pieces: Bytes[] = [];
  for (let at = 0; at < bytes.length;) {
    const isFirst = offset + at === 0;
    const room = maximumBytes - PIECE_HEADER_BYTES - (isFirst ? 0 : ETHERNET_HEADER_BYTES);
    const payload = bytes.slice(at, at + room);
    const byteOffset = offset + at;
    at += payload.length;
    pieces.push(writeDatagram({
      sourcePeerId,
      frameId,
      byteOffset,
      more: at < bytes.length || moreBehind,
      ...(isFirst ? {} : { header: header.slice(0, ETHERNET_HEADER_BYTES) }),
      payload,
    }));
  }
  return pieces;
}

/** What came of one piece. */
export type ReassemblyResult =
  | { readonly result: "waiting" }
  | { readonly result: "frame"; readonly frame: Bytes }
  | { readonly result: "dropped"; readonly reason: string };

interface OpenFrame {
  readonly sourcePeerId: number;
  readonly openedMs: number;
  readonly header: Bytes;
  readonly bytes: Bytes;
  /** One flag for each byte that has come. */
  readonly present: Bytes;
  dropped: boolean;
  /** The end of the piece without M, once it has come. */
  end: number | undefined;
  farthest: number;
}

/** Section 9.2: puts frames together. */
export class Reassembly {
  /** In the order in which they were opened. */
  readonly #open = new Map<string, OpenFrame>();

  /** Takes a piece. */
  push(piece: PieceDatagram, nowMs: number): ReassemblyResult {
    for (const [key, { openedMs }] of this.#open) {
      if (nowMs - openedMs >= REASSEMBLY_MAX_MS) this.#open.delete(key);
    }
    const key = `${piece.sourcePeerId} ${piece.frameId}`;
    const frame = this.#open.get(key) ?? this.#begin(key, piece, nowMs);
    const reason = objection(frame, piece);
    if (reason !== undefined) {
      frame.dropped = true;
      return { result: "dropped", reason };
    }
    const end = piece.byteOffset + piece.payload.length;
    frame.bytes.set(piece.payload, piece.byteOffset);
    frame.present.fill(1, piece.byteOffset, end);
    frame.farthest = Math.max(frame.farthest, end);
    if (!piece.more) frame.end = end;
    if (frame.end === undefined || frame.present.subarray(0, frame.end).includes(0)) {
      return { result: "waiting" };
    }
    this.#open.delete(key);
    return { result: "frame", frame: frame.bytes.slice(0, frame.end) };
  }

  /** Gives up what a peer that left has begun. */
  forget(sourcePeerId: number): void {
    for (const [key, frame] of this.#open) {
      if (frame.sourcePeerId === sourcePeerId) this.#open.delete(key);
    }
  }

  #begin(key: string, piece: PieceDatagram, nowMs: number): OpenFrame {
    const { sourcePeerId, header = piece.payload } = piece;
    const ofSource = [...this.#open].filter(([, frame]) => frame.sourcePeerId === sourcePeerId);
    if (ofSource.length >= OPEN_FRAMES_PER_SOURCE_MAX) this.#open.delete(ofSource[0][0]);
    if (this.#open.size >= OPEN_FRAMES_MAX) this.#open.delete([...this.#open.keys()][0]);
    const frame: OpenFrame = {
      sourcePeerId,
      openedMs: nowMs,
      header: header.slice(0, ETHERNET_HEADER_BYTES),
      bytes: new Uint8Array(FRAME_BYTES_MAX),
      present: new Uint8Array(FRAME_BYTES_MAX),
      dropped: false,
      end: undefined,
      farthest: 0,
    };
    this.#open.set(key, frame);
    return frame;
  }
}

/** The first rule of section 9.2 that a piece breaks. */
function objection(frame: OpenFrame, piece: PieceDatagram): string | undefined {
  const { byteOffset, payload, more, header = payload } = piece;
  const end = byteOffset + payload.length;
  if (frame.dropped) return "dropped";
  if (end > FRAME_BYTES_MAX) return "overlong";
  if (frame.header.some((byte, index) => byte !== header[index])) return "headerDiffers";
  if (!more && frame.end !== undefined) return "secondEnd";
  if (frame.end !== undefined && end > frame.end) return "beyondEnd";
  if (!more && frame.farthest > end) return "beyondEnd";
  if (frame.present.subarray(byteOffset, end).includes(1)) return "overlap";
  return undefined;
}

/** Section 10: the MTU of a room. */
export function roomMtu(
  budgetBytes: number,
  relayMaximumBytes: number,
  maxTapMtu: number,
): number {
  if (maxTapMtu === 1_500) return 1_500;
  return Math.max(1_280, Math.min(maxTapMtu, Math.min(budgetBytes, relayMaximumBytes) - 18));
}

/** Section 10: a room's MTU in the course of time. */
export class RoomMtuCourse {
  /** What the gateway's path has carried, and since when; the newest last. */
  readonly #path: { readonly fromMs: number; readonly tapMtu: number }[] = [];
  #changedMs = -1_000;

  constructor(public tapMtu: number) {}

  /** The gateway's path carries this from now on; undefined: there is no gateway. */
  gateway(tapMtu: number | undefined, nowMs: number): void {
    this.at(nowMs);
    if (tapMtu === undefined) this.#path.length = 0;
    else this.#path.push({ fromMs: nowMs, tapMtu });
    this.at(nowMs);
  }

  /** The MTU at this time, which is not before that of the last call. */
  at(nowMs: number): number {
    const present = this.#path.at(-1)?.tapMtu ?? this.tapMtu;
    if (present > this.tapMtu && nowMs >= this.#changedMs + 1_000) this.#become(present, nowMs);
    if (present < this.tapMtu) {
      const narrowFrom = this.#path.findLastIndex(({ tapMtu }) => tapMtu >= this.tapMtu) + 1;
      if (nowMs >= this.#path[narrowFrom].fromMs + 60_000) this.#become(present, nowMs);
    }
    return this.tapMtu;
  }

  #become(tapMtu: number, nowMs: number): void {
    this.tapMtu = tapMtu;
    this.#changedMs = nowMs;
  }
}

/** Section 7.3: the room key that follows from a gateway key, both as text. */
export async function roomKeyOf(gatewayKey: string): Promise<string> {
  const key = Uint8Array.fromBase64(gatewayKey, { alphabet: "base64url" });
  const input = concat(new TextEncoder().encode("lanparty/1 room key"), key);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", input));
  return digest.slice(0, 16).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Section 12: the frame by which switches learn where a client is. */
export function teachingFrame(mac: Uint8Array): Bytes {
  const body = new TextEncoder().encode("lanparty");
  return concat(new Uint8Array(6).fill(0xff), mac, [0x88, 0xb5], body, new Uint8Array(38));
}

/** Section 12.1: a client asks the gateway whether the LAN is there. */
export function lanQuestion(
  gateway: Uint8Array,
  mac: Uint8Array,
  id: Uint8Array,
  sees: number,
): Bytes {
  return lanTalk(gateway, mac, 0, id, [sees]);
}

/** Section 12.1: the gateway's answer; `quietMs` null: nothing was ever heard. */
export function lanAnswer(
  gateway: Uint8Array,
  mac: Uint8Array,
  id: Uint8Array,
  state: number,
  quietMs: number | null,
): Bytes {
  const quiet = quietMs ?? 0xffffffff;
  return lanTalk(mac, gateway, 1, id, [state, 0, ...u16(quiet >>> 16), ...u16(quiet & 0xffff)]);
}

function lanTalk(
  to: Uint8Array,
  from: Uint8Array,
  kind: number,
  id: Uint8Array,
  rest: number[],
): Bytes {
  const mark = new TextEncoder().encode("lanproof");
  const said = concat(to, from, [0x88, 0xb5], mark, [1, kind], id, rest);
  return concat(said, new Uint8Array(60 - said.length));
}

function u16(value: number): number[] {
  return [value >> 8 & 0xff, value & 0xff];
}

function concat(...parts: ArrayLike<number>[]): Bytes {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
