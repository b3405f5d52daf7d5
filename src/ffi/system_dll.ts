/**
 * Where Windows keeps its own DLLs. They are opened by their absolute path, and what a DLL needs
 * itself is looked for there alone, so that a file of the same name beside the program, or on the
 * search path, is never loaded.
 *
 * @module
 */

const PATH_UNITS_MAX = 260;
/** Of libloaderapi.h, for the DLLs that other DLLs need. */
export const LOAD_LIBRARY_SEARCH_SYSTEM32 = 0x0800;

const SYMBOLS = {
  GetSystemDirectoryW: {
    parameters: ["buffer", /* lpBuffer, out */ "u32" /* uSize */],
    result: "u32",
  },
  SetDefaultDllDirectories: {
    parameters: ["u32" /* DirectoryFlags */],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Every function of this file, for the table of what is called. */
export const SYSTEM_DLL_SYMBOLS = { "kernel32.dll": SYMBOLS } as const;

let folder: string | undefined;

/**
 * `C:\Windows\System32`, as the system says it: the environment may say something else.
 *
 * @throws {Error} on other systems than Windows
 */
export function systemFolder(): string {
  return folder ??= askSystemFolder();
}

/** The absolute path of one of Windows' own DLLs, such as `iphlpapi.dll`. */
export function systemDll(name: string): string {
  return `${systemFolder()}\\${name}`;
}

function askSystemFolder(): string {
  // kernel32 is in every process already, and one of the DLLs that Windows loads by name alone.
  const kernel = Deno.dlopen("kernel32.dll", SYMBOLS);
  try {
    if (kernel.symbols.SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32) === 0) {
      throw new Error("SetDefaultDllDirectories failed");
    }
    const path = new Uint16Array(PATH_UNITS_MAX);
    const units = kernel.symbols.GetSystemDirectoryW(path, PATH_UNITS_MAX);
    if (units === 0 || units >= PATH_UNITS_MAX) throw new Error("GetSystemDirectoryW failed");
    return String.fromCharCode(...path.subarray(0, units));
  } finally {
    kernel.close();
  }
}
