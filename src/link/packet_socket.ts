/**
 * A LAN interface of this machine as a link: a packet socket (AF_PACKET) that receives everything
 * the interface sees and sends raw frames out of it.
 *
 * Frames that this machine itself sends over the interface are not received
 * (`PACKET_IGNORE_OUTGOING`), and what is sent here goes to the wire, not to this machine.
 *
 * @module
 */

import { addressOf, Struct } from "../ffi/layout.ts";
import { checkCall, closeFd, Errno, errno, SystemCallError } from "../ffi/libc.ts";
import {
  AddressFamily,
  ETH_P_ALL_BIG_ENDIAN,
  libcNet,
  PACKET_MR_PROMISC,
  PacketOption,
  SO_ATTACH_FILTER,
  SO_DETACH_FILTER,
  SO_ERROR,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_PACKET,
  SOL_SOCKET,
} from "../ffi/libc_net.ts";
import { PACKET_MREQ, SOCK_FPROG, SOCKADDR_LL, TPACKET_STATS } from "../ffi/linux_layouts.ts";
import { NO_SLOT } from "../queue/buffer_pool.ts";
import {
  type LanDevice,
  LinkCounters,
  LinkError,
  LinkFrame,
  type LinkReactor,
  type LinkSink,
  type LinkState,
} from "./device.ts";
import { interfaceError, type InterfaceInfo, queryInterface } from "./interface.ts";
import { reportLink } from "./link_report.ts";
import type { Source } from "../reactor/reactor.ts";
import { PacketRing, RingResult, setOption } from "./packet_ring.ts";
import { PacketSender } from "./packet_sender.ts";

/** How a packet socket is opened. */
export interface PacketSocketOptions {
  /** Name of an existing Ethernet interface. */
  readonly interface: string;
  /** Receive frames for other stations, too. Default true. */
  readonly promiscuous?: boolean;
  /** Do not receive what this machine sends over the interface. Default true. */
  readonly ignoreOutgoing?: boolean;
  /** Ordinary frames that the kernel can hold for us. Default 4096 (8 MB). */
  readonly ringFrames?: number;
  /** Bytes of super-frames that the kernel can hold for us. Default 16 MB. */
  readonly receiveBufferBytes?: number;
  /** Bytes that may wait for the interface; more are dropped and counted. Default 1 MB. */
  readonly sendBufferBytes?: number;
  /** Frames delivered in one turn of the reactor. Default 64. */
  readonly budgetFrames?: number;
  /** A classic BPF program (`bpf.ts`): what it refuses never reaches us. */
  readonly filter?: Uint8Array<ArrayBuffer>;
}

const RING_FRAMES = 4096;
const RECEIVE_BUFFER_BYTES = 16 << 20;
const SEND_BUFFER_BYTES = 1 << 20;
const BUDGET_FRAMES = 64;
const FILTER_INSTRUCTION_BYTES = 8;

/** An interface's packet socket. */
export class PacketSocket implements LanDevice {
  readonly index: number;
  readonly mac: Uint8Array;
  readonly counters = new LinkCounters();

  #name: string;
  readonly #fd: number;
  readonly #ring: PacketRing;
  readonly #sender: PacketSender;
  readonly #frame = new LinkFrame();
  readonly #budgetFrames: number;
  #mtu: number;
  #state: LinkState;
  #sink: LinkSink | undefined;
  #source: Source | undefined;
  #closed = false;

