/**
 * The relay's limits as options, and back as what its core takes.
 *
 * @module
 */
import { TAP_MTU_MAX, TAP_MTU_MIN } from "../proto/mtu.ts";
import { RELAY_DEFAULTS, type RelayOptions } from "../relay/limits.ts";
import { integerBetween, type OptionSpec, type OptionValues } from "./options.ts";

/** What the options below set. */
export type RelayLimits = Pick<
  RelayOptions,
  | "maxTapMtu"
  | "roomsMax"
  | "peersPerRoomMax"
  | "peersMax"
  | "peersPerAddressMax"
  | "roomsPerAddressMax"
  | "connectionsMax"
  | "handshakesPerSecond"
  | "handshakeBurstMax"
  | "hellosPerSecond"
  | "helloBurstMax"
  | "pendingPerAddressMax"
  | "controlMessagesMax"
  | "peerLimits"
  | "roomLimits"
  | "addressLimits"
>;

/** How many seconds' worth of handshakes one address may begin at once. */
const HANDSHAKE_BURST_S = 20;
const KILO = 1_000;
/** Bytes of one Mbit. */
const MEGABIT_BYTES = 125_000;

const { peerLimits: PEER, roomLimits: ROOM, addressLimits: ADDRESS } = RELAY_DEFAULTS;

/** An option that is a whole number. */
function numeric(
  name: string,
  standard: number,
  [minimum, maximum]: readonly [number, number],
  help: string,
  value = "N",
): OptionSpec<number> {
  return {
    name,
    value,
    default: String(standard),
    help: minimum === 0 ? `${help}; 0 is no limit` : help,
    parse: integerBetween(minimum, maximum),
  };
}

const LIMITS = {
  maxTapMtu: numeric(
    "max-tap-mtu",
    RELAY_DEFAULTS.maxTapMtu,
    [TAP_MTU_MIN, TAP_MTU_MAX],
    "the largest MTU that a room gets; with 1500 all have it, and full packets go in two",
    "BYTES",
  ),
  maxRooms: numeric("max-rooms", RELAY_DEFAULTS.roomsMax, [1, 100_000], "how many rooms at once"),
  maxPeersPerRoom: numeric(
    "max-peers-per-room",
    RELAY_DEFAULTS.peersPerRoomMax,
    [2, 1_000],
    "how many clients and gateways in one room",
  ),
  maxPeers: numeric(
    "max-peers",
    RELAY_DEFAULTS.peersMax,
    [2, 100_000],
    "how many clients and gateways in all rooms",
  ),
  maxPeersPerAddress: numeric(
    "max-peers-per-address",
    RELAY_DEFAULTS.peersPerAddressMax,
    [1, 100_000],
    "how many clients and gateways from one address (IPv6: from one /64, and 4 times as many from one /48)",
  ),
  maxRoomsPerAddress: numeric(
    "max-rooms-per-address",
    RELAY_DEFAULTS.roomsPerAddressMax,
    [1, 100_000],
    "how many rooms at once that were opened from one address, likewise",
  ),
  maxConnections: numeric(
    "max-connections",
    RELAY_DEFAULTS.connectionsMax,
    [2, 1_000_000],
    "how many connections, in a room or not",
  ),
  maxHandshakesPerAddress: numeric(
    "max-handshakes-per-address",
    RELAY_DEFAULTS.handshakesPerSecond,
    [1, 100_000],
    `how many handshakes a second from one address, and ${HANDSHAKE_BURST_S} times as many at once; ` +
      "of hellos half as many",
  ),
  maxControlMessages: numeric(
    "max-control-messages",
    RELAY_DEFAULTS.controlMessagesMax,
    [10, 10_000],
    "how many control messages one peer may send in 10 s",
  ),
  maxBroadcastFrames: numeric(
    "max-broadcast-frames",
    PEER.floodFramesPerSecond,
    [0, 1_000_000],
    "how many broadcast and multicast frames a second one player may send (a gateway 4 times this, " +
      "as of the next three)",
  ),
  maxBroadcastKilobytes: numeric(
    "max-broadcast-kilobytes",
    PEER.floodBytesPerSecond / KILO,
    [0, 1_000_000],
    "how many kB of them a second",
  ),
  maxUnknownFrames: numeric(
    "max-unknown-frames",
    PEER.unknownFramesPerSecond,
    [0, 1_000_000],
    "how many frames a second one player may send to MACs that nobody in the LAN has used lately",
  ),
  maxMegabits: numeric(
    "max-megabits",
    PEER.bytesPerSecond / MEGABIT_BYTES,
    [0, 100_000],
    "how many Mbit/s one player may send in all",
  ),
  maxRoomDeliveries: numeric(
    "max-room-deliveries",
    ROOM.deliveriesPerSecond,
    [0, 100_000_000],
    "how many broadcasts and multicasts a second one room may have, times their receivers",
  ),
  maxRoomMegabits: numeric(
    "max-room-megabits",
    ROOM.bytesPerSecond / MEGABIT_BYTES,
    [0, 1_000_000],
    "how many Mbit/s may be delivered in one room in all",
  ),
  maxAddressDeliveries: numeric(
    "max-address-deliveries",
    ADDRESS.deliveriesPerSecond,
    [0, 100_000_000],
    "the same as of a room, for all that the clients and gateways of one address (IPv6: of one /48) " +
      "send, whatever their rooms",
  ),
  maxAddressMegabits: numeric(
    "max-address-megabits",
    ADDRESS.bytesPerSecond / MEGABIT_BYTES,
    [0, 1_000_000],
    "how many Mbit/s may be delivered of what they send",
  ),
  burstMs: numeric(
    "burst-ms",
    PEER.burstMs,
    [1, 60_000],
    "how much of the last eight limits may come at once: so many milliseconds' worth",
    "MS",
  ),
} as const;

