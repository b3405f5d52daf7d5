/**
 * What a LAN's DHCP servers and routers may tell the player's system: scrubbed, or nothing. The relay may be
 * as hostile as they are, so nothing here depends on what it filters.
 *
 * @module
 */

import type { NetworkRefusal } from "../observe/own_network.ts";
import { DropCode, PASS, type Verdict } from "../observe/drops.ts";
import type { StatusEvent } from "../observe/status.ts";
import { DhcpMessageType } from "../proto/dhcp.ts";
import { type Dissection, IpFragment } from "../proto/dissect.ts";
import { formatIp, ipv4Bytes, networkOf } from "../proto/ip.ts";
import { DHCP_OPTIONS, passing } from "./dhcp_options.ts";
import { describeReply, type DhcpReply, readDhcpReply } from "./dhcp_reply.ts";
import { narrowRequest, requestType, requestXid } from "./dhcp_request.ts";
import { DhcpScrubber, ScrubResult } from "./dhcp_scrub.ts";
import { DHCPV6_PREFIX_BITS, Dhcpv6Scrubber } from "./dhcpv6_scrub.ts";
import { type LanNetworks, NetworkVerdict } from "./lan_networks.ts";
import { RouterScrubber } from "./router_scrub.ts";

/** What the player allows. */
export interface LanAnswersOptions {
  /** The player's MAC, six bytes. */
  readonly mac: Uint8Array;
  readonly networks: LanNetworks;
  /** Routers and name servers of the LAN's pass. */
  readonly allowLanDefaultRoute: boolean;
  /** Router advertisements pass, scrubbed. */
  readonly allowRouterAdvertisements?: boolean;
}

/** Events that wait for `drainStatus`; what comes on top is not told. */
export const DHCP_STATUS_MAX = 16;
/** Networks whose refusal is told; one that is refused again is not told again. */
export const REFUSALS_TOLD_MAX = 16;

const REFUSALS: Readonly<Record<number, NetworkRefusal>> = {
  [NetworkVerdict.unusable]: "unusable",
  [NetworkVerdict.foreign]: "foreign",
  [NetworkVerdict.wide]: "wide",
  [NetworkVerdict.relay]: "relay",
  [NetworkVerdict.own]: "own",
  [NetworkVerdict.elsewhere]: "elsewhere",
};

/** See the module. */
export class LanAnswers {
  /** What was judged last, if that is a DHCP reply for this PC, whether or not it may pass. */
  reply: DhcpReply | undefined;
  readonly #options: LanAnswersOptions;
  readonly #dhcp: DhcpScrubber;
  readonly #dhcpv6: Dhcpv6Scrubber;
  readonly #router: RouterScrubber;
  /** By code, 1 where an option of DHCP may be asked for. */
  readonly #asked: Uint8Array;
  readonly #told = new Set<string>();
  /** Replies that were told since this PC has asked last: whoever answers a hundred times is told once. */
  readonly #toldReplies = new Set<string>();
  #status: StatusEvent[] = [];

  constructor(options: LanAnswersOptions) {
    const { networks, allowLanDefaultRoute } = options;
    this.#options = options;
    this.#dhcp = new DhcpScrubber(networks, allowLanDefaultRoute);
    this.#dhcpv6 = new Dhcpv6Scrubber(networks, allowLanDefaultRoute);
    this.#asked = passing(DHCP_OPTIONS, allowLanDefaultRoute);
    this.#router = new RouterScrubber(networks, allowLanDefaultRoute);
  }

