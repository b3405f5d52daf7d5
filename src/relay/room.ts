/**
 * Rooms: who is in them, who has which MAC, and which peer ids are free.
 *
 * @module
 */
import { asPeerId, NO_PEER, type PeerId } from "../proto/brands.ts";
import { MacTable } from "../proto/mac_table.ts";
import { LanMacs } from "./lan_macs.ts";
import { PEER_ID_MAX, PEER_ID_REST_MS, type RelayOptions } from "./limits.ts";
import { RESTING_ROOMS_MAX, SITE_SHARE } from "./limits.ts";
import { roomId } from "./locks.ts";
import type { Membership } from "./membership.ts";
import { RoomMtu } from "./room_mtu.ts";
import { Share } from "./shares.ts";
import { oldestOfMost, type Place, setOf, takeOut } from "./sites.ts";

/**
 * The peer ids of one room: counted upwards and around, and at rest for 60 s after their use, so that a
 * late datagram is never taken for one of another peer.
 */
export class PeerIds {
  #next = 1;
  readonly #used = new Set<number>();
  /** Ids at rest and since when, the longest resting first. */
  readonly #restingSinceMs = new Map<number, number>();

  /** A free id, or `NO_PEER` when all are in use or at rest. */
  take(nowMs: number): PeerId {
    this.#wake(nowMs);
    if (this.#used.size + this.#restingSinceMs.size >= PEER_ID_MAX) return NO_PEER;
    //= PROTOCOL.md 6.2
    //# | **`peerId`** | integer | 1 … 65,535: unique in the room, and not given out again within 60
    //# s of its end
    while (this.#used.has(this.#next) || this.#restingSinceMs.has(this.#next)) this.#advance();
    const id = asPeerId(this.#next);
    this.#used.add(id);
    this.#advance();
    return id;
  }

  //= PROTOCOL.md 5.3
  //# When a session ends, its place in the room and its name are free at once; its peer id rests
  //# for 60 s, and its MAC stays the player's for 10 minutes (section 7.5).
  giveBack(id: PeerId, nowMs: number): void {
    this.#used.delete(id);
    this.#restingSinceMs.set(id, nowMs);
  }

  /** Whether every id may be given out at once again. */
  rested(nowMs: number): boolean {
    this.#wake(nowMs);
    return this.#used.size === 0 && this.#restingSinceMs.size === 0;
  }

  #advance(): void {
    this.#next = this.#next === PEER_ID_MAX ? 1 : this.#next + 1;
  }

  #wake(nowMs: number): void {
    for (const [id, sinceMs] of this.#restingSinceMs) {
      if (nowMs - sinceMs < PEER_ID_REST_MS) return;
      this.#restingSinceMs.delete(id);
    }
  }
}

/** What a room is opened with. */
export interface RoomPlan {
  /** What tells this room from all others: see `AdmissionPolicy`. */
  readonly key: string;
  /** The room's code, as people know it. */
  readonly code: string;
  /** The MTU with which it begins, bytes. */
  readonly tapMtu: number;
  /** Who counts it among their rooms. */
  readonly opener: Place;
}

/** One party. */
export class Room {
  readonly key: string;
  readonly code: string;
  /** The MTU of every TAP in it. */
  readonly mtu: RoomMtu;
  readonly opener: Place;
  /** Everyone in the room, the gateway included, in the order of joining. */
  readonly peers: Membership[] = [];
  gateway: Membership | undefined;
  /** Somebody is about to join: the room stays although nobody is in it. */
  held = false;
  /** Everybody is being sent away: they are told that, and not of each other's leaving. */
  closing = false;
  /** Its host lets no new player in, for as long as the room is there. */
  lockedByHost = false;
  /** The clients' MACs; the value is the connection. */
  readonly macs: MacTable;
  /** The LAN behind the gateway; made when the first gateway joins. */
  lan: LanMacs | undefined;
  /** What may be delivered in it. */
  readonly share: Share;
  /** For people: see `roomId`. */
  readonly id: string;