/** The limits, each with its default. */
export const LIMIT_OPTIONS: readonly OptionSpec<number>[] = Object.values(LIMITS);

/** The limits that a checked command line says. */
export function relayLimits(values: OptionValues): RelayLimits {
  const number = (limit: OptionSpec<number>) => values.requiredOf(limit);
  const handshakesPerSecond = number(LIMITS.maxHandshakesPerAddress);
  const burstMs = number(LIMITS.burstMs);
  const share = (deliveries: OptionSpec<number>, megabits: OptionSpec<number>) => ({
    deliveriesPerSecond: number(deliveries),
    bytesPerSecond: number(megabits) * MEGABIT_BYTES,
    burstMs,
  });
  return {
    maxTapMtu: number(LIMITS.maxTapMtu),
    roomsMax: number(LIMITS.maxRooms),
    peersPerRoomMax: number(LIMITS.maxPeersPerRoom),
    peersMax: number(LIMITS.maxPeers),
    peersPerAddressMax: number(LIMITS.maxPeersPerAddress),
    roomsPerAddressMax: number(LIMITS.maxRoomsPerAddress),
    connectionsMax: number(LIMITS.maxConnections),
    handshakesPerSecond,
    handshakeBurstMax: handshakesPerSecond * HANDSHAKE_BURST_S,
    // Half of that, so that too many are told to wait before they are not heard at all.
    hellosPerSecond: handshakesPerSecond / 2,
    helloBurstMax: handshakesPerSecond / 2 * HANDSHAKE_BURST_S,
    pendingPerAddressMax: Math.max(RELAY_DEFAULTS.pendingPerAddressMax, handshakesPerSecond),
    controlMessagesMax: number(LIMITS.maxControlMessages),
    peerLimits: {
      floodFramesPerSecond: number(LIMITS.maxBroadcastFrames),
      floodBytesPerSecond: number(LIMITS.maxBroadcastKilobytes) * KILO,
      unknownFramesPerSecond: number(LIMITS.maxUnknownFrames),
      bytesPerSecond: number(LIMITS.maxMegabits) * MEGABIT_BYTES,
      burstMs,
    },
    roomLimits: share(LIMITS.maxRoomDeliveries, LIMITS.maxRoomMegabits),
    addressLimits: share(LIMITS.maxAddressDeliveries, LIMITS.maxAddressMegabits),
  };
}
