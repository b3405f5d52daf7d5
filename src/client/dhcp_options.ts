/**
 * What of the answers of a LAN's DHCP servers and routers reaches the player: a list of what passes.
 * Whatever is not on it is taken out, known or not. `docs/LAN-ANSWERS.md` is written from these tables.
 *
 * @module
 */

/** Who may have an option: everybody, or players who have allowed the LAN's default route. */
export type Passage = "always" | "default-route" | "never";

/** An option, and why it passes or does not. */
export interface OptionRule {
  readonly code: number;
  readonly name: string;
  readonly passes: Passage;
  /** For people; no capital, no full stop. */
  readonly reason: string;
  /** Bytes of its value, where they are fixed; it may be there once then. */
  readonly valueBytes?: number;
}

function rule(
  code: number,
  name: string,
  passes: Passage,
  reason: string,
  valueBytes?: number,
): OptionRule {
  return { code, name, passes, reason, ...(valueBytes === undefined ? {} : { valueBytes }) };
}

const ROUTES = "it says where packets go: the player's own routes stay";
const NAMES = "it says who answers for names: the player's own name servers stay";
const BOOT = "nobody starts a computer from the party";
const CLOCK = "who sets a PC's clock decides which certificates are valid";

//= PROTOCOL.md 12
//# The options 1, 28, 51, 52, 53, 54, 58, 59, 61 and 80 stay, and where the user lets the LAN's
//# default route in also 3, 6, 15, 33, 119, 121 and 249;
//# [LAN-ANSWERS.md](../../docs/LAN-ANSWERS.md) has the reasons.
/** Options of DHCP (RFC 2132 and IANA's registry). Not listed: never. */
export const DHCP_OPTIONS: readonly OptionRule[] = [
  rule(1, "subnet mask", "always", "how large the LAN is: checked with the address", 4),
  rule(2, "time offset", "never", CLOCK),
  rule(3, "router", "default-route", ROUTES),
  rule(4, "time servers", "never", CLOCK),
  rule(6, "name servers", "default-route", NAMES),
  rule(12, "host name", "never", "a PC has a name already"),
  rule(15, "domain name", "default-route", "it completes the names that a player types"),
  rule(19, "IP forwarding", "never", "it would make a router of the PC"),
  rule(26, "interface MTU", "never", "the adapter's MTU is the room's"),
  rule(
    28,
    "broadcast address",
    "always",
    "games call to it; one that is not the network's own is taken out: packets to it would be broadcasts",
    4,
  ),
  rule(31, "router discovery", "never", "it would have the PC look for routers"),
  rule(33, "static routes", "default-route", ROUTES),
  rule(42, "NTP servers", "never", CLOCK),
  rule(43, "vendor options", "never", "Windows takes settings out of them"),
  rule(44, "NetBIOS name servers", "never", NAMES),
  rule(46, "NetBIOS node type", "never", "it says whom Windows asks for names"),
  rule(51, "lease time", "always", "how long the address is good", 4),
  rule(52, "overload", "always", "where more options stand: they are looked at as well", 1),
  rule(53, "message type", "always", "offer, acknowledgement or refusal: nothing else passes", 1),
  rule(54, "server identifier", "always", "whom the PC asks to have its lease for longer", 4),
  rule(56, "message", "never", "text of the LAN's for the PC's log"),
  rule(58, "renewal time", "always", "when the PC asks to have its lease for longer", 4),
  rule(59, "rebinding time", "always", "when it asks anybody", 4),
  rule(
    61,
    "client identifier",
    "always",
    "what the PC has said, for it to know the answer (RFC 6842)",
  ),
  rule(66, "TFTP server", "never", BOOT),
  rule(67, "boot file", "never", BOOT),
  rule(80, "rapid commit", "always", "an answer at once, to who has asked for it (RFC 4039)", 0),
  rule(108, "IPv6-only", "never", "it would switch the adapter's IPv4 off"),
  rule(114, "captive portal", "never", "it would open a page"),
  rule(116, "automatic addresses", "never", "the PC decides that"),
  rule(119, "search list", "default-route", "it completes the names that a player types"),
  rule(121, "classless routes", "default-route", ROUTES),
  rule(249, "classless routes, Microsoft's", "default-route", ROUTES),
  rule(252, "web proxy (WPAD)", "never", "it would lead the player's browser through the LAN"),
];

//= PROTOCOL.md 12
//# The options 1, 2, 3, 7, 13 and 14 stay, and where the user lets the LAN's default route in also
//# 23 and 24.
/** Options of DHCPv6 (RFC 8415 and IANA's registry). Not listed: never. */
export const DHCPV6_OPTIONS: readonly OptionRule[] = [
  rule(1, "client identifier", "always", "what the PC has said, for it to know the answer"),
  rule(2, "server identifier", "always", "whom the PC asks to have its lease for longer"),
  rule(3, "addresses (IA_NA)", "always", "the PC's addresses in the LAN: each is checked"),
  rule(7, "preference", "always", "which of several servers to take", 1),
  rule(13, "status", "always", "whether there is an address"),
  rule(14, "rapid commit", "always", "an answer at once, to who has asked for it", 0),
  rule(23, "name servers", "default-route", NAMES),
  rule(24, "search list", "default-route", "it completes the names that a player types"),
  rule(25, "prefixes (IA_PD)", "never", "it would make a router of the PC"),
  rule(31, "SNTP servers", "never", CLOCK),
  rule(56, "NTP servers", "never", CLOCK),
  rule(59, "boot file", "never", BOOT),
  rule(103, "captive portal", "never", "it would open a page"),
];

/** Options of router advertisements (RFC 4861 and IANA's registry). Not listed: never. */
export const ROUTER_OPTIONS: readonly OptionRule[] = [
  rule(1, "link-layer address", "always", "the router's MAC"),
  rule(3, "prefix", "always", "the LAN's own network, where it may be one; else it is taken out"),
  rule(5, "MTU", "never", "the adapter's MTU is the room's"),
  rule(24, "routes", "default-route", ROUTES),
  rule(25, "name servers", "default-route", NAMES),
  rule(31, "search list", "default-route", "it completes the names that a player types"),
  rule(37, "captive portal", "never", "it would open a page"),
  rule(38, "NAT64 prefix", "never", "it would lead IPv4 into the LAN"),
];

/** By code, 1 where an option passes. */
export function passing(
  rules: readonly OptionRule[],
  allowsDefaultRoute: boolean,
): Uint8Array<ArrayBuffer> {
  const codes = new Uint8Array(256);
  for (const { code, passes } of rules) {
    if (passes === "always" || (passes === "default-route" && allowsDefaultRoute)) codes[code] = 1;
  }
  return codes;
}

/** What our own DHCP client uses, in the order of its question: 121 is before 3, which it replaces (RFC 3442). */
const ASKED = [1, 28, 121, 3, 6, 15, 119] as const;

/** Codes of the options that our own DHCP client asks for: never one that would not pass. */
export function askedOptions(allowsDefaultRoute: boolean): readonly number[] {
  const codes = passing(DHCP_OPTIONS, allowsDefaultRoute);
  return ASKED.filter((code) => codes[code] === 1);
}

/** By code, the bytes that an option's value has; -1: any number. */
export function valueBytesOf(rules: readonly OptionRule[]): Int8Array {
  const bytes = new Int8Array(256).fill(-1);
  for (const { code, valueBytes } of rules) if (valueBytes !== undefined) bytes[code] = valueBytes;
  return bytes;
}