  /**
   * A frame of the player's that goes into the tunnel: `end` is the index after it. What it asks of a DHCP
   * server is narrowed.
   *
   * @returns whether an address is asked for, or more time for one
   */
  handleRequest(bytes: Uint8Array, end: number, dissection: Dissection): boolean {
    const type = requestType(bytes, end, dissection);
    if (type === 0) return false;
    this.#toldReplies.clear();
    narrowRequest(bytes, end, dissection, this.#asked);
    if (type === DhcpMessageType.inform) this.#dhcp.noteInform(requestXid(bytes, dissection));
    return type === DhcpMessageType.discover || type === DhcpMessageType.request;
  }

  /**
   * Scrubs the frame at `bytes[offset … offset + length)`, which `dissection` describes. Its length stays.
   *
   * @returns the code of the reason for which it must be dropped, or {@link PASS}
   */
  judge(bytes: Uint8Array, offset: number, length: number, dissection: Dissection): Verdict {
    this.reply = undefined;
    // What cannot be seen cannot be taken out (RFC 7112, RFC 7113).
    if (dissection.tooManyTags) return DropCode.tooManyTags;
    if (dissection.truncated && dissection.ipFragment === IpFragment.first) {
      return DropCode.hiddenHeaders;
    }
    if (dissection.ipVersion === 4) return this.#judgeDhcp(bytes, offset, length, dissection);
    if (dissection.ipVersion !== 6) return PASS;
    const result = this.#dhcpv6.scrub(bytes, offset, length, dissection);
    if (result !== ScrubResult.other) {
      const { verdict, refused } = this.#dhcpv6;
      const isWhole = result > 0 || result === ScrubResult.network;
      if (isWhole && verdict !== NetworkVerdict.good) {
        this.#tellRefusal(verdict, refused, DHCPV6_PREFIX_BITS);
      }
      return dropOf(result);
    }
    return this.#judgeRouter(bytes, offset, length, dissection);
  }

  /** What the player is to be told since the last call. */
  drainStatus(): StatusEvent[] {
    const status = this.#status;
    if (status.length > 0) this.#status = [];
    return status;
  }

  #judgeDhcp(bytes: Uint8Array, offset: number, length: number, dissection: Dissection): Verdict {
    const result = this.#dhcp.scrub(bytes, offset, length, dissection);
    if (result === ScrubResult.other) return PASS;
    const { messageOffset, messageEnd, verdict, prefixBits } = this.#dhcp;
    if (result < 0 && result !== ScrubResult.network) return dropOf(result);
    const reply = readDhcpReply(bytes, messageOffset, messageEnd, this.#options.mac);
    this.reply = reply;
    if (reply === undefined) return dropOf(result);
    if (result === ScrubResult.network) {
      this.#tellRefusal(verdict, ipv4Bytes(reply.address), prefixBits);
    } else if (this.#status.length < DHCP_STATUS_MAX) {
      const status = describeReply(reply, this.#dhcp.removedOptions());
      if (status === undefined || this.#toldReplies.has(status.message)) return PASS;
      this.#toldReplies.add(status.message);
      this.#status.push(status);
    }
    return dropOf(result);
  }

  #judgeRouter(bytes: Uint8Array, offset: number, length: number, dissection: Dissection): Verdict {
    if (!RouterScrubber.isAdvertisement(dissection)) return PASS;
    //= PROTOCOL.md 12
    //# **Router advertisements** (ICMPv6, type 134) reach the TAP only where the user wants them,
    //# whole, with code 0, the IPv6 hop limit 255, and options that fill them.
    if (!this.#options.allowRouterAdvertisements) return DropCode.routerAdvertisement;
    const result = this.#router.scrub(bytes, offset, length, dissection);
    const { verdict, prefix, prefixBits } = this.#router;
    if (result < 0) return DropCode.routerAdvertisement;
    if (verdict !== NetworkVerdict.good) this.#tellRefusal(verdict, prefix, prefixBits);
    return PASS;
  }

  #tellRefusal(verdict: number, address: Uint8Array, prefixBits: number): void {
    if (this.#told.size >= REFUSALS_TOLD_MAX || this.#status.length >= DHCP_STATUS_MAX) return;
    const why = REFUSALS[verdict];
    const shown = why === "unusable" ? address : networkOf(address, prefixBits);
    const network = `${formatIp(shown)}/${prefixBits}`;
    if (this.#told.has(network)) return;
    this.#told.add(network);
    this.#status.push({ type: "networkRefused", network, why });
  }
}

function dropOf(result: number): Verdict {
  switch (result) {
    case ScrubResult.fragment:
      return DropCode.dhcpFragment;
    case ScrubResult.malformed:
      return DropCode.dhcpMalformed;
    case ScrubResult.network:
      return DropCode.dhcpNetwork;
    default:
      return PASS;
  }
}
