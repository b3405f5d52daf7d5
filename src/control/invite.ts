/**
 * Invites: all that a client must know to join a party, in one line (docs/INVITE.md).
 *
 * ```
 *  lanparty1 gAcBCQ…                       lanparty://join/lanparty1gAcBCQ…
 *         │ └base64url of: length, fields, CRC32c
 *         └version of the format
 * ```
 *
 * Whatever is pasted with it (a sentence, quotes, a mail's line breaks, the link's head) does no harm. What is
 * wrong with one is told apart: cut off, a character wrong, of a newer program, something else altogether.
 *
 * @module
 */
import { readU32, writeU32 } from "../proto/bytes.ts";
import { crc32c } from "../proto/crc32c.ts";
import { base64Url, base64UrlText, base64UrlValue, parseBase64Url } from "./base64url.ts";
import {
  type Invite,
  INVITE_FIELDS_BYTES_MAX,
  readInviteFields,
  writeInviteFields,
} from "./invite_fields.ts";
import { whatElse } from "./invite_foreign.ts";

/** What a link to a party begins with, in front of the invite. */
export const INVITE_LINK = "lanparty://join/";
/** What every invite of this version begins with. */
export const INVITE_START = "lanparty1";
/** A text in which an invite is looked for is no longer, in UTF-16 units. */
export const INVITE_TEXT_MAX = 4_096;

const VERSION = 1;
const LENGTH_BYTES = 1;
const CHECKSUM_BYTES = 4;
/** Characters from which on a text that begins so is meant as an invite, however damaged. */
const MEANT_CHARACTERS_MIN = 16;
/** Of these the first two tell how many there are. */
const HEAD_CHARACTERS = 2;

/** In which way a text is no invite. */
export type InviteProblem =
  | "foreign"
  | "several"
  | "cut-off"
  | "damaged"
  | "malformed"
  | "too-new";

/** An invite and its plain text, or why there is none: one clause that quotes nothing of it. */
export type ReadInvite =
  | { readonly ok: true; readonly invite: Invite; readonly text: string }
  | { readonly ok: false; readonly problem: InviteProblem; readonly why: string };

/** The line that is sent to players; or why it cannot be made: one clause. */
export function formatInvite(
  invite: Invite,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string } {
  const fields = writeInviteFields(invite);
  if (!fields.ok) return fields;
  const { length } = fields.bytes;
  const bytes = new Uint8Array(LENGTH_BYTES + length + CHECKSUM_BYTES);
  bytes[0] = length;
  bytes.set(fields.bytes, LENGTH_BYTES);
  writeU32(bytes, LENGTH_BYTES + length, crc32c(bytes, 0, LENGTH_BYTES + length));
  return { ok: true, text: `${INVITE_START}${base64Url(bytes)}` };
}

/** Reads the invite in what somebody has typed, pasted or clicked. */
export function readInvite(text: string): ReadInvite {
  if (text.length > INVITE_TEXT_MAX) return no("foreign", "this is too long to be an invite");
  const good = new Map<string, ReadInvite>();
  let first: ReadInvite | undefined;
  for (const { index } of text.matchAll(/lanparty\d/gi)) {
    const read = readAt(text, index);
    if (read === undefined) continue;
    if (read.ok) good.set(read.text, read);
    else first ??= read;
  }
  if (good.size > 1) return no("several", "there are several invites in it: give one");
  const [read] = good.values();
  return read ?? first ?? no("foreign", whatElse(text));
}

