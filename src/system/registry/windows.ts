/**
 * The Windows registry, as far as the client reads and writes it.
 *
 * @module
 */

import { systemDll } from "../../ffi/system_dll.ts";
import { wideString } from "../../ffi/wide_string.ts";
import { WindowsConstant, WindowsError } from "../../ffi/windows_kernel.ts";
import { RegistryConstant, WINDOWS_REGISTRY_SYMBOLS } from "../../ffi/windows_registry.ts";

type Symbols = (typeof WINDOWS_REGISTRY_SYMBOLS)["advapi32.dll"];

/** Longest key name and longest text that is read, in UTF-16 units. */
const NAME_UNITS_MAX = 256;
const TEXT_UNITS_MAX = 1024;
/** Keys of one parent that are looked at. */
const KEYS_MAX = 4096;

let opened: Deno.DynamicLibrary<Symbols> | undefined;

function advapi(): Deno.StaticForeignLibraryInterface<Symbols> {
  opened ??= Deno.dlopen(systemDll("advapi32.dll"), WINDOWS_REGISTRY_SYMBOLS["advapi32.dll"]);
  return opened.symbols;
}

/** Whose part of the registry: the machine's, or that of the user who runs this. */
export type RegistryRoot = "machine" | "user";

const ROOTS: Readonly<Record<RegistryRoot, bigint>> = {
  machine: RegistryConstant.HKEY_LOCAL_MACHINE,
  user: RegistryConstant.HKEY_CURRENT_USER,
};

/** An open key. */
export class RegistryKey implements Disposable {
  readonly path: string;
  readonly #handle: bigint;

  /**
   * Opens a key; undefined if it does not exist.
   *
   * @throws {WindowsError} it may not be opened
   */
  static open(
    path: string,
    access: number = RegistryConstant.KEY_READ,
    root: RegistryRoot = "machine",
  ): RegistryKey | undefined {
    const out = new BigUint64Array(1);
    const code = advapi().RegOpenKeyExW(ROOTS[root], wideString(path), 0, access, out);
    if (code === WindowsConstant.ERROR_FILE_NOT_FOUND) return undefined;
    if (code !== 0) throw new WindowsError("RegOpenKeyExW", code, path);
    return new RegistryKey(path, out[0]);
  }

  /** Opens a key of the user's to write, and makes it and those above where they are not there. @throws {WindowsError} */
  static createForUser(path: string): RegistryKey {
    const out = new BigUint64Array(1);
    const { HKEY_CURRENT_USER, KEY_SET_VALUE } = RegistryConstant;
    const code = advapi().RegCreateKeyExW(
      ...[HKEY_CURRENT_USER, wideString(path), 0, null, 0, KEY_SET_VALUE, null, out, null] as const,
    );
    if (code !== 0) throw new WindowsError("RegCreateKeyExW", code, path);
    return new RegistryKey(path, out[0]);
  }

  /** Removes a key of the user's with all below it; one that is not there is removed already. @throws {WindowsError} */
  static removeForUser(path: string): void {
    const code = advapi().RegDeleteTreeW(RegistryConstant.HKEY_CURRENT_USER, wideString(path));
    if (code === 0 || code === WindowsConstant.ERROR_FILE_NOT_FOUND) return;
    throw new WindowsError("RegDeleteTreeW", code, path);
  }

  /** A key that another call has opened, and that is closed by leaving its scope. @param path for messages */
  static at(path: string, handle: bigint): RegistryKey {
    return new RegistryKey(path, handle);
  }

  private constructor(path: string, handle: bigint) {
    this.path = path;
    this.#handle = handle;
  }

  /** The names of the keys below this one. */
  subkeys(): string[] {
    const names: string[] = [];
    const name = new Uint16Array(NAME_UNITS_MAX);
    const length = new Uint32Array(1);
    while (names.length < KEYS_MAX) {
      length[0] = NAME_UNITS_MAX;
      const index = names.length;
      const code = advapi()
        .RegEnumKeyExW(this.#handle, index, name, length, null, null, null, null);
      if (code === WindowsConstant.ERROR_NO_MORE_ITEMS) break;
      if (code !== 0) throw new WindowsError("RegEnumKeyExW", code, this.path);
      names.push(String.fromCharCode(...name.subarray(0, length[0])));
    }
    return names;
  }

  /** A text value; undefined if there is none, or it is of another type, or too long. */
  text(name: string): string | undefined {
    // What is stored need not end in a zero.
    return this.#units(name, RegistryConstant.REG_SZ)?.split("\0")[0];
  }

  /** A list of texts (`REG_MULTI_SZ`), without empty ones; none if there is no such value, or it is too long. */
  texts(name: string): string[] {
    const list = this.#units(name, RegistryConstant.REG_MULTI_SZ) ?? "";
    return list.split("\0").filter((text) => text !== "");
  }

  #units(name: string, wanted: number): string | undefined {
    const type = new Uint32Array(1);
    const data = new Uint16Array(TEXT_UNITS_MAX);
    const size = new Uint32Array([data.byteLength]);
    const code = advapi()
      .RegQueryValueExW(this.#handle, wideString(name), null, type, data, size);
    if (code !== 0 || type[0] !== wanted) return undefined;
    return String.fromCharCode(...data.subarray(0, size[0] >> 1));
  }

  /** A number (`REG_DWORD`); undefined if there is none, or it is of another type. */
  number(name: string): number | undefined {
    const type = new Uint32Array(1);
    const data = new Uint32Array(1);
    const size = new Uint32Array([data.byteLength]);
    const code = advapi()
      .RegQueryValueExW(this.#handle, wideString(name), null, type, data, size);
    return code === 0 && type[0] === RegistryConstant.REG_DWORD ? data[0] : undefined;
  }

  /** Writes a text value. @throws {WindowsError} */
  setText(name: string, text: string): void {
    const data = wideString(text);
    const code = advapi().RegSetValueExW(
      this.#handle,
      wideString(name),
      0,
      RegistryConstant.REG_SZ,
      data,
      data.byteLength,
    );
    if (code !== 0) throw new WindowsError("RegSetValueExW", code, `${this.path}\\${name}`);
  }

  /** Removes a value; one that is not there is removed already. @throws {WindowsError} */
  remove(name: string): void {
    const code = advapi().RegDeleteValueW(this.#handle, wideString(name));
    if (code === 0 || code === WindowsConstant.ERROR_FILE_NOT_FOUND) return;
    throw new WindowsError("RegDeleteValueW", code, `${this.path}\\${name}`);
  }

  [Symbol.dispose](): void {
    advapi().RegCloseKey(this.#handle);
  }
}
