/**
 * What Windows' IP stack says at one moment: routes, addresses, metrics, name servers. Read whole each
 * time; a table has some dozens of rows.
 *
 * @module
 */

import type { StructLayout } from "../../ffi/layout.ts";
import { readWideString } from "../../ffi/wide_string.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import {
  IP_ADAPTER_ADDRESSES,
  IP_ADAPTER_DNS_SERVER_ADDRESS,
  IpConstant,
  MIB_IPFORWARD_ROW2,
  MIB_IPFORWARD_TABLE2,
  MIB_IPINTERFACE_ROW,
  MIB_IPINTERFACE_TABLE,
  MIB_UNICASTIPADDRESS_ROW,
  MIB_UNICASTIPADDRESS_TABLE,
  SOCKADDR_INET,
  windowsIp,
} from "../../ffi/windows_ip.ts";
import { readSocketAddress } from "../../ffi/windows_socket_address.ts";
import { type IpAddress, type TableRoute } from "../../proto/ip_route.ts";
import type { AdapterServers, InterfaceMetric } from "./table.ts";

/** Types of interfaces (IANA's, ipifcons.h) that are tunnels. */
const TUNNEL_TYPES: readonly number[] = [
  IpConstant.IF_TYPE_PPP,
  IpConstant.IF_TYPE_PROP_VIRTUAL,
  IpConstant.IF_TYPE_TUNNEL,
];
const NAME_UNITS_MAX = 256;
/** What one call for all adapters may need; a chain of adapters has an end. */
const ADAPTERS_BYTES_MAX = 1 << 20;
const ADAPTERS_MAX = 256;

/** All routes of both IP versions. @throws {WindowsError} */
export function readRoutes(): TableRoute[] {
  const { fields } = MIB_IPFORWARD_ROW2;
  return readTable("GetIpForwardTable2", MIB_IPFORWARD_TABLE2, MIB_IPFORWARD_ROW2.sizeBytes)
    .flatMap((row) => {
      const destination = readSocketAddress(row, fields.prefix.offset);
      if (destination === undefined) return [];
      const nextHop = readSocketAddress(row, fields.NextHop.offset) ??
        new Uint8Array(destination.length);
      return [{
        destination,
        prefixBits: row.getUint8(fields.prefixLength.offset),
        nextHop,
        interfaceIndex: row.getUint32(fields.InterfaceIndex.offset, true),
        metric: row.getUint32(fields.Metric.offset, true),
        isMain: true,
      }];
    });
}

/** All addresses that are in use; not those that are still being tried. @throws {WindowsError} */
export function readAddresses(): IpAddress[] {
  const { fields, sizeBytes } = MIB_UNICASTIPADDRESS_ROW;
  return readTable("GetUnicastIpAddressTable", MIB_UNICASTIPADDRESS_TABLE, sizeBytes)
    .flatMap((row) => {
      const address = readSocketAddress(row, fields.Address.offset);
      const isInUse = row.getUint32(fields.DadState.offset, true) >=
        IpConstant.IpDadStateDeprecated;
      if (address === undefined || !isInUse) return [];
      return [{
        interfaceIndex: row.getUint32(fields.InterfaceIndex.offset, true),
        address,
        prefixBits: row.getUint8(fields.OnLinkPrefixLength.offset),
      }];
    });
}

/** The metrics of all interfaces. @throws {WindowsError} */
export function readMetrics(): InterfaceMetric[] {
  const { fields, sizeBytes } = MIB_IPINTERFACE_ROW;
  return readTable("GetIpInterfaceTable", MIB_IPINTERFACE_TABLE, sizeBytes).map((row) => ({
    interfaceIndex: row.getUint32(fields.InterfaceIndex.offset, true),
    addressBytes: row.getUint16(fields.Family.offset, true) === IpConstant.AF_INET ? 4 : 16,
    metric: row.getUint32(fields.Metric.offset, true),
    // The last 16 bits of a NET_LUID are the interface's type.
    isTunnel: TUNNEL_TYPES.includes(row.getUint16(fields.InterfaceLuid.offset + 6, true)),
  }));
}

