/**
 * Datagrams of plain UDP that the load sends to itself over loopback while it loads the relay: what the
 * kernel and the load's own loop take, which is no delay of the relay's.
 */
import { checkCall, closeFd, libc } from "../../src/ffi/libc.ts";
import {
  AddressFamily,
  libcNet,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from "../../src/ffi/libc_net.ts";
import type { Reactor } from "../../src/reactor/mod.ts";
import type { DelayHistogram } from "../bench/load_frames.ts";

const PAYLOAD_BYTES = 150;
/** Datagrams read in one go. */
const READS_MAX = 64;
/** Where the kernel takes no ports from by itself (ip_local_port_range). */
const FIRST_PORT = 20_000;
const PORTS = 10_000;
const ATTEMPTS_MAX = 20;

/** See the module. */
export class DirectPath {
  readonly #receiver: number;
  readonly #sender: number;
  readonly #payload = new Uint8Array(PAYLOAD_BYTES);
  readonly #view = new DataView(this.#payload.buffer);
  readonly #arrival = new Uint8Array(PAYLOAD_BYTES);
  readonly #arrivalView = new DataView(this.#arrival.buffer);
  readonly #remove: () => void;
  readonly #reactor: Reactor;
  readonly #delays: DelayHistogram;

  /** @throws {SystemCallError} there are no sockets to be had */
  constructor(reactor: Reactor, delays: DelayHistogram) {
    this.#reactor = reactor;
    this.#delays = delays;
    const open = () => {
      const type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
      return checkCall("socket", libcNet().socket(AddressFamily.inet, type, 0));
    };
    this.#receiver = open();
    this.#sender = open();
    const address = bindSomewhere(this.#receiver);
    checkCall("connect", libcNet().connect(this.#sender, address, address.length));
    const source = reactor.addFd(this.#receiver, { readable: () => this.#read() });
    this.#remove = () => source.remove();
  }

  /** Sends one datagram with the time in it. */
  send(nowMs: number): void {
    this.#view.setFloat64(0, nowMs);
    libc().write(this.#sender, this.#payload, BigInt(PAYLOAD_BYTES));
  }

  close(): void {
    this.#remove();
    closeFd(this.#receiver);
    closeFd(this.#sender);
  }

  #read(): boolean {
    for (let i = 0; i < READS_MAX; i++) {
      if (Number(libc().read(this.#receiver, this.#arrival, BigInt(PAYLOAD_BYTES))) < 0) {
        return false;
      }
      this.#delays.add(this.#reactor.now() - this.#arrivalView.getFloat64(0));
    }
    return true;
  }
}

/** Binds to a port of 127.0.0.1; returns its `struct sockaddr_in` (netinet/in.h). */
function bindSomewhere(fd: number): Uint8Array<ArrayBuffer> {
  for (let attempt = 1;; attempt++) {
    const address = new Uint8Array(16);
    const view = new DataView(address.buffer);
    view.setUint16(0, AddressFamily.inet, true);
    view.setUint16(2, FIRST_PORT + Math.floor(Math.random() * PORTS));
    address.set([127, 0, 0, 1], 4);
    const result = libcNet().bind(fd, address, address.length);
    if (result >= 0) return address;
    if (attempt === ATTEMPTS_MAX) checkCall("bind", result);
  }
}
