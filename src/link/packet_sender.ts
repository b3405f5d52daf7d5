/**
 * The sending side of a packet socket: frames are collected and sent in one `sendmmsg`.
 *
 * With `PACKET_VNET_HDR` on, a socket expects the virtio header on what it sends, too: one of
 * zeros ("nothing left to do") stands in front of each frame.
 *
 * @module
 */

import { addressOf } from "../ffi/layout.ts";
import { Errno, errno } from "../ffi/libc.ts";
import { libcNet, MSG_DONTWAIT } from "../ffi/libc_net.ts";
import { AddressBook, MemoryCopier } from "./address_book.ts";
import { IOVEC, MMSGHDR, MSGHDR, VIRTIO_NET_HDR } from "../ffi/linux_layouts.ts";
import type { LinkCounters } from "./device.ts";

/** Frames that one `sendmmsg` takes. */
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
  readonly #copier = new MemoryCopier();
  readonly #frames = new Uint8Array(SEND_BATCH_MAX * STRIDE_BYTES);
  readonly #messages = new Uint8Array(SEND_BATCH_MAX * MMSGHDR.sizeBytes);
  /** Every suffix of the messages, made once: a batch is resumed after a frame that failed. */
  readonly #suffixes: Uint8Array<ArrayBuffer>[] = [];
  readonly #iovecs = new Uint32Array(SEND_BATCH_MAX * IOVEC_WORDS);
  readonly #sendmmsg = libcNet().sendmmsg;
  #count = 0;

  constructor(fd: number, counters: LinkCounters) {
    this.#fd = fd;
    this.#counters = counters;
    const book = new AddressBook();
    const iovecsAddress = addressOf(this.#iovecs);
    const view = new DataView(this.#messages.buffer);
    for (let index = 0; index < SEND_BATCH_MAX; index++) {
      book.write(this.#frames, index * STRIDE_BYTES, this.#iovecs, index * IOVEC_WORDS);
      const message = index * MMSGHDR.sizeBytes;
      const iovec = iovecsAddress + BigInt(index * IOVEC.sizeBytes);
      view.setBigUint64(message + MSGHDR.fields.msg_iov.offset, iovec, true);
      view.setBigUint64(message + MSGHDR.fields.msg_iovlen.offset, 1n, true);
      this.#suffixes.push(this.#messages.subarray(message));
    }
  }

  /** Puts a frame into the batch; a full batch is sent first. */
  send(bytes: Uint8Array, offset: number, length: number): boolean {
    if (length > SENT_FRAME_BYTES_MAX) {
      this.#counters.sendTooLong++;
      return false;
    }
    if (this.#count === SEND_BATCH_MAX) this.flush();
    const index = this.#count++;
    this.#copier.copy(this.#frames, index * STRIDE_BYTES + VIRTIO_BYTES, bytes, offset, length);
    this.#iovecs[index * IOVEC_WORDS + IOV_LEN] = VIRTIO_BYTES + length;
    return true;
  }

  /** Sends the batch. What the kernel refuses is counted, never kept: its buffer is the queue. */
  flush(): void {
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
          counters.sendFull += count - index;
          break;
        }
        countSendError(counters, code);
        index++;
        continue;
      }
      for (const end = index + sent; index < end; index++) {
        counters.framesSent++;
        counters.bytesSent += this.#iovecs[index * IOVEC_WORDS + IOV_LEN] - VIRTIO_BYTES;
      }
    }
    this.#count = 0;
  }
}

/** Counts a frame that could not be sent by its reason. */
export function countSendError(counters: LinkCounters, code: number): void {
  switch (code) {
    case Errno.EAGAIN:
    case Errno.ENOBUFS:
    case Errno.ENOMEM:
      counters.sendFull++;
      return;
    case Errno.EMSGSIZE:
      counters.sendTooLong++;
      return;
    case Errno.ENETDOWN:
    case Errno.ENXIO:
    case Errno.ENODEV:
    case Errno.EIO:
      counters.sendDown++;
      return;
    default:
      counters.sendFailed++;
  }
}
