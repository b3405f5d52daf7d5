/**
 * The filters: frames that a party must not carry. The relay asks them of all that it forwards, the
 * gateway of what goes to its LAN, and the client of what goes to the player's system: each by itself, so
 * that nobody depends on what the others do.
 *
 * They look at one frame, know no rooms, and return a drop code or `PASS`. Frames that are split
 * show their headers in the first piece only; so that one must hold the whole header chain, and later
 * pieces are judged by their copy of the Ethernet header and by where they end. What the relay cannot see
 * in a first piece, gateway and client see in the whole frame.
 *
 * @module
 */
import { DropCode, PASS, type Verdict } from "../observe/drops.ts";
import { type Dissection, IpFragment, IpProtocol } from "../proto/dissect.ts";
import { SOURCE_MAC_OFFSET } from "../proto/ethernet.ts";
import { IcmpType, Icmpv6Type, UDP_HEADER_BYTES, UdpPort } from "../proto/ip.ts";
import { isMulticastMac } from "../proto/mac.ts";
import { NeighbourMessage } from "./neighbour_message.ts";
import { claimsProxyName, isNameService, NameQuestions } from "./proxy_names.ts";

/** Whose frames are judged, and what the one who asks has allowed. */
export interface ContentRules {
  /** A player's frames; else the gateway's, that is, those of its LAN. */
  readonly fromPlayer: boolean;
  /** Router advertisements of the LAN. */
  readonly allowRouterAdvertisements: boolean;
  /** What the LAN's routers say of routes: redirects, and IPv4 router discovery. */
  readonly allowRouteChanges: boolean;
  /** Frames of VLANs; priority tags (VID 0) pass in any case. */
  readonly allowVlan: boolean;
  /** The LAN's answers for names by which systems look for a proxy or a tunnel. */
  readonly allowProxyNames: boolean;
}

const IGMP_QUERY = 0x11;
/** RIP (RFC 2453), RIPng (RFC 2080), HSRP (RFC 2281) and its version for IPv6, GLBP, Babel (RFC 8966). */
const ROUTER_PORTS: readonly number[] = [
  ...[UdpPort.rip, UdpPort.ripng, UdpPort.hsrp, UdpPort.hsrpv6, UdpPort.glbp, UdpPort.babel],
];
/** MVRP, MMRP and MSRP (IEEE 802.1Q). */
const REGISTRATION_TYPES = [0x88f5, 0x88f6, 0x22ea];

/** The filters, with what they need for a look at a frame. Nothing allocates after the constructor. */
export class ContentFilter {
  readonly #neighbour = new NeighbourMessage();
  readonly #questions = new NameQuestions();

  /** A packet of those for whom frames are judged, which `frame` describes: it may ask for a name. */
  noteSent(frame: Dissection, nowMs: number): void {
    this.#questions.note(frame, nowMs);
  }

