/**
 * The sending side of a TAP device with `IFF_VNET_HDR`: frames of one flow that come one behind the other
 * are joined, and written as one.
 *
 * @module
 */

import { Errno, errno } from "../ffi/libc.ts";
import { libcNet } from "../ffi/libc_net.ts";
import { IOVEC, VIRTIO_NET_HDR } from "../ffi/linux_layouts.ts";
import type { JoinedFrame } from "../offload/joined_frame.ts";
import { Joiner, type JoinerOptions } from "../offload/joiner.ts";
import { Segmenter } from "../offload/segmenter.ts";
import { SLOT_BYTES } from "../queue/buffer_pool.ts";
import { AddressBook } from "./address_book.ts";
import { countSendError, type LinkCounters } from "./device.ts";
import { sendSingly } from "./send_singly.ts";

const VIRTIO_BYTES = VIRTIO_NET_HDR.sizeBytes;
const IOV_LEN = IOVEC.fields.iov_len.offset >> 2;
const IOVEC_WORDS = IOVEC.sizeBytes >> 2;

/** Writes to one TAP device. */
export class TapWriter {
  readonly #fd: number;
  readonly #counters: LinkCounters;
  readonly #book = new AddressBook();
  readonly #joiner: Joiner;
  /** A virtio header that says: nothing is left to be done. */
  readonly #noOffload = new Uint8Array(VIRTIO_BYTES);
  readonly #iovecs = new Uint32Array(2 * IOVEC_WORDS);
  readonly #iovecBytes = new Uint8Array(this.#iovecs.buffer);
  readonly #joinedIovec = new Uint32Array(IOVEC_WORDS);
  readonly #joinedIovecBytes = new Uint8Array(this.#joinedIovec.buffer);
  readonly #writev = libcNet().writev;
  /** For what a kernel does not take joined: made when it is first needed. */
  #segmenter: Segmenter | undefined;
  #segment = new Uint8Array(0);

  constructor(fd: number, counters: LinkCounters, options: JoinerOptions) {
    this.#fd = fd;
    this.#counters = counters;
    this.#joiner = new Joiner({ joined: (frame) => this.#writeJoined(frame) }, options);
    this.#book.write(this.#noOffload, 0, this.#iovecs, 0);
    this.#iovecs[IOV_LEN] = VIRTIO_BYTES;
  }

  /** Writes a frame, or holds it until {@linkcode TapWriter.flush} at the latest. @returns false: it is lost */
  send(bytes: Uint8Array, offset: number, length: number): boolean {
    return this.#joiner.add(bytes, offset, length) || this.#write(bytes, offset, length);
  }

  /** Writes what is held. */
  flush(): void {
    this.#joiner.flush();
  }

  /** Forgets where buffers are; the last call. */
  close(): void {
    this.#book.clear();
  }

  #write(bytes: Uint8Array, offset: number, length: number): boolean {
    this.#book.write(bytes, offset, this.#iovecs, IOVEC_WORDS);
    this.#iovecs[IOVEC_WORDS + IOV_LEN] = length;
    const written = this.#writev(this.#fd, this.#iovecBytes, 2);
    if (written === VIRTIO_BYTES + length) {
      this.#counters.framesSent++;
      this.#counters.bytesSent += length;
      return true;
    }
    countSendError(this.#counters, written === -1 ? errno() : Errno.EINVAL, 1);
    return false;
  }

  #writeJoined(frame: JoinedFrame): void {
    const { wholeBytes, segments } = frame;
    this.#book.write(frame.bytes, frame.start, this.#joinedIovec, 0);
    this.#joinedIovec[IOV_LEN] = wholeBytes;
    const written = this.#writev(this.#fd, this.#joinedIovecBytes, 1);
    if (written === wholeBytes) {
      this.#counters.framesSent += segments;
      this.#counters.bytesSent += frame.wireBytes;
      return;
    }
    const code = written === -1 ? errno() : Errno.EINVAL;
    if (code === Errno.EINVAL && segments > 1) return this.#writeCut(frame);
    countSendError(this.#counters, code, segments);
    this.#counters.sendLostLater += segments;
  }

  /** The kernel takes no super-frames of this kind: what is in this one is written frame by frame. */
  #writeCut(frame: JoinedFrame): void {
    const segmenter = this.#segmenter ??= new Segmenter();
    if (this.#segment.length === 0) this.#segment = new Uint8Array(SLOT_BYTES);
    const parts = { joiner: this.#joiner, segmenter };
    sendSingly(frame, parts, this.#segment, 0, (length) => {
      if (!this.#write(this.#segment, 0, length)) this.#counters.sendLostLater++;
    });
  }
}
