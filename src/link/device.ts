/**
 * What the programs know of a place where Ethernet frames come from and go to: a LAN interface
 * (`packet_socket.ts`), a TAP device (`tap.ts`), or memory (`memory.ts`, for tests).
 *
 * Frames never carry their FCS. Nothing on the way of a frame allocates.
 *
 * @module
 */

import { Errno } from "../ffi/libc.ts";
import type { Slot } from "../proto/brands.ts";
import { NO_SLOT } from "../queue/buffer_pool.ts";
import type { Reactor } from "../reactor/reactor.ts";

/** The part of the reactor that a device uses. */
export type LinkReactor = Pick<Reactor, "addFd" | "addHandle">;

const EMPTY = new Uint8Array(0);

/**
 * A received frame: one object for all frames of a device, refilled for each. Everything in it is
 * only valid during {@linkcode LinkSink.frame}, except the slot, which is the sink's from then on.
 */
export class LinkFrame {
  /** Where the frame lies: the pool's slab if there is a slot, else memory of the device. */
  bytes: Uint8Array = EMPTY;
  offset = 0;
  length = 0;
  /** The pool slot that holds the frame, with one reference for the sink to release; or −1. */
  slot: Slot = NO_SLOT;

  /** TPID of the VLAN tag that the kernel took out of the frame (0x8100, 0x88a8), or 0: none. */
  vlanTpid = 0;
  /** Priority, DEI and VLAN id of that tag. */
  vlanTci = 0;

  // The members of struct virtio_net_hdr; all zero for an ordinary, finished frame.

  /** `VIRTIO_NET_HDR_F_*`: bit 0, the checksum is unfinished; bit 1, it was checked already. */
  virtioFlags = 0;
  /** `VIRTIO_NET_HDR_GSO_*` with its ECN bit; not 0: a super-frame. */
  gsoType = 0;
  /** Payload bytes of each segment to cut. */
  segmentBytes = 0;
  /** From the frame's first byte (a stripped VLAN tag does not count). */
  checksumStart = 0;
  /** From `checksumStart` to the checksum field. */
  checksumOffset = 0;

  /** Points at an ordinary frame: no offload, no stripped tag. */
  set(bytes: Uint8Array, offset: number, length: number, slot: Slot): void {
    this.bytes = bytes;
    this.offset = offset;
    this.length = length;
    this.slot = slot;
    this.vlanTpid = 0;
    this.vlanTci = 0;
    this.clearOffload();
  }

  /** Nothing is left to be done to the frame. */
  clearOffload(): void {
    this.virtioFlags = 0;
    this.gsoType = 0;
    this.segmentBytes = 0;
    this.checksumStart = 0;
    this.checksumOffset = 0;
  }

  /** Reads what is left to be done from a `struct virtio_net_hdr` at `bytes[at]`. */
  setOffload(bytes: Uint8Array, at: number): void {
    this.virtioFlags = bytes[at];
    this.gsoType = bytes[at + 1];
    // The common case is an empty header, or only "checked already".
    if ((this.virtioFlags | this.gsoType) === 0) return;
    this.segmentBytes = bytes[at + 4] | (bytes[at + 5] << 8);
    this.checksumStart = bytes[at + 6] | (bytes[at + 7] << 8);
    this.checksumOffset = bytes[at + 8] | (bytes[at + 9] << 8);
  }

  /** Frames on the wire that it is about: those that a super-frame is cut into, or one. */
  get segments(): number {
    return this.gsoType === 0 || this.segmentBytes === 0
      ? 1
      : Math.ceil(this.length / this.segmentBytes);
  }
}

/** Where a device delivers what it receives. */
export interface LinkSink {
  /** Called for each received frame; see {@linkcode LinkFrame} for what stays valid. */
  frame(frame: LinkFrame): void;
  /** The interface changed: went down, came back, or is gone for good. */
  state?(state: LinkState): void;
}

/** `gone`: the interface was deleted; only opening the device again can help. */
export type LinkState = "up" | "down" | "gone";

