/** Bytes, numbers and addresses as frames carry them, for tests. */

/** Bytes with memory of their own. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Joins byte strings; numbers are single bytes. */
export function join(...parts: (Uint8Array | readonly number[] | number)[]): Bytes {
  const arrays = parts.map((part) => typeof part === "number" ? [part] : part);
  const joined = new Uint8Array(arrays.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of arrays) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** A big-endian 16-bit number. */
export function u16(value: number): Bytes {
  return Uint8Array.of(value >> 8 & 0xff, value & 0xff);
}

/** A big-endian 32-bit number. */
export function u32(value: number): Bytes {
  return Uint8Array.of(value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff);
}

/** `count` bytes 0, 1, 2 … 255, 0 …: a payload in which a shift shows. */
export function pattern(count: number): Bytes {
  return Uint8Array.from({ length: count }, (_, index) => index & 0xff);
}

/** Bytes from hexadecimal digits; anything else in the text is skipped. */
export function fromHex(text: string): Bytes {
  const digits = text.replace(/[^0-9a-fA-F]/g, "");
  return Uint8Array.from(
    { length: digits.length >> 1 },
    (_, i) => parseInt(digits.substr(2 * i, 2), 16),
  );
}

/** Hexadecimal digits, lower case. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The six bytes of a MAC in text form. */
export function mac(text: string): Bytes {
  const bytes = fromHex(text);
  if (bytes.length !== 6) throw new TypeError(`${text} is no MAC`);
  return bytes;
}

/** The text form of a MAC in a frame: 0 is the destination's offset, 6 the source's. */
export function macAt(frame: Uint8Array, offset: number): string {
  return Array.from(frame.subarray(offset, offset + 6), (b) => b.toString(16).padStart(2, "0"))
    .join(":");
}

/** The four bytes of an IPv4 address. */
export function ip4(text: string): Bytes {
  const bytes = Uint8Array.from(text.split(".").map(Number));
  if (bytes.length !== 4) throw new TypeError(`${text} is no IPv4 address`);
  return bytes;
}

/** The sixteen bytes of an IPv6 address, `::` allowed. */
export function ip6(text: string): Bytes {
  const [head, tail] = text.split("::").map((half) => half === "" ? [] : half.split(":"));
  const missing = tail === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...new Array<string>(missing).fill("0"), ...(tail ?? [])];
  if (groups.length !== 8) throw new TypeError(`${text} is no IPv6 address`);
  return join(...groups.map((group) => u16(parseInt(group, 16))));
}

/** The internet checksum (RFC 1071) of some bytes. */
export function checksum(...parts: Uint8Array[]): number {
  const bytes = join(...parts);
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2) {
    sum += bytes[index] << 8 | (bytes[index + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
