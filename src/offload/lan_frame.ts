/**
 * A frame as a LAN interface delivers it, with what the kernel left undone.
 *
 * @module
 */

import type { Slot } from "../proto/brands.ts";

/** What a `struct virtio_net_hdr` says (VIRTIO 1.2 section 5.1.6; linux/virtio_net.h). */
export interface Offload {
  /** `flags`: see {@link VIRTIO_NEEDS_CHECKSUM}. */
  readonly virtioFlags: number;
  /** `gso_type`: see {@link GsoType}, with {@link VIRTIO_GSO_ECN}; not 0: a super-frame. */
  readonly gsoType: number;
  /** `gso_size`: payload bytes of each segment but the last. */
  readonly segmentBytes: number;
  /** `csum_start`: from the frame's first byte as delivered, without a stripped VLAN tag. */
  readonly checksumStart: number;
  /** `csum_offset`: from `checksumStart` to the checksum field. */
  readonly checksumOffset: number;
}

/** A received frame; what a packet socket's link hands out has this shape. */
export interface LanFrame extends Offload {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  /** The pool slot in which the frame lies, to be released by the receiver; −1: none. */
  readonly slot: Slot;
  /** TPID of the VLAN tag that the kernel took out, or 0: none. */
  readonly vlanTpid: number;
  /** Priority, DEI and VLAN id of that tag. */
  readonly vlanTci: number;
}

/** `flags`: the checksum over `csum_start …` is still to be completed. */
export const VIRTIO_NEEDS_CHECKSUM = 1;

/** Values of `gso_type`, without the {@link VIRTIO_GSO_ECN} bit. */
export const GsoType = { none: 0, tcp4: 1, udpFragments: 3, tcp6: 4, udpSegments: 5 } as const;

/** Bit of `gso_type`: CWR stands for the first segment only (RFC 3168 section 6.1.2). */
export const VIRTIO_GSO_ECN = 0x80;

/** Why a frame could not be finished or cut. */
export const OffloadError = {
  /** The metadata contradicts the bytes. */
  invalid: -1,
  /** An offload that is not undone here: UDP fragmentation (gone from Linux since 4.14), unknown ones. */
  unsupported: -2,
  /** The frame, or a segment of it, would be longer than the longest frame. */
  overLong: -3,
} as const;

/** `sizeof(struct virtio_net_hdr)`: what stands in front of each frame that a kernel hands out or takes so. */
export const VIRTIO_HEADER_BYTES = 10;
