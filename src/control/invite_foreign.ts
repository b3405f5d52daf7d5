/**
 * What a text is that has no invite in it, in plain words.
 *
 * @module
 */
import { KEY_HASH_BYTES } from "./keys.ts";

/** Characters of a SHA-256 in base64url. */
const HASH_CHARACTERS = Math.ceil(KEY_HASH_BYTES * 8 / 6);

const BEGINS = "an invite begins with lanparty1";

/** By what they are known, in the order in which they are looked for. */
const OTHERS: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /^\s*$/, what: "there is nothing in it" },
  {
    pattern: /(?:^|\W)gateway_[\w-]{8}/i,
    what:
      "this is a gateway key, which only the party's host has and keeps to himself, and no invite",
  },
  { pattern: /(?:^|\W)room_[\w-]{8}/i, what: "this is a room's key alone, and no invite" },
  {
    pattern: /^\s*(?:relay|room)\s*=/im,
    what: "this is a configuration file (--config), and no invite",
  },
  {
    pattern: /lanparty:/i,
    what: "this is a link of lanparty's, but there is no invite in it",
  },
  { pattern: /^\W*https?:\/\//i, what: "this is the address of a web page, and no invite" },
  { pattern: /^\W*[a-z][a-z0-9+.-]*:\/\//i, what: "this is a link of another program" },
  {
    pattern: new RegExp(`^\\W*[\\w-]{${HASH_CHARACTERS}}=?\\W*$`),
    what: "this is a fingerprint, or the hash of a key, and no invite",
  },
  { pattern: /^\W*[\w-]{22}\W*$/, what: "this may be a room's key, but it is no invite" },
];

/** Why a text is no invite: one clause that quotes nothing of it. */
export function whatElse(text: string): string {
  const found = OTHERS.find(({ pattern }) => pattern.test(text));
  return `${found?.what ?? "there is no invite in it"}: ${BEGINS}`;
}
