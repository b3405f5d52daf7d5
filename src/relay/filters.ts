/**
 * The filters: frames that a party must not carry, whoever sends them.
 *
 * They look at one frame, know no rooms, and return a drop code or {@link PASS}. Frames that are split
 * show their headers in the first piece only; so that one must hold the whole header chain, and later
 * pieces are judged by their copy of the Ethernet header and by where they end.
 */
import { DropCode } from "../obs/drops.ts";
import type { Dissection } from "../proto/dissect.ts";

/** No filter objects. */
export const PASS = -1;

const PROTOCOL_UDP = 17;
const PROTOCOL_ICMPV6 = 58;
const DHCP_SERVER_PORT = 67;
const DHCP_CLIENT_PORT = 68;
const DHCPV6_CLIENT_PORT = 546;
const DHCPV6_SERVER_PORT = 547;
const ICMPV6_ROUTER_ADVERTISEMENT = 134;
const ICMPV6_REDIRECT = 137;

/**
 * Judges what a whole frame or a first piece carries.
 *
 * `firstPiece` says that more of the frame follows in later pieces. A chain of headers that does not end
 * inside a first piece, or inside a first IP fragment, could hide what the filters look for (RFC 7113).
 */
export function filterContent(
  frame: Dissection,
  firstPiece: boolean,
  fromGateway: boolean,
  allowRouterAdvertisements: boolean,
): number {
  if (frame.tooManyTags) return DropCode.tooManyTags;
  if (frame.truncated && (firstPiece || frame.ipFragment === 1)) return DropCode.hiddenHeaders;
  if (frame.ipVersion === 4) {
    return !fromGateway && frame.ipProtocol === PROTOCOL_UDP &&
        (frame.sourcePort === DHCP_SERVER_PORT || frame.destinationPort === DHCP_CLIENT_PORT)
      ? DropCode.dhcpServer
      : PASS;
  }
  if (frame.ipVersion !== 6) return PASS;
  if (frame.ipProtocol === PROTOCOL_UDP) {
    return !fromGateway &&
        (frame.sourcePort === DHCPV6_SERVER_PORT || frame.destinationPort === DHCPV6_CLIENT_PORT)
      ? DropCode.dhcpv6Server
      : PASS;
  }
  if (frame.ipProtocol !== PROTOCOL_ICMPV6) return PASS;
  if (frame.icmpType === ICMPV6_ROUTER_ADVERTISEMENT) {
    return fromGateway && allowRouterAdvertisements ? PASS : DropCode.routerAdvertisement;
  }
  return !fromGateway && frame.icmpType === ICMPV6_REDIRECT ? DropCode.icmpRedirect : PASS;
}
