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

/** A host route, as the call that adds or deletes it takes it (`MIB_IPFORWARD_ROW2`). */
export type HostRoute = Uint8Array<ArrayBuffer>;

/**
 * The host route to an address over the way that leads there at this moment; undefined if it is
 * this PC's own.
 *
 * @param address 4 or 16 bytes
 * @throws {WindowsError} there is no way to it
 */
export function hostRouteTo(address: Uint8Array): HostRoute | undefined {
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
  return row.bytes;
}

/**
 * Adds a route; false if the player has it already, and it is not ours to take away.
 *
 * @throws {WindowsError} it may not be added
 */
export function addHostRoute(route: HostRoute): boolean {
  const code = windowsIp().CreateIpForwardEntry2(route);
  if (code === IpConstant.ERROR_OBJECT_ALREADY_EXISTS) return false;
  check("CreateIpForwardEntry2", code);
  return true;
}

/**
 * Takes a route away that `addHostRoute` has added; one that is gone already is no failure. Bytes
 * that are no host route of ours are left alone.
 */
export function removeHostRoute(route: Uint8Array): void {
  const { fields, sizeBytes } = MIB_IPFORWARD_ROW2;
  if (route.length !== sizeBytes) return;
  const row = new Struct(MIB_IPFORWARD_ROW2);
  row.bytes.set(route);
  const isIpv4 = route[fields.prefix.offset] === IpConstant.AF_INET;
  const isHost = row.getNumber("prefixLength") === (isIpv4 ? 32 : 128);
  const isOurs = row.getNumber("Protocol") === IpConstant.MIB_IPPROTO_NETMGMT;
  if (isHost && isOurs) windowsIp().DeleteIpForwardEntry2(row.bytes);
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
