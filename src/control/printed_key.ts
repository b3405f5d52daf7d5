/**
 * Keys as people see them, and as they paste them back.
 *
 * ```
 *  room_B-ZsSYxJesVH8q-8fVGnFwD        gateway_AAECAwQFBgcICQoLDA0ODwI
 *  └kind └the key's 22 characters      └check character
 * ```
 *
 * The prefix says which of the two keys it is, and the check character that none of the others is wrong. Both
 * are in print only: messages and hashes have the 22 characters, which are accepted without prefix, too.
 *
 * The check character is a sum over GF(64), in which each character's value has another power of x: one wrong
 * character, and two that have changed places, always show.
 *
 * @module
 */

import { base64UrlText, base64UrlValue } from "./base64url.ts";
import { KEY_BYTES, parseKey, parseKeyHash } from "./keys.ts";

/** Which of the two keys. */
export type KeyKind = "room" | "gateway";

/** A key in the form that messages have, or why a text is none: one clause that quotes nothing of it. */
export type ReadKey =
  | { readonly ok: true; readonly key: string }
  | { readonly ok: false; readonly why: string };

/** Characters of a key in messages. */
const KEY_CHARACTERS = Math.ceil(KEY_BYTES * 8 / 6);

/** What the remainder begins with: a key under the other kind's prefix has another check character. */
const CHECK_SEED: Readonly<Record<KeyKind, number>> = { room: 1, gateway: 2 };
/** x⁶ + x + 1, a primitive polynomial. */
const CHECK_POLYNOMIAL = 0b1000011;

/** The key of 22 characters as it is printed. */
export function printKey(kind: KeyKind, key: string): string {
  return `${kind}_${key}${checkCharacter(kind, key)}`;
}

/**
 * The key in what somebody has typed or pasted: the key itself, in either form, with spaces or quotes
 * around or in it; a line such as `room-key room_…`, `--room-key=…` or `room-key = "…"`; or several such lines,
 * of which the one that is wanted counts.
 */
export function readKey(kind: KeyKind, text: string): ReadKey {
  const parts = partsOf(text);
  const wanted = new Set(parts.filter((part) => part.kind === kind).map((part) => part.text));
  if (wanted.size > 1) return no(`there are several ${kind} keys in it: give one`);
  if (wanted.size === 1) {
    const [word] = wanted;
    const read = judge(kind, word);
    const whole = parts.map((part) => part.text).join("");
    const joined = !read.ok && whole.startsWith(word) ? judge(kind, whole) : read;
    return joined.ok && prefixOf(whole) === kind ? joined : read;
  }
  if (parts.some((part) => part.kind !== undefined)) return no(OTHER_KIND[kind]);
  const keys = parts.filter((part) => parseKey(part.text) !== undefined);
  if (keys.length > 1) return no("there are several keys in it: give one");
  const [part] = keys.length === 1 ? keys : parts;
  return keys.length === 1 || parts.length === 1
    ? judge(kind, part.text)
    : no(`there is no key in it: a ${kind} key begins with ${kind}_`);
}

const OTHER_KIND: Readonly<Record<KeyKind, string>> = {
  room:
    "this is a gateway key, which only the party's host has: players take the room key, which " +
    "begins with room_",
  gateway: "this is a room key, which is for players: the gateway takes the gateway key, which " +
    "begins with gateway_",
};

/** A word of the text that may be a key, and of which kind it says, or its label says, that it is. */
interface Part {
  readonly text: string;
  readonly kind: KeyKind | undefined;
}

/** What stands around and between words: spaces, quotes of all kinds, and what assigns. */
const BETWEEN = /[\s\p{Cf}"'`„“”‚‘’«»<>()[\]{}=:;,.!?*|]+/u;
const LABEL = /^-*(room|gateway)[_-]?key$/i;
const HASH_LABEL = /^-*key[_-]?hash$/i;
const PREFIX = /^(room|gateway)_/i;

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let label: KeyKind | "hash" | undefined;
  const words = text.replace(/\b(room|gateway|key) +(key|hash)\b/gi, "$1-$2").split(BETWEEN);
  for (const word of words.filter((word) => word !== "")) {
    const [, labelled] = LABEL.exec(word) ?? [];
    if (labelled !== undefined) label = kindOf(labelled);
    else if (HASH_LABEL.test(word)) label = "hash";
    else {
      const kind = prefixOf(word) ?? label;
      if (kind !== "hash") parts.push({ text: word, kind });
      label = undefined;
    }
  }
  return parts;
}

function kindOf(word: string): KeyKind {
  return word.toLowerCase() === "room" ? "room" : "gateway";
}

/** What a word's prefix says; 22 characters are a key without one, whatever they begin with. */
function prefixOf(word: string): KeyKind | undefined {
  const prefix = word.length === KEY_CHARACTERS ? undefined : PREFIX.exec(word)?.[1];
  return prefix === undefined ? undefined : kindOf(prefix);
}

/** One word, as a key of this kind. */
function judge(kind: KeyKind, word: string): ReadKey {
  if (parseKeyHash(word) !== undefined) {
    return no(`this is a key's hash, for a relay's list: a ${kind} key begins with ${kind}_`);
  }
  const isPrinted = prefixOf(word) !== undefined;
  const body = isPrinted ? word.replace(PREFIX, "") : word;
  const wrong = Array.from(body).findIndex((one) => base64UrlValue(one) === undefined);
  if (wrong >= 0) {
    const place = word.length - body.length + wrong + 1;
    return no(`this is no key: its character ${place} is no letter, digit, - or _`);
  }
  const key = body.slice(0, KEY_CHARACTERS);
  if (!isPrinted) {
    if (body.length !== KEY_CHARACTERS) {
      return no(
        `this is no key: a ${kind} key begins with ${kind}_, or has ${KEY_CHARACTERS} ` +
          `characters, and this has ${body.length}`,
      );
    }
    return parseKey(key) === undefined
      ? no("this is no key: check its last character")
      : { ok: true, key };
  }
  const missing = KEY_CHARACTERS + 1 - body.length;
  if (missing !== 0) {
    const many = Math.abs(missing) === 1 ? "1 character" : `${Math.abs(missing)} characters`;
    return no(`this key is damaged: it has ${many} too ${missing > 0 ? "few" : "many"}; ${AGAIN}`);
  }
  const isWhole = body.at(-1) === checkCharacter(kind, key) && parseKey(key) !== undefined;
  return isWhole ? { ok: true, key } : no(
    `this key is damaged: its last character, which checks the others, does not fit; ${AGAIN}`,
  );
}

const AGAIN = "copy it again";

//= PROTOCOL.md 7.3
//# The check character is the base64url character of `c`, which starts as 1 for a room key and 2 for
//# a gateway key and becomes `(c + v)·x` in GF(64) with x⁶ + x + 1 for each of the 22 characters in
//# turn, `v` being its value in base64url.
function checkCharacter(kind: KeyKind, key: string): string {
  let remainder = CHECK_SEED[kind];
  for (const character of key) {
    remainder = (remainder ^ (base64UrlValue(character) ?? 0)) << 1;
    if (remainder & 64) remainder ^= CHECK_POLYNOMIAL;
  }
  return base64UrlText(remainder);
}

function no(why: string): ReadKey {
  return { ok: false, why };
}