  /**
   * Opens a packet socket on an interface.
   *
   * @throws {LinkError} `no-such-interface`, `no-permission`, `not-ethernet`, `not-promiscuous`,
   * `bad-name`
   */
  static open(options: PacketSocketOptions): PacketSocket {
    const info = queryInterface(options.interface);
    if (!info.ethernet && !info.loopback) {
      throw new LinkError("not-ethernet", `interface "${info.name}" does not speak Ethernet`);
    }
    const libc = libcNet();
    const type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
    // Protocol 0: nothing is received until the socket is bound, when all is set up.
    const fd = libc.socket(AddressFamily.packet, type, 0);
    if (fd === -1) throw interfaceError("socket", errno(), info.name);
    try {
      return new PacketSocket(fd, info, options);
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  private constructor(fd: number, info: InterfaceInfo, options: PacketSocketOptions) {
    this.#name = info.name;
    this.index = info.index;
    this.mac = info.mac;
    this.#mtu = info.mtu;
    this.#state = info.up && info.carrier ? "up" : "down";
    this.#fd = fd;
    this.#budgetFrames = options.budgetFrames ?? BUDGET_FRAMES;
    setOption(fd, "PACKET_VNET_HDR", PacketOption.vnetHeader, 1);
    if (options.ignoreOutgoing ?? true) {
      setOption(fd, "PACKET_IGNORE_OUTGOING", PacketOption.ignoreOutgoing, 1);
    }
    const receiveBytes = options.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES;
    setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receiveBytes);
    setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options.sendBufferBytes ?? SEND_BUFFER_BYTES);
    if (options.filter !== undefined) this.setFilter(options.filter);
    this.#ring = new PacketRing(fd, options.ringFrames ?? RING_FRAMES, this.counters);
    this.#sender = new PacketSender(fd, info.mtu, this.counters);
    try {
      this.#bind();
      if (options.promiscuous ?? true) this.#joinAll();
    } catch (error) {
      this.#ring.close();
      throw error;
    }
  }

  /** As it is called now: a socket is bound to the interface, not to its name. */
  get name(): string {
    return this.#name;
  }

