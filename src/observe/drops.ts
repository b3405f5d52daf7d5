/**
 * Every reason for which a frame or datagram is dropped, anywhere, by name.
 *
 * Names go into `stats` messages, logs, metrics and pages; hot paths count by {@link DropCode}, the
 * index of a reason in {@link DROP_REASONS}. Codes are only good within one process.
 *
 * @module
 */

import { GUEST_DROPS } from "./guest_drops.ts";
import { asDropCode, type DropCode as Code } from "../proto/brands.ts";
import { MalformedReason } from "../proto/datagram.ts";
import { ReassemblyDrop } from "../proto/reassembly.ts";

/** Who drops for a reason: `all` for what relay, gateway and client have in common. */
export type DropSide = "all" | "endpoints" | "relay" | "gateway" | "client";

type Row = readonly [name: string, side: DropSide, explanation: string];

// In the order of the codes: a new one comes at the end, behind those of GUEST_DROPS.
const TABLE = {
  // A datagram that is none of this protocol: these count towards `malformed-limit`.
  malformedShort: ["malformed-short", "all", "the datagram ends inside its own header"],
  malformedVersion: ["malformed-version", "all", "the datagram is not of protocol version 1"],
  malformedFlags: [
    "malformed-flags",
    "all",
    "the datagram has flags that this version does not know",
  ],
  malformedShortFrame: [
    "malformed-short-frame",
    "all",
    "the datagram holds less than an Ethernet header",
  ],
  malformedFirstPiece: [
    "malformed-first-piece",
    "all",
    "the first piece of a frame is shorter than 600 bytes, or claims to be the only one",
  ],
  malformedPieceOffset: [
    "malformed-piece-offset",
    "all",
    "a later piece of a frame begins within its first 600 bytes",
  ],
  malformedEmptyPiece: ["malformed-empty-piece", "all", "a piece of a frame that holds nothing"],
  malformedOther: ["malformed-other", "all", "the datagram breaks another rule of the protocol"],

  // Reassembly of frames that came in pieces: at endpoints.
  reassemblyOverLong: ["reassembly-over-long", "endpoints", "a piece ends beyond 1522 bytes"],
  reassemblyHeaderDiffers: [
    "reassembly-header-differs",
    "endpoints",
    "the pieces of a frame have different Ethernet headers",
  ],
  reassemblySecondEnd: ["reassembly-second-end", "endpoints", "a frame has two last pieces"],
  reassemblyBeyondEnd: [
    "reassembly-beyond-end",
    "endpoints",
    "a piece lies behind the end of its frame",
  ],
  reassemblyOverlap: [
    "reassembly-overlap",
    "endpoints",
    "two pieces of a frame cover the same bytes",
  ],
  reassemblyDropped: [
    "reassembly-dropped",
    "endpoints",
    "a further piece of a frame that was dropped already",
  ],
  reassemblyExpired: [
    "reassembly-expired",
    "endpoints",
    "a frame's pieces did not all come within half a second: some were lost on the way",
  ],
  reassemblyGaveWay: [
    "reassembly-gave-way",
    "endpoints",
    "too many frames were incomplete at a time, and the oldest gave way",
  ],

  // Addresses.
  beforeWelcome: ["before-welcome", "all", "it came before the sender was let into the room"],
  foreignSource: [
    "foreign-source",
    "all",
    "a player's frame came from a MAC that is not the player's own, such as that of a bridge or a virtual machine",
  ],
  multicastSource: [
    "multicast-source",
    "all",
    "the source is a group address, which no station has",
  ],
  zeroSource: ["zero-source", "all", "the source is 00:00:00:00:00:00, which no station has"],
  loop: [
    "loop",
    "relay",
    "the gateway sent a frame from a player's MAC: the LAN leads back into the tunnel",
  ],
  ownDestination: ["own-destination", "relay", "a player's frame was for the player itself"],
  unknownDestination: [
    "unknown-destination",
    "relay",
    "the gateway sent a frame for a MAC that no player in the room has",
  ],
  noGateway: [
    "no-gateway",
    "relay",
    "the frame is for the party's LAN, and the room has no gateway now",
  ],
  noTarget: ["no-target", "relay", "a broadcast or multicast, and nobody else is in the room"],

  // Filters.
  overLong: ["over-long", "all", "the frame is longer than 1522 bytes"],
  switchControl: [
    "switch-control",
    "all",
    "talk between switches (spanning tree, pause, LLDP, CDP), which must not leave its cable",
  ],
  dhcpServer: [
    "dhcp-server",
    "all",
    "a player's PC answers DHCP: only the LAN's own server may give out addresses",
  ],
  dhcpv6Server: [
    "dhcpv6-server",
    "all",
    "a player's PC answers DHCPv6: only the LAN's own server may give out addresses",
  ],
  routerAdvertisement: [
    "router-advertisement",
    "all",
    "a router advertisement (IPv6, ICMP), which would change the players' routes",
  ],
  icmpRedirect: [
    "icmp-redirect",
    "all",
    "somebody tries to redirect others' traffic (ICMP): a player, or the LAN a player's",
  ],
  tooManyTags: ["too-many-tags", "all", "the frame has more than two VLAN tags"],
  hiddenHeaders: [
    "hidden-headers",
    "all",
    "the first part of a packet ends before its headers do, so filters cannot judge it",
  ],

  // Room to wait, and the way out.
  queueLate: ["queue-late", "all", "it waited too long for a slow connection"],
  queueOverflow: ["queue-overflow", "all", "too much was waiting for a slow connection"],
  noBuffer: ["no-buffer", "all", "all buffers of this program were in use"],
  targetTooNarrow: [
    "target-too-narrow",
    "relay",
    "the receiver's connection cannot carry the smallest piece of a frame now",
  ],
  budget: [
    "budget",
    "endpoints",
    "the connection to the relay cannot carry it now: the network path has become narrower",
  ],
  targetLeft: ["target-left", "relay", "the receiver left while the frame waited for it"],
  sendFailed: ["send-failed", "all", "the connection refused to send it"],
  senderEnding: ["sender-ending", "all", "it came from a session that is being ended"],
  notJoined: ["not-joined", "endpoints", "no room is joined at the moment"],

  // What enters and leaves the tunnel at the endpoints.
  ownTraffic: [
    "own-traffic",
    "endpoints",
    "a packet of our own connection to the relay, which would feed on itself",
  ],
  shortFrame: [
    "short-frame",
    "endpoints",
    "less than an Ethernet header was read from the interface",
  ],
  notForTunnel: [
    "not-for-tunnel",
    "gateway",
    "traffic between stations of the LAN, none of a player's business",
  ],
  lanLoop: [
    "lan-loop",
    "gateway",
    "a frame from a player's MAC came in from the LAN: there is another way into the tunnel",
  ],
  jumbo: ["jumbo", "gateway", "a frame of the LAN is longer than 1522 bytes and no offload"],
  badOffload: [
    "bad-offload",
    "endpoints",
    "the network card's description of an unfinished packet makes no sense",
  ],
  unsupportedOffload: [
    "unsupported-offload",
    "gateway",
    "an unfinished packet of a kind that cannot be completed here",
  ],
  captureTruncated: [
    "capture-truncated",
    "endpoints",
    "the system delivered only the first part of a frame",
  ],
  captureOverflow: [
    "capture-overflow",
    "gateway",
    "the system dropped frames of the LAN because they were not read fast enough",
  ],
  lanSendFailed: ["lan-send-failed", "gateway", "the LAN's interface refused a frame"],
  ownEcho: ["own-echo", "client", "a frame of this PC came back out of the tunnel"],
  notForUs: [
    "not-for-us",
    "client",
    "a frame for another player's MAC, or a DHCP reply for another player, came out of the tunnel",
  ],
  dhcpMalformed: [
    "dhcp-malformed",
    "client",
    "a DHCP or DHCPv6 reply that is damaged, or makes no sense",
  ],
  dhcpFragment: [
    "dhcp-fragment",
    "client",
    "a DHCP or DHCPv6 reply in IP fragments, whose routes and names could not be taken out",
  ],
  tapFull: ["tap-full", "client", "the network adapter does not take frames as fast as they come"],
  tapFailed: ["tap-failed", "client", "the network adapter refused a frame"],
  tapDown: ["tap-down", "client", "the network adapter is switched off"],

  // How much one peer may send.
  broadcastLimit: [
    "broadcast-limit",
    "relay",
    "one peer sent more broadcasts and multicasts than the relay allows",
  ],
  unknownUnicastLimit: [
    "unknown-unicast-limit",
    "relay",
    "a player sent too much to MACs that nobody in the LAN has used lately",
  ],
  bandwidthLimit: ["bandwidth-limit", "relay", "one peer sent more than the relay allows in all"],

  // Loops and storms on the LAN.
  lanBroadcastLimit: [
    "lan-broadcast-limit",
    "gateway",
    "the LAN sends more broadcast and multicast than players should get",
  ],
  loopStopped: [
    "loop-stopped",
    "gateway",
    "the LAN is reached twice, so nothing is forwarded until the loop is gone",
  ],
  probe: [
    "probe",
    "gateway",
    "a probe by which gateways look for loops, which ends at the gateway",
  ],
  dhcpOff: [
    "dhcp-off",
    "client",
    "another program of this PC asked the LAN for an address: the client asks itself, or is not to (--address, --no-dhcp)",
  ],

  // How much is delivered in one room, and for all peers of one address.
  roomLimit: [
    "room-limit",
    "relay",
    "the peers of one room sent more to each other than the relay allows a room",
  ],
  addressLimit: [
    "address-limit",
    "relay",
    "the peers behind one address sent more than the relay allows an address, in all rooms together",
  ],
  dhcpNetwork: [
    "dhcp-network",
    "client",
    "a DHCP or DHCPv6 reply with an address that would take over more of this PC's traffic than the LAN's",
  ],

  ...GUEST_DROPS,

  // Behind a line.
  queueCodel: [
    "queue-codel",
    "all",
    "one frame of many that a copy or download has waiting: its sender slows down by it, and the others wait less",
  ],
} as const satisfies Readonly<Record<string, Row>>;