  constructor(
    { key, code, tapMtu, opener }: RoomPlan,
    { peersPerRoomMax, roomLimits }: RoomOptions,
    readonly ids: PeerIds,
    readonly openedMs: number,
  ) {
    this.key = key;
    this.code = code;
    this.mtu = new RoomMtu(tapMtu);
    this.opener = opener;
    this.macs = new MacTable(peersPerRoomMax);
    this.id = roomId(code, key);
    this.share = new Share(roomLimits, openedMs);
  }

  /** Whether nobody but its gateway is in it. */
  get isIdle(): boolean {
    return this.peers.length === 1 && this.gateway !== undefined;
  }

  /** Takes a peer in. */
  add(peer: Membership): void {
    this.peers.push(peer);
    if (peer.isGateway) {
      this.gateway = peer;
      this.lan ??= new LanMacs(peer.joinedMs);
    } else this.macs.set(peer.mac, 0, peer.session.connection);
  }

  remove(peer: Membership, nowMs: number): void {
    const at = this.peers.indexOf(peer);
    if (at < 0) throw new Error(`peer ${peer.peerId} is not in room ${this.code}`);
    this.peers.splice(at, 1);
    if (this.gateway === peer) {
      this.gateway = undefined;
      this.mtu.unfollow();
    }
    if (!peer.isGateway) this.macs.delete(peer.mac, 0);
    this.ids.giveBack(peer.peerId, nowMs);
  }
}

/** What {@link Rooms} needs of the relay's options. */
export type RoomOptions = Pick<
  RelayOptions,
  "peersPerRoomMax" | "roomsPerAddressMax" | "roomLimits"
>;

/** All rooms of this relay, and the peer ids of those that are no more but must rest. */
export class Rooms {
  readonly #byKey = new Map<string, Room>();
  readonly #resting = new Map<string, PeerIds>();
  /** By the address, and by the site, from which they were opened; the oldest first. */
  readonly #byAddress = new Map<string, Set<Room>>();
  readonly #bySite = new Map<string, Set<Room>>();
  readonly #options: RoomOptions;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Room | undefined {
    return this.#byKey.get(key);
  }

  values(): Iterable<Room> {
    return this.#byKey.values();
  }

  /** Whether so many rooms were opened from an address, or from its site, that it may open no more. */
  tooManyOf({ addressKey, siteKey }: Place): boolean {
    const { roomsPerAddressMax } = this.#options;
    return (this.#byAddress.get(addressKey)?.size ?? 0) >= roomsPerAddressMax ||
      (this.#bySite.get(siteKey)?.size ?? 0) >= SITE_SHARE * roomsPerAddressMax;
  }

  /**
   * The room that gives way to one more where there are too many: the oldest in which a gateway waits alone, of
   * the site with the most of these. That must keep more rooms than who asks has, or two would take turns.
   */
  givesWayTo({ siteKey }: Place): Room | undefined {
    const own = this.#bySite.get(siteKey)?.size ?? 0;
    let most = new Set<Room>();
    for (const rooms of this.#bySite.values()) {
      if (rooms.size <= Math.max(most.size, own + 1)) continue;
      const idle = new Set(rooms.values().filter(({ isIdle }) => isIdle));
      if (idle.size > Math.max(most.size, own + 1)) most = idle;
    }
    return oldestOfMost([most]);
  }

  open(plan: RoomPlan, nowMs: number): Room {
    const { key, opener } = plan;
    const ids = this.#resting.get(key) ?? new PeerIds();
    this.#resting.delete(key);
    const room = new Room(plan, this.#options, ids, nowMs);
    this.#byKey.set(key, room);
    setOf(this.#byAddress, opener.addressKey).add(room);
    setOf(this.#bySite, opener.siteKey).add(room);
    return room;
  }

  /** Forgets a room that nobody is in, but for its peer ids' rest. */
  close(room: Room, nowMs: number): void {
    if (room.peers.length > 0) throw new Error(`room ${room.code} is not empty`);
    this.#byKey.delete(room.key);
    takeOut(this.#byAddress, room.opener.addressKey, room);
    takeOut(this.#bySite, room.opener.siteKey, room);
    for (const [key, ids] of this.#resting) {
      if (this.#resting.size < RESTING_ROOMS_MAX && !ids.rested(nowMs)) break;
      this.#resting.delete(key);
    }
    this.#resting.set(room.key, room.ids);
  }
}
