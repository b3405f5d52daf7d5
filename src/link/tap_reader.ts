/**
 * The receiving side of a TAP device with `IFF_VNET_HDR`: the kernel hands out what it would hand to a
 * card that completes checksums and cuts, and the reader does the card's work. What it gives on are
 * finished single frames, each in a slot of the pool.
 *
 * ```
 *  readv ─► │ virtio header (10) │ frame … ─ slot │ … the rest of a super-frame ─ own buffer │
 * ```
 *
 * An ordinary frame stays in the slot that it was read into. A super-frame, of up to 64 KB, has its
 * beginning copied in front of its rest, and each of its segments is cut into a slot of its own.
 *
 * @module
 */

import { libcNet } from "../ffi/libc_net.ts";
import { IOVEC, VIRTIO_NET_HDR } from "../ffi/linux_layouts.ts";
import { ChecksumCompleter } from "../offload/checksum_completer.ts";
import { OffloadError } from "../offload/lan_frame.ts";
import { Segmenter } from "../offload/segmenter.ts";
import type { Slot } from "../proto/brands.ts";
import { type BufferPool, HEADROOM_BYTES, NO_SLOT, SLOT_BYTES } from "../queue/buffer_pool.ts";
import { AddressBook, MemoryCopier } from "./address_book.ts";
import { type LinkCounters, LinkFrame } from "./device.ts";

const VIRTIO_BYTES = VIRTIO_NET_HDR.sizeBytes;
/** What of a frame lies in the slot that it is read into. */
const SLOT_FRAME_BYTES = SLOT_BYTES - VIRTIO_BYTES;
/** The longest super-frame: 64 KB of IP packet, Ethernet header, VLAN tags; rounded up to pages. */
const SUPER_FRAME_BYTES_MAX = 69_632;
const GSO_TYPE = VIRTIO_NET_HDR.fields.gso_type.offset;
const IOV_LEN = IOVEC.fields.iov_len.offset >> 2;
const IOVEC_WORDS = IOVEC.sizeBytes >> 2;

/** What {@linkcode TapReader.next} found. */
export const TapRead = {
  /** No frame is waiting, or the device has an error to tell (`errno`). */
  empty: 0,
  /** The frame was filled in; its slot has one reference for whoever takes it. */
  frame: 1,
  /** A frame was there but could not be had; it was counted. */
  lost: 2,
} as const;

/** Reads one TAP device. */
export class TapReader {
  readonly #fd: number;
  readonly #pool: BufferPool;
  readonly #counters: LinkCounters;
  readonly #book = new AddressBook();
  readonly #copier = new MemoryCopier(this.#book);
  readonly #completer = new ChecksumCompleter();
  readonly #segmenter = new Segmenter();
  readonly #superBytes = new Uint8Array(SUPER_FRAME_BYTES_MAX);
  /** The super-frame that is being cut. */
  readonly #superFrame = new LinkFrame();
  readonly #iovecs = new Uint32Array(2 * IOVEC_WORDS);
  readonly #iovecBytes = new Uint8Array(this.#iovecs.buffer);
  readonly #readv = libcNet().readv;
  /**
   * The slot that the next frame is read into. One is always in hand: with an exhausted pool
   * frames are still taken from the kernel and dropped, rather than found waiting for ever.
   */
  #slot: Slot;

  /** @throws {RangeError} the pool has no free slot */
  constructor(fd: number, pool: BufferPool, counters: LinkCounters) {
    this.#fd = fd;
    this.#pool = pool;
    this.#counters = counters;
    this.#iovecs[IOV_LEN] = SLOT_BYTES;
    this.#book.write(this.#superBytes, SLOT_FRAME_BYTES, this.#iovecs, IOVEC_WORDS);
    this.#iovecs[IOVEC_WORDS + IOV_LEN] = SUPER_FRAME_BYTES_MAX - SLOT_FRAME_BYTES;
    this.#slot = pool.acquire();
    if (this.#slot === NO_SLOT) throw new RangeError("the buffer pool has no free slot");
  }

  /**
   * Segments of the present super-frame that {@linkcode TapReader.next} has still to give. The kernel
   * does not know of them: they must be taken before its descriptor is waited for.
   */
  get remaining(): number {
    return this.#segmenter.remaining;
  }

  /** Fills in the next frame, which is finished and one alone. @returns a value of {@linkcode TapRead} */
  next(frame: LinkFrame): number {
    if (this.#segmenter.remaining > 0) return this.#cut(frame);
    const pool = this.#pool;
    const start = pool.offsetOf(this.#slot);
    this.#book.write(pool.bytes, start, this.#iovecs, 0);
    const got = this.#readv(this.#fd, this.#iovecBytes, 2);
    if (got < VIRTIO_BYTES) return TapRead.empty;
    const length = got - VIRTIO_BYTES;
    if (pool.bytes[start + GSO_TYPE] !== 0) return this.#beginSuperFrame(frame, start, length);
    const slot = this.#slot;
    // A frame of an MTU that we have not set: long enough to be dropped for it.
    frame.set(pool.bytes, start + VIRTIO_BYTES, Math.min(length, SLOT_FRAME_BYTES), slot);
    frame.setOffload(pool.bytes, start);
    if (frame.virtioFlags !== 0) {
      const error = this.#completer.complete(frame.bytes, frame.offset, frame.length, frame);
      if (error < 0) return this.#loseBad();
      frame.clearOffload();
    }
    return this.#handOver(frame);
  }

  /** Gives the slot in hand back; the last call. */
  close(): void {
    this.#pool.release(this.#slot);
    this.#book.clear();
  }

  #beginSuperFrame(frame: LinkFrame, start: number, length: number): number {
    const whole = this.#superFrame;
    const { bytes } = this.#pool;
    const inSlot = Math.min(length, SLOT_FRAME_BYTES);
    this.#copier.copy(this.#superBytes, 0, bytes, start + VIRTIO_BYTES, inSlot);
    whole.set(this.#superBytes, 0, length, NO_SLOT);
    whole.setOffload(bytes, start);
    const segments = this.#segmenter.begin(whole);
    if (segments > 0) return this.#cut(frame);
    if (segments !== OffloadError.overLong) return this.#loseBad();
    // Jumbo frames, joined: one of them stands for all, and is dropped for its length.
    frame.set(bytes, start + VIRTIO_BYTES, inSlot, this.#slot);
    return this.#handOver(frame);
  }

  #cut(frame: LinkFrame): number {
    const { bytes } = this.#pool;
    const offset = this.#pool.offsetOf(this.#slot) + HEADROOM_BYTES;
    const length = this.#segmenter.next(bytes, offset);
    frame.set(bytes, offset, length, this.#slot);
    return this.#handOver(frame);
  }

  /** Lets the frame have the slot in hand, if there is another one to take its place. */
  #handOver(frame: LinkFrame): number {
    this.#counters.framesReceived++;
    this.#counters.bytesReceived += frame.length;
    const spare = this.#pool.acquire();
    if (spare === NO_SLOT) {
      this.#counters.receivedWithoutSlot++;
      return TapRead.lost;
    }
    this.#slot = spare;
    return TapRead.frame;
  }

  #loseBad(): number {
    this.#counters.receivedBadOffload++;
    return TapRead.lost;
  }
}
