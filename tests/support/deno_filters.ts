/**
 * What the filters say to a frame, for the second implementation: written from the text of PROTOCOL.md alone
 * (section 11, rules 7 to 20, and section 11.2).
 */
import { readHeaders, type SeenHeaders } from "./deno_headers.ts";

const UDP = 17;
const u16 = (bytes: Uint8Array, at: number) => bytes[at] << 8 | bytes[at + 1];

/** Who has sent a frame, and what is allowed. */
export interface FilterCase {
  readonly from: "client" | "gateway";
  /** Whether the bytes are the first piece of a frame. */
  readonly firstPiece: boolean;
  readonly allowRouterAdvertisements: boolean;
  readonly allowVlan?: boolean;
}

/** The relay's rules on a whole frame or a first piece: the reason, or null. */
export function filterReason(frame: Uint8Array, options: FilterCase): string | null {
  const seen = readHeaders(frame);
  const isClient = options.from === "client";
  const destination = frame.subarray(0, 6).toHex();
  if (/^0180c200000|^01000ccccccc|^01000ccccccd/.test(destination)) return "switch-control";
  if (seen.tooManyTags) return "too-many-tags";
  if (seen.truncated && (options.firstPiece || seen.ipFragment === 1)) return "hidden-headers";
  if (isClient) {
    if (seen.vlanIds > 0 && options.allowVlan !== true) return "vlan-tag";
    const isRegistration = [0x88f5, 0x88f6, 0x22ea].includes(seen.etherType);
    if (isRegistration || /^0180c200002/.test(destination)) return "vlan-registration";
    if (isRouters(seen, (frame[0] & 1) === 1)) return "router-protocol";
  }
  if (seen.ipProtocol === UDP && seen.ipVersion > 0) {
    return isClient ? udpReason(frame, seen) : null;
  }
  return icmpReason(seen, isClient, options.allowRouterAdvertisements) ??
    (isClient ? playerReason(frame, seen) : null);
}

function isRouters(seen: SeenHeaders, toGroup: boolean): boolean {
  if (seen.ipVersion === 0) return false;
  if ([112, 89, 88, 103].includes(seen.ipProtocol)) return true;
  const { sourcePort, destinationPort } = seen;
  const isPort = [520, 521, 1985, 2029, 3222, 6696].includes(destinationPort);
  return seen.ipProtocol === UDP && isPort && (toGroup || sourcePort === destinationPort);
}

function udpReason(frame: Uint8Array, seen: SeenHeaders): string | null {
  const { ipVersion, sourcePort, destinationPort } = seen;
  if (ipVersion === 4 && (sourcePort === 67 || destinationPort === 68)) return "dhcp-server";
  if (ipVersion === 6 && (sourcePort === 547 || destinationPort === 546)) return "dhcpv6-server";
  if (![sourcePort, destinationPort].some((port) => [137, 5353, 5355].includes(port))) return null;
  if (seen.ipFragment === 1) return "hidden-headers";
  if (seen.transportOffset < 0) return null;
  return speaksForProxy(frame.subarray(seen.transportOffset + 8)) ? "proxy-name" : null;
}

function icmpReason(seen: SeenHeaders, isClient: boolean, advertise: boolean): string | null {
  const { ipVersion, ipProtocol, icmpType } = seen;
  const type = ipProtocol === (ipVersion === 4 ? 1 : 58) ? icmpType : -1;
  if (ipVersion === 0) return null;
  if (type === (ipVersion === 4 ? 9 : 134)) {
    if (isClient || !advertise) return "router-advertisement";
  } else if (type === (ipVersion === 4 ? 5 : 137) && isClient) return "icmp-redirect";
  const isDiscovery = ipVersion === 6 && type >= 133 && type <= 137;
  return isDiscovery && seen.ipFragment === 1 ? "hidden-headers" : null;
}

/** IGMP and MLD queries, and neighbours' MACs that are not the sender's own. */
function playerReason(frame: Uint8Array, seen: SeenHeaders): string | null {
  const { ipVersion, ipProtocol, transportOffset, icmpType } = seen;
  const isIgmp = ipVersion === 4 && ipProtocol === 2 && transportOffset >= 0;
  if (isIgmp && frame[transportOffset] === 0x11) return "multicast-query";
  if (ipVersion === 6 && ipProtocol === 58 && icmpType === 130) return "multicast-query";
  const own = frame.subarray(6, 12).toHex();
  return neighbourMacs(frame, seen).some((mac) => mac !== own) ? "neighbour-forged" : null;
}

