/**
 * What a client makes of DHCPv6 answers and router advertisements, for the second implementation: written from the
 * text of PROTOCOL.md alone (section 12). It lets advertisements in, and allows nothing more.
 */
import { readHeaders, type SeenHeaders } from "./deno_headers.ts";

const [UDP, ICMPV6] = [17, 58];
const CLIENT_PORT = 546;
const ADVERTISEMENT = 134;
const [ADVERTISE, REPLY] = [2, 7];
const [IA_NA, IA_ADDRESS, STATUS, PREFERENCE, RAPID_COMMIT] = [3, 5, 13, 7, 14];
const ANSWER_OPTIONS = [1, 2, IA_NA, PREFERENCE, STATUS, RAPID_COMMIT];
const ROUTER_OPTIONS = [1, 3];

const u16 = (bytes: Uint8Array, at: number) => bytes[at] << 8 | bytes[at + 1];
const u32 = (bytes: Uint8Array, at: number) => u16(bytes, at) * 65_536 + u16(bytes, at + 2);

/** An option: its code, and all of it. */
interface Option {
  readonly code: number;
  readonly bytes: Uint8Array;
}

/** A DHCPv6 answer as it goes on, or `undefined` where it is dropped. */
export function cleanAnswer(frame: Uint8Array): Uint8Array | undefined {
  const seen = readHeaders(frame);
  const { ipVersion, ipProtocol, destinationPort, transportOffset } = seen;
  if (ipVersion !== 6 || ipProtocol !== UDP || destinationPort !== CLIENT_PORT) return frame;
  const end = packetEnd(frame, seen);
  if (end === undefined || transportOffset + u16(frame, transportOffset + 4) !== end) {
    return undefined;
  }
  const message = transportOffset + 8;
  const isAnswer = frame[message] === ADVERTISE || frame[message] === REPLY;
  if (message + 4 > end || !isAnswer || u16(frame, transportOffset + 6) === 0) return undefined;
  const options = readLong(frame.subarray(message + 4, end));
  const kept = options?.filter(({ code }) => ANSWER_OPTIONS.includes(code));
  if (options === undefined || kept === undefined || !kept.every(isGoodOption)) return undefined;
  const given = kept.flatMap(addressesOf);
  const good = given.filter(({ bytes }) => isUniqueLocal(bytes, 4));
  if (given.length > 0 && good.length === 0) return undefined;
  if (kept.length === options.length && good.length === given.length) return frame;
  const body = [
    ...frame.subarray(message, message + 4),
    ...kept.flatMap((option) => [...withoutBadAddresses(option)]),
  ];
  const udp = [...frame.subarray(transportOffset, message), ...body];
  [udp[4], udp[5]] = [udp.length >> 8, udp.length & 0xff];
  return finish(frame, seen, udp, end, 6);
}

/** A router advertisement as it goes on, or `undefined` where it is dropped. */
export function cleanAdvertisement(frame: Uint8Array): Uint8Array | undefined {
  const seen = readHeaders(frame);
  const { ipVersion, ipProtocol, icmpType, networkOffset, transportOffset } = seen;
  if (ipVersion !== 6 || ipProtocol !== ICMPV6 || icmpType !== ADVERTISEMENT) return frame;
  const end = packetEnd(frame, seen);
  if (end === undefined || transportOffset + 16 > end) return undefined;
  if (frame[networkOffset + 7] !== 255 || frame[transportOffset + 1] !== 0) return undefined;
  const options = readShort(frame.subarray(transportOffset + 16, end));
  if (options === undefined) return undefined;
  const head = [...frame.subarray(transportOffset, transportOffset + 4), 0];
  head.push(frame[transportOffset + 5] & 0xc0, ...new Array(10).fill(0));
  const kept = options.filter(({ code }) => ROUTER_OPTIONS.includes(code)).flatMap((option) => {
    if (option.code !== 3) return [...option.bytes];
    const { bytes } = option;
    const isLans = bytes.length === 32 && isUniqueLocal(bytes, 16) && bytes[2] >= 48 &&
      bytes[2] <= 128;
    return isLans ? [...bytes].with(3, bytes[3] & 0xc0) : [];
  });
  return finish(frame, seen, [...head, ...kept], end, 2);
}