/** Totals of a device since it was opened. */
export class LinkCounters {
  framesReceived = 0;
  bytesReceived = 0;
  framesSent = 0;
  bytesSent = 0;
  /** Received frames that were lost for want of a free pool slot. */
  receivedWithoutSlot = 0;
  /** Received frames that arrived incomplete (longer than every buffer). */
  receivedTruncated = 0;
  /** Received frames whose description, of what is left to be done, makes no sense. */
  receivedBadOffload = 0;
  /** Received frames that the kernel dropped because we did not read fast enough. */
  kernelDrops = 0;
  /** Frames not sent since the send buffer was full (`EAGAIN`, `ENOBUFS`). */
  sendFull = 0;
  /** Frames not sent since they are longer than the interface takes (`EMSGSIZE`). */
  sendTooLong = 0;
  /** Frames not sent since the interface is down or gone (`ENETDOWN`, `ENXIO`, `EIO`). */
  sendDown = 0;
  /** Frames not sent for any other reason. */
  sendFailed = 0;
  /** Of all these, those that {@linkcode LinkDevice.send} had taken: it could not tell of them. */
  sendLostLater = 0;

  /** A copy as a plain object, for stats messages. */
  snapshot(): Record<string, number> {
    return Object.fromEntries(Object.entries(this));
  }
}

/** Counts frames that could not be sent by their reason, an `errno`. */
export function countSendError(counters: LinkCounters, code: number, frames: number): void {
  switch (code) {
    case Errno.EAGAIN:
    case Errno.ENOBUFS:
    case Errno.ENOMEM:
      counters.sendFull += frames;
      return;
    case Errno.EMSGSIZE:
      counters.sendTooLong += frames;
      return;
    case Errno.ENETDOWN:
    case Errno.ENXIO:
    case Errno.ENODEV:
    case Errno.EIO:
      counters.sendDown += frames;
      return;
    default:
      counters.sendFailed += frames;
  }
}

/** A link that frames are received from and sent to: what all have. */
export interface LinkDevice {
  /** Name of the interface. */
  readonly name: string;
  /** Interface index; 0 for memory links. */
  readonly index: number;
  /** Hardware address, 6 bytes. */
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly counters: LinkCounters;
  readonly state: LinkState;

  /** Begins to deliver frames: at most the device's budget in one turn of the reactor. */
  start(reactor: LinkReactor, sink: LinkSink): void;

  /**
   * Sends a frame, or puts it into a batch ({@linkcode LinkDevice.flush}): the bytes are taken before the
   * call returns.
   *
   * @returns false if the frame is known to be lost (counted by its reason).
   */
  send(bytes: Uint8Array, offset: number, length: number): boolean;

  /** Sends what {@linkcode LinkDevice.send} has collected, where it does; to be called at the end of a turn. */
  flush?(): void;

  /** Reads what the kernel counts into {@linkcode LinkDevice.counters}, where it counts. */
  updateCounters?(): void;

  /**
   * Looks at the interface and tells the sink if it changed. Deletion and going down are noticed
   * at once; coming back up only here or by the first frame, so call it about once a second.
   */
  checkState(): LinkState;

  /** Ends delivery and gives everything back. A second call does nothing. */
  close(): void;
}

/** A network adapter that this program makes, or has made for it: its MTU follows the room's. */
export interface AdapterDevice extends LinkDevice {
  /** Changes the interface's MTU, also while it is up. */
  setMtu(mtu: number): void;
}

/** A LAN's interface. */
export type LanDevice = LinkDevice;

/** An interface or device that cannot be used, in words for the person who runs the program. */
export class LinkError extends Error {
  override readonly name = "LinkError";
  readonly code: LinkErrorCode;

  constructor(code: LinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Why a device cannot be used. */
export type LinkErrorCode =
  | "no-such-interface"
  | "no-permission"
  | "not-ethernet"
  | "not-promiscuous"
  | "name-taken"
  | "bad-name"
  | "bad-mtu"
  | "bad-mac"
  | "no-tun-driver"
  | "closed";
