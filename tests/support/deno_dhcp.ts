/**
 * What a client makes of DHCP replies, for the second implementation: written from the text of
 * PROTOCOL.md alone (section 12). It has no other network than the party's, and allows nothing more.
 */
import { readHeaders } from "./deno_headers.ts";

const KEPT = [1, 28, 51, 52, 53, 54, 58, 59, 61, 80];
const LENGTHS = new Map([
  ...[1, 28, 51, 54, 58, 59].map((code) => [code, 4] as const),
  ...[52, 53].map((code) => [code, 1] as const),
  [80, 0] as const,
]);
const TIMES = [51, 58, 59];
const BLOCKS = [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
] as const;
const UDP = 17;
const CLIENT_PORT = 68;
const COOKIE = [0x63, 0x82, 0x53, 0x63];

const u16 = (bytes: Uint8Array, at: number) => bytes[at] << 8 | bytes[at + 1];
const number = (bytes: Iterable<number>) => [...bytes].reduce((sum, byte) => sum * 256 + byte, 0);

/** The frame as it goes on, or `undefined` where it is dropped. */
export function cleanReply(frame: Uint8Array): Uint8Array | undefined {
  const { ipVersion, ipProtocol, destinationPort, ipFragment, networkOffset, transportOffset } =
    readHeaders(frame);
  if (ipVersion !== 4 || ipProtocol !== UDP || destinationPort !== CLIENT_PORT) return frame;
  const end = transportOffset + u16(frame, transportOffset + 4);
  const message = transportOffset + 8;
  const isWhole = ipFragment === 0 && end === networkOffset + u16(frame, networkOffset + 2) &&
    end <= frame.length && end >= message + 240;
  const isReply = frame[message] === 2 &&
    COOKIE.every((byte, i) => frame[message + 236 + i] === byte);
  if (!isWhole || !isReply) return undefined;

  const fields = readFields(frame, message, end);
  if (fields === undefined) return undefined;
  const kept = keptCodes(frame, message, fields.flatMap(({ list }) => list ?? []));
  if (kept === undefined) return undefined;
  const cleaned = frame.slice();
  cleaned.fill(0, message + 20, message + 28);
  for (const { at, end, list } of fields) {
    const left = list?.filter(({ code }) => code === 0 || kept.includes(code));
    if (left !== undefined && left.length === list!.length) continue;
    const bytes = left === undefined ? [] : [...left.flatMap(({ bytes }) => [...bytes]), 255];
    cleaned.fill(0, at, end).set(bytes, at);
  }
  const checksumAt = transportOffset + 6;
  if (u16(frame, checksumAt) !== 0) correct(frame, cleaned, checksumAt, message, end);
  return cleaned;
}

interface Option {
  readonly code: number;
  /** All of it: code, length and value; a pad is its code alone. */
  readonly bytes: Uint8Array;
}

interface Field {
  readonly at: number;
  readonly end: number;
  /** Absent: it holds no options. */
  readonly list: Option[] | undefined;
}

/** The fields that may hold options, or `undefined` if one does not end inside its field. */
function readFields(frame: Uint8Array, message: number, end: number): Field[] | undefined {
  const read = (at: number, end: number, holds: boolean) => {
    return { at, end, list: holds ? readOptions(frame.subarray(at, end)) : undefined, holds };
  };
  const options = read(message + 240, end, true);
  const overload = options.list?.find(({ code }) => code === 52)?.bytes[2] ?? 0;
  const fields = [
    options,
    read(message + 108, message + 236, (overload & 1) !== 0),
    read(message + 44, message + 108, (overload & 2) !== 0),
  ];
  return fields.some(({ holds, list }) => holds && list === undefined) ? undefined : fields;
}

/** The options that stay, or `undefined` where the message is dropped. */
function keptCodes(
  frame: Uint8Array,
  message: number,
  options: readonly Option[],
): readonly number[] | undefined {
  const valuesOf = (wanted: number) =>
    options.filter(({ code }) => code === wanted).map(({ bytes }) => bytes.subarray(2));
  for (const [code, length] of LENGTHS) {
    const values = valuesOf(code);
    if (values.length > 1 || values.some((value) => value.length !== length)) return undefined;
  }
  const valueOf = (code: number) => valuesOf(code)[0] as Uint8Array | undefined;
  const overload = valueOf(52)?.[0] ?? 1;
  const type = valueOf(53)?.[0] ?? 0;
  const address = frame.subarray(message + 16, message + 20);
  const hasAddress = number(address) !== 0;
  if (overload < 1 || overload > 3) return undefined;
  if (type === 6) return hasAddress ? undefined : KEPT;
  if ((type !== 2 && type !== 5) || !hasAddress) return undefined;
  const server = valueOf(54)?.[0] ?? 1;
  if (server === 0 || server === 127 || server >= 224) return undefined;
  if (TIMES.some((code) => number(valueOf(code) ?? [1, 0]) < 10)) return undefined;
  const bits = prefixBits(address, valueOf(1));
  if (bits === undefined || !isLans(address, bits)) return undefined;
  const size = 2 ** (32 - bits);
  const last = Math.floor(number(address) / size) * size + size - 1;
  const broadcast = valueOf(28);
  const isOwn = bits <= 30 && broadcast !== undefined && number(broadcast) === last;
  return isOwn ? KEPT : KEPT.filter((code) => code !== 28);
}

function prefixBits(address: Uint8Array, mask: Uint8Array | undefined): number | undefined {
  if (mask === undefined) return address[0] < 128 ? 8 : address[0] < 192 ? 16 : 24;
  const text = [...mask].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return /^1+0*$/.test(text) ? text.replaceAll("0", "").length : undefined;
}

function isLans(address: Uint8Array, bits: number): boolean {
  const value = number(address);
  const place = value % 2 ** (32 - bits);
  if (bits <= 30 && (place === 0 || place === 2 ** (32 - bits) - 1)) return false;
  return BLOCKS.some(([block, blockBits]) => {
    const size = 2 ** (32 - blockBits);
    const start = number(block.split(".").map(Number));
    return bits >= blockBits && value >= start && value < start + size;
  });
}

/** Right for a message that came right: what changed is taken out of the old sum. */
function correct(
  frame: Uint8Array,
  cleaned: Uint8Array,
  checksumAt: number,
  message: number,
  end: number,
): void {
  let sum = 0xffff - u16(frame, checksumAt);
  let isChanged = false;
  for (let at = message; at < end; at++) {
    isChanged ||= cleaned[at] !== frame[at];
    sum += (cleaned[at] - frame[at]) * ((at - message) % 2 === 0 ? 256 : 1);
  }
  if (!isChanged) return;
  const checksum = (0xffff - ((sum % 0xffff) + 0xffff) % 0xffff) || 0xffff;
  cleaned.set([checksum >> 8, checksum & 0xff], checksumAt);
}

/** The options of a field, or `undefined` if one does not end inside it. */
function readOptions(bytes: Uint8Array): Option[] | undefined {
  const options: Option[] = [];
  for (let at = 0; at < bytes.length && bytes[at] !== 255;) {
    const length = bytes[at] === 0 ? 1 : 2 + bytes[at + 1];
    if (!(at + length <= bytes.length)) return undefined;
    options.push({ code: bytes[at], bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return options;
}
