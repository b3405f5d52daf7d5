/**
 * What a ban can look for: a MAC, an address or a resume token, as text in one form each.
 *
 * @module
 */
import { parseIpv4, parseIpv6 } from "../proto/ip.ts";
import { formatMac, isMulticastMac, parseMac } from "../proto/mac.ts";
import { addressKey } from "./address_key.ts";

/** How much of a resume token names its holder; what is left of it is still secret enough. */
const TOKEN_NAME_CHARACTERS = 8;
/** Shorter tokens are none of this relay's. */
const TOKEN_CHARACTERS_MIN = 16;
const TOKEN = /^token:[A-Za-z0-9_-]{8}$/;

/**
 * What a ban can look for, in its canonical form: a MAC, an IPv4 address, the /64 of an IPv6 address, or
 * `token:` and the beginning of a resume token. `undefined`: the text is nothing of the kind.
 */
export function parseBanTarget(text: string): string | undefined {
  const mac = parseMac(text);
  if (mac !== undefined) return isMulticastMac(mac, 0) ? undefined : formatMac(mac);
  if (parseIpv4(text) !== undefined) return addressKey(text);
  const ipv6 = text.replace(/\/64$/, "");
  if (parseIpv6(ipv6) !== undefined) return addressKey(`[${ipv6}]`);
  return TOKEN.test(text) ? text : undefined;
}

/** What names the holder of a resume token; `undefined` if it is none. */
export function tokenName(token: string | undefined): string | undefined {
  if (token === undefined || token.length < TOKEN_CHARACTERS_MIN) return undefined;
  const name = `token:${token.slice(0, TOKEN_NAME_CHARACTERS)}`;
  return TOKEN.test(name) ? name : undefined;
}
