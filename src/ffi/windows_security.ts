/**
 * Who may do what with a file on Windows (advapi32): security descriptors, as text (SDDL).
 *
 * @module
 */

import { Struct, type StructLayout } from "./layout.ts";
import { systemDll } from "./system_dll.ts";
import { wideString } from "./wide_string.ts";
import { WindowsError } from "./windows_kernel.ts";

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

/** Constants of accctrl.h, winnt.h, sddl.h and winerror.h, by their names there. */
export const SecurityConstant = {
  SE_FILE_OBJECT: 1,
  OWNER_SECURITY_INFORMATION: 1,
  DACL_SECURITY_INFORMATION: 4,
  SDDL_REVISION_1: 1,
  ERROR_ALREADY_EXISTS: 183,
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
  GetLastError: { parameters: [], result: "u32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_SECURITY_SYMBOLS = {
  "advapi32.dll": ADVAPI_SYMBOLS,
  "kernel32.dll": KERNEL_SYMBOLS,
} as const;

const TEXT_UNITS_MAX = 8192;

type Symbols =
  & Deno.StaticForeignLibraryInterface<typeof ADVAPI_SYMBOLS>
  & Deno.StaticForeignLibraryInterface<typeof KERNEL_SYMBOLS>;

function withSymbols<T>(work: (symbols: Symbols) => T): T {
  const advapi = Deno.dlopen(systemDll("advapi32.dll"), ADVAPI_SYMBOLS);
  const kernel = Deno.dlopen(systemDll("kernel32.dll"), KERNEL_SYMBOLS);
  try {
    return work({ ...advapi.symbols, ...kernel.symbols });
  } finally {
    advapi.close();
    kernel.close();
  }
}

/**
 * A file's or folder's owner and access list, in the security descriptor definition language, such
 * as `O:BAD:PAI(A;OICI;FA;;;BA)`.
 *
 * @throws {WindowsError} it may not be read
 */
export function fileSecurity(path: string): string {
  return withSymbols((symbols) => {
    const c = SecurityConstant;
    const what = c.OWNER_SECURITY_INFORMATION | c.DACL_SECURITY_INFORMATION;
    const out = new BigUint64Array(1);
    const code = symbols.GetNamedSecurityInfoW(
      wideString(path),
      c.SE_FILE_OBJECT,
      what,
      ...[null, null, null, null] as const,
      out,
    );
    if (code !== 0) throw new WindowsError("GetNamedSecurityInfoW", code, path);
    const descriptor = Deno.UnsafePointer.create(out[0]);
    const done = symbols.ConvertSecurityDescriptorToStringSecurityDescriptorW(
      descriptor,
      c.SDDL_REVISION_1,
      what,
      out,
      null,
    );
    symbols.LocalFree(descriptor);
    const text = Deno.UnsafePointer.create(out[0]);
    if (done === 0 || text === null) {
      throw new WindowsError("ConvertSecurityDescriptorToStringSecurityDescriptorW", 0, path);
    }
    const read = readText(text);
    symbols.LocalFree(text);
    return read;
  });
}

/**
 * Makes a folder with an owner and an access list.
 *
 * @returns false if it is there already
 * @throws {WindowsError} it cannot be made
 */
export function makeFolder(path: string, security: string): boolean {
  return withSymbols((symbols) => {
    const out = new BigUint64Array(1);
    const { SDDL_REVISION_1, ERROR_ALREADY_EXISTS } = SecurityConstant;
    const text = wideString(security);
    if (
      symbols.ConvertStringSecurityDescriptorToSecurityDescriptorW(
        text,
        SDDL_REVISION_1,
        out,
        null,
      ) === 0
    ) throw new TypeError(`not a security descriptor: ${security}`);
    const descriptor = Deno.UnsafePointer.create(out[0]);
    const attributes = new Struct(SECURITY_ATTRIBUTES)
      .setNumber("nLength", SECURITY_ATTRIBUTES.sizeBytes)
      .setPointer("lpSecurityDescriptor", descriptor);
    const made = symbols.CreateDirectoryW(wideString(path), attributes.bytes) !== 0;
    const code = made ? 0 : symbols.GetLastError();
    symbols.LocalFree(descriptor);
    if (made) return true;
    if (code === ERROR_ALREADY_EXISTS || isFolder(path)) return false;
    throw new WindowsError("CreateDirectoryW", code, path);
  });
}

/** The error code may be the runtime's own by now. */
function isFolder(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}

function readText(pointer: Deno.PointerObject): string {
  const view = new Deno.UnsafePointerView(pointer);
  let text = "";
  for (let at = 0; at < TEXT_UNITS_MAX; at++) {
    const unit = view.getUint16(at * 2);
    if (unit === 0) break;
    text += String.fromCharCode(unit);
  }
  return text;
}
