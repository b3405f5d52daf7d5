/** Windows' executables (PE32+): what they export, and the one field of theirs that the build sets. */
import { BuildError } from "./cache.ts";

/** `LOAD_LIBRARY_SEARCH_SYSTEM32`: DLLs come out of System32 and from nowhere else. */
export const SEARCH_SYSTEM32 = 0x0800;

/** Offsets of the PE format: winnt.h's IMAGE_DOS_HEADER, IMAGE_NT_HEADERS64, IMAGE_SECTION_HEADER. */
const Offset = {
  ntHeaders: 0x3c,
  machine: 4,
  sectionCount: 6,
  optionalHeaderBytes: 20,
  optionalHeader: 24,
  directories: 112,
  dependentLoadFlags: 0x4e,
} as const;
/** Indices of the tables: IMAGE_DIRECTORY_ENTRY_… */
const Directory = { exports: 0, loadConfiguration: 10 } as const;
const SECTION_BYTES = 40;
const PE32_PLUS = 0x20b;
const IMAGE_FILE_MACHINE_AMD64 = 0x8664;

/** Whether a file is a program or DLL for Windows on x86-64. */
export function isWindows64(file: Uint8Array): boolean {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  try {
    const nt = view.getUint32(Offset.ntHeaders, true);
    return view.getUint16(0) === 0x4d5a && view.getUint32(nt) === 0x50450000 &&
      view.getUint16(nt + Offset.machine, true) === IMAGE_FILE_MACHINE_AMD64;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
}

/**
 * Where a file has the flags that its imported DLLs are searched by (`DependentLoadFlags` of
 * IMAGE_LOAD_CONFIG_DIRECTORY64, what the linker's option /DEPENDENTLOADFLAG sets).
 *
 * @throws {BuildError} the file has no such field
 */
export function dependentLoadFlagsOffset(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const wrong = new BuildError("no 64-bit Windows program with a load configuration");
  try {
    const address = directoryAddress(view, Directory.loadConfiguration);
    const found = address === 0 ? undefined : offsetOf(view, address);
    if (found === undefined) throw wrong;
    if (view.getUint32(found, true) < Offset.dependentLoadFlags + 2) throw wrong;
    return found + Offset.dependentLoadFlags;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw wrong;
}

/** The address of one of the file's tables; 0: it has none. */
export function directoryAddress(view: DataView, directory: number): number {
  const nt = view.getUint32(Offset.ntHeaders, true);
  const optional = nt + Offset.optionalHeader;
  const isPe = view.getUint32(nt) === 0x50450000;
  if (!isPe || view.getUint16(optional, true) !== PE32_PLUS) return 0;
  return view.getUint32(optional + Offset.directories + directory * 8, true);
}

/** Where in the file something lies that has an address in memory. */
export function offsetOf(view: DataView, address: number): number | undefined {
  const nt = view.getUint32(Offset.ntHeaders, true);
  const optional = nt + Offset.optionalHeader;
  const sections = optional + view.getUint16(nt + Offset.optionalHeaderBytes, true);
  const count = view.getUint16(nt + Offset.sectionCount, true);
  for (let i = 0; i < count; i++) {
    const at = sections + i * SECTION_BYTES;
    const offset = address - view.getUint32(at + 12, true);
    if (offset < 0 || offset >= view.getUint32(at + 16, true)) continue;
    return view.getUint32(at + 20, true) + offset;
  }
  return undefined;
}

/** A function that a DLL exports: by its number, and mostly by a name, too. */
export interface PeExport {
  readonly ordinal: number;
  readonly name: string | undefined;
}

/** Where a DLL has the tables of what it exports (IMAGE_EXPORT_DIRECTORY), as offsets in the file. */
export interface ExportTables {
  /** The number of the first function. */
  readonly base: number;
  readonly functionCount: number;
  readonly nameCount: number;
  /** Where the number of names stands. */
  readonly nameCountOffset: number;
  /** Addresses of functions; addresses of names, in their order; each name's function. */
  readonly functions: number;
  readonly names: number;
  readonly ordinals: number;
}

/** Finds the tables of exports; undefined: there are none. @throws {BuildError} it is cut short */
export function locateExports(file: Uint8Array): ExportTables | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const address = directoryAddress(view, Directory.exports);
  if (address === 0) return undefined;
  const table = requiredOffset(view, address);
  const [base, functionCount, nameCount, functions, names, ordinals] = [16, 20, 24, 28, 32, 36]
    .map((offset) => view.getUint32(table + offset, true));
  return {
    ...{ base, functionCount, nameCount, nameCountOffset: table + 24 },
    functions: requiredOffset(view, functions),
    names: requiredOffset(view, names),
    ordinals: requiredOffset(view, ordinals),
  };
}

/** What a DLL exports. @throws {BuildError} the file is cut short */
export function readExports(file: Uint8Array): PeExport[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const tables = locateExports(file);
  if (tables === undefined) return [];
  const { base, functionCount, nameCount, functions, names, ordinals } = tables;
  const nameOf = new Map<number, string>();
  for (let i = 0; i < nameCount; i++) {
    const index = view.getUint16(ordinals + i * 2, true);
    const at = requiredOffset(view, view.getUint32(names + i * 4, true));
    nameOf.set(index, textAt(file, at));
  }
  const found: PeExport[] = [];
  for (let i = 0; i < functionCount; i++) {
    if (view.getUint32(functions + i * 4, true) === 0) continue; // a number that is not used
    found.push({ ordinal: base + i, name: nameOf.get(i) });
  }
  return found;
}

function requiredOffset(view: DataView, address: number): number {
  const offset = offsetOf(view, address);
  if (offset === undefined) throw new BuildError("an address outside of all sections");
  return offset;
}

/** The text of a file that begins there and ends before a zero byte. */
export function textAt(file: Uint8Array, offset: number): string {
  return new TextDecoder().decode(file.subarray(offset, file.indexOf(0, offset)));
}

/** The flags that a program's imported DLLs are searched by; 0: beside the program first. */
export function dependentLoadFlags(file: Uint8Array): number {
  const offset = dependentLoadFlagsOffset(file);
  return new DataView(file.buffer, file.byteOffset).getUint16(offset, true);
}

/** Has a program's imported DLLs come out of System32 alone: none that lies beside it is loaded. */
export function importFromSystemOnly(file: Uint8Array): void {
  const offset = dependentLoadFlagsOffset(file);
  new DataView(file.buffer, file.byteOffset).setUint16(offset, SEARCH_SYSTEM32, true);
}
