/**
 * Which networks the party's LAN may be: those that nobody on the internet has, as far as nothing of this
 * PC's leads there. Whoever answers DHCP in the party could say otherwise, and would have all that this PC
 * sends to such addresses.
 *
 * @module
 */

import { readU32 } from "../proto/bytes.ts";
import {
  type IpNetwork,
  isInNetwork,
  isLoopback,
  isUnspecified,
  parseCidr,
  startsAs,
} from "../proto/ip.ts";
import { PRIVATE_BLOCKS } from "../proto/ip_blocks.ts";
import { type IpAddress, type IpRoute } from "../proto/ip_route.ts";

/** What this PC has without the party's adapter. */
export interface Surroundings {
  /** Routes of all tables, the adapter's among them. */
  readonly routes: readonly Omit<IpRoute, "metric">[];
  readonly addresses: readonly IpAddress[];
  /** Addresses of relays that are in use. */
  readonly relays: readonly Uint8Array[];
  /** The adapter's interface; undefined: it is not there. */
  readonly tapIndex: number | undefined;
  /** Whether interfaces upon the adapter may take frames of VLANs; absent: this PC takes none. */
  readonly takesVlans?: boolean;
  /** Interfaces that are tunnels by their kind: a network behind one is no home. */
  readonly tunnels?: readonly number[];
}

/** What {@linkcode LanNetworks.judge} says of an address and its network. */
export const NetworkVerdict = {
  good: 0,
  /** No address that a station can have: that of the network, of all in it, of a group, none. */
  unusable: 1,
  /** It belongs to others on the internet. */
  foreign: 2,
  /** It is wider than the block of addresses for private use that it lies in. */
  wide: 3,
  /** The relay's address lies in it. */
  relay: 4,
  /** An address of this PC's lies in it that is not the home's, or it is the home's own, or its router's. */
  own: 5,
  /** A route of this PC's leads there, such as a VPN's. */
  elsewhere: 6,
} as const;
/** One of {@linkcode NetworkVerdict}. */
export type NetworkVerdict = (typeof NetworkVerdict)[keyof typeof NetworkVerdict];

/**
 * A route that is wider leads to the internet: a default route, or one of the parts into which VPNs
 * cut it. Nothing as wide is for private use.
 */
const ROUTE_BITS_MIN = { ipv4: 8, ipv6: 7 } as const;
/** Whether a route leads to the internet: see the least lengths above. */
export function isInternetRoute(
  { destination, prefixBits }: Pick<IpRoute, "destination" | "prefixBits">,
): boolean {
  const bitsMin = destination.length === 4 ? ROUTE_BITS_MIN.ipv4 : ROUTE_BITS_MIN.ipv6;
  return prefixBits < bitsMin;
}

/** What a player may allow at most. */
const ALLOWED_BITS_MIN = { ipv4: 8, ipv6: 32 } as const;
/** No LAN with addresses that others could have is wider. */
const FOREIGN_BITS_MIN = { ipv4: 8, ipv6: 48 } as const;

/** fe80::/10. */
const IPV6_LINK_LOCAL: IpNetwork = {
  address: Uint8Array.of(0xfe, 0x80, ...new Uint8Array(14)),
  prefixBits: 10,
};

/**
 * Reads a network that is to be allowed, such as `203.0.113.0/24` or `2001:db8:7::/64`. Undefined for what
 * is none, and for one that no LAN has: wider than /8 (IPv6: /32), a group's, this PC's own.
 */
export function parseLanNetwork(text: string): IpNetwork | undefined {
  const network = parseCidr(text);
  if (network === undefined) return undefined;
  const { address, prefixBits } = network;
  const bitsMin = address.length === 4 ? ALLOWED_BITS_MIN.ipv4 : ALLOWED_BITS_MIN.ipv6;
  return prefixBits >= bitsMin && isStation(address, 0, address.length) ? network : undefined;
}

