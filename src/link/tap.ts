/**
 * A TAP device of the Linux kernel: a network interface whose other end is this process.
 *
 * It lives as long as it is open: when the process ends, however it ends, the interface is gone.
 *
 * @module
 */

import {
  closeFd,
  Errno,
  errno,
  libc,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
  SystemCallError,
} from "../ffi/libc.ts";
import { IFF_NO_PI, IFF_TAP, libcNet, TUNSETIFF } from "../ffi/libc_net.ts";
import { AddressBook } from "./address_book.ts";
import { IOVEC } from "../ffi/linux_layouts.ts";
import type { Slot } from "../proto/brands.ts";
import { type IpNetwork } from "../proto/ip.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { TAP_MTU_MAX } from "../proto/mtu.ts";
import { type BufferPool, HEADROOM_BYTES, NO_SLOT, SLOT_BYTES } from "../queue/buffer_pool.ts";
import type { Source } from "../reactor/reactor.ts";
import {
  type AdapterDevice,
  LinkCounters,
  LinkError,
  LinkFrame,
  type LinkReactor,
  type LinkSink,
  type LinkState,
} from "./device.ts";
import {
  interfaceIndex,
  interfaceRequest,
  queryInterface,
  setInterfaceMac,
  setInterfaceMtu,
  setInterfaceUp,
} from "./interface.ts";
import { addInterfaceAddress } from "./netlink.ts";
import { countSendError } from "./packet_sender.ts";

/** How a TAP device is made. */
export interface TapOptions {
  /** Name of the interface; `%d` in it is replaced by a free number. */
  readonly name: string;
  /** Hardware address: 6 bytes, unicast. */
  readonly mac: Uint8Array;
  //= PROTOCOL.md 10
  //# each TAP must take frames that are longer than its own MTU allows to send (up to 1522 bytes, as
  //# the LAN's stations send them)
  /** MTU of the interface, for what is sent; what is received may be longer: 68 … {@linkcode TAP_MTU_MAX}. */
  readonly mtu: number;
  /** Its address, if it is not to come by DHCP. */
  readonly address?: IpNetwork;
  /** Called with the interface's name when it is there, and no frame can have come through it yet. */
  readonly beforeUp?: (name: string) => void;
  /** Where received frames are put: at the headroom of a slot. */
  readonly pool: BufferPool;
  /** Frames delivered in one turn of the reactor. Default 64. */
  readonly budgetFrames?: number;
}

/** The least MTU of a device that IPv4 allows (RFC 791): a room's is larger. */
const DEVICE_MTU_MIN = 68;

/** What the adapter is called where the player names none. */
export const TAP_NAME_DEFAULT = "lanparty0";

const TUN_DEVICE = "/dev/net/tun";
const BUDGET_FRAMES = 64;
const READ_BYTES_MAX = SLOT_BYTES - HEADROOM_BYTES;
const IOV_BASE = IOVEC.fields.iov_base.offset >> 2;
const IOV_LEN = IOVEC.fields.iov_len.offset >> 2;
const IOVEC_WORDS = IOVEC.sizeBytes >> 2;

/** A TAP device, up and ready. */
export class TapDevice implements AdapterDevice {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
  readonly counters = new LinkCounters();

  readonly #fd: number;
  readonly #pool: BufferPool;
  readonly #book = new AddressBook();
  readonly #frame = new LinkFrame();
  readonly #budgetFrames: number;
  readonly #readIovec = new Uint32Array(IOVEC_WORDS);
  readonly #readIovecBytes = new Uint8Array(this.#readIovec.buffer);
  readonly #writeIovec = new Uint32Array(IOVEC_WORDS);
  readonly #writeIovecBytes = new Uint8Array(this.#writeIovec.buffer);
  readonly #readv = libcNet().readv;
  readonly #writev = libcNet().writev;
  /**
   * The slot that the next frame is read into. One is always in hand: with an exhausted pool
   * frames are still taken from the kernel and dropped, rather than found waiting for ever.
   */
  #slot: Slot;
  #mtu: number;
  #state: LinkState = "up";
  #sink: LinkSink | undefined;
  #source: Source | undefined;
  #closed = false;

