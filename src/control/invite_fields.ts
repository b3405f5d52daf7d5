/**
 * The fields of an invite: what a client must know to join a party, as bytes (docs/INVITE.md).
 *
 * ```
 *  ┌──────┬────────┬───────────────┬──────┬────────┬───
 *  │ type │ length │ value         │ type │ length │ …
 *  └──────┴────────┴───────────────┴──────┴────────┴───
 *    1 B    1 B      length B
 * ```
 *
 * A reader skips a field of a type of 80 (hex) or more that it does not know; below that it gives up, since the
 * invite asks for something that only a newer program can do.
 *
 * @module
 */
import { readU16, readU32, writeU16, writeU32 } from "../proto/bytes.ts";
import { cleanText, countCodePoints } from "../proto/clean_text.ts";
import { formatIp, IPV4_BYTES, IPV6_BYTES, parseIp } from "../proto/ip.ts";
import {
  type EndpointAddress,
  parseEndpointAddress,
  parseHost,
  RELAY_WAYS_MAX,
} from "./address.ts";
import { base64Url, parseBase64Url } from "./base64url.ts";
import { asciiBytes, formatKey, joinBytes, KEY_BYTES, KEY_HASH_BYTES, parseKey } from "./keys.ts";
import { parseRoomCode } from "./room.ts";

/** What an invite says. */
export interface Invite {
  /** Ways to one and the same relay, the best first. */
  readonly relays: readonly EndpointAddress[];
  /** The name that the relay's certificate must hold; absent: the host of the way that is used. */
  readonly serverName?: string;
  /** The relay's key, as `parseFingerprint` gives it; absent: a public CA vouches for the relay. */
  readonly fingerprint?: string;
  /** In its canonical form. */
  readonly room: string;
  /** Of 22 characters; absent: the relay asks for none. */
  readonly roomKey?: string;
  /** How the party is called, for people. */
  readonly partyName?: string;
  /** Until when it is good, in seconds since 1970; absent: for ever. */
  readonly expiresUnixS?: number;
}

/** Most bytes of all fields of an invite that is written: it has 249 characters then. */
export const INVITE_FIELDS_BYTES_MAX = 175;
/** Longest name of a party, in Unicode code points. */
export const PARTY_NAME_CODE_POINTS_MAX = 32;

/** The types of fields. */
export const InviteField = {
  relayName: 1,
  relayIpv4: 2,
  relayIpv6: 3,
  serverName: 4,
  fingerprint: 5,
  publicCa: 6,
  room: 7,
  roomKey: 8,
  expires: 9,
  partyName: 0x80,
} as const;

/** From here on, a field may be skipped by who does not know it. */
const OPTIONAL_MIN = 0x80;
const HEAD_BYTES = 2;
const PORT_BYTES = 2;
const UNIX_BYTES = 4;

/** Why bytes are no invite: one clause, for people. */
export type InviteFault =
  | { readonly ok: false; readonly kind: "malformed"; readonly why: string }
  | { readonly ok: false; readonly kind: "too-new" };

/** The fields of an invite, or why it has none: one clause. */
export function writeInviteFields(
  invite: Invite,
): { readonly ok: true; readonly bytes: Uint8Array } | {
  readonly ok: false;
  readonly why: string;
} {
  const { relays, serverName, fingerprint, room, roomKey, partyName, expiresUnixS } = invite;
  const text = new TextEncoder();
  const parts = [
    ...relays.map(relayField),
    ...(serverName === undefined ? [] : [field(InviteField.serverName, text.encode(serverName))]),
    fingerprint === undefined
      ? field(InviteField.publicCa, new Uint8Array())
      : field(InviteField.fingerprint, sure(parseBase64Url(fingerprint, KEY_HASH_BYTES))),
    field(InviteField.room, asciiBytes(room)),
    ...(roomKey === undefined ? [] : [field(InviteField.roomKey, sure(parseKey(roomKey)))]),
    ...(expiresUnixS === undefined ? [] : [field(InviteField.expires, unixBytes(expiresUnixS))]),
    ...(partyName === undefined ? [] : [field(InviteField.partyName, text.encode(partyName))]),
  ];
  const bytes = joinBytes(...parts);
  if (bytes.length > INVITE_FIELDS_BYTES_MAX) {
    const over = bytes.length - INVITE_FIELDS_BYTES_MAX;
    const why = `this is ${over} bytes more than an invite holds: name fewer ways to the relay, ` +
      "or a shorter name of the party";
    return { ok: false, why };
  }
  const read = readInviteFields(bytes);
  if (read.ok) return { ok: true, bytes };
  return { ok: false, why: read.kind === "malformed" ? read.why : "it is for newer programs" };
}

/** Reads the fields of an invite. */
export function readInviteFields(
  bytes: Uint8Array,
): { readonly ok: true; readonly invite: Invite } | InviteFault {
  const relays: EndpointAddress[] = [];
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length;) {
    const [type, length] = bytes.subarray(at, at + HEAD_BYTES);
    const end = at + HEAD_BYTES + (length ?? 0);
    if (length === undefined || end > bytes.length) return malformed("a field does not end");
    const value = bytes.subarray(at + HEAD_BYTES, end);
    at = end;
    if (isRelay(type)) {
      const relay = relayOf(type, value);
      if (relay === undefined) return malformed("a relay's address is none");
      relays.push(relay);
    } else if (!KNOWN.has(type)) {
      if (type < OPTIONAL_MIN) return { ok: false, kind: "too-new" };
    } else if (found.has(type)) return malformed("something stands in it twice");
    else found.set(type, value);
  }
  return inviteOf(relays, found);
}

