/**
 * The Ethernet header and the sizes of frames. Frames are carried without their FCS everywhere.
 *
 * ```
 *  0                       6                      12      14
 *  +-----------------------+-----------------------+-------+---
 *  | destination MAC       | source MAC            | type  | …      (IEEE 802.3-2022 §3.1.1)
 *  +-----------------------+-----------------------+-------+---
 *                                                 12      14      16      18
 *  with one 802.1Q tag:                            +-------+-------+-------+---
 *                                                  | 8100  | TCI   | type  | …
 *                                                  +-------+-------+-------+---
 * ```
 *
 * @module
 */

/** Destination, source and type. */
export const ETHERNET_HEADER_BYTES = 14;

/** Where the source MAC is in a frame. */
export const SOURCE_MAC_OFFSET = 6;

/** Where the type (or first tag) is in a frame. */
export const ETHER_TYPE_OFFSET = 12;

/** Bytes that one IEEE 802.1Q tag adds. */
export const VLAN_TAG_BYTES = 4;

/** Most VLAN tags of a frame: customer and service tag. */
export const VLAN_TAGS_MAX = 2;

/** Shortest frame on a wire, without FCS; a NIC pads shorter ones. */
export const FRAME_BYTES_MIN = 60;

/** Longest frame that is carried: 1500 bytes behind a header and two tags. */
export const FRAME_BYTES_MAX = 1522;

/** Types below this are lengths: an IEEE 802.2 LLC header follows. */
export const ETHER_TYPE_MIN = 0x0600;

/** The EtherTypes that are of interest here (IEEE registry; 0x88B5 is for local experiments). */
export const EtherType = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  ipv6: 0x86dd,
  /** IEEE 802.1ad service tag. */
  qinq: 0x88a8,
  /** Service tags from before IEEE 802.1ad. */
  qinqLegacy: 0x9100,
  qinqLegacy2: 0x9200,
  lldp: 0x88cc,
  /** Frames that only teach switches where a player's MAC is. */
  camRefresh: 0x88b5,
} as const;

/** Whether a type announces a VLAN tag. */
export function isVlanTagType(etherType: number): boolean {
  return etherType === EtherType.vlan || etherType === EtherType.qinq ||
    etherType === EtherType.qinqLegacy || etherType === EtherType.qinqLegacy2;
}
