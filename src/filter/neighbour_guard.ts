/**
 * Keeps players from speaking for addresses of others (ARP and neighbour spoofing), in IPv4 and IPv6.
 *
 * Gateway and client each remember who has which IP address, by the MAC that it was said to have:
 *
 * ```
 *  how it is known                                 who may take it over, while its owner is not silent
 *  the LAN's DHCP server gave it to a player       nobody, but whom the server gives it to next
 *  a station of the LAN has used it                stations of the LAN (a new card, a failover), and leases
 *  a player has used it first                      stations of the LAN, and leases
 *  router or DHCP server of the LAN                no player, ever
 * ```
 *
 * Whoever was silent for {@link ADDRESS_AGE_MS} is forgotten when somebody else wants the address; what an
 * owner sends keeps it. A lease is kept until it ends, but a day at most, and this PC's own address for as
 * long as its adapter has it. Questions for an address (an ARP probe, a neighbour solicitation from ::) claim
 * nothing and always pass, and so does the answer of who has it, and what a station of the LAN answers to the owner
 * alone: that is how a conflict is found.
 *
 * **Bounds.** {@link ADDRESSES_PER_PLAYER_MAX} addresses of one player, so that none can fill the table. Where it
 * is full all the same, newcomers' frames pass unwatched, which is said; leases and the LAN's own
 * addresses are kept rather than those that players took, and the routers and servers stand elsewhere.
 *
 * @module
 */
import { DropCode, PASS, type Verdict } from "../observe/drops.ts";
import { asPeerId, NO_PEER, type PeerId } from "../proto/brands.ts";
import { type Dissection, IpProtocol } from "../proto/dissect.ts";
import { SOURCE_MAC_OFFSET } from "../proto/ethernet.ts";
import { formatMac, isMulticastMac } from "../proto/mac.ts";
import { AddressRank, AddressTable } from "./address_table.ts";
import { LanServers } from "./lan_servers.ts";
import { LeaseKind, LeaseMessage } from "./lease_message.ts";
import { NeighbourMessage } from "./neighbour_message.ts";

/** The owner of what comes from the LAN; players are owners by their peer ids. */
export const LAN_OWNER: PeerId = NO_PEER;
/** No peer has this id: who is in no room, and a gateway, which has no address of its own in one. */
export const NOBODY: PeerId = asPeerId(-1);
/** How long an address is kept for an owner of whom nothing is heard. */
export const ADDRESS_AGE_MS = 60_000;
/** Addresses that one player may have: several of IPv6, as systems make them, and some to spare. */
export const ADDRESSES_PER_PLAYER_MAX = 16;
/** How long a lease is kept at most, however long it is. */
export const LEASE_KEPT_MAX_MS = 24 * 60 * 60_000;
/** How often the same owner is spoken of. */
export const NEIGHBOUR_EVENT_INTERVAL_MS = 60_000;
/** Events that wait to be drained at most. */
const EVENTS_MAX = 32;
/** Owners of whom something was said lately: others have to wait. */
const SPOKEN_OF_MAX = 16;
/** Stations whose packets are looked at once in a time, of those that send much. */
const HEARD_LATELY = 256;
const HEARD_INTERVAL_MS = 1_000;
/** How often one owner's addresses are looked through for old ones. */
const SWEEP_INTERVAL_MS = 1_000;

/** Whose an address is that somebody else wants. */
export type AddressHolder = "server" | "lan" | "player";

/** What people are to know. */
export type NeighbourEvent =
  | {
    readonly type: "addressTaken";
    /** Who says so: a peer id, or {@link LAN_OWNER}, and the MAC that is said to have it. */
    readonly owner: PeerId;
    readonly mac: string;
    readonly address: string;
    readonly holder: AddressHolder;
    /** Whose it is, where it is a player's. */
    readonly holderPeerId: PeerId;
  }
  | { readonly type: "addressesFull" }
  | { readonly type: "tooManyAddresses"; readonly owner: PeerId };

