/**
 * The LAN's routers and DHCP servers, as leases and router advertisements name them: nobody else's addresses.
 *
 * @module
 */
import { copyBytes } from "../proto/bytes.ts";
import { IPV4_BYTES, IPV6_BYTES } from "../proto/ip.ts";

/** How many are kept, half of them of each IP version. */
export const LAN_SERVERS_MAX = 16;
/** How long each is, since it was named or has spoken last; before, no other takes its place. */
export const LAN_SERVER_AGE_MS = 24 * 60 * 60_000;

const FAMILY_MAX = LAN_SERVERS_MAX / 2;

//= PROTOCOL.md 12
//# The LAN's routers and servers are those of players' leases and of router advertisements, each
//# for 24 h after it was heard of.
/** See the module. Nothing allocates after the constructor. */
export class LanServers {
  readonly #addresses = new Uint8Array(LAN_SERVERS_MAX * IPV6_BYTES);
  /** Bytes of each address: 0, 4 or 16. */
  readonly #bytes = new Uint8Array(LAN_SERVERS_MAX);
  readonly #seenMs = new Float64Array(LAN_SERVERS_MAX);

  /** Whether the address at `bytes[ip]` is one of theirs. */
  has(bytes: Uint8Array, ip: number, ipBytes: number, nowMs: number): boolean {
    return this.#find(bytes, ip, ipBytes, nowMs) >= 0;
  }

  /** A station of the LAN has said that it has an address. */
  touch(bytes: Uint8Array, ip: number, ipBytes: number, nowMs: number): void {
    const index = this.#find(bytes, ip, ipBytes, nowMs);
    if (index >= 0) this.#seenMs[index] = nowMs;
  }

  /** Keeps an address that the LAN has named. Where all places are taken by others it is not kept. */
  keep(bytes: Uint8Array, ip: number, ipBytes: number, nowMs: number): void {
    let index = this.#find(bytes, ip, ipBytes, nowMs);
    if (index < 0) {
      const first = ipBytes === IPV4_BYTES ? 0 : FAMILY_MAX;
      const end = first + FAMILY_MAX;
      for (index = first; index < end; index++) if (!this.#isKept(index, nowMs)) break;
      if (index === end) return;
    }
    copyBytes(bytes, ip, ipBytes, this.#addresses, index * IPV6_BYTES);
    this.#bytes[index] = ipBytes;
    this.#seenMs[index] = nowMs;
  }

  /** An address is somebody else's now. */
  drop(bytes: Uint8Array, ip: number, ipBytes: number, nowMs: number): void {
    const index = this.#find(bytes, ip, ipBytes, nowMs);
    if (index >= 0) this.#bytes[index] = 0;
  }

  #isKept(index: number, nowMs: number): boolean {
    return this.#bytes[index] > 0 && nowMs - this.#seenMs[index] <= LAN_SERVER_AGE_MS;
  }

  #find(bytes: Uint8Array, ip: number, ipBytes: number, nowMs: number): number {
    for (let index = 0; index < LAN_SERVERS_MAX; index++) {
      if (this.#bytes[index] !== ipBytes || !this.#isKept(index, nowMs)) continue;
      let at = 0;
      while (at < ipBytes && this.#addresses[index * IPV6_BYTES + at] === bytes[ip + at]) at++;
      if (at === ipBytes) return index;
    }
    return -1;
  }
}
