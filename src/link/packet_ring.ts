/**
 * The receive ring of a packet socket (TPACKET_V2): memory that the kernel writes frames to and we
 * read them from, without a system call per frame and without a copy of our own.
 *
 * A slot holds 1.9 KB of frame. What is longer (a super-frame of GRO or GSO, up to 64 KB, or a
 * jumbo frame) stands cut in its slot, while the kernel queues it whole on the socket
 * (`PACKET_COPY_THRESH`), in the order of the slots: it is fetched with one `readv`.
 *
 * V2 rather than V3: V3 holds frames back until a block is full or times out.
 *
 * @module
 */

import { addressOf, Struct } from "../ffi/layout.ts";
import { checkCall, Errno, errno, SystemCallError } from "../ffi/libc.ts";
import {
  libcNet,
  MAP_SHARED,
  PacketOption,
  PROT_READ,
  PROT_WRITE,
  SOL_PACKET,
  TPACKET_V2,
  TpStatus,
} from "../ffi/libc_net.ts";
import { IOVEC, TPACKET2_HDR, TPACKET_REQ, VIRTIO_NET_HDR } from "../ffi/linux_layouts.ts";
import { NO_SLOT } from "../queue/buffer_pool.ts";
import type { LinkCounters, LinkFrame } from "./device.ts";

/** Bytes of one slot: header, virtio header and an ordinary frame with two VLAN tags. */
export const RING_SLOT_BYTES = 2048;
/** Bytes of one block, which the kernel allocates in one piece. */
const RING_BLOCK_BYTES = 65536;
const SLOTS_PER_BLOCK = RING_BLOCK_BYTES / RING_SLOT_BYTES;
const VIRTIO_BYTES = VIRTIO_NET_HDR.sizeBytes;
/** The longest super-frame: 64 KB of IP packet, Ethernet header, VLAN tags; rounded up to pages. */
const SUPER_FRAME_BYTES_MAX = 69632;

const STATUS = TPACKET2_HDR.fields.tp_status.offset >> 2;
const LEN = TPACKET2_HDR.fields.tp_len.offset >> 2;
const SNAPLEN = TPACKET2_HDR.fields.tp_snaplen.offset >> 2;
const MAC = TPACKET2_HDR.fields.tp_mac.offset >> 1;
const VLAN_TCI = TPACKET2_HDR.fields.tp_vlan_tci.offset >> 1;
const VLAN_TPID = TPACKET2_HDR.fields.tp_vlan_tpid.offset >> 1;
const TPID_8021Q = 0x8100;
const EMPTY = new Uint8Array(0);

/** What {@linkcode PacketRing.next} found. */
export const RingResult = {
  /** No frame is waiting. */
  empty: 0,
  /** The frame was filled in. */
  frame: 1,
  /** A frame was there but could not be had whole; it was counted. */
  lost: 2,
} as const;

/** The mapped ring of one socket. */
export class PacketRing {
  readonly #fd: number;
  readonly #counters: LinkCounters;
  readonly #address: Deno.PointerObject;
  readonly #slots: number;
  readonly #bytesLength: number;
  #u8: Uint8Array;
  #u16: Uint16Array;
  #u32: Uint32Array;
  #slot = 0;
  /** Byte offset of the slot that was handed out last and still belongs to us; −1: none. */
  #held = -1;

  readonly #superFrame = new Uint8Array(VIRTIO_BYTES + SUPER_FRAME_BYTES_MAX);
  readonly #superIovec: Struct<typeof IOVEC>;
  readonly #readv = libcNet().readv;

