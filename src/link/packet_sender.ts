/**
 * The sending side of a packet socket: frames are collected and sent in one `sendmmsg`, those of one flow
 * that come one behind the other joined to super-frames. The card cuts them, or the kernel for it.
 *
 * With `PACKET_VNET_HDR` on, a socket expects the virtio header on what it sends: one of zeros ("nothing
 * left to do") stands in front of each single frame.
 *
 * @module
 */

import { addressOf } from "../ffi/layout.ts";
import { Errno, errno } from "../ffi/libc.ts";
import { libcNet, MSG_DONTWAIT } from "../ffi/libc_net.ts";
import { IOVEC, MMSGHDR, MSGHDR, VIRTIO_NET_HDR } from "../ffi/linux_layouts.ts";
import type { JoinedFrame } from "../offload/joined_frame.ts";
import { Joiner } from "../offload/joiner.ts";
import { Segmenter } from "../offload/segmenter.ts";
import { AddressBook, MemoryCopier } from "./address_book.ts";
import { countSendError, type LinkCounters } from "./device.ts";
import { sendSingly } from "./send_singly.ts";

/** Frames, or super-frames, that one `sendmmsg` takes. */
export const SEND_BATCH_MAX = 64;
const STRIDE_BYTES = 2048;
const VIRTIO_BYTES = VIRTIO_NET_HDR.sizeBytes;
/** The longest frame that is sent: Ethernet header, two tags and 2000 bytes. */
const SENT_FRAME_BYTES_MAX = STRIDE_BYTES - VIRTIO_BYTES;
const IOV_LEN = IOVEC.fields.iov_len.offset >> 2;
const IOVEC_WORDS = IOVEC.sizeBytes >> 2;

/** A batch of frames for one socket. */
export class PacketSender {
  readonly #fd: number;
  readonly #counters: LinkCounters;
  readonly #book = new AddressBook();
  readonly #copier = new MemoryCopier(this.#book);
  readonly #joiner: Joiner;
  readonly #segmenter = new Segmenter();
  readonly #frames = new Uint8Array(SEND_BATCH_MAX * STRIDE_BYTES);
  readonly #messages = new Uint8Array(SEND_BATCH_MAX * MMSGHDR.sizeBytes);
  /** Every suffix of the messages, made once: a batch is resumed after a frame that failed. */
  readonly #suffixes: Uint8Array<ArrayBuffer>[] = [];
  readonly #iovecs = new Uint32Array(SEND_BATCH_MAX * IOVEC_WORDS);
  /** Frames on the wire, and their bytes, by message; a super-frame's are more than one. */
  readonly #segments = new Uint16Array(SEND_BATCH_MAX);
  readonly #wireBytes = new Uint32Array(SEND_BATCH_MAX);
  /** The super-frames among them. */
  readonly #joined: (JoinedFrame | undefined)[] = new Array(SEND_BATCH_MAX).fill(undefined);
  readonly #sendmmsg = libcNet().sendmmsg;
  #count = 0;
  /** What the joiner gives out stays where it is until the batch is sent. */
  #isFlushing = false;

