/**
 * A UDP socket that only listens, at one address of this machine (udp(7), ip(7)).
 *
 * @module
 */
import { Struct } from "../ffi/layout.ts";
import { closeFd, libc } from "../ffi/libc.ts";
import {
  AddressFamily,
  libcNet,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from "../ffi/libc_net.ts";
import { SOCKADDR } from "../ffi/linux_layouts.ts";
import { writeU16, writeU32 } from "../proto/bytes.ts";

const DATAGRAM_BYTES_MAX = 2_048;

/** See the module. */
export class UdpEar {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(DATAGRAM_BYTES_MAX);

  /**
   * Begins to listen.
   *
   * @param address of this machine, a 32-bit number
   * @returns undefined: the address is not there (yet), or the port is another's
   */
  static open(address: number, port: number): UdpEar | undefined {
    const type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = libcNet().socket(AddressFamily.inet, type, 0);
    if (fd < 0) return undefined;
    const at = new Struct(SOCKADDR).setNumber("sa_family", AddressFamily.inet);
    // struct sockaddr_in: the port and the address, as they go over the wire.
    const data = at.memberBytes("sa_data");
    writeU16(data, 0, port);
    writeU32(data, 2, address);
    if (libcNet().bind(fd, at.bytes, at.bytes.length) === 0) return new UdpEar(fd);
    closeFd(fd);
    return undefined;
  }

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** The next datagram; undefined: there is none. It is good until the next call. */
  read(): Uint8Array | undefined {
    const length = Number(libc().read(this.#fd, this.#buffer, BigInt(this.#buffer.length)));
    return length < 0 ? undefined : this.#buffer.subarray(0, length);
  }

  close(): void {
    closeFd(this.#fd);
  }
}