/** All adapters with their names and name servers; none where Windows does not tell. */
export function readAdapters(): AdapterServers[] {
  const flags = IpConstant.GAA_FLAG_SKIP_UNICAST | IpConstant.GAA_FLAG_SKIP_ANYCAST |
    IpConstant.GAA_FLAG_SKIP_MULTICAST;
  const size = new Uint32Array([32_768]);
  for (let attempt = 0; attempt < 3; attempt++) {
    // What the answer points at lies behind it, in the same memory.
    const memory = new Uint8Array(Math.min(size[0], ADAPTERS_BYTES_MAX));
    size[0] = memory.length;
    const call = windowsIp().GetAdaptersAddresses;
    const code = call(IpConstant.AF_UNSPEC, flags, null, memory, size);
    if (code === IpConstant.NO_ERROR) return readChain(memory);
    if (code !== IpConstant.ERROR_BUFFER_OVERFLOW) return [];
  }
  return [];
}

function readChain(memory: Uint8Array<ArrayBuffer>): AdapterServers[] {
  const found: AdapterServers[] = [];
  const { fields } = IP_ADAPTER_ADDRESSES;
  let pointer: Deno.PointerValue = Deno.UnsafePointer.of(memory);
  while (pointer !== null && found.length < ADAPTERS_MAX) {
    const view: Deno.UnsafePointerView = new Deno.UnsafePointerView(pointer);
    found.push({
      interfaceIndex: view.getUint32(fields.IfIndex.offset) ||
        view.getUint32(fields.Ipv6IfIndex.offset),
      name: readName(view.getPointer(fields.FriendlyName.offset)),
      nameServers: readServers(view.getPointer(fields.FirstDnsServerAddress.offset)),
    });
    pointer = view.getPointer(fields.Next.offset);
  }
  return found;
}

function readServers(first: Deno.PointerValue): Uint8Array[] {
  const found: Uint8Array[] = [];
  const { fields } = IP_ADAPTER_DNS_SERVER_ADDRESS;
  for (let pointer = first, count = 0; pointer !== null && count < ADAPTERS_MAX; count++) {
    const view: Deno.UnsafePointerView = new Deno.UnsafePointerView(pointer);
    const address = view.getPointer(fields.lpSockaddr.offset);
    if (address !== null) {
      // A SOCKADDR_INET is as long as the longer of the two.
      const isIpv4 = new Deno.UnsafePointerView(address).getUint16(0) === IpConstant.AF_INET;
      const bytes = new Uint8Array(SOCKADDR_INET.sizeBytes);
      const copied = bytes.subarray(0, isIpv4 ? 16 : SOCKADDR_INET.sizeBytes);
      Deno.UnsafePointerView.copyInto(address, copied);
      const server = readSocketAddress(new DataView(bytes.buffer), 0);
      if (server !== undefined) found.push(server);
    }
    pointer = view.getPointer(fields.Next.offset);
  }
  return found;
}

function readName(pointer: Deno.PointerValue): string {
  if (pointer === null) return "";
  const view = new Deno.UnsafePointerView(pointer);
  const units = new Uint16Array(NAME_UNITS_MAX);
  for (let i = 0; i < units.length - 1; i++) {
    units[i] = view.getUint16(2 * i);
    if (units[i] === 0) break;
  }
  return readWideString(units);
}

type TableCall = "GetIpForwardTable2" | "GetUnicastIpAddressTable" | "GetIpInterfaceTable";

/** The rows of a table, copied; Windows' own memory is given back. */
function readTable(call: TableCall, table: StructLayout, rowBytes: number): DataView[] {
  const out = new BigUint64Array(1);
  const ip = windowsIp();
  const code = ip[call](IpConstant.AF_UNSPEC, out);
  if (code === IpConstant.ERROR_NOT_FOUND || code === IpConstant.ERROR_NO_DATA) return [];
  if (code !== IpConstant.NO_ERROR) throw new WindowsError(call, code);
  const pointer = Deno.UnsafePointer.create(out[0]);
  if (pointer === null) return [];
  try {
    const count = new Deno.UnsafePointerView(pointer).getUint32(table.fields.NumEntries.offset);
    const rows = new Uint8Array(count * rowBytes);
    if (count > 0) {
      Deno.UnsafePointerView.copyInto(pointer, rows, table.fields.Table.offset);
    }
    return Array.from({ length: count }, (_, row) => {
      return new DataView(rows.buffer, row * rowBytes, rowBytes);
    });
  } finally {
    ip.FreeMibTable(pointer);
  }
}