//= PROTOCOL.md 12
//# The user may allow others.
/** See the module. */
export class LanNetworks {
  readonly #allowed: readonly IpNetwork[];
  readonly #allowsForeign: boolean;
  #relays: readonly Uint8Array[] = [];
  /** Addresses at home: where the party has the same network, the home's servers are held by host routes. */
  #home: readonly IpAddress[] = [];
  /** Other addresses, such as a VPN's or of a network of containers: they keep their networks. */
  #own: readonly IpAddress[] = [];
  /** Routers at home and elsewhere: what this PC has itself it sends to nobody. */
  #routers: readonly Uint8Array[] = [];
  /** What other interfaces lead to, but for the home's network. */
  #elsewhere: readonly IpNetwork[] = [];

  /**
   * @param allowed networks that the player has allowed, whoever has them else
   * @param allowsForeign what others have on the internet may be there: it is reached through the LAN anyway
   */
  constructor(allowed: readonly IpNetwork[] = [], allowsForeign = false) {
    this.#allowed = allowed;
    this.#allowsForeign = allowsForeign;
  }

  /** To be told at first, and whenever something has changed. */
  update({ routes, addresses, relays, tapIndex, tunnels = [] }: Surroundings): void {
    const others = addresses.filter(({ interfaceIndex, address }) =>
      interfaceIndex !== tapIndex && !isLoopback(address)
    );
    this.#relays = relays.filter((relay) => !isLoopback(relay));
    this.#home = others.filter((one) =>
      !tunnels.includes(one.interfaceIndex) && isHome(one, routes)
    );
    this.#own = others.filter((one) => !this.#home.includes(one));
    this.#routers = routes.filter(({ interfaceIndex, nextHop }) =>
      interfaceIndex !== tapIndex && !isUnspecified(nextHop)
    ).map(({ nextHop }) => nextHop);
    const routed = routes.filter((route) => {
      const { destination, prefixBits, interfaceIndex } = route;
      if (interfaceIndex === tapIndex || isInternetRoute(route)) return false;
      if (!isStation(destination, 0, destination.length)) return false;
      return !this.#home.some((one) =>
        one.interfaceIndex === interfaceIndex && prefixBits >= one.prefixBits &&
        isInNetwork(destination, one.address, one.prefixBits)
      );
    }).map(({ destination, prefixBits }) => ({ address: destination, prefixBits }));
    // A link-local address says nothing of what is there: each link has the same network.
    const onLink = this.#own.filter(({ address }) => isStation(address, 0, address.length));
    this.#elsewhere = [...routed, ...onLink];
  }

  /** As {@linkcode judge}, apart from where this PC is. */
  judgeKind(bytes: Uint8Array, at: number, addressBytes: number, prefixBits: number): number {
    if (!isUsable(bytes, at, addressBytes, prefixBits)) return NetworkVerdict.unusable;
    if (this.#isAllowed(bytes, at, addressBytes, prefixBits)) return NetworkVerdict.good;
    for (const one of PRIVATE_BLOCKS) {
      if (one.address.length !== addressBytes) continue;
      if (!startsAs(bytes, at, one.address, one.prefixBits)) continue;
      return prefixBits < one.lanPrefixBitsMin ? NetworkVerdict.wide : NetworkVerdict.good;
    }
    const bitsMin = addressBytes === 4 ? FOREIGN_BITS_MIN.ipv4 : FOREIGN_BITS_MIN.ipv6;
    if (prefixBits < bitsMin) return NetworkVerdict.wide;
    return this.#allowsForeign ? NetworkVerdict.good : NetworkVerdict.foreign;
  }

  /**
   * Whether this PC may have the address at `bytes[at … at + addressBytes)`, and its network on the
   * adapter. Allocates nothing.
   *
   * @param addressBytes 4 or 16
   * @returns a {@linkcode NetworkVerdict}
   */
  judge(bytes: Uint8Array, at: number, addressBytes: number, prefixBits: number): number {
    const kind = this.judgeKind(bytes, at, addressBytes, prefixBits);
    if (kind !== NetworkVerdict.good) return kind;
    for (const relay of this.#relays) {
      if (relay.length !== addressBytes) continue;
      if (startsAs(bytes, at, relay, prefixBits)) return NetworkVerdict.relay;
    }
    for (const { address } of this.#home) {
      if (address.length !== addressBytes) continue;
      if (startsAs(bytes, at, address, addressBytes * 8)) return NetworkVerdict.own;
    }
    //= PROTOCOL.md 12
    //# It is never the address of a router of the user's own networks.
    for (const router of this.#routers) {
      if (router.length !== addressBytes) continue;
      if (startsAs(bytes, at, router, addressBytes * 8)) return NetworkVerdict.own;
    }
    for (const { address } of this.#own) {
      if (address.length !== addressBytes) continue;
      if (startsAs(bytes, at, address, prefixBits)) return NetworkVerdict.own;
    }
    if (this.#isAllowed(bytes, at, addressBytes, prefixBits)) return NetworkVerdict.good;
    for (const { address, prefixBits: bits } of this.#elsewhere) {
      if (address.length !== addressBytes) continue;
      const common = bits < prefixBits ? bits : prefixBits;
      if (startsAs(bytes, at, address, common)) return NetworkVerdict.elsewhere;
    }
    return NetworkVerdict.good;
  }

  /** Whether what others of this PC's have of the network of an address stays theirs, wherever it is from. */
  mustYield({ address, prefixBits }: IpNetwork): boolean {
    const verdict = this.judge(address, 0, address.length, prefixBits);
    return verdict === NetworkVerdict.own || verdict === NetworkVerdict.elsewhere;
  }

  #isAllowed(bytes: Uint8Array, at: number, addressBytes: number, prefixBits: number): boolean {
    for (const one of this.#allowed) {
      if (one.address.length !== addressBytes || prefixBits < one.prefixBits) continue;
      if (startsAs(bytes, at, one.address, one.prefixBits)) return true;
    }
    return false;
  }
}