/** The MACs that a frame names as those of an address of its sender's. */
function neighbourMacs(frame: Uint8Array, seen: SeenHeaders): string[] {
  if (seen.etherType === 0x0806) {
    const arp = frame.subarray(seen.networkOffset);
    const isKnown = arp.length >= 28 && u16(arp, 2) === 0x0800 && u16(arp, 4) === 0x0604;
    const isProbe = arp.subarray(14, 18).every((byte) => byte === 0);
    return isKnown && !isProbe ? [arp.subarray(8, 14).toHex()] : [];
  }
  if (seen.ipVersion !== 6 || seen.ipProtocol !== 58 || seen.transportOffset < 0) return [];
  const message = frame.subarray(seen.transportOffset);
  const packet = frame.subarray(seen.networkOffset);
  const places: Readonly<Record<number, [options: number, wanted: number, address: Uint8Array]>> = {
    133: [8, 1, packet.subarray(8, 24)],
    134: [16, 1, packet.subarray(8, 24)],
    135: [24, 1, packet.subarray(8, 24)],
    136: [24, 2, message.subarray(8, 24)],
    137: [40, 2, message.subarray(8, 24)],
  };
  const place = places[seen.icmpType];
  if (place === undefined || message.length < place[0]) return [];
  const [start, wanted, address] = place;
  if (address.every((byte) => byte === 0)) return [];
  const macs: string[] = [];
  for (let at = start; at + 8 <= message.length && message[at + 1] > 0; at += 8 * message[at + 1]) {
    if (message[at] === wanted && message[at + 1] === 1) {
      macs.push(message.subarray(at + 2, at + 8).toHex());
    }
  }
  return macs;
}

/** Whether a message in DNS's form answers for `wpad` or `isatap`, or registers it. */
function speaksForProxy(message: Uint8Array): boolean {
  if (message.length < 12) return false;
  const [flags, questions] = [u16(message, 2), u16(message, 4)];
  const records = u16(message, 6) + u16(message, 8) + u16(message, 10);
  let at = 12;
  for (let index = 0; index < questions + records; index++) {
    const counts = index >= questions || (flags & 0xf800) !== 0;
    if (counts && isProxyLabel(firstLabel(message, at))) return true;
    at = behindName(message, at);
    if (index < questions) at += 4;
    else if (at + 10 > message.length) return false;
    else at += 10 + u16(message, at + 8);
    if (at >= message.length) return false;
  }
  return false;
}

/** Undefined: more references than are followed. */
function firstLabel(message: Uint8Array, start: number): Uint8Array | undefined {
  let at = start;
  for (let jumps = 0; jumps <= 16; jumps++) {
    if (at + 2 > message.length) return new Uint8Array(0);
    if (message[at] < 0xc0) {
      const label = message.subarray(at + 1, at + 1 + message[at]);
      return label.length === message[at] ? label : new Uint8Array(0);
    }
    at = u16(message, at) & 0x3fff;
  }
  return undefined;
}

function behindName(message: Uint8Array, start: number): number {
  let at = start;
  while (at < message.length && message[at] > 0) {
    if (message[at] >= 0x40) return at + 2;
    at += 1 + message[at];
  }
  return at < message.length ? at + 1 : at;
}

function isProxyLabel(label: Uint8Array | undefined): boolean {
  if (label === undefined) return true;
  const text = String.fromCharCode(...label);
  if (/^(wpad|isatap)$/i.test(text)) return true;
  if (label.length !== 32) return false;
  const letters = /^[a-p]{30}/i.exec(text)?.[0].toLowerCase();
  if (letters === undefined) return false;
  const name = letters.match(/../g)!.map((pair) =>
    String.fromCharCode((pair.charCodeAt(0) - 97) * 16 + pair.charCodeAt(1) - 97)
  ).join("");
  return /^(wpad|isatap)[ \0]*$/i.test(name);
}
