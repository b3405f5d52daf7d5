/**
 * Who has which IP address, as far as it was seen: addresses of both families, each with a MAC and an owner.
 *
 * Typed arrays of a fixed size: buckets of {@link WAYS} places, found by a hash that nobody outside can
 * foresee. Nothing allocates after the constructor. Where a bucket is full, what is least worth keeping
 * gives way: who chooses may ask which that is before.
 *
 * @module
 */
import { asPeerId, type PeerId } from "../proto/brands.ts";
import { copyBytes } from "../proto/bytes.ts";
import { IPV4_BYTES } from "../proto/ip.ts";
import { equalMacs, MAC_BYTES } from "../proto/mac.ts";

/** Addresses that are known at a time. */
export const ADDRESSES_MAX = 4_096;
/** Places of a bucket. */
const WAYS = 8;
const BUCKETS = ADDRESSES_MAX / WAYS;
/** An address of either family, IPv4 as ::ffff:0:0/96 (RFC 4291 section 2.5.5.2). */
const KEY_BYTES = 16;

/** How it is known who has an address; the higher, the more it is worth. */
export const AddressRank = {
  /** Nobody has the place. */
  free: 0,
  /** A player has used it first. */
  player: 1,
  /** A station of the LAN has used it. */
  lan: 2,
  /** The LAN's DHCP server has given it to a player. */
  lease: 3,
} as const;

/** See the module. Places are small numbers, good until the next `put`. */
export class AddressTable {
  readonly #seed: number;
  readonly #keys = new Uint8Array(ADDRESSES_MAX * KEY_BYTES);
  readonly #vlans = new Uint32Array(ADDRESSES_MAX);
  readonly #macs = new Uint8Array(ADDRESSES_MAX * MAC_BYTES);
  readonly #ranks = new Uint8Array(ADDRESSES_MAX);
  readonly #owners = new Uint16Array(ADDRESSES_MAX);
  /** Until when each is kept, though nothing more is heard of it. */
  readonly #keptMs = new Float64Array(ADDRESSES_MAX);
  /** Addresses of each owner. */
  readonly #counts = new Uint16Array(0x1_0000);
  /** The address at hand. */
  readonly #key = new Uint8Array(KEY_BYTES);
  #vlan = 0;

  /** @param seed 32 random bits */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Addresses of an owner. */
  countOf(owner: PeerId): number {
    return this.#counts[owner];
  }

  /** The place of the address at `bytes[at]`, of 4 or 16 bytes, in a VLAN; -1: it is not known. */
  find(bytes: Uint8Array, at: number, ipBytes: number, vlan: number): number {
    this.#take(bytes, at, ipBytes, vlan);
    const first = this.#bucket();
    for (let place = first; place < first + WAYS; place++) {
      if (this.#ranks[place] !== AddressRank.free && this.#isAt(place)) return place;
    }
    return -1;
  }

  /**
   * Where the address that was looked for last is to be put: a free place, one that is no longer kept, or
   * that of those with the lowest rank which is kept for the least time, if that rank is not above `rankMax`.
   * -1: all of its bucket's places are worth more.
   */
  placeFor(rankMax: number, nowMs: number): number {
    const first = this.#bucket();
    let best = -1;
    for (let place = first; place < first + WAYS; place++) {
      if (this.#ranks[place] === AddressRank.free || this.#keptMs[place] < nowMs) return place;
      if (this.#ranks[place] > rankMax) continue;
      if (
        best < 0 || this.#ranks[place] < this.#ranks[best] ||
        (this.#ranks[place] === this.#ranks[best] && this.#keptMs[place] < this.#keptMs[best])
      ) best = place;
    }
    return best;
  }

  /** Puts the address that was looked for last, or what is known of it anew, to a place. */
  put(
    place: number,
    bytes: Uint8Array,
    macOffset: number,
    owner: PeerId,
    rank: number,
    keptMs: number,
  ): void {
    this.clear(place);
    copyBytes(this.#key, 0, KEY_BYTES, this.#keys, place * KEY_BYTES);
    copyBytes(bytes, macOffset, MAC_BYTES, this.#macs, place * MAC_BYTES);
    this.#vlans[place] = this.#vlan;
    this.#ranks[place] = rank;
    this.#owners[place] = owner;
    this.#keptMs[place] = keptMs;
    this.#counts[owner]++;
  }

  /** Makes a place free. */
  clear(place: number): void {
    if (this.#ranks[place] === AddressRank.free) return;
    this.#counts[this.#owners[place]]--;
    this.#ranks[place] = AddressRank.free;
  }

  /** Its MAC has spoken again, as this owner's: it is kept until then at least. */
  touch(place: number, owner: PeerId, keptMs: number): void {
    if (this.#keptMs[place] < keptMs) this.#keptMs[place] = keptMs;
    const before = this.#owners[place];
    if (before === owner) return;
    this.#counts[before]--;
    this.#counts[owner]++;
    this.#owners[place] = owner;
  }

  /** Whether the address at a place belongs to the MAC at `bytes[offset]`. */
  isMac(place: number, bytes: Uint8Array, offset: number): boolean {
    return equalMacs(this.#macs, place * MAC_BYTES, bytes, offset);
  }

  rankOf(place: number): number {
    return this.#ranks[place];
  }

  ownerOf(place: number): PeerId {
    return asPeerId(this.#owners[place]);
  }

  keptMs(place: number): number {
    return this.#keptMs[place];
  }

  /** Gives up the addresses of an owner that are not kept until `beforeMs`. For joins and leaves, not for frames. */
  forget(owner: PeerId, beforeMs: number): void {
    if (this.#counts[owner] === 0) return;
    for (let place = 0; place < ADDRESSES_MAX; place++) {
      if (this.#owners[place] === owner && this.#keptMs[place] < beforeMs) this.clear(place);
    }
  }

  /** Gives up all addresses whose owner is not 0. */
  forgetPlayers(): void {
    for (let place = 0; place < ADDRESSES_MAX; place++) {
      if (this.#owners[place] !== 0) this.clear(place);
    }
  }

  #take(bytes: Uint8Array, at: number, ipBytes: number, vlan: number): void {
    this.#vlan = vlan;
    if (ipBytes !== IPV4_BYTES) return copyBytes(bytes, at, KEY_BYTES, this.#key, 0);
    this.#key.fill(0, 0, 10);
    this.#key[10] = this.#key[11] = 0xff;
    copyBytes(bytes, at, IPV4_BYTES, this.#key, KEY_BYTES - IPV4_BYTES);
  }

  #isAt(place: number): boolean {
    if (this.#vlans[place] !== this.#vlan) return false;
    const start = place * KEY_BYTES;
    for (let index = KEY_BYTES - 1; index >= 0; index--) {
      if (this.#keys[start + index] !== this.#key[index]) return false;
    }
    return true;
  }

  /** The first place of the bucket of the address at hand. */
  #bucket(): number {
    let hash = this.#seed ^ this.#vlan;
    for (let index = 0; index < KEY_BYTES; index += 4) {
      const word = this.#key[index] << 24 | this.#key[index + 1] << 16 | this.#key[index + 2] << 8 |
        this.#key[index + 3];
      hash = Math.imul(hash ^ word, 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, 0x85eb_ca6b);
    return ((hash ^ hash >>> 13) & (BUCKETS - 1)) * WAYS;
  }
}
