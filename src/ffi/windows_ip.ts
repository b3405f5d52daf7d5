/**
 * Windows' IP stack (iphlpapi): interfaces and routes.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";
import { systemDll } from "./system_dll.ts";

const NETIOAPI = "https://learn.microsoft.com/windows/win32/api/netioapi";

/** An interface, as one IP version sees it. */
export const MIB_IPINTERFACE_ROW = {
  name: "MIB_IPINTERFACE_ROW",
  header: "iphlpapi.h",
  page: `${NETIOAPI}/ns-netioapi-mib_ipinterface_row`,
  sizeBytes: 168,
  fields: {
    Family: { offset: 0, type: "u16" },
    InterfaceLuid: { offset: 8, type: "bytes", sizeBytes: 8 },
    InterfaceIndex: { offset: 16, type: "u32" },
    ForwardingEnabled: { offset: 41, type: "u8" },
    WeakHostReceive: { offset: 43, type: "u8" },
    UseAutomaticMetric: { offset: 44, type: "u8" },
    ManagedAddressConfigurationSupported: { offset: 46, type: "u8" },
    OtherStatefulConfigurationSupported: { offset: 47, type: "u8" },
    RouterDiscoveryBehavior: { offset: 52, type: "u32" },
    SitePrefixLength: { offset: 144, type: "u32" },
    Metric: { offset: 148, type: "u32" },
    NlMtu: { offset: 152, type: "u32" },
    DisableDefaultRoutes: { offset: 166, type: "u8" },
  },
} as const satisfies StructLayout;

/** A socket address of either family. */
export const SOCKADDR_INET = {
  name: "SOCKADDR_INET",
  header: "iphlpapi.h",
  page: "https://learn.microsoft.com/windows/win32/api/ws2ipdef/ns-ws2ipdef-sockaddr_inet",
  sizeBytes: 28,
  fields: {
    si_family: { offset: 0, type: "u16" },
    ipv4: { offset: 4, type: "bytes", sizeBytes: 4, member: "Ipv4.sin_addr" },
    ipv6: { offset: 8, type: "bytes", sizeBytes: 16, member: "Ipv6.sin6_addr" },
    scopeId: { offset: 24, type: "u32", member: "Ipv6.sin6_scope_id" },
  },
} as const satisfies StructLayout;

/** A route. */
export const MIB_IPFORWARD_ROW2 = {
  name: "MIB_IPFORWARD_ROW2",
  header: "iphlpapi.h",
  page: `${NETIOAPI}/ns-netioapi-mib_ipforward_row2`,
  sizeBytes: 104,
  fields: {
    InterfaceLuid: { offset: 0, type: "bytes", sizeBytes: 8 },
    InterfaceIndex: { offset: 8, type: "u32" },
    prefix: { offset: 12, type: "bytes", sizeBytes: 28, member: "DestinationPrefix.Prefix" },
    prefixLength: { offset: 40, type: "u8", member: "DestinationPrefix.PrefixLength" },
    NextHop: { offset: 44, type: "bytes", sizeBytes: 28 },
    Metric: { offset: 84, type: "u32" },
    Protocol: { offset: 88, type: "u32" },
  },
} as const satisfies StructLayout;

/** An address of an interface. */
export const MIB_UNICASTIPADDRESS_ROW = {
  name: "MIB_UNICASTIPADDRESS_ROW",
  header: "iphlpapi.h",
  page: `${NETIOAPI}/ns-netioapi-mib_unicastipaddress_row`,
  sizeBytes: 80,
  fields: {
    Address: { offset: 0, type: "bytes", sizeBytes: 28 },
    InterfaceIndex: { offset: 40, type: "u32" },
    OnLinkPrefixLength: { offset: 60, type: "u8" },
    DadState: { offset: 64, type: "u32" },
  },
} as const satisfies StructLayout;

/** Tables begin with their number of rows; the first row lies at `Table`. */
export const MIB_IPFORWARD_TABLE2 = {
  name: "MIB_IPFORWARD_TABLE2",
  header: "iphlpapi.h",
  page: `${NETIOAPI}/ns-netioapi-mib_ipforward_table2`,
  sizeBytes: 112,
  fields: {
    NumEntries: { offset: 0, type: "u32" },
    Table: { offset: 8, type: "bytes", sizeBytes: 104 },
  },
} as const satisfies StructLayout;