  /**
   * Judges what a whole frame or a first piece carries, which `frame` describes, in
   * `bytes[offset … end)`.
   *
   * `firstPiece` says that more of the frame follows in later pieces. A chain of headers that does not end
   * inside a first piece, or inside a first IP fragment, could hide what the filters look for (RFC 7113).
   *
   * @param nowMs matters where {@linkcode noteSent} is called
   */
  judge(
    bytes: Uint8Array,
    offset: number,
    end: number,
    frame: Dissection,
    firstPiece: boolean,
    rules: ContentRules,
    nowMs = 0,
  ): Verdict {
    //= PROTOCOL.md 11
    //# | 8 | all | more than two VLAN tags | `too-many-tags`
    if (frame.tooManyTags) return DropCode.tooManyTags;
    //= PROTOCOL.md 11
    //# | 9 | all | a first piece, or a first IP fragment, inside which the chain of headers does
    //# not end | `hidden-headers`
    //= PROTOCOL.md 11.1
    //# A whole frame that is no first fragment and whose chain does not end passes rule 9: no
    //# receiver can take it for more than it is.
    if (frame.truncated && (firstPiece || frame.ipFragment === IpFragment.first)) {
      return DropCode.hiddenHeaders;
    }
    //= PROTOCOL.md 11
    //# | 10 | client, unless allowed | a VLAN tag with an id other than 0 | `vlan-tag`
    if (frame.vlanIds !== 0 && !rules.allowVlan) return DropCode.vlanTag;
    if (rules.fromPlayer) {
      //= PROTOCOL.md 11
      //# | 11 | client | EtherType 88F5, 88F6 or 22EA, or destination 01-80-C2-00-00-20 … 2F: MVRP,
      //# MMRP, MSRP, GVRP | `vlan-registration`
      if (isRegistration(bytes, offset, frame)) return DropCode.vlanRegistration;
      //= PROTOCOL.md 11
      //# | 12 | client | IP protocol 112, 89, 88 or 103 (VRRP, CARP, OSPF, EIGRP, PIM); UDP to port
      //# 520, 521, 1985, 2029, 3222 or 6696 (RIP, RIPng, HSRP, GLBP, Babel), if to a group or from
      //# the same port | `router-protocol`
      if (isRouterProtocol(bytes, offset, frame)) return DropCode.routerProtocol;
    }
    if (frame.ipProtocol === IpProtocol.udp) {
      const isOfNames = isNameService(frame) || this.#questions.mayBeAnswer(frame, nowMs);
      return judgeUdp(bytes, end, frame, rules, isOfNames);
    }
    const code = judgeRouting(frame, rules);
    if (code !== PASS) return code;
    // A receiver must not take these out of fragments (RFC 6980), and what is behind the first is not seen.
    //= PROTOCOL.md 11
    //# | 18 | all | ICMPv6 types 133 to 137 in a first IP fragment, where no receiver may take them
    //# (RFC 6980) | `hidden-headers`
    if (frame.ipFragment === IpFragment.first && isNeighbourDiscovery(frame)) {
      return DropCode.hiddenHeaders;
    }
    if (!rules.fromPlayer) return PASS;
    //= PROTOCOL.md 11
    //# | 19 | client | IGMP type 11 (hexadecimal), ICMPv6 type 130: a query for who wants which
    //# group | `multicast-query`
    if (isMulticastQuery(bytes, end, frame)) return DropCode.multicastQuery;
    //= PROTOCOL.md 11
    //# | 20 | client | ARP or neighbour discovery that gives an address of the sender's another
    //# MAC: section 11.2 | `neighbour-forged`
    return this.#neighbour.read(bytes, offset, end, frame) &&
        !this.#neighbour.isOf(bytes, offset + SOURCE_MAC_OFFSET)
      ? DropCode.neighbourForged
      : PASS;
  }
}

function judgeUdp(
  bytes: Uint8Array,
  end: number,
  frame: Dissection,
  rules: ContentRules,
  isOfNames: boolean,
): Verdict {
  const { sourcePort, destinationPort } = frame;
  if (rules.fromPlayer) {
    if (frame.ipVersion === 4) {
      if (sourcePort === UdpPort.dhcpServer || destinationPort === UdpPort.dhcpClient) {
        //= PROTOCOL.md 11
        //# | 13 | client | IPv4 UDP from port 67 or to port 68 | `dhcp-server`
        return DropCode.dhcpServer;
      }
    } else if (sourcePort === UdpPort.dhcpv6Server || destinationPort === UdpPort.dhcpv6Client) {
      //= PROTOCOL.md 11
      //# | 14 | client | IPv6 UDP from port 547 or to port 546 | `dhcpv6-server`
      return DropCode.dhcpv6Server;
    }
  }
  if ((!rules.fromPlayer && rules.allowProxyNames) || !isOfNames) return PASS;
  if (frame.ipFragment === IpFragment.first) return DropCode.hiddenHeaders;
  if (frame.transportOffset < 0) return PASS;
  //= PROTOCOL.md 11
  //# | 15 | client | UDP from or to port 137, 5353 or 5355 in a first IP fragment:
  //# `hidden-headers`; else an answer for `wpad` or `isatap` in it, or its registration: section
  //# 11.2 | `proxy-name`
  return claimsProxyName(bytes, frame.transportOffset + UDP_HEADER_BYTES, end)
    ? DropCode.proxyName
    : PASS;
}