  /** @param mtu the interface's */
  constructor(fd: number, mtu: number, counters: LinkCounters) {
    this.#fd = fd;
    this.#counters = counters;
    this.#joiner = new Joiner({ joined: (frame) => this.#queueJoined(frame) }, {
      udp: true,
      zeroIds: false,
    });
    this.setMtu(mtu);
    const iovecsAddress = addressOf(this.#iovecs);
    const view = new DataView(this.#messages.buffer);
    for (let index = 0; index < SEND_BATCH_MAX; index++) {
      const message = index * MMSGHDR.sizeBytes;
      const iovec = iovecsAddress + BigInt(index * IOVEC.sizeBytes);
      view.setBigUint64(message + MSGHDR.fields.msg_iov.offset, iovec, true);
      view.setBigUint64(message + MSGHDR.fields.msg_iovlen.offset, 1n, true);
      this.#suffixes.push(this.#messages.subarray(message));
    }
  }

  /** What is longer than the interface's MTU lets it be is not joined: the kernel refuses it. */
  setMtu(mtu: number): void {
    this.#joiner.mtu = mtu;
  }

  /** Puts a frame into the batch; a full batch is sent first. */
  send(bytes: Uint8Array, offset: number, length: number): boolean {
    if (length > SENT_FRAME_BYTES_MAX) {
      this.#counters.sendTooLong++;
      return false;
    }
    if (!this.#joiner.add(bytes, offset, length)) this.#queue(bytes, offset, length);
    return true;
  }

  /** Sends all that was taken. What the kernel refuses is counted, never kept: its buffer is the queue. */
  flush(): void {
    this.#isFlushing = true;
    this.#joiner.flush();
    this.#isFlushing = false;
    this.#sendBatch();
  }

  /** Copies a frame into the batch. */
  #queue(bytes: Uint8Array, offset: number, length: number): void {
    const index = this.#nextMessage(1, length);
    const start = index * STRIDE_BYTES;
    this.#copier.copy(this.#frames, start + VIRTIO_BYTES, bytes, offset, length);
    this.#point(index, this.#frames, start, VIRTIO_BYTES + length);
  }

  /** Puts a super-frame into the batch as it lies there. */
  #queueJoined(frame: JoinedFrame): void {
    const { bytes, offset, start, segments, wholeBytes } = frame;
    if (segments === 1) return this.#queue(bytes, offset, frame.length);
    const index = this.#nextMessage(segments, frame.wireBytes);
    this.#joined[index] = frame;
    this.#point(index, bytes, start, wholeBytes);
    // Its place is used again at once, unless all are given out.
    if (!this.#isFlushing) this.#sendBatch();
  }

  #nextMessage(segments: number, wireBytes: number): number {
    if (this.#count === SEND_BATCH_MAX) this.#sendBatch();
    const index = this.#count++;
    this.#segments[index] = segments;
    this.#wireBytes[index] = wireBytes;
    this.#joined[index] = undefined;
    return index;
  }

  #point(index: number, bytes: Uint8Array, start: number, length: number): void {
    this.#book.write(bytes, start, this.#iovecs, index * IOVEC_WORDS);
    this.#iovecs[index * IOVEC_WORDS + IOV_LEN] = length;
  }

  #sendBatch(): void {
    let index = 0;
    const count = this.#count;
    const counters = this.#counters;
    while (index < count) {
      const sent = this.#sendmmsg(this.#fd, this.#suffixes[index], count - index, MSG_DONTWAIT);
      if (sent <= 0) {
        const code = sent === 0 ? Errno.EAGAIN : errno();
        if (code === Errno.EINTR) continue;
        if (code === Errno.EAGAIN) {
          // The send buffer is full, and will be for the rest of this batch.
          for (; index < count; index++) this.#lose(index, code);
          break;
        }
        const joined = this.#joined[index];
        if (code === Errno.EINVAL && joined !== undefined) this.#sendCut(joined);
        else this.#lose(index, code);
        index++;
        continue;
      }
      for (const end = index + sent; index < end; index++) {
        counters.framesSent += this.#segments[index];
        counters.bytesSent += this.#wireBytes[index];
      }
    }
    this.#count = 0;
  }

  /** The kernel takes no super-frames of this kind: what is in this one is sent frame by frame. */
  #sendCut(frame: JoinedFrame): void {
    const single = new Uint8Array(STRIDE_BYTES);
    const iovec = new Uint32Array(IOVEC_WORDS);
    this.#book.write(single, 0, iovec, 0);
    const parts = { joiner: this.#joiner, segmenter: this.#segmenter };
    sendSingly(frame, parts, single, VIRTIO_BYTES, (length) => {
      iovec[IOV_LEN] = VIRTIO_BYTES + length;
      if (libcNet().writev(this.#fd, new Uint8Array(iovec.buffer), 1) > 0) {
        this.#counters.framesSent++;
        this.#counters.bytesSent += length;
      } else {
        countSendError(this.#counters, errno(), 1);
        this.#counters.sendLostLater++;
      }
    });
  }

  #lose(index: number, code: number): void {
    countSendError(this.#counters, code, this.#segments[index]);
    this.#counters.sendLostLater += this.#segments[index];
  }
}
