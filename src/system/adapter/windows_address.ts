/**
 * Addresses of Windows' interfaces: fixed ones, which last until they are removed or Windows restarts,
 * and those that Windows' own DHCP client asks for.
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { wideString } from "../../ffi/wide_string.ts";
import {
  IP_ADAPTER_INDEX_MAP,
  IpConstant,
  MIB_UNICASTIPADDRESS_ROW,
  windowsIp,
} from "../../ffi/windows_ip.ts";
import { socketAddress } from "../../ffi/windows_socket_address.ts";
import { type IpAddress } from "../../proto/ip_route.ts";

/** Adds an address. @returns false: it is there already, and not ours @throws {WindowsError} */
export function addAddress(address: IpAddress): boolean {
  const code = windowsIp().CreateUnicastIpAddressEntry(rowOf(address));
  if (code === IpConstant.NO_ERROR) return true;
  if (code === IpConstant.ERROR_OBJECT_ALREADY_EXISTS) return false;
  throw new WindowsError("CreateUnicastIpAddressEntry", code);
}

/** Removes an address; one that is not there is removed already. @throws {WindowsError} */
export function removeAddress(address: IpAddress): void {
  const code = windowsIp().DeleteUnicastIpAddressEntry(rowOf(address));
  if (code === IpConstant.NO_ERROR || code === IpConstant.ERROR_NOT_FOUND) return;
  throw new WindowsError("DeleteUnicastIpAddressEntry", code);
}

/**
 * Has Windows ask an adapter's LAN for an address now: by itself it tries for a minute, and then once
 * each five minutes.
 *
 * @param guid `{XXXXXXXX-…}`
 * @param isGivenUp what it has is given back before, so that it asks as one that has none
 * @returns when the LAN has answered
 * @throws {WindowsError} nobody has, or the adapter has a fixed address
 */
export async function renewLease(
  guid: string,
  interfaceIndex: number,
  isGivenUp: boolean,
): Promise<void> {
  const adapter = new Struct(IP_ADAPTER_INDEX_MAP).setNumber("Index", interfaceIndex);
  adapter.memberBytes("Name").set(new Uint8Array(wideString(`\\DEVICE\\TCPIP_${guid}`).buffer));
  // Without a lease there is none to be released: no matter.
  if (isGivenUp) await windowsIp().IpReleaseAddress(adapter.bytes);
  const code = await windowsIp().IpRenewAddress(adapter.bytes);
  // The struct is referred to here, so that it outlives the call on the other thread.
  if (code !== IpConstant.NO_ERROR) {
    throw new WindowsError("IpRenewAddress", code, `${adapter.bytes.length} bytes`);
  }
}

function rowOf({ interfaceIndex, address, prefixBits }: IpAddress) {
  const row = new Struct(MIB_UNICASTIPADDRESS_ROW);
  windowsIp().InitializeUnicastIpAddressEntry(row.bytes);
  row.memberBytes("Address").set(socketAddress(address));
  row.setNumber("InterfaceIndex", interfaceIndex)
    .setNumber("OnLinkPrefixLength", prefixBits)
    // Whoever fixes an address knows that nobody else has it, and does not want to wait.
    .setNumber("DadState", IpConstant.IpDadStatePreferred);
  return row.bytes;
}
