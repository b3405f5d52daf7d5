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
    UseAutomaticMetric: { offset: 44, type: "u8" },
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

/** Constants of winerror.h, ws2def.h and nldef.h, by their names there. */
export const IpConstant = {
  NO_ERROR: 0,
  ERROR_NOT_FOUND: 1168,
  ERROR_OBJECT_ALREADY_EXISTS: 5010,
  AF_INET: 2,
  AF_INET6: 23,
  MIB_IPPROTO_NETMGMT: 3,
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
  CreateIpForwardEntry2: { parameters: ["buffer" /* Row */], result: "u32" },
  DeleteIpForwardEntry2: { parameters: ["buffer" /* Row */], result: "u32" },
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
