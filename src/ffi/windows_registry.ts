/**
 * The Windows registry (advapi32), as far as the client reads and writes it.
 *
 * @module
 */

/** Constants of winreg.h and winnt.h, by their names there. */
export const RegistryConstant = {
  HKEY_CURRENT_USER: 0xffffffff80000001n,
  HKEY_LOCAL_MACHINE: 0xffffffff80000002n,
  KEY_READ: 0x20019,
  KEY_SET_VALUE: 2,
  REG_SZ: 1,
  REG_DWORD: 4,
  REG_MULTI_SZ: 7,
} as const;

const SYMBOLS = {
  RegOpenKeyExW: {
    parameters: [
      "usize", /* hKey */
      "buffer", /* lpSubKey */
      "u32", /* ulOptions */
      "u32", /* samDesired */
      "buffer", /* phkResult, out */
    ],
    result: "i32",
  },
  RegCreateKeyExW: {
    parameters: [
      "usize", /* hKey */
      "buffer", /* lpSubKey */
      "u32", /* Reserved */
      "pointer", /* lpClass */
      "u32", /* dwOptions */
      "u32", /* samDesired */
      "pointer", /* lpSecurityAttributes */
      "buffer", /* phkResult, out */
      "pointer", /* lpdwDisposition */
    ],
    result: "i32",
  },
  RegDeleteTreeW: { parameters: ["usize", /* hKey */ "buffer" /* lpSubKey */], result: "i32" },
  RegEnumKeyExW: {
    parameters: [
      "usize", /* hKey */
      "u32", /* dwIndex */
      "buffer", /* lpName, out */
      "buffer", /* lpcchName, in and out */
      "pointer", /* lpReserved */
      "pointer", /* lpClass */
      "pointer", /* lpcchClass */
      "pointer", /* lpftLastWriteTime */
    ],
    result: "i32",
  },
  RegQueryValueExW: {
    parameters: [
      "usize", /* hKey */
      "buffer", /* lpValueName */
      "pointer", /* lpReserved */
      "buffer", /* lpType, out */
      "buffer", /* lpData, out */
      "buffer", /* lpcbData, in and out */
    ],
    result: "i32",
  },
  RegSetValueExW: {
    parameters: [
      "usize", /* hKey */
      "buffer", /* lpValueName */
      "u32", /* Reserved */
      "u32", /* dwType */
      "buffer", /* lpData */
      "u32", /* cbData */
    ],
    result: "i32",
  },
  RegDeleteValueW: {
    parameters: ["usize", /* hKey */ "buffer" /* lpValueName */],
    result: "i32",
  },
  RegCloseKey: { parameters: ["usize" /* hKey */], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const WINDOWS_REGISTRY_SYMBOLS = { "advapi32.dll": SYMBOLS } as const;