/** The codes by which hot paths count: the places of the reasons in the table. */
export const DropCode = Object.fromEntries(
  Object.keys(TABLE).map((key, index) => [key, asDropCode(index)]),
) as Readonly<Record<keyof typeof TABLE, DropCode>>;
export type DropCode = Code;

/** What a filter answers for a frame that may go on. */
export const PASS = -1;

/** What a filter answers: the reason for which a frame must be dropped, or {@link PASS}. */
export type Verdict = DropCode | typeof PASS;

/** The name of a reason, as in `stats`. */
export type DropReason = (typeof TABLE)[keyof typeof TABLE][0];

/** Every reason; a reason's code is its index here. */
export const DROP_REASONS: readonly DropReason[] = Object.values(TABLE).map(([name]) => name);

/** One reason, for documents and pages. */
export interface DropDescription {
  readonly reason: DropReason;
  readonly side: DropSide;
  /** Why a frame was dropped, for people; no capital, no full stop. */
  readonly explanation: string;
}

/** Every reason with its explanation, in the order of the codes. */
export const DROP_DESCRIPTIONS: readonly DropDescription[] = Object.values(TABLE).map(
  ([reason, side, explanation]) => ({ reason, side, explanation }),
);

/** The reason with this code. */
export function dropReason(code: DropCode): DropReason {
  return DROP_REASONS[code];
}