const KNOWN: ReadonlySet<number> = new Set(Object.values(InviteField));

function isRelay(type: number): boolean {
  return type === InviteField.relayName || type === InviteField.relayIpv4 ||
    type === InviteField.relayIpv6;
}

function inviteOf(
  relays: readonly EndpointAddress[],
  found: ReadonlyMap<number, Uint8Array>,
): { readonly ok: true; readonly invite: Invite } | InviteFault {
  if (relays.length === 0) return malformed("it names no relay");
  if (relays.length > RELAY_WAYS_MAX) return malformed("it names too many relays");
  const pin = found.get(InviteField.fingerprint);
  const isPublic = found.get(InviteField.publicCa);
  if ((pin === undefined) === (isPublic === undefined)) {
    return malformed("it does not say how the relay is known");
  }
  if (isPublic !== undefined && isPublic.length > 0 || hasOther(pin, KEY_HASH_BYTES)) {
    return malformed("the relay's fingerprint is none");
  }
  const room = asciiText(found.get(InviteField.room));
  if (room === undefined || parseRoomCode(room) !== room) return malformed("it names no room");
  const key = found.get(InviteField.roomKey);
  if (hasOther(key, KEY_BYTES)) return malformed("the room's key is none");
  const expires = found.get(InviteField.expires);
  if (hasOther(expires, UNIX_BYTES)) return malformed("its time is none");
  const name = found.get(InviteField.serverName);
  const serverName = asciiText(name);
  if (name !== undefined && (serverName === undefined || !isPlainHost(serverName))) {
    return malformed("the relay's name is none");
  }
  const partyName = partyNameOf(found.get(InviteField.partyName));
  const invite: Invite = {
    relays,
    ...(serverName === undefined ? {} : { serverName }),
    ...(pin === undefined ? {} : { fingerprint: base64Url(pin) }),
    room,
    ...(key === undefined ? {} : { roomKey: formatKey(key) }),
    ...(partyName === undefined ? {} : { partyName }),
    ...(expires === undefined ? {} : { expiresUnixS: readU32(expires, 0) }),
  };
  return { ok: true, invite };
}

function malformed(why: string): InviteFault {
  return { ok: false, kind: "malformed", why };
}

function hasOther(value: Uint8Array | undefined, length: number): boolean {
  return value !== undefined && value.length !== length;
}

/** A name that strangers have written, as it may be shown; undefined where nothing is left of it. */
function partyNameOf(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  const clean = cleanText(new TextDecoder().decode(value)).trim();
  return clean === "" ? undefined : cleanText(clean, PARTY_NAME_CODE_POINTS_MAX);
}

/** A name of a party as an invite can have it; undefined: nothing is left of it, or it is too long. */
export function parsePartyName(text: string): string | undefined {
  const clean = cleanText(text).trim();
  return clean !== "" && countCodePoints(clean) <= PARTY_NAME_CODE_POINTS_MAX ? clean : undefined;
}

function field(type: number, value: Uint8Array): Uint8Array {
  return joinBytes(Uint8Array.of(type, value.length), value);
}

function relayField({ host, port, ipVersion }: EndpointAddress): Uint8Array {
  const head = new Uint8Array(PORT_BYTES);
  writeU16(head, 0, port);
  const [type, value] = ipVersion === 0
    ? [InviteField.relayName, asciiBytes(host)]
    : [ipVersion === 4 ? InviteField.relayIpv4 : InviteField.relayIpv6, sure(parseIp(host))];
  return field(type, joinBytes(head, value));
}

function relayOf(type: number, value: Uint8Array): EndpointAddress | undefined {
  if (value.length <= PORT_BYTES) return undefined;
  const port = readU16(value, 0);
  const host = value.subarray(PORT_BYTES);
  if (port === 0) return undefined;
  if (type !== InviteField.relayName) {
    const ipVersion = type === InviteField.relayIpv4 ? 4 : 6;
    const length = ipVersion === 4 ? IPV4_BYTES : IPV6_BYTES;
    return host.length === length ? { host: formatIp(host), port, ipVersion } : undefined;
  }
  const name = asciiText(host);
  const isName = name !== undefined && parseEndpointAddress(name)?.ipVersion === 0 &&
    isPlainHost(name);
  return isName ? { host: name, port, ipVersion: 0 } : undefined;
}

/** Whether a host stands in the one form that there is of it. */
function isPlainHost(text: string): boolean {
  return parseHost(text) === text;
}

/** ASCII text without controls; undefined: it is none. */
function asciiText(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = String.fromCharCode(...value);
  return /^[\x21-\x7e]+$/.test(text) ? text : undefined;
}

function unixBytes(unixS: number): Uint8Array {
  const bytes = new Uint8Array(UNIX_BYTES);
  writeU32(bytes, 0, unixS);
  return bytes;
}

/** What options and messages have checked already. */
function sure(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new Error("an invite is to be made of what is none");
  return bytes;
}
