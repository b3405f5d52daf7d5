/**
 * What a client makes of DHCP replies, for the second implementation: written from the text of
 * PROTOCOL.md alone (section 12).
 *
 * @module
 */
import { readHeaders } from "./deno_headers.ts";

const UNWANTED = [3, 6, 33, 121, 249, 252];
const UDP = 17;
const CLIENT_PORT = 68;
const COOKIE = [0x63, 0x82, 0x53, 0x63];

const u16 = (bytes: Uint8Array, at: number) => bytes[at] << 8 | bytes[at + 1];

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

  const options = readOptions(frame.subarray(message + 240, end));
  const overloads = (list: Option[] | undefined) =>
    list?.filter(({ code }) => code === 52).map(({ bytes }) => [...bytes.subarray(1)]) ?? [];
  const [[length, value] = [1, 0]] = overloads(options);
  if (length !== 1 || value > 3 || (value === 0 && overloads(options).length > 0)) return undefined;
  const fields: [at: number, end: number, list: Option[] | undefined][] = [
    [message + 240, end, options],
    ...(value & 1 ? [field(frame, message + 108, message + 236)] : []),
    ...(value & 2 ? [field(frame, message + 44, message + 108)] : []),
  ];
  if (fields.some(([, , list]) => list === undefined)) return undefined;
  if (fields.flatMap(([, , list]) => overloads(list)).length > 1) return undefined;

  const cleaned = frame.slice();
  for (const [at, end, list] of fields) {
    const kept = list!.filter(({ code }) => !UNWANTED.includes(code));
    if (kept.length === list!.length) continue;
    cleaned.fill(0, at, end).set([...kept.flatMap(({ bytes }) => [...bytes]), 255], at);
  }
  const checksumAt = transportOffset + 6;
  if (u16(frame, checksumAt) !== 0) {
    // Right for a message that came right: what changed is taken out of the old sum.
    let sum = 0xffff - u16(frame, checksumAt);
    for (let at = message; at < end; at++) {
      sum += (cleaned[at] - frame[at]) * ((at - message) % 2 === 0 ? 256 : 1);
    }
    const checksum = (0xffff - ((sum % 0xffff) + 0xffff) % 0xffff) || 0xffff;
    cleaned.set([checksum >> 8, checksum & 0xff], checksumAt);
  }
  return cleaned;
}

interface Option {
  readonly code: number;
  /** All of it: code, length and value; a pad is its code alone. */
  readonly bytes: Uint8Array;
}

function field(frame: Uint8Array, at: number, end: number): [number, number, Option[] | undefined] {
  return [at, end, readOptions(frame.subarray(at, end))];
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
