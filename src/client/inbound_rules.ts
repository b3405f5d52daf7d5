/**
 * Whom a player's firewall lets in, and to what, where the player wants others to reach games on this PC:
 * the LAN's own addresses, and all ports but those behind which a PC keeps doors to itself.
 *
 * @module
 */

import { formatIp, networkOf, parseCidr } from "../proto/ip.ts";
import { privateBlockOf } from "../proto/ip_blocks.ts";

/** Ports that stay shut unless the player names them. */
export interface ClosedPorts {
  readonly first: number;
  readonly last: number;
  readonly protocol: "TCP" | "UDP" | "both";
  /** What listens there. */
  readonly service: string;
  /** Why a LAN of strangers' PCs is not to reach it. */
  readonly reason: string;
  /** Elsewhere games may be there. */
  readonly only?: "windows";
}

const LOGIN = "whoever knows, or guesses, a password has the PC";
const SHARES = "files and printers that the PC shares at home, and their holes";
const ADMIN = "it runs programs from afar";
const SCREEN = "it hands over the screen";

/** All of them, in the order of their ports. `docs/INBOUND.md` is made of this. */
export const CLOSED_PORTS: readonly ClosedPorts[] = [
  port(22, "TCP", "SSH", LOGIN),
  port(23, "TCP", "Telnet", LOGIN),
  port(111, "both", "rpcbind", "it tells where NFS and its kind listen"),
  port(135, "both", "RPC endpoint mapper", "it tells where all other services of Windows listen"),
  { ...port(137, "both", "NetBIOS", SHARES), last: 139 },
  port(445, "both", "SMB", SHARES),
  port(515, "TCP", "LPD printing", SHARES),
  port(593, "TCP", "RPC over HTTP", "the endpoint mapper once more"),
  port(631, "TCP", "IPP printing", SHARES),
  port(
    1900,
    "UDP",
    "SSDP",
    "the PC's UPnP service, not a game's: games ask, and get their answers",
  ),
  port(2049, "both", "NFS", SHARES),
  port(2179, "TCP", "Hyper-V console", SCREEN),
  { ...port(2375, "TCP", "Docker", `${ADMIN}, without a password`), last: 2376 },
  port(2869, "TCP", "UPnP device host", "see SSDP"),
  port(3389, "both", "Remote Desktop", LOGIN),
  port(3702, "UDP", "WS-Discovery", "it offers what the PC shares at home"),
  port(5040, "TCP", "Connected Devices", "Windows' own; no game asks for it"),
  { ...port(5357, "TCP", "Web Services for Devices", "see WS-Discovery"), last: 5358 },
  port(5800, "TCP", "VNC over HTTP", SCREEN),
  { ...port(5900, "TCP", "VNC", SCREEN), last: 5909 },
  port(5938, "both", "TeamViewer", SCREEN),
  { ...port(5985, "TCP", "WinRM", ADMIN), last: 5986 },
  { ...port(6000, "TCP", "X11", SCREEN), last: 6009 },
  port(7070, "TCP", "AnyDesk", SCREEN),
  port(
    7680,
    "TCP",
    "Delivery Optimization",
    "it gives Windows' updates away, at the player's cost",
  ),
  port(9090, "TCP", "Cockpit", LOGIN),
  port(47001, "TCP", "WinRM", ADMIN),
  {
    ...port(
      49152,
      "TCP",
      "RPC of Windows' services",
      `${ADMIN}, and its doors can be tried one by one`,
    ),
    last: 65535,
    only: "windows",
  },
];

function port(
  first: number,
  protocol: ClosedPorts["protocol"],
  service: string,
  reason: string,
): ClosedPorts {
  return { first, last: first, protocol, service, reason };
}

const PORT_MAX = 65_535;

/**
 * The ports that are let in, as a firewall takes them: `1-21,24-134,…`.
 *
 * @param named ports that the player has named: they are open whatever listens there
 */
export function openPorts(
  protocol: "TCP" | "UDP",
  named: readonly number[],
  system: "windows" | "linux" = "windows",
): string {
  const closed = new Set<number>();
  for (const entry of CLOSED_PORTS) {
    if (entry.only !== undefined && entry.only !== system) continue;
    if (entry.protocol !== "both" && entry.protocol !== protocol) continue;
    for (let number = entry.first; number <= entry.last; number++) closed.add(number);
  }
  for (const number of named) closed.delete(number);
  const ranges: string[] = [];
  for (let first = 1; first <= PORT_MAX; first++) {
    if (closed.has(first)) continue;
    let last = first;
    while (last < PORT_MAX && !closed.has(last + 1)) last++;
    ranges.push(first === last ? `${first}` : `${first}-${last}`);
    first = last;
  }
  return ranges.join(",");
}

/** Where the addresses are others' on the internet, no more of them are let in than a large LAN has. */
const FOREIGN_BITS_MIN = 16;
/** A network of IPv6 (RFC 4291 section 2.5.4). */
const IPV6_BITS_MIN = 64;
/** What stations of IPv6 give themselves; never comes from further than the LAN. */
const LINK_LOCAL = "fe80::/64";

/**
 * The networks that are let in, by the adapter's addresses (`10.77.0.5/24`), whatever their masks claim.
 * The same addresses give the same text each time.
 */
export function inboundScopes(addresses: readonly string[]): string {
  const scopes = addresses.flatMap((cidr) => {
    const network = parseCidr(cidr.replace(/%[^/]*/, ""));
    if (network === undefined) return [];
    const { address, prefixBits } = network;
    if (address.length !== 4) return ipv6Scope(address, prefixBits);
    const [first] = address;
    if (first === 0 || first === 127 || first >= 224) return [];
    const own = Math.min(32, Math.max(prefixBits, bitsMin(address)));
    return [`${formatIp(networkOf(address, own))}/${own}`];
  });
  return [...new Set([...scopes.sort(), LINK_LOCAL])].join(",");
}

function bitsMin(address: Uint8Array): number {
  return privateBlockOf(address)?.prefixBits ?? FOREIGN_BITS_MIN;
}

function ipv6Scope(address: Uint8Array, prefixBits: number): string[] {
  const isGlobal = (address[0] & 0xe0) === 0x20 || (address[0] & 0xfe) === 0xfc;
  if (!isGlobal) return [];
  const own = Math.min(128, Math.max(prefixBits, IPV6_BITS_MIN));
  return [`${formatIp(networkOf(address, own))}/${own}`];
}