/** The end of the packet; `undefined` for a fragment, and where it is not inside the frame. */
function packetEnd(frame: Uint8Array, { networkOffset, ipFragment }: SeenHeaders) {
  const length = u16(frame, networkOffset + 4);
  const end = networkOffset + 40 + length;
  return length === 0 || end > frame.length || ipFragment !== 0 ? undefined : end;
}

/** Puts a message in the place of another one that was right, or was wrong by as much. */
function finish(
  frame: Uint8Array,
  { networkOffset, transportOffset }: SeenHeaders,
  message: readonly number[],
  end: number,
  checksumAt: number,
): Uint8Array {
  const before = frame.subarray(transportOffset, end);
  const sum = sumOf(before.with(checksumAt, 0).with(checksumAt + 1, 0)) + before.length;
  const after = sumOf(message.with(checksumAt, 0).with(checksumAt + 1, 0)) + message.length;
  const old = 0xffff - u16(before, checksumAt);
  const checksum = (0xffff - (((old + after - sum) % 0xffff) + 0xffff) % 0xffff) || 0xffff;
  const cleaned = frame.slice();
  cleaned.fill(0, transportOffset, end).set(message, transportOffset);
  cleaned.set([checksum >> 8, checksum & 0xff], transportOffset + checksumAt);
  const length = u16(frame, networkOffset + 4) - (before.length - message.length);
  cleaned.set([length >> 8, length & 0xff], networkOffset + 4);
  return cleaned;
}

function sumOf(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at++) sum += bytes[at] * (at % 2 === 0 ? 256 : 1);
  return sum;
}

function isGoodOption({ code, bytes }: Option): boolean {
  if (code === PREFERENCE) return bytes.length === 5;
  if (code === RAPID_COMMIT) return bytes.length === 4;
  if (code !== IA_NA) return true;
  if (bytes.length < 16 || !isTime(bytes, 8) || !isTime(bytes, 12)) return false;
  return readLong(bytes.subarray(16))?.every((inner) =>
    inner.code === STATUS || (inner.code === IA_ADDRESS && isGoodAddress(inner.bytes))
  ) ?? false;
}

/** The addresses in an option that holds some. */
function addressesOf({ code, bytes }: Option): Option[] {
  if (code !== IA_NA) return [];
  return readLong(bytes.subarray(16))!.filter((inner) => inner.code === IA_ADDRESS);
}

/** An option, of which those addresses are gone that are not the LAN's to give. */
function withoutBadAddresses({ code, bytes }: Option): Uint8Array {
  if (code !== IA_NA) return bytes;
  const kept = readLong(bytes.subarray(16))!.filter((inner) =>
    inner.code !== IA_ADDRESS || isUniqueLocal(inner.bytes, 4)
  );
  const whole = Uint8Array.of(...bytes.subarray(0, 16), ...kept.flatMap((one) => [...one.bytes]));
  whole.set([(whole.length - 4) >> 8, (whole.length - 4) & 0xff], 2);
  return whole;
}

function isGoodAddress(bytes: Uint8Array): boolean {
  if (bytes.length < 28 || !isTime(bytes, 24)) return false;
  return readLong(bytes.subarray(28))?.every(({ code }) => code === STATUS) ?? false;
}

function isTime(bytes: Uint8Array, at: number): boolean {
  return u32(bytes, at) === 0 || u32(bytes, at) >= 10;
}

/** fc00::/7 */
function isUniqueLocal(bytes: Uint8Array, at: number): boolean {
  return (bytes[at] & 0xfe) === 0xfc;
}

/** Options with a code and a length of two bytes each. */
function readLong(bytes: Uint8Array): Option[] | undefined {
  const options: Option[] = [];
  for (let at = 0; at < bytes.length;) {
    const next = at + 4 + u16(bytes, at + 2);
    if (!(next <= bytes.length)) return undefined;
    options.push({ code: u16(bytes, at), bytes: bytes.subarray(at, next) });
    at = next;
  }
  return options;
}

/** Options with a type, and a length in units of eight bytes. */
function readShort(bytes: Uint8Array): Option[] | undefined {
  const options: Option[] = [];
  for (let at = 0; at < bytes.length;) {
    const next = at + 8 * bytes[at + 1];
    if (!(next > at && next <= bytes.length)) return undefined;
    options.push({ code: bytes[at], bytes: bytes.subarray(at, next) });
    at = next;
  }
  return options;
}