/**
 * Whether an address is that of a home's network: others are in it, and one of them is this PC's router to the
 * internet. Of IPv6 that one is named by its link-local address (RFC 4861 section 4.2).
 */
function isHome(
  { interfaceIndex, address, prefixBits }: IpAddress,
  routes: Surroundings["routes"],
): boolean {
  if (prefixBits >= address.length * 8) return false;
  return routes.some((route) => {
    const { nextHop } = route;
    if (route.interfaceIndex !== interfaceIndex || route.prefixBits !== 0) return false;
    if (nextHop.length !== address.length || isUnspecified(nextHop)) return false;
    return isInNetwork(nextHop, address, prefixBits) ||
      isInNetwork(nextHop, IPV6_LINK_LOCAL.address, IPV6_LINK_LOCAL.prefixBits);
  });
}

/**
 * Whether an address can be a station's on a network: none of a group, of this PC itself, or of nobody, and
 * none that begins with fe80, which stations make themselves.
 */
export function isStation(bytes: Uint8Array, at: number, addressBytes: number): boolean {
  const first = bytes[at];
  if (addressBytes === 4) return first !== 0 && first !== 127 && first < 224;
  if (first === 0xff || (first === 0xfe && (bytes[at + 1] & 0xc0) === 0x80)) return false;
  for (let i = 0; i < 15; i++) if (bytes[at + i] !== 0) return true;
  return false;
}

/** Whether a station can have the address in a network of this length. */
function isUsable(
  bytes: Uint8Array,
  at: number,
  addressBytes: number,
  prefixBits: number,
): boolean {
  const bits = addressBytes * 8;
  if (prefixBits < 1 || prefixBits > bits || !isStation(bytes, at, addressBytes)) return false;
  if (addressBytes !== 4 || prefixBits > bits - 2) return true;
  const host = readU32(bytes, at) & (0xffff_ffff >>> prefixBits);
  return host !== 0 && host !== 0xffff_ffff >>> prefixBits;
}
