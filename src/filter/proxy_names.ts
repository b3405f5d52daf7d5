/**
 * Names by which systems look for a proxy (`wpad`) or a tunnel (`isatap`) in the network that they are in:
 * who answers for one takes over where the others' traffic goes.
 *
 * ```
 *  LLMNR (RFC 4795), mDNS (RFC 6762) and NetBIOS names (RFC 1002): all have DNS's form
 *   0 id   2 flags   4 questions   6 answers   8 authorities   10 others   12 names and records …
 * ```
 *
 * Services answer from their own port, but a system that has asked takes an answer from any: so the ports are
 * remembered from which it has asked.
 *
 * Questions pass. An answer does not, nor what registers such a name: an mDNS probe, a NetBIOS
 * registration.
 *
 * @module
 */
import { readU16 } from "../proto/bytes.ts";
import { type Dissection, IpProtocol } from "../proto/dissect.ts";
import { UdpPort } from "../proto/ip.ts";

const HEADER_BYTES = 12;
const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const QUESTION_BYTES = 4;
/** Type, class, time to live and length. */
const RECORD_BYTES = 10;
const POINTER = 0xc0;
/** References that are followed for one name; a longer chain is taken for what it may hide. */
const POINTERS_MAX = 16;
/** A NetBIOS name: 15 characters and a suffix, two letters each (RFC 1001 section 14.1). */
const NETBIOS_LABEL_BYTES = 32;
const NETBIOS_CHARACTERS = 15;

const NAMES: readonly Uint8Array[] = ["wpad", "isatap"].map((name) =>
  new TextEncoder().encode(name)
);

/** Whether a UDP packet is of a service by which names of a LAN are found. */
export function isNameService({ ipProtocol, sourcePort, destinationPort }: Dissection): boolean {
  return ipProtocol === IpProtocol.udp && (isNamePort(sourcePort) || isNamePort(destinationPort));
}

function isNamePort(port: number): boolean {
  return port === UdpPort.mdns || port === UdpPort.llmnr || port === UdpPort.netbiosNames;
}

/** How long the answer to a question is waited for, and how many questions are remembered at most. */
export const QUESTION_AGE_MS = 10_000;
export const QUESTIONS_MAX = 256;

/**
 * Where questions for names have come from: what comes back to such a port may be the answer, from whatever
 * port it is sent. Allocates nothing after the constructor.
 */
export class NameQuestions {
  /** Each port has one place, which it shares with others. */
  readonly #ports = new Uint16Array(QUESTIONS_MAX);
  readonly #askedMs = new Float64Array(QUESTIONS_MAX).fill(-Infinity);

  /** A packet of those whose questions are to be answered well. */
  note({ ipProtocol, sourcePort, destinationPort }: Dissection, nowMs: number): void {
    if (ipProtocol !== IpProtocol.udp || sourcePort < 0 || !isNamePort(destinationPort)) return;
    const place = sourcePort % QUESTIONS_MAX;
    this.#ports[place] = sourcePort;
    this.#askedMs[place] = nowMs;
  }

  //= PROTOCOL.md 12
  //# **Where names are asked for.** Of gateway and client rule 15 also holds for UDP to a port from
  //# which their side, the LAN or the TAP, has sent to port 137, 5353 or 5355 within 10 s: who has
  //# asked takes an answer from any port.
  /** Whether a packet of others goes to where a question has come from lately. */
  mayBeAnswer({ ipProtocol, destinationPort }: Dissection, nowMs: number): boolean {
    if (ipProtocol !== IpProtocol.udp || destinationPort < 0) return false;
    const place = destinationPort % QUESTIONS_MAX;
    return this.#ports[place] === destinationPort &&
      nowMs - this.#askedMs[place] <= QUESTION_AGE_MS;
  }
}

//= PROTOCOL.md 11.2
//# **Names** (rule 15): what follows the UDP header, up to the frame's end, has DNS's form:
//= PROTOCOL.md 11.2
//# A message that breaks off is read as far as it goes.
/**
 * Whether the message at `bytes[at … end)` answers for one of the names, or registers it. One that breaks
 * off is looked at as far as it goes.
 */
export function claimsProxyName(bytes: Uint8Array, at: number, end: number): boolean {
  if (at + HEADER_BYTES > end) return false;
  const flags = readU16(bytes, at + 2);
  const questions = readU16(bytes, at + 4);
  const records = readU16(bytes, at + 6) + readU16(bytes, at + 8) + readU16(bytes, at + 10);
  const asksOnly = (flags & (RESPONSE | OPCODE)) === 0;
  let next = at + HEADER_BYTES;
  for (let index = 0; index < questions + records; index++) {
    if (next >= end) return false;
    const isQuestion = index < questions;
    //= PROTOCOL.md 11.2
    //# Each name counts, but for those of questions where the flags & F800 are 0.
    if (!(isQuestion && asksOnly) && isProxyName(bytes, at, next, end)) return true;
    next = endOfName(bytes, next, end);
    if (isQuestion) next += QUESTION_BYTES;
    else {
      if (next + RECORD_BYTES > end) return false;
      next += RECORD_BYTES + readU16(bytes, next + RECORD_BYTES - 2);
    }
  }
  return false;
}

/** Where what follows a name begins: behind its last label, or behind its first reference. */
function endOfName(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const length = bytes[at];
    if ((length & POINTER) !== 0) return at + 2;
    at += 1 + length;
    if (length === 0) break;
  }
  return at;
}

/** Whether the first label of the name at `bytes[start]`, in the message at `bytes[message]`, is one of them. */
function isProxyName(bytes: Uint8Array, message: number, start: number, end: number): boolean {
  let at = start;
  //= PROTOCOL.md 11.2
  //# A reference (C0) is followed; after the 17th the name counts as one of them.
  for (let jumps = 0; jumps <= POINTERS_MAX; jumps++) {
    if (at + 1 >= end) return false;
    const length = bytes[at];
    if ((length & POINTER) !== POINTER) {
      return at + 1 + length <= end && isProxyLabel(bytes, at + 1, length);
    }
    at = message + (readU16(bytes, at) & 0x3fff);
  }
  return true;
}

//= PROTOCOL.md 11.2
//# It is one of the two if its first label is, in either case: `wpad` or `isatap`, or 32 letters
//# `A` to `P`, in either case, of which each two are a character of a NetBIOS name (RFC 1001
//# section 14.1), 15 characters that count
function isProxyLabel(bytes: Uint8Array, at: number, length: number): boolean {
  for (const name of NAMES) {
    if (length === name.length && isText(bytes, at, name)) return true;
    if (length === NETBIOS_LABEL_BYTES && isNetbiosText(bytes, at, name)) return true;
  }
  return false;
}

/** In either case, as names are compared. */
function isText(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let index = 0; index < name.length; index++) {
    if ((bytes[at + index] | 0x20) !== name[index]) return false;
  }
  return true;
}

/** A name of 15 characters, filled up with spaces; each character is two letters from A on. */
function isNetbiosText(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let index = 0; index < NETBIOS_CHARACTERS; index++) {
    const high = (bytes[at + 2 * index] & 0xdf) - 0x41;
    const low = (bytes[at + 2 * index + 1] & 0xdf) - 0x41;
    if (((high | low) & ~0x0f) !== 0) return false;
    const character = high << 4 | low;
    if (index >= name.length ? (character | 0x20) !== 0x20 : (character | 0x20) !== name[index]) {
      return false;
    }
  }
  return true;
}
