/**
 * Who may do what with a file on Windows (advapi32): security descriptors, as text (SDDL).
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

const WIN32 = "https://learn.microsoft.com/windows/win32/api";

/** What a new object's security is. */
export const SECURITY_ATTRIBUTES = {
  name: "SECURITY_ATTRIBUTES",
  header: "windows.h",
  page: `${WIN32}/wtypesbase/ns-wtypesbase-security_attributes`,
  sizeBytes: 24,
  fields: {
    nLength: { offset: 0, type: "u32" },
    lpSecurityDescriptor: { offset: 8, type: "pointer" },
    bInheritHandle: { offset: 16, type: "i32" },
  },
} as const satisfies StructLayout;

/** Constants of accctrl.h, winnt.h and sddl.h, by their names there. */
export const SecurityConstant = {
  SE_FILE_OBJECT: 1,
  OWNER_SECURITY_INFORMATION: 1,
  DACL_SECURITY_INFORMATION: 4,
  SDDL_REVISION_1: 1,
} as const;

const ADVAPI_SYMBOLS = {
  GetNamedSecurityInfoW: {
    parameters: [
      "buffer", /* pObjectName */
      "i32", /* ObjectType */
      "u32", /* SecurityInfo */
      "pointer", /* ppsidOwner, out */
      "pointer", /* ppsidGroup, out */
      "pointer", /* ppDacl, out */
      "pointer", /* ppSacl, out */
      "buffer", /* ppSecurityDescriptor, out */
    ],
    result: "u32",
  },
  ConvertSecurityDescriptorToStringSecurityDescriptorW: {
    parameters: [
      "pointer", /* SecurityDescriptor */
      "u32", /* RequestedStringSDRevision */
      "u32", /* SecurityInformation */
      "buffer", /* StringSecurityDescriptor, out */
      "pointer", /* StringSecurityDescriptorLen, out */
    ],
    result: "i32",
  },
  ConvertStringSecurityDescriptorToSecurityDescriptorW: {
    parameters: [
      "buffer", /* StringSecurityDescriptor */
      "u32", /* StringSDRevision */
      "buffer", /* SecurityDescriptor, out */
      "pointer", /* SecurityDescriptorSize, out */
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

const KERNEL_SYMBOLS = {
  CreateDirectoryW: {
    parameters: ["buffer", /* lpPathName */ "buffer" /* lpSecurityAttributes */],
    result: "i32",
  },
  LocalFree: { parameters: ["pointer" /* hMem */], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_SECURITY_SYMBOLS = {
  "advapi32.dll": ADVAPI_SYMBOLS,
  "kernel32.dll": KERNEL_SYMBOLS,
} as const;