  /**
   * Makes the interface, sets MAC and MTU, brings it up and gives it its address.
   *
   * @throws {LinkError} `no-tun-driver`, `no-permission`, `name-taken`, `bad-name`, `bad-mtu`,
   *   `bad-mac`
   */
  static open(options: TapOptions): TapDevice {
    checkMtu(options.mtu);
    if (options.mac.length !== MAC_BYTES || (options.mac[0] & 1) !== 0) {
      throw new LinkError("bad-mac", "a TAP device needs a unicast MAC of 6 bytes");
    }
    const request = interfaceRequest(options.name);
    const fd = openTun();
    try {
      request.setNumber("ifr_flags", IFF_TAP | IFF_NO_PI);
      if (libcNet().ioctl(fd, TUNSETIFF, request.bytes) === -1) {
        throw tapError("TUNSETIFF", errno(), options.name);
      }
      const nameBytes = request.memberBytes("ifr_name");
      const name = new TextDecoder().decode(nameBytes.subarray(0, nameBytes.indexOf(0)));
      setInterfaceMac(name, options.mac);
      setInterfaceMtu(name, options.mtu);
      options.beforeUp?.(name);
      setInterfaceUp(name, true);
      const index = interfaceIndex(name);
      if (options.address !== undefined) addInterfaceAddress(index, options.address);
      return new TapDevice(fd, name, index, options);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  private constructor(fd: number, name: string, index: number, options: TapOptions) {
    this.#fd = fd;
    this.name = name;
    this.index = index;
    this.mac = options.mac.slice();
    this.#mtu = options.mtu;
    this.#pool = options.pool;
    this.#budgetFrames = options.budgetFrames ?? BUDGET_FRAMES;
    this.#readIovec[IOV_LEN] = READ_BYTES_MAX;
    this.#slot = options.pool.acquire();
    if (this.#slot === NO_SLOT) throw new RangeError("the buffer pool has no free slot");
  }

  get mtu(): number {
    return this.#mtu;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The descriptor, for tests and for a loop of one's own: readable when frames wait. */
  get fd(): number {
    return this.#fd;
  }

  start(reactor: LinkReactor, sink: LinkSink): void {
    if (this.#closed) throw new LinkError("closed", `TAP device "${this.name}" is closed`);
    if (this.#source !== undefined) throw new Error("the TAP device was started already");
    this.#sink = sink;
    this.#source = reactor.addFd(this.#fd, {
      readable: () => this.receive(this.#budgetFrames),
    });
  }

  receive(framesMax: number, sink: LinkSink | undefined = this.#sink): boolean {
    const pool = this.#pool;
    const frame = this.#frame;
    const counters = this.counters;
    for (let count = 0; count < framesMax; count++) {
      if (this.#closed) return false;
      const offset = pool.offsetOf(this.#slot) + HEADROOM_BYTES;
      this.#book.write(pool.bytes, offset, this.#readIovec, IOV_BASE);
      const length = this.#readv(this.#fd, this.#readIovecBytes, 1);
      if (length <= 0) {
        if (count === 0) this.#readFailed();
        return false;
      }
      counters.framesReceived++;
      counters.bytesReceived += length;
      if (sink === undefined) continue;
      const slot = this.#slot;
      const spare = pool.acquire();
      if (spare === NO_SLOT) {
        counters.receivedWithoutSlot++;
        continue;
      }
      this.#slot = spare;
      frame.set(pool.bytes, offset, length, slot);
      sink.frame(frame);
    }
    return true;
  }

  send(bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.#closed) return false;
    if (offset < 0 || length < 0 || offset + length > bytes.length) {
      throw new RangeError("frame outside its buffer");
    }
    this.#book.write(bytes, offset, this.#writeIovec, IOV_BASE);
    this.#writeIovec[IOV_LEN] = length;
    const written = this.#writev(this.#fd, this.#writeIovecBytes, 1);
    if (written === length) {
      this.counters.framesSent++;
      this.counters.bytesSent += length;
      return true;
    }
    countSendError(this.counters, written === -1 ? errno() : Errno.EINVAL);
    return false;
  }

  setMtu(mtu: number): void {
    checkMtu(mtu);
    if (mtu === this.#mtu) return;
    setInterfaceMtu(this.name, mtu);
    this.#mtu = mtu;
  }

  /** Reads how many frames the kernel dropped because the device's queue was full. */
  updateCounters(): void {
    if (this.#closed) return;
    try {
      const path = `/sys/class/net/${this.name}/statistics/tx_dropped`;
      this.counters.kernelDrops = Number(Deno.readTextFileSync(path));
    } catch {
      // Without sysfs the kernel's drops stay unknown.
    }
  }

  checkState(): LinkState {
    if (this.#closed || this.#state === "gone") return this.#state;
    if (interfaceIndex(this.name) !== this.index) this.#setState("gone");
    else {
      this.#setState(queryInterface(this.name).up ? "up" : "down");
    }
    return this.#state;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    this.#pool.release(this.#slot);
    this.#book.clear();
    closeFd(this.#fd);
  }

  /** A device that is readable but has no frame: `EBADFD` says that the interface was deleted. */
  #readFailed(): void {
    const code = errno();
    if (code === Errno.EBADFD || code === Errno.ENODEV) this.#setState("gone");
  }

  #stop(): void {
    this.#source?.remove();
    this.#source = undefined;
  }

  #setState(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    // The descriptor of a deleted interface stays "readable": nobody must wait for it.
    if (state === "gone") this.#stop();
    this.#sink?.state?.(state);
  }
}

function checkMtu(mtu: number): void {
  if (Number.isInteger(mtu) && mtu >= DEVICE_MTU_MIN && mtu <= TAP_MTU_MAX) return;
  throw new LinkError("bad-mtu", `a TAP device's MTU is ${DEVICE_MTU_MIN} to ${TAP_MTU_MAX}`);
}

function openTun(): number {
  const path = new TextEncoder().encode(`${TUN_DEVICE}\0`);
  const fd = libc().open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd === -1) throw tapError("open", errno(), TUN_DEVICE);
  return fd;
}

function tapError(call: string, code: number, subject: string): Error {
  const cause = new SystemCallError(call, code, subject);
  switch (code) {
    case Errno.ENOENT:
    case Errno.ENODEV:
    case Errno.ENXIO:
      return new LinkError(
        "no-tun-driver",
        `${TUN_DEVICE} is missing: load the kernel module "tun" (modprobe tun)`,
        { cause },
      );
    case Errno.EPERM:
    case Errno.EACCES:
      return new LinkError(
        "no-permission",
        "not allowed to make a TAP device: run as root or grant the capability CAP_NET_ADMIN",
        { cause },
      );
    case Errno.EBUSY:
      return new LinkError("name-taken", `TAP device "${subject}" is in use already`, { cause });
    case Errno.EINVAL:
    case Errno.EEXIST:
      return new LinkError("name-taken", `"${subject}" is an interface of another kind`, { cause });
    default:
      return cause;
  }
}