/** The peer id of the player with the MAC at `bytes[offset]`; {@link LAN_OWNER}: none that is known. */
export type PlayerOfMac = (bytes: Uint8Array, offset: number) => PeerId;

/** Whether this PC's adapter has the address at `bytes[offset]`, of 4 or 16 bytes. */
export type HasAddress = (bytes: Uint8Array, offset: number, ipBytes: number) => boolean;

//= PROTOCOL.md 12
//# **Whose address.** Gateway and client should remember which MAC has which IP address, by what
//# the frames of section 11.2, and DHCP's acknowledgements and DHCPv6's replies from the LAN, say.
/** See the module. Nothing allocates per frame but what people are told, which is bounded. */
export class NeighbourGuard {
  readonly #table: AddressTable;
  readonly #message = new NeighbourMessage();
  readonly #lease = new LeaseMessage();
  readonly #servers = new LanServers();
  #sweptMs = -Infinity;
  #fullMs = -Infinity;
  /** The ends of addresses and MACs of whom a packet was heard, known or not, and when. */
  readonly #heardAddresses = new Int32Array(HEARD_LATELY);
  readonly #heardMacs = new Int32Array(HEARD_LATELY);
  readonly #heardMs = new Float64Array(HEARD_LATELY).fill(-Infinity);
  readonly #spokenOf = new Int32Array(SPOKEN_OF_MAX).fill(-1);
  readonly #spokenMs = new Float64Array(SPOKEN_OF_MAX).fill(-Infinity);
  readonly #playerOf: PlayerOfMac;
  readonly #hasAddress: HasAddress;
  #self = NOBODY;
  #events: NeighbourEvent[] = [];

  /**
   * @param seed 4 random bytes
   * @param playerOf whose peer id a MAC has, as far as it is known
   * @param hasAddress of a client: which addresses are its PC's own
   */
  constructor(
    seed: Uint8Array,
    playerOf: PlayerOfMac,
    hasAddress: HasAddress = () => false,
  ) {
    this.#hasAddress = hasAddress;
    this.#table = new AddressTable(seed[0] << 24 | seed[1] << 16 | seed[2] << 8 | seed[3]);
    this.#playerOf = playerOf;
  }

  /**
   * Judges a frame of an owner's, which `frame` describes: a drop code, or {@link PASS}.
   *
   * @param owner a player's peer id, or {@link LAN_OWNER}
   */
  judge(
    bytes: Uint8Array,
    offset: number,
    end: number,
    frame: Dissection,
    owner: PeerId,
    nowMs: number,
  ): Verdict {
    const message = this.#message;
    if (message.read(bytes, offset, end, frame)) {
      const source = offset + SOURCE_MAC_OFFSET;
      if (owner !== LAN_OWNER) {
        if (!message.isOf(bytes, source)) return DropCode.neighbourForged;
      } else if (message.isRouter) {
        this.#keepServer(bytes, message.ipOffset, 16, frame.vlanIds, nowMs);
      } else this.#servers.touch(bytes, message.ipOffset, message.ipBytes, nowMs);
      if (isNobodys(bytes, message.ipOffset, message.ipBytes)) return PASS;
      const { ipOffset, ipBytes, macOffset } = message;
      const { vlanIds } = frame;
      return this.#claim(bytes, offset, ipOffset, ipBytes, vlanIds, macOffset, owner, nowMs);
    }
    if (frame.ipProtocol === IpProtocol.udp && this.#lease.read(bytes, end, frame) !== 0) {
      this.#takeLease(bytes, offset, frame, owner, nowMs);
    } else this.#hear(bytes, offset, end, frame, owner, nowMs);
    return PASS;
  }

  /** A room is entered, as this peer: the players in it are others. Only a client has addresses of its own. */
  handleJoined(self: PeerId): void {
    this.#self = self;
    this.#table.forgetPlayers();
  }

  /** A player has left for good: its addresses are free for others. */
  handlePeerLeft(peerId: PeerId): void {
    if (peerId !== LAN_OWNER) this.#table.forget(peerId, Infinity);
  }

