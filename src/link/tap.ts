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
import {
  IFF_NO_PI,
  IFF_TAP,
  IFF_VNET_HDR,
  libcNet,
  TunOffload,
  TUNSETIFF,
  TUNSETOFFLOAD,
} from "../ffi/libc_net.ts";
import { type IpNetwork } from "../proto/ip.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { TAP_MTU_MAX } from "../proto/mtu.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
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
import { TapRead, TapReader } from "./tap_reader.ts";
import { TapWriter } from "./tap_writer.ts";

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
  /**
   * What is written is for this machine itself: its IPv4 ids need not be what they were, should the kernel cut
   * again what was joined. Default false.
   */
  readonly isEnd?: boolean;
}

/** The least MTU of a device that IPv4 allows (RFC 791): a room's is larger. */
const DEVICE_MTU_MIN = 68;

/** What the adapter is called where the player names none. */
export const TAP_NAME_DEFAULT = "lanparty0";

const TUN_DEVICE = "/dev/net/tun";
const BUDGET_FRAMES = 64;
/** What the kernel may leave to us: first all, then without what Linux before 6.2 does not know (USO). */
const OFFLOADS = [
  TunOffload.checksum | TunOffload.tcp4 | TunOffload.tcp6 | TunOffload.tcpEcn | TunOffload.udp4 |
  TunOffload.udp6,
  TunOffload.checksum | TunOffload.tcp4 | TunOffload.tcp6 | TunOffload.tcpEcn,
] as const;

/** A TAP device, up and ready. */
export class TapDevice implements AdapterDevice {
  readonly name: string;
  readonly index: number;
  readonly mac: Uint8Array;
  readonly counters = new LinkCounters();

  readonly #fd: number;
  readonly #pool: BufferPool;
  readonly #frame = new LinkFrame();
  readonly #budgetFrames: number;
  readonly #reader: TapReader;
  readonly #writer: TapWriter;
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
      request.setNumber("ifr_flags", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
      if (libcNet().ioctl(fd, TUNSETIFF, request.bytes) === -1) {
        throw tapError("TUNSETIFF", errno(), options.name);
      }
      const offloads = takeOffloads(fd);
      const nameBytes = request.memberBytes("ifr_name");
      const name = new TextDecoder().decode(nameBytes.subarray(0, nameBytes.indexOf(0)));
      setInterfaceMac(name, options.mac);
      setInterfaceMtu(name, options.mtu);
      options.beforeUp?.(name);
      setInterfaceUp(name, true);
      const index = interfaceIndex(name);
      if (options.address !== undefined) addInterfaceAddress(index, options.address);
      return new TapDevice(fd, name, index, offloads, options);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  private constructor(
    fd: number,
    name: string,
    index: number,
    offloads: number,
    options: TapOptions,
  ) {
    this.#fd = fd;
    this.name = name;
    this.index = index;
    this.mac = options.mac.slice();
    this.#mtu = options.mtu;
    this.#pool = options.pool;
    this.#budgetFrames = options.budgetFrames ?? BUDGET_FRAMES;
    this.#reader = new TapReader(fd, options.pool, this.counters);
    this.#writer = new TapWriter(fd, this.counters, {
      udp: (offloads & TunOffload.udp4) !== 0,
      zeroIds: options.isEnd ?? false,
    });
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
    const frame = this.#frame;
    const reader = this.#reader;
    // A super-frame that was begun is cut to its end: the descriptor does not tell of what is left of it.
    for (let count = 0; count < framesMax || reader.remaining > 0; count++) {
      const result = reader.next(frame);
      if (result === TapRead.empty) {
        if (count === 0) this.#readFailed();
        return false;
      }
      if (result !== TapRead.frame) continue;
      if (sink === undefined) this.#pool.release(frame.slot);
      else sink.frame(frame);
      if (this.#closed) return false;
    }
    return true;
  }

  send(bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.#closed) return false;
    if (offset < 0 || length < 0 || offset + length > bytes.length) {
      throw new RangeError("frame outside its buffer");
    }
    return this.#writer.send(bytes, offset, length);
  }

  flush(): void {
    if (!this.#closed) this.#writer.flush();
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
    this.#reader.close();
    this.#writer.close();
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

/**
 * Has the kernel leave to us what we can do for many frames at once; without any of it, it does all itself.
 *
 * @returns what it took, `TUN_F_*`
 */
function takeOffloads(fd: number): number {
  return OFFLOADS.find((offloads) =>
    libcNet().ioctlValue(fd, TUNSETOFFLOAD, BigInt(offloads)) === 0
  ) ?? 0;
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