  get mtu(): number {
    return this.#mtu;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The socket, for tests and for a loop of one's own: readable when frames wait. */
  get fd(): number {
    return this.#fd;
  }

  start(reactor: LinkReactor, sink: LinkSink): void {
    if (this.#closed) throw new LinkError("closed", `packet socket of "${this.name}" is closed`);
    if (this.#source !== undefined) throw new Error("the packet socket was started already");
    this.#sink = sink;
    this.#source = reactor.addFd(this.#fd, {
      readable: () => this.receive(this.#budgetFrames),
    });
  }

  receive(framesMax: number, sink: LinkSink | undefined = this.#sink): boolean {
    const ring = this.#ring;
    const frame = this.#frame;
    const counters = this.counters;
    let count = 0;
    while (count < framesMax) {
      const result = ring.next(frame);
      if (result === RingResult.empty) break;
      // A super-frame costs those behind it as much time as the frames that it holds.
      count += result === RingResult.frame ? frame.segments : 1;
      if (result !== RingResult.frame) continue;
      counters.framesReceived++;
      counters.bytesReceived += frame.length;
      sink?.frame(frame);
      if (this.#closed) return false;
    }
    ring.giveBack();
    // Readable without a frame: the kernel has an error to tell, or it was read already.
    if (count === 0) this.#takeError();
    else if (this.#state === "down") this.#setState("up");
    return count >= framesMax && ring.waiting;
  }

  send(bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.#closed) return false;
    return this.#sender.send(bytes, offset, length);
  }

  flush(): void {
    if (!this.#closed) this.#sender.flush();
  }

  /** Adds what the kernel dropped since the last call to the counters. */
  updateCounters(): void {
    if (this.#closed) return;
    const stats = new Struct(TPACKET_STATS);
    const length = new Uint8Array(Uint32Array.of(stats.bytes.length).buffer);
    checkCall(
      "getsockopt",
      libcNet().getsockopt(this.#fd, SOL_PACKET, PacketOption.statistics, stats.bytes, length),
      "PACKET_STATISTICS",
    );
    this.counters.kernelDrops += stats.getNumber("tp_drops");
  }

  checkState(): LinkState {
    if (this.#closed || this.#state === "gone") return this.#state;
    const report = reportLink(this.index);
    if (report === undefined) this.#setState("gone");
    else {
      this.#name = report.name;
      this.#mtu = report.mtu;
      this.#sender.setMtu(report.mtu);
      // An interface without its cable carries as little as one that is switched off.
      this.#setState(report.isUp && report.hasCarrier ? "up" : "down");
    }
    return this.#state;
  }

  /**
   * Has the kernel drop what a classic BPF program refuses, instead of what an earlier one did.
   *
   * @param program instructions of 8 bytes (`struct sock_filter`), as `bpf.ts` makes them;
   *   `undefined`: no filter
   */
  setFilter(program: Uint8Array<ArrayBuffer> | undefined): void {
    const libc = libcNet();
    if (program === undefined) {
      const none = new Uint8Array(4);
      const result = libc.setsockopt(this.#fd, SOL_SOCKET, SO_DETACH_FILTER, none, 4);
      if (result === -1 && errno() !== Errno.ENOENT) {
        checkCall("setsockopt", result, "SO_DETACH_FILTER");
      }
      return;
    }
    const request = new Struct(SOCK_FPROG)
      .setNumber("len", program.length / FILTER_INSTRUCTION_BYTES)
      .setPointer("filter", Deno.UnsafePointer.create(addressOf(program)));
    checkCall(
      "setsockopt",
      libc.setsockopt(
        this.#fd,
        SOL_SOCKET,
        SO_ATTACH_FILTER,
        request.bytes,
        request.bytes.length,
      ),
      "SO_ATTACH_FILTER",
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#sender.flush();
    this.#closed = true;
    this.#source?.remove();
    this.#ring.close();
    closeFd(this.#fd);
    this.#frame.set(new Uint8Array(0), 0, 0, NO_SLOT);
  }

  #bind(): void {
    const address = new Struct(SOCKADDR_LL)
      .setNumber("sll_family", AddressFamily.packet)
      .setNumber("sll_protocol", ETH_P_ALL_BIG_ENDIAN)
      .setNumber("sll_ifindex", this.index);
    const result = libcNet().bind(this.#fd, address.bytes, address.bytes.length);
    // A socket may be bound to an interface that is down: it is told so by ENETDOWN later.
    if (result === -1) throw interfaceError("bind", errno(), this.name);
  }

  #joinAll(): void {
    const request = new Struct(PACKET_MREQ)
      .setNumber("mr_ifindex", this.index)
      .setNumber("mr_type", PACKET_MR_PROMISC);
    const bytes = request.bytes;
    const option = PacketOption.addMembership;
    const result = libcNet().setsockopt(this.#fd, SOL_PACKET, option, bytes, bytes.length);
    if (result !== -1) return;
    const cause = new SystemCallError("setsockopt", errno(), "PACKET_ADD_MEMBERSHIP");
    const text = `interface "${this.name}" cannot listen to frames of other stations ` +
      `(promiscuous mode): ${cause.message}; use another interface`;
    throw new LinkError("not-promiscuous", text, { cause });
  }

  /** Reads and clears the socket's pending error, which would keep it readable for ever. */
  #takeError(): void {
    const value = new Int32Array(1);
    const length = new Uint8Array(Uint32Array.of(4).buffer);
    const bytes = new Uint8Array(value.buffer);
    if (libcNet().getsockopt(this.#fd, SOL_SOCKET, SO_ERROR, bytes, length) === -1) return;
    if (value[0] !== 0) this.checkState();
  }

  #setState(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#sink?.state?.(state);
  }
}

/** Asks for a buffer above the system's limit, which needs CAP_NET_ADMIN, or else up to it. */
function setBuffer(fd: number, forced: number, ordinary: number, bytes: number): void {
  const value = new Uint8Array(Int32Array.of(bytes).buffer);
  const libc = libcNet();
  if (libc.setsockopt(fd, SOL_SOCKET, forced, value, 4) === 0) return;
  checkCall("setsockopt", libc.setsockopt(fd, SOL_SOCKET, ordinary, value, 4), "buffer size");
}