  /**
   * Gives `fd` a ring and maps it. To be called before the socket is bound, so that no frame is
   * queued elsewhere, and after `PACKET_VNET_HDR` was set.
   *
   * @param slotsMin frames that the ring has room for, rounded up to whole blocks
   */
  constructor(fd: number, slotsMin: number, counters: LinkCounters) {
    const libc = libcNet();
    this.#fd = fd;
    this.#counters = counters;
    setOption(fd, "PACKET_VERSION", PacketOption.version, TPACKET_V2);
    setOption(fd, "PACKET_COPY_THRESH", PacketOption.copyThresh, 1);
    const blocks = Math.max(1, Math.ceil(slotsMin / SLOTS_PER_BLOCK));
    this.#slots = blocks * SLOTS_PER_BLOCK;
    this.#bytesLength = blocks * RING_BLOCK_BYTES;
    const request = new Struct(TPACKET_REQ)
      .setNumber("tp_block_size", RING_BLOCK_BYTES)
      .setNumber("tp_block_nr", blocks)
      .setNumber("tp_frame_size", RING_SLOT_BYTES)
      .setNumber("tp_frame_nr", this.#slots);
    checkCall(
      "setsockopt",
      libc.setsockopt(fd, SOL_PACKET, PacketOption.rxRing, request.bytes, request.bytes.length),
      "PACKET_RX_RING",
    );
    const address = libc.mmap(
      null,
      BigInt(this.#bytesLength),
      PROT_READ | PROT_WRITE,
      MAP_SHARED,
      fd,
      0n,
    );
    if (address === null || BigInt.asIntN(64, Deno.UnsafePointer.value(address)) === -1n) {
      throw new SystemCallError("mmap", errno(), "packet ring");
    }
    this.#address = address;
    const memory = Deno.UnsafePointerView.getArrayBuffer(address, this.#bytesLength);
    this.#u8 = new Uint8Array(memory);
    this.#u16 = new Uint16Array(memory);
    this.#u32 = new Uint32Array(memory);
    this.#superIovec = new Struct(IOVEC);
    const view = new DataView(this.#superIovec.bytes.buffer);
    view.setBigUint64(IOVEC.fields.iov_base.offset, addressOf(this.#superFrame), true);
    view.setBigUint64(IOVEC.fields.iov_len.offset, BigInt(this.#superFrame.length), true);
  }

  /**
   * Gives the slot of the frame before back to the kernel and fills in the next frame.
   *
   * @returns a {@linkcode RingResult}
   */
  next(frame: LinkFrame): number {
    this.giveBack();
    const base = this.#slot * RING_SLOT_BYTES;
    const word = base >> 2;
    // An atomic load, so that on any CPU what the kernel wrote before the status is seen.
    const status = Atomics.load(this.#u32, word + STATUS);
    if ((status & TpStatus.user) === 0) return RingResult.empty;
    this.#slot = this.#slot + 1 === this.#slots ? 0 : this.#slot + 1;
    this.#held = word + STATUS;

    const length = this.#u32[word + LEN];
    const mac = base + this.#u16[(base >> 1) + MAC];
    let bytes = this.#u8;
    let offset = mac;
    if (length > this.#u32[word + SNAPLEN]) {
      if ((status & TpStatus.copy) === 0 || !this.#fetchWhole(length)) {
        this.#counters.receivedTruncated++;
        return RingResult.lost;
      }
      bytes = this.#superFrame;
      offset = VIRTIO_BYTES;
    }
    frame.set(bytes, offset, length, NO_SLOT);
    frame.setOffload(bytes, offset - VIRTIO_BYTES);
    if ((status & TpStatus.vlanValid) !== 0) {
      frame.vlanTci = this.#u16[(base >> 1) + VLAN_TCI];
      frame.vlanTpid = (status & TpStatus.vlanTpidValid) !== 0
        ? this.#u16[(base >> 1) + VLAN_TPID]
        : TPID_8021Q;
    }
    return RingResult.frame;
  }

  /** Whether a frame is waiting. */
  get waiting(): boolean {
    return (Atomics.load(this.#u32, (this.#slot * RING_SLOT_BYTES >> 2) + STATUS) &
      TpStatus.user) !== 0;
  }

  /** Gives the slot that was handed out last back to the kernel. */
  giveBack(): void {
    if (this.#held < 0) return;
    Atomics.store(this.#u32, this.#held, TpStatus.kernel);
    this.#held = -1;
  }

  /** Unmaps the ring: from then on it is empty. */
  close(): void {
    if (this.#u8.length === 0) return;
    this.#u8 = EMPTY;
    this.#u16 = new Uint16Array(0);
    this.#u32 = new Uint32Array(RING_SLOT_BYTES);
    this.#slot = 0;
    this.#held = -1;
    libcNet().munmap(this.#address, BigInt(this.#bytesLength));
  }

  /** Takes the whole frame from the socket's queue, virtio header in front. */
  #fetchWhole(length: number): boolean {
    const got = this.#readv(this.#fd, this.#superIovec.bytes, 1);
    if (got === -1 && errno() !== Errno.EAGAIN) return false;
    return got === length + VIRTIO_BYTES;
  }
}

/** Sets an integer option of a packet socket. */
export function setOption(fd: number, name: string, option: number, value: number): void {
  const bytes = new Uint8Array(Int32Array.of(value).buffer);
  checkCall("setsockopt", libcNet().setsockopt(fd, SOL_PACKET, option, bytes, 4), name);
}
