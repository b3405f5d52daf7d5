/**
 * A host route to the relay, over the interface that leads to it before the adapter comes up: so
 * whatever routes the LAN brings, the tunnel's own packets never go into the tunnel.
 *
 * @module
 */

import { Struct } from "../ffi/layout.ts";
import { WindowsError } from "../ffi/windows_kernel.ts";
import { IpConstant, MIB_IPFORWARD_ROW2, SOCKADDR_INET, windowsIp } from "../ffi/windows_ip.ts";

const IPV4_BYTES = 4;
const IPV4_LOOPBACK = 127;

/** A pinned route. */
export class WindowsRelayRoute {
  /** The interface that leads to the relay. */
  readonly interfaceIndex: number;
  readonly #row: Struct<typeof MIB_IPFORWARD_ROW2>;
  /** Whether the route is ours: one that the player had before is left alone. */
  #created: boolean;

  /**
   * Pins the best route of this moment; undefined if the relay is on this PC.
   *
   * @param address 4 or 16 bytes
   * @throws {WindowsError} there is no route to the relay, or none may be added
   */
  static pin(address: Uint8Array): WindowsRelayRoute | undefined {
    const isIpv4 = address.length === IPV4_BYTES;
    const isLoopback = isIpv4
      ? address[0] === IPV4_LOOPBACK
      : address.every((byte, index) => byte === (index === 15 ? 1 : 0));
    if (isLoopback) return undefined;
    const destination = socketAddress(address);
    const ip = windowsIp();
    const best = new Struct(MIB_IPFORWARD_ROW2);
    const source = new Uint8Array(SOCKADDR_INET.sizeBytes);
    check("GetBestRoute2", ip.GetBestRoute2(null, 0, null, destination, 0, best.bytes, source));
    const row = new Struct(MIB_IPFORWARD_ROW2);
    ip.InitializeIpForwardEntry(row.bytes);
    for (const member of ["InterfaceLuid", "NextHop"] as const) {
      row.memberBytes(member).set(best.memberBytes(member));
    }
    row.memberBytes("prefix").set(destination);
    row.setNumber("InterfaceIndex", best.getNumber("InterfaceIndex"))
      .setNumber("prefixLength", address.length * 8)
      .setNumber("Metric", 0)
      .setNumber("Protocol", IpConstant.MIB_IPPROTO_NETMGMT);
    const code = ip.CreateIpForwardEntry2(row.bytes);
    if (code !== IpConstant.ERROR_OBJECT_ALREADY_EXISTS) check("CreateIpForwardEntry2", code);
    return new WindowsRelayRoute(row, code === IpConstant.NO_ERROR);
  }

  private constructor(row: Struct<typeof MIB_IPFORWARD_ROW2>, created: boolean) {
    this.#row = row;
    this.#created = created;
    this.interfaceIndex = row.getNumber("InterfaceIndex");
  }

  /** Takes the route away, if it is ours. A second call does nothing. */
  remove(): void {
    if (!this.#created) return;
    this.#created = false;
    // One that is gone already, with its interface, is no failure.
    windowsIp().DeleteIpForwardEntry2(this.#row.bytes);
  }
}

/** An address as `SOCKADDR_INET`, port 0. */
export function socketAddress(address: Uint8Array): Uint8Array<ArrayBuffer> {
  const isIpv4 = address.length === IPV4_BYTES;
  const struct = new Struct(SOCKADDR_INET);
  struct.setNumber("si_family", isIpv4 ? IpConstant.AF_INET : IpConstant.AF_INET6);
  struct.memberBytes(isIpv4 ? "ipv4" : "ipv6").set(address);
  return struct.bytes;
}

function check(call: string, code: number): void {
  if (code !== IpConstant.NO_ERROR) throw new WindowsError(call, code);
}