/** See {@linkcode MIB_IPFORWARD_TABLE2}. */
export const MIB_UNICASTIPADDRESS_TABLE = {
  name: "MIB_UNICASTIPADDRESS_TABLE",
  header: "iphlpapi.h",
  page: `${NETIOAPI}/ns-netioapi-mib_unicastipaddress_table`,
  sizeBytes: 88,
  fields: {
    NumEntries: { offset: 0, type: "u32" },
    Table: { offset: 8, type: "bytes", sizeBytes: 80 },
  },
} as const satisfies StructLayout;

/** See {@linkcode MIB_IPFORWARD_TABLE2}. */
export const MIB_IPINTERFACE_TABLE = {
  name: "MIB_IPINTERFACE_TABLE",
  header: "iphlpapi.h",
  page: `${NETIOAPI}/ns-netioapi-mib_ipinterface_table`,
  sizeBytes: 176,
  fields: {
    NumEntries: { offset: 0, type: "u32" },
    Table: { offset: 8, type: "bytes", sizeBytes: 168 },
  },
} as const satisfies StructLayout;

/** An adapter with what is configured on it: one of a chain. */
export const IP_ADAPTER_ADDRESSES = {
  name: "IP_ADAPTER_ADDRESSES_LH",
  header: "iphlpapi.h",
  page: "https://learn.microsoft.com/windows/win32/api/iptypes/ns-iptypes-ip_adapter_addresses_lh",
  sizeBytes: 448,
  fields: {
    IfIndex: { offset: 4, type: "u32" },
    Next: { offset: 8, type: "pointer" },
    FirstDnsServerAddress: { offset: 48, type: "pointer" },
    FriendlyName: { offset: 72, type: "pointer" },
    Ipv6IfIndex: { offset: 108, type: "u32" },
  },
} as const satisfies StructLayout;

/** A name server of an adapter: one of a chain. */
export const IP_ADAPTER_DNS_SERVER_ADDRESS = {
  name: "IP_ADAPTER_DNS_SERVER_ADDRESS_XP",
  header: "iphlpapi.h",
  page:
    "https://learn.microsoft.com/windows/win32/api/iptypes/ns-iptypes-ip_adapter_dns_server_address_xp",
  sizeBytes: 32,
  fields: {
    Next: { offset: 8, type: "pointer" },
    lpSockaddr: { offset: 16, type: "pointer", member: "Address.lpSockaddr" },
  },
} as const satisfies StructLayout;

/** An adapter, as Windows' DHCP client is told of it. */
export const IP_ADAPTER_INDEX_MAP = {
  name: "IP_ADAPTER_INDEX_MAP",
  header: "iphlpapi.h",
  page: "https://learn.microsoft.com/windows/win32/api/ipexport/ns-ipexport-ip_adapter_index_map",
  sizeBytes: 260,
  fields: {
    Index: { offset: 0, type: "u32" },
    Name: { offset: 4, type: "bytes", sizeBytes: 256 },
  },
} as const satisfies StructLayout;

/** Constants of winerror.h, ws2def.h, nldef.h and iptypes.h, by their names there. */
export const IpConstant = {
  NO_ERROR: 0,
  ERROR_FILE_NOT_FOUND: 2,
  ERROR_NO_DATA: 232,
  ERROR_BUFFER_OVERFLOW: 111,
  ERROR_IO_PENDING: 997,
  GAA_FLAG_SKIP_UNICAST: 1,
  GAA_FLAG_SKIP_ANYCAST: 2,
  GAA_FLAG_SKIP_MULTICAST: 4,
  IpDadStatePreferred: 4,
  AF_UNSPEC: 0,
  IpDadStateDeprecated: 3,
  ERROR_NOT_FOUND: 1168,
  ERROR_OBJECT_ALREADY_EXISTS: 5010,
  AF_INET: 2,
  AF_INET6: 23,
  MIB_IPPROTO_NETMGMT: 3,
  IF_TYPE_PPP: 23,
  IF_TYPE_PROP_VIRTUAL: 53,
  IF_TYPE_TUNNEL: 131,
  RouterDiscoveryDisabled: 0,
  RouterDiscoveryEnabled: 1,
} as const;

