/**
 * Host routes in Windows' routing table, and the way that Windows itself takes to an address.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { IpConstant, MIB_IPFORWARD_ROW2, SOCKADDR_INET, windowsIp } from "../../ffi/windows_ip.ts";
import { socketAddress } from "../../ffi/windows_socket_address.ts";
import { type IpRoute, isHeldNetwork } from "../../proto/ip_route.ts";

/** A host route, as the call that adds or deletes it takes it (`MIB_IPFORWARD_ROW2`). */
export type HostRouteRow = Uint8Array<ArrayBuffer>;

/** A route as a row. @throws {WindowsError} its interface is gone */
export function hostRouteRow(route: IpRoute): HostRouteRow {
  const ip = windowsIp();
  const row = new Struct(MIB_IPFORWARD_ROW2);
  ip.InitializeIpForwardEntry(row.bytes);
  const luid = new Uint8Array(8);
  check("ConvertInterfaceIndexToLuid", ip.ConvertInterfaceIndexToLuid(route.interfaceIndex, luid));
  row.memberBytes("InterfaceLuid").set(luid);
  row.memberBytes("prefix").set(socketAddress(route.destination));
  row.memberBytes("NextHop").set(socketAddress(route.nextHop));
  row.setNumber("InterfaceIndex", route.interfaceIndex)
    .setNumber("prefixLength", route.prefixBits)
    .setNumber("Metric", route.metric)
    .setNumber("Protocol", IpConstant.MIB_IPPROTO_NETMGMT);
  return row.bytes;
}

/**
 * Adds a route.
 *
 * @returns false: the player has it already, and it is not ours to take away
 * @throws {WindowsError} it may not be added
 */
export function addHostRoute(row: HostRouteRow): boolean {
  const code = windowsIp().CreateIpForwardEntry2(row);
  if (code === IpConstant.ERROR_OBJECT_ALREADY_EXISTS) return false;
  check("CreateIpForwardEntry2", code);
  return true;
}

/**
 * Takes a route away that `addHostRoute` has added; one that is gone already is no failure.
 *
 * @returns false: the bytes are none of ours, and nothing is done
 * @throws {WindowsError} it may not be removed
 */
export function removeHostRoute(bytes: Uint8Array): boolean {
  const { fields, sizeBytes } = MIB_IPFORWARD_ROW2;
  if (bytes.length !== sizeBytes) return false;
  const row = new Struct(MIB_IPFORWARD_ROW2);
  row.bytes.set(bytes);
  const family = bytes[fields.prefix.offset];
  const isIpv4 = family === IpConstant.AF_INET;
  if (!isIpv4 && family !== IpConstant.AF_INET6) return false;
  const { ipv4, ipv6 } = SOCKADDR_INET.fields;
  const { offset, sizeBytes: addressBytes } = isIpv4 ? ipv4 : ipv6;
  const start = fields.prefix.offset + offset;
  const destination = bytes.subarray(start, start + addressBytes);
  const isOurs = row.getNumber("Protocol") === IpConstant.MIB_IPPROTO_NETMGMT;
  if (!isHeldNetwork(destination, row.getNumber("prefixLength")) || !isOurs) return false;
  const code = windowsIp().DeleteIpForwardEntry2(row.bytes);
  // Its interface may be gone, and has taken it along.
  const isGone = code === IpConstant.ERROR_NOT_FOUND || code === IpConstant.ERROR_FILE_NOT_FOUND;
  if (!isGone) check("DeleteIpForwardEntry2", code);
  return true;
}

/**
 * The interface by which Windows sends to an address at this moment (its index), our own routes and
 * all others considered; undefined: it has no way there.
 */
export function interfaceTo(address: Uint8Array): number | undefined {
  const best = new Struct(MIB_IPFORWARD_ROW2);
  const source = new Uint8Array(SOCKADDR_INET.sizeBytes);
  const code = windowsIp().GetBestRoute2(
    null,
    0,
    null,
    socketAddress(address),
    0,
    best.bytes,
    source,
  );
  return code === IpConstant.NO_ERROR ? best.getNumber("InterfaceIndex") : undefined;
}

function check(call: string, code: number): void {
  if (code !== IpConstant.NO_ERROR) throw new WindowsError(call, code);
}
