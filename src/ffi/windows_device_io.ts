/**
 * Opening a device of Windows', and asking its driver (ntdll). Win32's functions for it say why they failed in the
 * thread's last error, which the runtime may have overwritten; these return it.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";
import { systemDll } from "./system_dll.ts";

const KERNEL = "https://learn.microsoft.com/windows/win32/api";

/** A text with its length. */
export const UNICODE_STRING = {
  name: "UNICODE_STRING",
  header: "winternl.h",
  page: `${KERNEL}/subauth/ns-subauth-unicode_string`,
  sizeBytes: 16,
  fields: {
    Length: { offset: 0, type: "u16" },
    MaximumLength: { offset: 2, type: "u16" },
    Buffer: { offset: 8, type: "pointer" },
  },
} as const satisfies StructLayout;

/** An object's name, and how it is looked for. */
export const OBJECT_ATTRIBUTES = {
  name: "OBJECT_ATTRIBUTES",
  header: "winternl.h",
  page: `${KERNEL}/ntdef/ns-ntdef-_object_attributes`,
  sizeBytes: 48,
  fields: {
    Length: { offset: 0, type: "u32" },
    ObjectName: { offset: 16, type: "pointer" },
    Attributes: { offset: 24, type: "u32" },
  },
} as const satisfies StructLayout;

/** What became of an operation. */
export const IO_STATUS_BLOCK = {
  name: "IO_STATUS_BLOCK",
  header: "winternl.h",
  page: "https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/ns-wdm-_io_status_block",
  sizeBytes: 16,
  fields: {
    Status: { offset: 0, type: "u32" },
    Information: { offset: 8, type: "u64" },
  },
} as const satisfies StructLayout;

/** Constants of winternl.h, winnt.h and ntstatus.h, by their names there. */
export const DeviceIoConstant = {
  OBJ_CASE_INSENSITIVE: 0x40,
  FILE_OPEN: 1,
  FILE_NON_DIRECTORY_FILE: 0x40,
  FILE_READ_ATTRIBUTES: 0x80,
  SYNCHRONIZE: 0x100000,
  STATUS_UNSUCCESSFUL: 0xc0000001,
  STATUS_NO_SUCH_DEVICE: 0xc000000e,
  STATUS_ACCESS_DENIED: 0xc0000022,
  STATUS_OBJECT_NAME_NOT_FOUND: 0xc0000034,
  STATUS_OBJECT_PATH_NOT_FOUND: 0xc000003a,
  STATUS_SHARING_VIOLATION: 0xc0000043,
  STATUS_IO_TIMEOUT: 0xc00000b5,
} as const;

const SYMBOLS = {
  NtCreateFile: {
    parameters: [
      "buffer", /* FileHandle, out */
      "u32", /* DesiredAccess */
      "buffer", /* ObjectAttributes */
      "buffer", /* IoStatusBlock, out */
      "pointer", /* AllocationSize */
      "u32", /* FileAttributes */
      "u32", /* ShareAccess */
      "u32", /* CreateDisposition */
      "u32", /* CreateOptions */
      "pointer", /* EaBuffer */
      "u32", /* EaLength */
    ],
    result: "u32",
  },
  NtDeviceIoControlFile: {
    parameters: [
      "usize", /* FileHandle */
      "usize", /* Event */
      "pointer", /* ApcRoutine */
      "pointer", /* ApcContext: without it a completion port is told nothing */
      "pointer", /* IoStatusBlock, out */
      "u32", /* IoControlCode */
      "pointer", /* InputBuffer */
      "u32", /* InputBufferLength */
      "pointer", /* OutputBuffer, out */
      "u32", /* OutputBufferLength */
    ],
    result: "u32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_DEVICE_IO_SYMBOLS = { "ntdll.dll": SYMBOLS } as const;

let opened: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;

/** The bound functions, opened at the first call. */
export function windowsDeviceIo(): Deno.StaticForeignLibraryInterface<typeof SYMBOLS> {
  opened ??= Deno.dlopen(systemDll("ntdll.dll"), SYMBOLS);
  return opened.symbols;
}
