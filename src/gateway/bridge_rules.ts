/**
 * What may cross between the LAN and the tunnel, as far as a frame's Ethernet header tells.
 *
 * @module
 */
import { DropCode, PASS, type Verdict } from "../observe/drops.ts";
import { ETHERNET_HEADER_BYTES, FRAME_BYTES_MAX, SOURCE_MAC_OFFSET } from "../proto/ethernet.ts";
import { isMulticastMac, isSwitchControl, isZeroMac } from "../proto/mac.ts";
import type { Roster } from "./roster.ts";

//= PROTOCOL.md 12
//# **From the LAN** a gateway takes only: broadcast, multicast (but not rule 7's), and frames to
//# the MACs of clients in the room.
/**
 * Whether a frame of the LAN may enter the tunnel: broadcast, multicast, and what is for a player.
 * Judged by its first 12 bytes; how long it may be is checked when it is finished or cut.
 *
 * @returns {@link PASS} or a drop code
 */
export function judgeLanFrame(
  roster: Roster,
  bytes: Uint8Array,
  offset: number,
  length: number,
): Verdict {
  if (length < ETHERNET_HEADER_BYTES) return DropCode.shortFrame;
  // First what most frames of a promiscuous port fail by.
  if (isMulticastMac(bytes, offset)) {
    if (isSwitchControl(bytes, offset)) return DropCode.switchControl;
  } else if (roster.placeOfMac(bytes, offset) < 0) return DropCode.notForTunnel;
  const source = offset + SOURCE_MAC_OFFSET;
  if (isMulticastMac(bytes, source)) return DropCode.multicastSource;
  if (isZeroMac(bytes, source)) return DropCode.zeroSource;
  return roster.placeOfMac(bytes, source) < 0 ? PASS : DropCode.lanLoop;
}

/**
 * Whether a frame out of the tunnel may go to the LAN, apart from who sent it. The relay checks as
 * much; a LAN should not depend on that.
 *
 * @returns {@link PASS} or a drop code
 */
export function judgeTunnelFrame(bytes: Uint8Array, offset: number, length: number): Verdict {
  if (length < ETHERNET_HEADER_BYTES) return DropCode.shortFrame;
  if (length > FRAME_BYTES_MAX) return DropCode.overLong;
  if (isSwitchControl(bytes, offset)) return DropCode.switchControl;
  const source = offset + SOURCE_MAC_OFFSET;
  if (isMulticastMac(bytes, source)) return DropCode.multicastSource;
  return isZeroMac(bytes, source) ? DropCode.zeroSource : PASS;
}
