/**
 * What the player's system must not hear from a party, whether or not relay and gateway filter: the rules
 * for contents, and who may speak for which address.
 *
 * Whose frame it is, a player's or the gateway's, is told by the relay, with each frame. Until a peer is
 * announced it counts as a player.
 *
 * @module
 */
import type { EndpointAction } from "../endpoint/actions.ts";
import { ContentFilter, type ContentRules } from "../filter/content.ts";
import {
  type HasAddress,
  LAN_OWNER,
  type NeighbourEvent,
  NeighbourGuard,
  NOBODY,
} from "../filter/neighbour_guard.ts";
import { PASS, type Verdict } from "../observe/drops.ts";
import type { PeerId } from "../proto/brands.ts";
import type { Dissection } from "../proto/dissect.ts";
import { equalMacs } from "../proto/mac.ts";

/** What a filter works with. */
export interface PartyFilterOptions {
  /** The player's MAC, six bytes. */
  readonly mac: Uint8Array;
  /** The LAN may change this PC's routes and names. */
  readonly allowLanDefaultRoute: boolean;
  /** Frames of VLANs reach the player's system. */
  readonly allowVlan: boolean;
  /** Whether this PC's adapter has an address. */
  readonly hasAddress?: HasAddress;
  /** Random bytes, with which the table of addresses is mixed. */
  readonly random: (count: number) => Uint8Array;
}

const SEED_BYTES = 4;

/** See the module. */
export class PartyFilter {
  readonly #filter = new ContentFilter();
  readonly #guard: NeighbourGuard;
  readonly #playerRules: ContentRules;
  readonly #lanRules: ContentRules;
  #self = NOBODY;
  #gateway = NOBODY;

  constructor(options: PartyFilterOptions) {
    const { mac, allowLanDefaultRoute, allowVlan, hasAddress, random } = options;
    const own = mac.slice();
    this.#guard = new NeighbourGuard(
      random(SEED_BYTES),
      (bytes, offset) => equalMacs(bytes, offset, own, 0) ? this.#self : LAN_OWNER,
      hasAddress,
    );
    this.#playerRules = {
      ...{ fromPlayer: true, allowVlan },
      ...{ allowRouterAdvertisements: false, allowRouteChanges: false, allowProxyNames: false },
    };
    this.#lanRules = {
      ...{ fromPlayer: false, allowVlan, allowRouterAdvertisements: true },
      ...{ allowRouteChanges: allowLanDefaultRoute, allowProxyNames: allowLanDefaultRoute },
    };
  }

  /** Follows the session: to be called with each of its actions. */
  handleAction(action: EndpointAction): void {
    switch (action.type) {
      case "joined":
        this.#self = action.welcome.peerId;
        this.#gateway = NOBODY;
        return this.#guard.handleJoined(this.#self);
      case "peerJoined":
        if (action.peer.role === "gateway") this.#gateway = action.peer.peerId;
        return;
      case "peerLeft":
        if (action.peer.peerId === this.#gateway) this.#gateway = NOBODY;
        else if (action.reason === "bye" || action.reason === "kicked") {
          this.#guard.handlePeerLeft(action.peer.peerId);
        }
        return;
    }
  }

  /** Whether a peer's frames come from the LAN: it is the party's gateway. */
  isLan(peerId: PeerId): boolean {
    return peerId === this.#gateway;
  }

  /** Judges a frame out of the tunnel, which `frame` describes: a drop code, or {@link PASS}. */
  judge(
    bytes: Uint8Array,
    offset: number,
    length: number,
    frame: Dissection,
    sourcePeerId: PeerId,
    nowMs: number,
  ): Verdict {
    const end = offset + length;
    const isLan = this.isLan(sourcePeerId);
    const rules = isLan ? this.#lanRules : this.#playerRules;
    const code = this.#filter.judge(bytes, offset, end, frame, false, rules, nowMs);
    if (code !== PASS) return code;
    const owner = isLan ? LAN_OWNER : sourcePeerId;
    return this.#guard.judge(bytes, offset, end, frame, owner, nowMs);
  }

  /** The player's own system sends a frame: which addresses it has is learnt from it, and what it asks. */
  noteOwn(
    bytes: Uint8Array,
    offset: number,
    length: number,
    frame: Dissection,
    nowMs: number,
  ): void {
    this.#filter.noteSent(frame, nowMs);
    if (this.#self === NOBODY) return;
    this.#guard.judge(bytes, offset, offset + length, frame, this.#self, nowMs);
  }

  /** Who has claimed whose address since the last call. */
  drainEvents(): NeighbourEvent[] {
    return this.#guard.drainEvents();
  }
}