  /** What happened since the last call. */
  drainEvents(): NeighbourEvent[] {
    const events = this.#events;
    if (events.length > 0) this.#events = [];
    return events;
  }

  /** Somebody says that an address has a MAC, to the MAC at `bytes[target]`. */
  #claim(
    bytes: Uint8Array,
    target: number,
    ip: number,
    ipBytes: number,
    vlan: number,
    mac: number,
    owner: PeerId,
    nowMs: number,
  ): Verdict {
    const table = this.#table;
    const isLan = owner === LAN_OWNER;
    const place = table.find(bytes, ip, ipBytes, vlan);
    if (!isLan && this.#servers.has(bytes, ip, ipBytes, nowMs)) {
      this.#tell(bytes, ip, ipBytes, mac, owner, "server", LAN_OWNER, nowMs);
      return DropCode.addressTaken;
    }
    // This PC's own first use is worth as much: no player takes it, and a station of the LAN is heard.
    const rank = isLan || owner === this.#self ? AddressRank.lan : AddressRank.player;
    if (place < 0) return this.#enter(bytes, mac, owner, rank, nowMs);
    if (table.isMac(place, bytes, mac)) {
      // What a station of the LAN says of a player's lease does not make it the LAN's.
      const isLease = table.rankOf(place) === AddressRank.lease;
      const kept = nowMs + ADDRESS_AGE_MS;
      table.touch(place, isLan && isLease ? table.ownerOf(place) : owner, kept);
      return PASS;
    }
    const held = table.rankOf(place);
    const isMine = table.ownerOf(place) === this.#self && this.#hasAddress(bytes, ip, ipBytes);
    const isSilent = nowMs > table.keptMs(place) && !isMine;
    // A lease of which no player has made use yet may be one of a station's.
    const outranked = rank > held ||
      (isLan && (held === rank || table.ownerOf(place) === LAN_OWNER));
    //= PROTOCOL.md 12
    //# This project's drop what claims an address for another MAC (`address-taken`): of a player,
    //# if the address is the LAN's router or DHCP server, or belongs to a station of the LAN or to
    //# another player, unless its owner was silent for 60 s;
    if (!isSilent && !outranked) {
      // Its owner alone is told by a station of the LAN that it has it, too: a conflict has to be heard of (RFC 5227).
      if (isLan && table.isMac(place, bytes, target)) return PASS;
      const holder = table.ownerOf(place) === LAN_OWNER ? "lan" : "player";
      this.#tell(bytes, ip, ipBytes, mac, owner, holder, table.ownerOf(place), nowMs);
      return DropCode.addressTaken;
    }
    if (this.#isTooMany(owner, nowMs)) return DropCode.tooManyAddresses;
    table.put(place, bytes, mac, owner, rank, nowMs + ADDRESS_AGE_MS);
    return PASS;
  }

  /** An address that nobody has yet. */
  #enter(bytes: Uint8Array, mac: number, owner: PeerId, rank: number, nowMs: number): Verdict {
    if (this.#isTooMany(owner, nowMs)) return DropCode.tooManyAddresses;
    // What a player says first never pushes out what is known of others.
    const rankMax = rank === AddressRank.player ? AddressRank.free : rank;
    const place = this.#table.placeFor(rankMax, nowMs);
    if (place >= 0) this.#table.put(place, bytes, mac, owner, rank, nowMs + ADDRESS_AGE_MS);
    else if (nowMs - this.#fullMs >= NEIGHBOUR_EVENT_INTERVAL_MS) {
      this.#fullMs = nowMs;
      this.#say({ type: "addressesFull" });
    }
    return PASS;
  }

  #isTooMany(owner: PeerId, nowMs: number): boolean {
    const table = this.#table;
    if (owner === LAN_OWNER || owner === this.#self) return false;
    if (table.countOf(owner) < ADDRESSES_PER_PLAYER_MAX) return false;
    if (nowMs - this.#sweptMs >= SWEEP_INTERVAL_MS) {
      this.#sweptMs = nowMs;
      table.forget(owner, nowMs);
    }
    if (table.countOf(owner) < ADDRESSES_PER_PLAYER_MAX) return false;
    //= PROTOCOL.md 12
    //# One player has 16 addresses at most (`too-many-addresses`).
    if (this.#maySpeakOf(owner, nowMs)) this.#say({ type: "tooManyAddresses", owner });
    return true;
  }

  #takeLease(
    bytes: Uint8Array,
    offset: number,
    frame: Dissection,
    owner: PeerId,
    nowMs: number,
  ): void {
    const { kind, ipOffset, macOffset, ipOffsetsV6, leaseSecondsV6 } = this.#lease;
    const vlan = frame.vlanIds;
    if (kind === LeaseKind.released) {
      const place = this.#table.find(bytes, ipOffset, 4, vlan);
      if (place >= 0 && this.#table.isMac(place, bytes, offset + SOURCE_MAC_OFFSET)) {
        this.#table.clear(place);
      }
    }
    if (owner !== LAN_OWNER) return;
    if (kind === LeaseKind.given) {
      const { routersOffset, routersBytes, serverOffset, leaseSeconds } = this.#lease;
      this.#lend(bytes, ipOffset, 4, vlan, macOffset, leaseSeconds, nowMs);
      // What is told to others, or to nobody who is known, says nothing of who is who.
      if (this.#playerOf(bytes, macOffset) === LAN_OWNER) return;
      if (serverOffset >= 0) this.#keepServer(bytes, serverOffset, 4, vlan, nowMs);
      for (let at = 0; at < routersBytes; at += 4) {
        this.#keepServer(bytes, routersOffset + at, 4, vlan, nowMs);
      }
    } else if (kind === LeaseKind.givenV6 && !isMulticastMac(bytes, offset)) {
      for (let index = 0; index < this.#lease.ipCountV6; index++) {
        this.#lend(bytes, ipOffsetsV6[index], 16, vlan, offset, leaseSecondsV6[index], nowMs);
      }
    }
  }

  /** The LAN's server has given an address to a MAC: whoever had it has it no more. */
  #lend(
    bytes: Uint8Array,
    ip: number,
    ipBytes: number,
    vlan: number,
    mac: number,
    leaseSeconds: number,
    nowMs: number,
  ): void {
    if (isNobodys(bytes, ip, ipBytes) || isUnspecified(bytes, ip, ipBytes)) return;
    const table = this.#table;
    //= PROTOCOL.md 12
    //# A newer lease wins in any case.
    this.#servers.drop(bytes, ip, ipBytes, nowMs);
    const known = table.find(bytes, ip, ipBytes, vlan);
    const owner = this.#playerOf(bytes, mac);
    const place = known >= 0 ? known : table.placeFor(AddressRank.lease, nowMs);
    //= PROTOCOL.md 12
    //# A lease holds until it ends, silent or not, but 24 h at most, and a client's own address as
    //# long as its adapter has it.
    const leasedMs = Math.min(Math.max(1000 * leaseSeconds, ADDRESS_AGE_MS), LEASE_KEPT_MAX_MS);
    table.put(place, bytes, mac, owner, AddressRank.lease, nowMs + leasedMs);
  }

  /** A packet from an address: its owner is there. */
  #hear(
    bytes: Uint8Array,
    offset: number,
    end: number,
    frame: Dissection,
    owner: PeerId,
    nowMs: number,
  ): void {
    if (frame.ipVersion === 0) return;
    const ipBytes = frame.ipVersion === 4 ? 4 : 16;
    const ip = frame.networkOffset + (frame.ipVersion === 4 ? 12 : 8);
    if (ip + ipBytes > end) return;
    const source = offset + SOURCE_MAC_OFFSET;
    // Nearly all packets are of one who has just been heard.
    const address = wordAt(bytes, ip + ipBytes - 4);
    const station = wordAt(bytes, source + 2);
    const heard = (address ^ station) & (HEARD_LATELY - 1);
    const isSame = this.#heardAddresses[heard] === address && this.#heardMacs[heard] === station;
    if (isSame && nowMs - this.#heardMs[heard] < HEARD_INTERVAL_MS) return;
    this.#heardAddresses[heard] = address;
    this.#heardMacs[heard] = station;
    this.#heardMs[heard] = nowMs;
    const place = this.#table.find(bytes, ip, ipBytes, frame.vlanIds);
    if (place < 0 || !this.#table.isMac(place, bytes, source)) return;
    this.#table.touch(place, owner, nowMs + ADDRESS_AGE_MS);
  }

  /** Keeps the address of a router or server, but not one that a player has by a lease. */
  #keepServer(bytes: Uint8Array, ip: number, ipBytes: 4 | 16, vlan: number, nowMs: number): void {
    if (isUnspecified(bytes, ip, ipBytes) || this.#isLent(bytes, ip, ipBytes, vlan, nowMs)) return;
    this.#servers.keep(bytes, ip, ipBytes, nowMs);
  }

  /** Whether a player has an address by a lease. */
  #isLent(bytes: Uint8Array, ip: number, ipBytes: number, vlan: number, nowMs: number): boolean {
    const table = this.#table;
    const place = table.find(bytes, ip, ipBytes, vlan);
    return place >= 0 && table.rankOf(place) === AddressRank.lease &&
      table.ownerOf(place) !== LAN_OWNER && table.keptMs(place) >= nowMs;
  }

  #tell(
    bytes: Uint8Array,
    ip: number,
    ipBytes: number,
    mac: number,
    owner: PeerId,
    holder: AddressHolder,
    holderPeerId: PeerId,
    nowMs: number,
  ): void {
    if (!this.#maySpeakOf(owner, nowMs)) return;
    this.#say({
      type: "addressTaken",
      owner,
      mac: formatMac(bytes, mac),
      address: formatIp(bytes, ip, ipBytes),
      holder,
      holderPeerId,
    });
  }

  #say(event: NeighbourEvent): void {
    if (this.#events.length < EVENTS_MAX) this.#events.push(event);
  }

  #maySpeakOf(owner: PeerId, nowMs: number): boolean {
    let oldest = 0;
    for (let index = 0; index < SPOKEN_OF_MAX; index++) {
      if (this.#spokenOf[index] === owner) {
        oldest = index;
        break;
      }
      if (this.#spokenMs[index] < this.#spokenMs[oldest]) oldest = index;
    }
    if (nowMs - this.#spokenMs[oldest] < NEIGHBOUR_EVENT_INTERVAL_MS) return false;
    this.#spokenOf[oldest] = owner;
    this.#spokenMs[oldest] = nowMs;
    return true;
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
}

/** Broadcast, multicast, loopback: addresses that no single station has. */
function isNobodys(bytes: Uint8Array, ip: number, ipBytes: number): boolean {
  return ipBytes === 4 ? bytes[ip] >= 224 || bytes[ip] === 127 : bytes[ip] === 0xff;
}

function isUnspecified(bytes: Uint8Array, ip: number, ipBytes: number): boolean {
  let any = 0;
  for (let index = 0; index < ipBytes; index++) any |= bytes[ip + index];
  return any === 0;
}

/** `192.168.1.1`, or IPv6 in groups with the first of the longest runs of zeros left out (RFC 5952). */
export function formatIp(bytes: Uint8Array, ip: number, ipBytes: number): string {
  const part = bytes.subarray(ip, ip + ipBytes);
  if (ipBytes === 4) return part.join(".");
  const groups = Array.from(
    { length: 8 },
    (_, index) => part[2 * index] << 8 | part[2 * index + 1],
  );
  let [start, length] = [0, 0];
  for (let first = 0; first < 8; first++) {
    let run = 0;
    while (groups[first + run] === 0) run++;
    if (run > length) [start, length] = [first, run];
  }
  const text = (from: number, to: number) =>
    groups.slice(from, to).map((group) => group.toString(16)).join(":");
  return length < 2 ? text(0, 8) : `${text(0, start)}::${text(start + length, 8)}`;
}
