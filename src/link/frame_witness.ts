/**
 * Sees which frames to one MAC leave this machine by any of its interfaces: a packet socket for all of them, behind a
 * filter for these.
 *
 * @module
 */

import { addressOf, Struct } from "../ffi/layout.ts";
import { checkCall, closeFd, libc } from "../ffi/libc.ts";
import {
  AddressFamily,
  ETH_P_ALL_BIG_ENDIAN,
  libcNet,
  SO_ATTACH_FILTER,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
} from "../ffi/libc_net.ts";
import { SOCK_FPROG, SOCKADDR_LL } from "../ffi/linux_layouts.ts";
import { readU16 } from "../proto/bytes.ts";
import { ETHER_TYPE_OFFSET, FRAME_BYTES_MIN } from "../proto/ethernet.ts";
import { outgoingFilter } from "./bpf.ts";

/** Frames that one look takes at most. */
const FRAMES_MAX = 256;
const FILTER_INSTRUCTION_BYTES = 8;

/** See the module. */
export class FrameWitness {
  readonly #fd: number;
  readonly #memory = new Uint8Array(FRAME_BYTES_MIN);
  #closed = false;

  /**
   * Begins to look.
   *
   * @param destination the MAC, six bytes
   * @throws {SystemCallError} without CAP_NET_RAW
   */
  constructor(destination: Uint8Array) {
    // Protocol 0: nothing is received until the socket is bound, when its filter is there.
    const type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
    this.#fd = checkCall("socket", libcNet().socket(AddressFamily.packet, type, 0));
    try {
      this.#attach(outgoingFilter(destination));
      const { bytes } = new Struct(SOCKADDR_LL)
        .setNumber("sll_family", AddressFamily.packet)
        .setNumber("sll_protocol", ETH_P_ALL_BIG_ENDIAN);
      checkCall("bind", libcNet().bind(this.#fd, bytes, bytes.length), "packet");
    } catch (error) {
      closeFd(this.#fd);
      throw error;
    }
  }

  /** The EtherTypes of the frames that have left since the last call. */
  take(): Set<number> {
    const seen = new Set<number>();
    const wanted = BigInt(this.#memory.length);
    for (let count = 0; count < FRAMES_MAX; count++) {
      const length = libc().read(this.#fd, this.#memory, wanted);
      if (length < ETHER_TYPE_OFFSET + 2) break;
      seen.add(readU16(this.#memory, ETHER_TYPE_OFFSET));
    }
    return seen;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeFd(this.#fd);
  }

  #attach(program: Uint8Array<ArrayBuffer>): void {
    const { bytes } = new Struct(SOCK_FPROG)
      .setNumber("len", program.length / FILTER_INSTRUCTION_BYTES)
      .setPointer("filter", Deno.UnsafePointer.create(addressOf(program)));
    const { setsockopt } = libcNet();
    const code = setsockopt(this.#fd, SOL_SOCKET, SO_ATTACH_FILTER, bytes, bytes.length);
    checkCall("setsockopt", code, "SO_ATTACH_FILTER");
  }
}