/** What routers tell hosts by ICMP. */
function judgeRouting(frame: Dissection, rules: ContentRules): Verdict {
  //= PROTOCOL.md 11
  //# | 16 | client; gateway unless allowed | ICMPv6 type 134, ICMP type 9: router advertisement |
  //# `router-advertisement`
  //= PROTOCOL.md 11
  //# | 17 | client | ICMPv6 type 137, ICMP type 5: redirect | `icmp-redirect`
  const changes = !rules.fromPlayer && rules.allowRouteChanges;
  const advertises = !rules.fromPlayer && rules.allowRouterAdvertisements;
  const { icmpType } = frame;
  if (frame.ipVersion === 4 && frame.ipProtocol === IpProtocol.icmp) {
    if (icmpType === IcmpType.redirect) return changes ? PASS : DropCode.icmpRedirect;
    if (icmpType !== IcmpType.routerAdvertisement) return PASS;
    return changes && advertises ? PASS : DropCode.routerAdvertisement;
  }
  if (frame.ipVersion !== 6 || frame.ipProtocol !== IpProtocol.icmpv6) return PASS;
  if (icmpType === Icmpv6Type.routerAdvertisement) {
    return advertises ? PASS : DropCode.routerAdvertisement;
  }
  return icmpType === Icmpv6Type.redirect && !changes ? DropCode.icmpRedirect : PASS;
}

function isNeighbourDiscovery({ ipVersion, ipProtocol, icmpType }: Dissection): boolean {
  return ipVersion === 6 && ipProtocol === IpProtocol.icmpv6 &&
    icmpType >= Icmpv6Type.routerSolicitation && icmpType <= Icmpv6Type.redirect;
}

/** What switches of VLANs tell each other and pass on where they do not know it: MVRP, MMRP, MSRP, GVRP. */
function isRegistration(bytes: Uint8Array, offset: number, frame: Dissection): boolean {
  if (REGISTRATION_TYPES.includes(frame.etherType)) return true;
  // 01-80-C2-00-00-20 … 2F (IEEE 802.1Q, table 10-1).
  return bytes[offset] === 0x01 && bytes[offset + 1] === 0x80 && bytes[offset + 2] === 0xc2 &&
    bytes[offset + 3] === 0 && bytes[offset + 4] === 0 && (bytes[offset + 5] & 0xf0) === 0x20;
}

/**
 * What routers say to each other, of which a spare or a better one would be believed. The ports are also
 * those of games' servers, so a packet from any port to one of them alone is none.
 */
function isRouterProtocol(bytes: Uint8Array, offset: number, frame: Dissection): boolean {
  switch (frame.ipVersion === 0 ? -1 : frame.ipProtocol) {
    case IpProtocol.vrrp:
    case IpProtocol.ospf:
    case IpProtocol.eigrp:
    case IpProtocol.pim:
      return true;
    case IpProtocol.udp:
      return ROUTER_PORTS.includes(frame.destinationPort) &&
        (isMulticastMac(bytes, offset) || frame.sourcePort === frame.destinationPort);
    default:
      return false;
  }
}

/** A querier decides which groups the switches pass on; of a player's PC nobody needs that. */
function isMulticastQuery(bytes: Uint8Array, end: number, frame: Dissection): boolean {
  if (frame.ipVersion === 6) {
    return frame.ipProtocol === IpProtocol.icmpv6 &&
      frame.icmpType === Icmpv6Type.multicastListenerQuery;
  }
  const at = frame.transportOffset;
  return frame.ipVersion === 4 && frame.ipProtocol === IpProtocol.igmp && at >= 0 && at < end &&
    bytes[at] === IGMP_QUERY;
}