const SYMBOLS = {
  ConvertInterfaceGuidToLuid: {
    parameters: ["buffer", /* InterfaceGuid */ "buffer" /* InterfaceLuid, out */],
    result: "u32",
  },
  ConvertInterfaceLuidToIndex: {
    parameters: ["buffer", /* InterfaceLuid */ "buffer" /* InterfaceIndex, out */],
    result: "u32",
  },
  InitializeIpInterfaceEntry: { parameters: ["buffer" /* Row, out */], result: "void" },
  GetIpInterfaceEntry: { parameters: ["buffer" /* Row, in and out */], result: "u32" },
  SetIpInterfaceEntry: { parameters: ["buffer" /* Row */], result: "u32" },
  GetBestRoute2: {
    parameters: [
      "pointer", /* InterfaceLuid */
      "u32", /* InterfaceIndex */
      "pointer", /* SourceAddress */
      "buffer", /* DestinationAddress */
      "u32", /* AddressSortOptions */
      "buffer", /* BestRoute, out */
      "buffer", /* BestSourceAddress, out */
    ],
    result: "u32",
  },
  InitializeIpForwardEntry: { parameters: ["buffer" /* Row, out */], result: "void" },
  InitializeUnicastIpAddressEntry: { parameters: ["buffer" /* Row, out */], result: "void" },
  CreateUnicastIpAddressEntry: { parameters: ["buffer" /* Row */], result: "u32" },
  DeleteUnicastIpAddressEntry: { parameters: ["buffer" /* Row */], result: "u32" },
  CreateIpForwardEntry2: { parameters: ["buffer" /* Row */], result: "u32" },
  DeleteIpForwardEntry2: { parameters: ["buffer" /* Row */], result: "u32" },
  ConvertInterfaceIndexToLuid: {
    parameters: ["u32", /* InterfaceIndex */ "buffer" /* InterfaceLuid, out */],
    result: "u32",
  },
  GetIpForwardTable2: {
    parameters: ["u16", /* Family */ "buffer" /* Table, out */],
    result: "u32",
  },
  GetUnicastIpAddressTable: {
    parameters: ["u16", /* Family */ "buffer" /* Table, out */],
    result: "u32",
  },
  GetIpInterfaceTable: {
    parameters: ["u16", /* Family */ "buffer" /* Table, out */],
    result: "u32",
  },
  FreeMibTable: { parameters: ["pointer" /* Memory */], result: "void" },
  GetAdaptersAddresses: {
    parameters: [
      "u32", /* Family */
      "u32", /* Flags */
      "pointer", /* Reserved */
      "buffer", /* AdapterAddresses, out */
      "buffer", /* SizePointer, in and out */
    ],
    result: "u32",
  },
  NotifyAddrChange: {
    parameters: ["buffer", /* Handle, out */ "pointer" /* overlapped */],
    result: "u32",
  },
  NotifyRouteChange: {
    parameters: ["buffer", /* Handle, out */ "pointer" /* overlapped */],
    result: "u32",
  },
  /** Returns when the LAN has answered, or not within a minute: called on another thread. */
  IpRenewAddress: {
    parameters: ["buffer" /* AdapterInfo */],
    result: "u32",
    nonblocking: true,
  },
  /** May wait for other adapters' requests: called on another thread. */
  IpReleaseAddress: {
    parameters: ["buffer" /* AdapterInfo */],
    result: "u32",
    nonblocking: true,
  },
  CancelIPChangeNotify: { parameters: ["pointer" /* notifyOverlapped */], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_IP_SYMBOLS = { "iphlpapi.dll": SYMBOLS } as const;

/** The bound functions. */
export type WindowsIp = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

let opened: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

/** iphlpapi, opened at the first call. */
export function windowsIp(): WindowsIp {
  opened ??= Deno.dlopen(systemDll("iphlpapi.dll"), SYMBOLS);
  return opened.symbols;
}
