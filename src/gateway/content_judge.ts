/**
 * What frames say, on both ways through the gateway: a LAN should not depend on the relay's filters, nor players
 * on what stations of the LAN make up.
 *
 * @module
 */
import { ContentFilter, type ContentRules } from "../filter/content.ts";
import {
  LAN_OWNER,
  type NeighbourEvent,
  NeighbourGuard,
  NOBODY,
  type PlayerOfMac,
} from "../filter/neighbour_guard.ts";
import { DropCode, PASS, type Verdict } from "../observe/drops.ts";
import type { PeerId } from "../proto/brands.ts";
import type { Dissection } from "../proto/dissect.ts";
import { IcmpType, Icmpv6Type } from "../proto/ip.ts";

/** Random bytes that the table of addresses is mixed with. */
const NEIGHBOUR_SEED_BYTES = 4;

/** What the host has allowed. */
export interface ContentOptions {
  readonly random: (count: number) => Uint8Array;
  /** Let IPv6 router advertisements of the LAN into the tunnel; the relay must allow them, too. */
  readonly allowRouterAdvertisements?: boolean;
  /** Let frames of VLANs out of the tunnel into the LAN; the relay must allow them, too. */
  readonly allowVlan?: boolean;
}

/** See the module. Frames are dissected before; nothing allocates after the constructor. */
export class ContentJudge {
  readonly #allowAdvertisements: boolean;
  readonly #filter = new ContentFilter();
  readonly #playerRules: ContentRules;
  readonly #neighbours: NeighbourGuard;

  /** @param peerIdOf the peer id of the player with the MAC at `bytes[offset]`; 0: there is none */
  constructor(options: ContentOptions, peerIdOf: PlayerOfMac) {
    this.#allowAdvertisements = options.allowRouterAdvertisements ?? false;
    this.#playerRules = {
      ...{ fromPlayer: true, allowVlan: options.allowVlan ?? false },
      ...{ allowRouterAdvertisements: false, allowRouteChanges: false, allowProxyNames: false },
    };
    this.#neighbours = new NeighbourGuard(options.random(NEIGHBOUR_SEED_BYTES), peerIdOf);
  }

  /** Who has claimed whose address since the last call. */
  drainEvents(): NeighbourEvent[] {
    return this.#neighbours.drainEvents();
  }

  /** A room is entered. */
  handleJoined(): void {
    this.#neighbours.handleJoined(NOBODY);
  }

  /** A player has left for good. */
  handlePeerLeft(peerId: PeerId): void {
    this.#neighbours.handlePeerLeft(peerId);
  }

  /** The code of the reason for which a player's frame must not reach the LAN, or PASS. */
  judgePlayer(
    bytes: Uint8Array,
    offset: number,
    length: number,
    frame: Dissection,
    sourcePeerId: PeerId,
    nowMs: number,
  ): Verdict {
    const end = offset + length;
    const code = this.#filter.judge(bytes, offset, end, frame, false, this.#playerRules, nowMs);
    if (code !== PASS) return code;
    return this.#neighbours.judge(bytes, offset, end, frame, sourcePeerId, nowMs);
  }

  /**
   * The code of the reason for which a station's frame must not reach the players, or PASS: who has which address
   * is learnt from it, and what is asked.
   */
  judgeLan(
    bytes: Uint8Array,
    offset: number,
    length: number,
    frame: Dissection,
    nowMs: number,
  ): Verdict {
    this.#filter.noteSent(frame, nowMs);
    const code = this.#neighbours.judge(bytes, offset, offset + length, frame, LAN_OWNER, nowMs);
    if (code !== PASS || this.#allowAdvertisements) return code;
    const advertised = frame.ipVersion === 6
      ? frame.icmpType === Icmpv6Type.routerAdvertisement
      : frame.ipVersion === 4 && frame.icmpType === IcmpType.routerAdvertisement;
    return advertised ? DropCode.routerAdvertisement : PASS;
  }
}