/** The code of what `parseDatagram` found wrong. */
export function malformedDrop(reason: MalformedReason): DropCode {
  return MALFORMED_CODES[reason];
}

/** The code of what `Reassembler.handlePiece` found wrong, which it returns as a negative number. */
export function reassemblyDrop(reason: ReassemblyDrop): DropCode {
  return REASSEMBLY_CODES[reason];
}

const MALFORMED_CODES: readonly DropCode[] = codesByReason(MalformedReason, {
  short: DropCode.malformedShort,
  version: DropCode.malformedVersion,
  flags: DropCode.malformedFlags,
  shortFrame: DropCode.malformedShortFrame,
  pieceOnly: DropCode.malformedFirstPiece,
  pieceShortFirst: DropCode.malformedFirstPiece,
  pieceOffset: DropCode.malformedPieceOffset,
  pieceEmpty: DropCode.malformedEmptyPiece,
});

const REASSEMBLY_CODES: readonly DropCode[] = codesByReason(ReassemblyDrop, {
  overlong: DropCode.reassemblyOverLong,
  headerDiffers: DropCode.reassemblyHeaderDiffers,
  secondEnd: DropCode.reassemblySecondEnd,
  beyondEnd: DropCode.reassemblyBeyondEnd,
  overlap: DropCode.reassemblyOverlap,
  dropped: DropCode.reassemblyDropped,
});

/** Drop codes in an array by the numbers that another part gives the same reasons. */
function codesByReason<Key extends string>(
  reasons: Readonly<Record<Key, number>>,
  codes: Readonly<Record<Key, DropCode>>,
): DropCode[] {
  const byReason: DropCode[] = [];
  for (const key in reasons) byReason[reasons[key]] = codes[key];
  return byReason;
}