/** Whether a text is meant as an invite, good or not, and not as the name of a relay. */
export function looksLikeInvite(text: string): boolean {
  if (/lanparty:\/\//i.test(text) || readInvite(text).ok) return true;
  const meant = new RegExp(`^\\W*lanparty\\d[\\w-]{${MEANT_CHARACTERS_MIN},}`, "i").exec(text);
  return meant !== null && !/^[.:]\w/.test(text.slice(meant[0].length));
}

/** Until when an invite is good, if that time is over; ms since 1970. */
export function expiredSince(invite: Invite, unixMs: number): number | undefined {
  const { expiresUnixS } = invite;
  return expiresUnixS !== undefined && expiresUnixS * 1_000 <= unixMs
    ? expiresUnixS * 1_000
    : undefined;
}

/** What stands at a place where `lanparty` and a digit do; undefined: something else is meant. */
function readAt(text: string, at: number): ReadInvite | undefined {
  const version = Number(text[at + INVITE_START.length - 1]);
  const rest = text.slice(at + INVITE_START.length);
  const solid = leading(rest);
  if (version === VERSION) {
    for (const characters of [solid, leading(withoutBreaks(rest))]) {
      const read = readCharacters(characters);
      if (read !== undefined) return read;
    }
  }
  const isAlone = withoutBreaks(text.replaceAll(/[^\w\s-]|lanparty:\/\/(join\/)?/gi, "")).length <=
    INVITE_START.length + solid.length;
  const word = version === VERSION ? /^\S*/.exec(rest)?.[0] ?? "" : solid;
  if (word.length < MEANT_CHARACTERS_MIN && !isAlone) return undefined;
  if (version === VERSION) return diagnose(rest);
  return version === 0 ? undefined : no("too-new", TOO_NEW);
}

/** What can be of an invite, up to the first character that cannot. */
function leading(text: string): string {
  return /^[A-Za-z0-9_-]*/.exec(text)?.[0] ?? "";
}

/** Without what mails put into a long line: breaks, quotation marks of answers, spaces. */
function withoutBreaks(text: string): string {
  return text.replace(/=?\r?\n[>|\s]*|[\s\p{Cf}]+/gu, "");
}

/** How many characters an invite has, as its first ones say; undefined: they do not. */
function lengthOf(characters: string): number | undefined {
  const [high, low] = Array.from(characters.slice(0, HEAD_CHARACTERS), base64UrlValue);
  if (high === undefined || low === undefined) return undefined;
  const bytes = LENGTH_BYTES + (high << 2 | low >> 4) + CHECKSUM_BYTES;
  return Math.ceil(bytes * 8 / 6);
}

/** The invite that characters begin with; undefined: they are damaged. */
function readCharacters(characters: string): ReadInvite | undefined {
  const length = lengthOf(characters);
  if (length === undefined || length > characters.length) return undefined;
  const fields = checkedFields(characters.slice(0, length));
  if (fields === undefined) return undefined;
  const read = readInviteFields(fields);
  if (read.ok) {
    const { invite } = read;
    return { ok: true, invite, text: `${INVITE_START}${characters.slice(0, length)}` };
  }
  if (read.kind === "too-new") return no("too-new", TOO_NEW);
  return no("malformed", `this invite was not made as it should be (${read.why}); ${ASK}`);
}

/** The fields in exactly these characters, if their checksum is right. */
function checkedFields(characters: string): Uint8Array | undefined {
  const bytes = parseBase64Url(characters, Math.floor(characters.length * 6 / 8));
  const end = (bytes?.length ?? 0) - CHECKSUM_BYTES;
  if (bytes === undefined || end < LENGTH_BYTES || bytes[0] !== end - LENGTH_BYTES) {
    return undefined;
  }
  return readU32(bytes, end) === crc32c(bytes, 0, end)
    ? bytes.subarray(LENGTH_BYTES, end)
    : undefined;
}

const COPY = "copy it again, from the first character to the last";
const ASK = "ask the host for a new one";
const TOO_NEW = "this invite was made by a newer lanparty: get the newest client";

/** What is wrong with what was meant as an invite. */
function diagnose(rest: string): ReadInvite {
  const { characters, behind } = wholeLines(rest);
  const length = lengthOf(characters);
  const stranger = /^[^\s\w"'`)\]}>.,;:!?…-]/u.test(behind) && /^.[\w-]{2}/u.test(behind);
  if (stranger) {
    return damaged(`its character ${place(characters.length)} is none that it can have`);
  }
  const wrong = wrongCharacter(characters);
  if (wrong !== undefined) return damaged(`its character ${place(wrong)} is wrong`);
  const isFolded = characters.length >= MEANT_CHARACTERS_MIN &&
    [characters.toLowerCase(), characters.toUpperCase()].includes(characters);
  if (isFolded) return damaged("capital letters and small ones have become the same");
  if (length === undefined) return cutOff("most of its characters are");
  const missing = length - characters.length;
  if (missing === 1) return cutOff("its last character is");
  if (missing > 1) return cutOff(`its last ${missing} characters are`);
  return damaged("some of its characters are wrong");
}

function cutOff(what: string): ReadInvite {
  return no("cut-off", `this invite is cut off: ${what} missing; ${COPY}`);
}

function damaged(how: string): ReadInvite {
  return no("damaged", `this invite is damaged: ${how}; ${COPY}`);
}

/** The number of a character, from 1, as people count: with what stands in front. */
function place(index: number): number {
  return INVITE_START.length + index + 1;
}

/** The characters of an invite that goes on over lines that hold nothing else, and what stands behind. */
function wholeLines(rest: string): { readonly characters: string; readonly behind: string } {
  let characters = leading(rest);
  let behind = rest.slice(characters.length);
  for (;;) {
    const [, skipped, more] = /^(\s*?\n[>|\s]*)([\w-]+)(?=\s*?(?:\n|$))/.exec(behind) ?? [];
    if (more === undefined || /^lanparty\d/i.test(more)) return { characters, behind };
    characters += more;
    behind = behind.slice(skipped.length + more.length);
  }
}

/** Where the one character is, if there is one, that makes all others right when it is another. */
function wrongCharacter(characters: string): number | undefined {
  if (characters.length > CHARACTERS_MAX) return undefined;
  for (let at = 0; at < characters.length; at++) {
    const [before, after] = [characters.slice(0, at), characters.slice(at + 1)];
    for (let value = 0; value < 64; value++) {
      const other = `${before}${base64UrlText(value)}${after}`;
      if (lengthOf(other) === other.length && checkedFields(other) !== undefined) return at;
    }
  }
  return undefined;
}
const CHARACTERS_MAX = Math.ceil((LENGTH_BYTES + INVITE_FIELDS_BYTES_MAX + CHECKSUM_BYTES) * 8 / 6);

function no(problem: InviteProblem, why: string): ReadInvite {
  return { ok: false, problem, why };
}
