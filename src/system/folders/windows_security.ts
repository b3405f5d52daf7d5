/**
 * Who may do what with a file or folder on Windows: security descriptors, as text (SDDL).
 *
 * @module
 */

import { Struct } from "../../ffi/layout.ts";
import { systemDll } from "../../ffi/system_dll.ts";
import { wideString } from "../../ffi/wide_string.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import {
  SECURITY_ATTRIBUTES,
  SecurityConstant,
  WINDOWS_SECURITY_SYMBOLS,
} from "../../ffi/windows_security.ts";

const TEXT_UNITS_MAX = 8192;

type Libraries = typeof WINDOWS_SECURITY_SYMBOLS;
type Symbols =
  & Deno.StaticForeignLibraryInterface<Libraries["advapi32.dll"]>
  & Deno.StaticForeignLibraryInterface<Libraries["kernel32.dll"]>;

function withSymbols<T>(work: (symbols: Symbols) => T): T {
  const advapi = Deno.dlopen(systemDll("advapi32.dll"), WINDOWS_SECURITY_SYMBOLS["advapi32.dll"]);
  const kernel = Deno.dlopen(systemDll("kernel32.dll"), WINDOWS_SECURITY_SYMBOLS["kernel32.dll"]);
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
      throw new WindowsError(
        "ConvertSecurityDescriptorToStringSecurityDescriptorW",
        undefined,
        path,
      );
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
    const { SDDL_REVISION_1 } = SecurityConstant;
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
    symbols.LocalFree(descriptor);
    if (made) return true;
    // Why it failed only the thread's last error says, which may be the runtime's own by now.
    if (isFolder(path)) return false;
    throw new WindowsError("CreateDirectoryW", undefined, path);
  });
}

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
