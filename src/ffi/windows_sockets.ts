/**
 * Windows' sockets (ws2_32), as far as something of them is used beside msquic: notices of changes, and packets that are sent to see
 * what becomes of them.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";
import { systemDll } from "./system_dll.ts";
import { WindowsError } from "./windows_kernel.ts";

/** Constants of winsock2.h, by their names there. */
export const SocketConstant = {
  SOCK_DGRAM: 2,
  SOL_SOCKET: 0xffff,
  SO_ERROR: 0x1007,
  WSAECONNRESET: 10_054,
  WSAECONNREFUSED: 10_061,
  WSAENETUNREACH: 10_051,
  WSAEHOSTUNREACH: 10_065,
  WSA_FLAG_OVERLAPPED: 0x01,
  WSA_FLAG_NO_HANDLE_INHERIT: 0x80,
  SIO_ROUTING_INTERFACE_CHANGE: 0x88000015,
  SIO_ADDRESS_LIST_CHANGE: 0x28000017,
} as const;

/** How an overlapped receive ends (ntstatus.h). */
export const UnreachableStatus = {
  STATUS_SUCCESS: 0,
  STATUS_PENDING: 0x103,
  STATUS_CONNECTION_REFUSED: 0xc0000236,
  STATUS_NETWORK_UNREACHABLE: 0xc000023c,
  STATUS_HOST_UNREACHABLE: 0xc000023d,
  STATUS_PROTOCOL_UNREACHABLE: 0xc000023e,
  STATUS_PORT_UNREACHABLE: 0xc000023f,
} as const;

/** A piece of memory to receive into. */
export const WSABUF = {
  name: "WSABUF",
  header: "winsock2.h",
  page: "https://learn.microsoft.com/windows/win32/api/ws2def/ns-ws2def-wsabuf",
  sizeBytes: 16,
  fields: {
    len: { offset: 0, type: "u32" },
    buf: { offset: 8, type: "pointer" },
  },
} as const satisfies StructLayout;

/** `MAKEWORD(2, 2)`: Winsock's version. */
const WINSOCK_VERSION = 0x0202;
/** `sizeof(WSADATA)`. */
export const WSADATA_BYTES = 408;
/** `INVALID_SOCKET`: what `WSASocketW` returns when it fails. */
export const INVALID_SOCKET = 0xffff_ffff_ffff_ffffn;

const SYMBOLS = {
  WSAStartup: {
    parameters: ["u16", /* wVersionRequested */ "buffer" /* lpWSAData, out */],
    result: "i32",
  },
  WSASocketW: {
    parameters: [
      "i32", /* af */
      "i32", /* type */
      "i32", /* protocol */
      "pointer", /* lpProtocolInfo */
      "u32", /* g */
      "u32", /* dwFlags */
    ],
    result: "usize",
  },
  WSAIoctl: {
    parameters: [
      "usize", /* s */
      "u32", /* dwIoControlCode */
      "pointer", /* lpvInBuffer */
      "u32", /* cbInBuffer */
      "pointer", /* lpvOutBuffer */
      "u32", /* cbOutBuffer */
      "buffer", /* lpcbBytesReturned, out */
      "pointer", /* lpOverlapped */
      "pointer", /* lpCompletionRoutine */
    ],
    result: "i32",
  },
  connect: {
    parameters: ["usize", /* s */ "buffer", /* name */ "i32" /* namelen */],
    result: "i32",
  },
  getsockopt: {
    parameters: [
      "usize", /* s */
      "i32", /* level */
      "i32", /* optname */
      "buffer", /* optval, out */
      "buffer", /* optlen, in and out */
    ],
    result: "i32",
  },
  send: {
    parameters: ["usize", /* s */ "buffer", /* buf */ "i32", /* len */ "i32" /* flags */],
    result: "i32",
  },
  WSARecv: {
    parameters: [
      "usize", /* s */
      "buffer", /* lpBuffers */
      "u32", /* dwBufferCount */
      "pointer", /* lpNumberOfBytesRecvd */
      "buffer", /* lpFlags, in and out */
      "pointer", /* lpOverlapped */
      "pointer", /* lpCompletionRoutine */
    ],
    result: "i32",
  },
  closesocket: { parameters: ["usize" /* s */], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_SOCKET_SYMBOLS = { "ws2_32.dll": SYMBOLS } as const;

/** The bound functions. */
export type WindowsSockets = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

let opened: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

/** ws2_32, opened and started at the first call. @throws {WindowsError} it cannot be started */
export function windowsSockets(): WindowsSockets {
  if (opened === undefined) {
    const library = Deno.dlopen(systemDll("ws2_32.dll"), SYMBOLS);
    const code = library.symbols.WSAStartup(WINSOCK_VERSION, new Uint8Array(WSADATA_BYTES));
    if (code !== 0) throw new WindowsError("WSAStartup", code);
    opened = library;
  }
  return opened.symbols;
}
