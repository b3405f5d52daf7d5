/** Frames for the tests of `src/proto`, put together byte by byte. */

/** The bytes of hex text; white space is ignored. */
export function hex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error(`no hex: ${text}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** The hex text of bytes. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Puts bytes and numbers (one byte each) behind each other. */
export function join(...parts: (Uint8Array | number)[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => typeof part === "number" ? [part] : [...part]));
}

/** Two bytes, big-endian. */
export function u16(value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

/** `count` bytes that differ from their neighbours and from those of another seed. */
export function pattern(count: number, seed = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    { length: count },
    (_, index) => (index * 7 + seed * 31 + (index >> 8)) & 0xff,
  );
}

/** From `02:00:00:00:00:51` to `02:00:00:00:00:01`. */
export const MACS = hex("020000000001 020000000051");

/** An Ethernet frame with a type. */
export function ethernet(
  type: number,
  ...payload: (Uint8Array | number)[]
): Uint8Array<ArrayBuffer> {
  return join(MACS, u16(type), ...payload);
}

/** A frame of `count` bytes that is no IP. */
export function plainFrame(count: number, seed = 0): Uint8Array<ArrayBuffer> {
  return ethernet(0x88b5, pattern(count - 14, seed));
}

export interface Ipv4Fields {
  readonly protocol?: number;
  /** Options; a multiple of 4 bytes. */
  readonly options?: Uint8Array;
  /** The field with flags and fragment offset. */
  readonly fragment?: number;
  readonly version?: number;
  readonly headerWords?: number;
  readonly totalBytes?: number;
}

/** An IPv4 packet from 10.0.0.81 to 10.0.0.1. */
export function ipv4(fields: Ipv4Fields, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const options = fields.options ?? new Uint8Array(0);
  const headerBytes = 20 + options.length;
  return join(
    (fields.version ?? 4) << 4 | (fields.headerWords ?? headerBytes / 4),
    0,
    u16(fields.totalBytes ?? headerBytes + payload.length),
    u16(0x1234),
    u16(fields.fragment ?? 0),
    64,
    fields.protocol ?? 17,
    u16(0),
    hex("0a000051 0a000001"),
    options,
    payload,
  );
}

/** An IPv6 packet from fe80::51 to fe80::1. */
export function ipv6(
  nextHeader: number,
  payload: Uint8Array,
  fields: { readonly version?: number; readonly payloadBytes?: number } = {},
): Uint8Array<ArrayBuffer> {
  return join(
    (fields.version ?? 6) << 4,
    hex("000000"),
    u16(fields.payloadBytes ?? payload.length),
    nextHeader,
    255,
    hex("fe800000000000000000000000000051 fe800000000000000000000000000001"),
    payload,
  );
}

/** A UDP header and its data. */
export function udp(sourcePort: number, destinationPort: number, dataBytes = 4) {
  return join(
    u16(sourcePort),
    u16(destinationPort),
    u16(8 + dataBytes),
    u16(0),
    pattern(dataBytes),
  );
}

/** An extension header of the common form; `bytes` is a multiple of 8. */
export function extension(nextHeader: number, bytes = 8): Uint8Array<ArrayBuffer> {
  return join(nextHeader, bytes / 8 - 1, new Uint8Array(bytes - 2));
}

/** An IPv6 fragment header; `offset` in units of 8 bytes. */
export function fragmentHeader(nextHeader: number, offset: number, more: boolean) {
  return join(nextHeader, 0, u16(offset << 3 | (more ? 1 : 0)), hex("00000007"));
}
