/**
 * A program's machine code as the functions that it is made of: the tables by which exceptions find their
 * way say where each function begins and ends, also in programs without symbols.
 */
import { BuildError } from "../cache.ts";
import { directoryAddress, offsetOf, textAt } from "../pe_file.ts";

/** The code of a program, and what it wants of others. Addresses are those in memory, from its base. */
export interface CodeImage {
  readonly format: "ELF" | "PE";
  readonly bytes: Uint8Array;
  /** The section `.text`: its address, its offset in the file, its size in bytes. */
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  /** The functions in `.text`, in order and without overlap: where each begins, and its end. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** The names of the functions that it takes from libraries. */
  readonly imports: ReadonlySet<string>;
}

/** Reads a 64-bit ELF or PE file. @throws {BuildError} it is none, or has no such tables */
export function readCodeImage(bytes: Uint8Array): CodeImage {
  try {
    return bytes[0] === 0x7f ? readElf(bytes) : readPe(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new BuildError("the program is cut short");
  }
}

interface Section {
  readonly address: number;
  readonly offset: number;
  readonly size: number;
}

/** Functions by their beginning and end. */
type Row = readonly [start: number, end: number];

/** Keeps the functions of `.text`, without those that reach into the one before. */
function inOrder(rows: Row[], { address, size }: Section): Pick<CodeImage, "starts" | "ends"> {
  rows.sort((a, b) => a[0] - b[0]);
  const kept: Row[] = [];
  let free = address;
  for (const row of rows) {
    if (row[0] < free || row[1] <= row[0] || row[1] > address + size) continue;
    kept.push(row);
    free = row[1];
  }
  if (kept.length === 0) throw new BuildError("no function is found in the program");
  return {
    starts: Uint32Array.from(kept, ([start]) => start),
    ends: Uint32Array.from(kept, ([, end]) => end),
  };
}

/** Offsets in ELF64's headers (elf(5)): Elf64_Ehdr, Elf64_Shdr, Elf64_Sym. */
const Elf = {
  sectionHeaders: 40,
  sectionCount: 60,
  namesIndex: 62,
  sectionBytes: 64,
  symbolBytes: 24,
} as const;

function readElf(bytes: Uint8Array): CodeImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isElf64 = view.getUint32(0) === 0x7f454c46 && view.getUint16(4) === 0x0201;
  if (!isElf64) throw new BuildError("the program is no 64-bit little-endian ELF file");
  const sections = elfSections(bytes, view);
  const need = (name: string): Section => {
    const section = sections.get(name);
    if (section === undefined) throw new BuildError(`the program has no section ${name}`);
    return section;
  };
  const text = need(".text");
  const rows = elfFunctions(view, need(".eh_frame_hdr"), need(".eh_frame"));
  const imports = elfImports(bytes, view, need(".dynsym"), need(".dynstr"));
  return { format: "ELF", bytes, ...text, ...inOrder(rows, text), imports };
}

function elfSections(bytes: Uint8Array, view: DataView): Map<string, Section> {
  const headers = Number(view.getBigUint64(Elf.sectionHeaders, true));
  const at = (index: number) => headers + index * Elf.sectionBytes;
  const names = at(view.getUint16(Elf.namesIndex, true));
  const namesOffset = Number(view.getBigUint64(names + 24, true));
  const sections = new Map<string, Section>();
  for (let index = 0; index < view.getUint16(Elf.sectionCount, true); index++) {
    const header = at(index);
    const name = textAt(bytes, namesOffset + view.getUint32(header, true));
    const [address, offset, size] = [16, 24, 32]
      .map((field) => Number(view.getBigUint64(header + field, true)));
    sections.set(name, { address, offset, size });
  }
  return sections;
}

/** DW_EH_PE_udata4, and DW_EH_PE_datarel with DW_EH_PE_sdata4: how linkers write the table. */
const COUNT_ENCODING = 0x03;
const TABLE_ENCODING = 0x3b;

/**
 * The functions of `.eh_frame_hdr` (Linux Standard Base, core, section 10.6.2): each row leads to an entry of
 * `.eh_frame` with the length of the function.
 */
function elfFunctions(view: DataView, table: Section, frames: Section): Row[] {
  const [version, , count, rows] = [0, 1, 2, 3].map((i) => view.getUint8(table.offset + i));
  if (version !== 1 || count !== COUNT_ENCODING || rows !== TABLE_ENCODING) {
    throw new BuildError("the program's table of functions is of an unknown kind");
  }
  return Array.from({ length: view.getUint32(table.offset + 8, true) }, (_, index): Row => {
    const row = table.offset + 12 + index * 8;
    const start = table.address + view.getInt32(row, true);
    const entry = table.address + view.getInt32(row + 4, true);
    const offset = frames.offset + entry - frames.address;
    if (entry + 8 + view.getInt32(offset + 8, true) !== start) {
      throw new BuildError("the program's table of functions contradicts itself");
    }
    return [start, start + view.getUint32(offset + 12, true)];
  });
}

function elfImports(
  bytes: Uint8Array,
  view: DataView,
  symbols: Section,
  names: Section,
): Set<string> {
  const imports = new Set<string>();
  for (let at = Elf.symbolBytes; at < symbols.size; at += Elf.symbolBytes) {
    const symbol = symbols.offset + at;
    const isDefined = view.getUint16(symbol + 6, true) !== 0;
    if (!isDefined) imports.add(textAt(bytes, names.offset + view.getUint32(symbol, true)));
  }
  return imports;
}

/** Tables of a PE file (winnt.h, IMAGE_DIRECTORY_ENTRY_…), and the sizes of their rows. */
const Directory = { imports: 1, exceptions: 3, delayedImports: 13 } as const;
const RUNTIME_FUNCTION_BYTES = 12;
const IMPORT_BYTES = 20;
const DELAYED_IMPORT_BYTES = 32;
const ORDINAL_FLAG = 0x8000_0000;

function readPe(bytes: Uint8Array): CodeImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPe = view.getUint16(0) === 0x4d5a;
  const table = isPe ? directoryAddress(view, Directory.exceptions) : 0;
  const at = table === 0 ? undefined : offsetOf(view, table);
  if (at === undefined) throw new BuildError("the program is no 64-bit Windows program");
  const text = peText(view);
  const rows: Row[] = [];
  for (let row = at;; row += RUNTIME_FUNCTION_BYTES) {
    const start = view.getUint32(row, true);
    // The section is filled up with zeros.
    if (start === 0) break;
    rows.push([start, view.getUint32(row + 4, true)]);
  }
  return { format: "PE", bytes, ...text, ...inOrder(rows, text), imports: peImports(bytes, view) };
}

/** The first section, which holds the code (IMAGE_SECTION_HEADER). */
function peText(view: DataView): Section {
  const nt = view.getUint32(0x3c, true);
  const header = nt + 24 + view.getUint16(nt + 20, true);
  if (view.getUint32(header) !== 0x2e746578) throw new BuildError("the program has no .text");
  const size = Math.min(view.getUint32(header + 8, true), view.getUint32(header + 16, true));
  return {
    address: view.getUint32(header + 12, true),
    offset: view.getUint32(header + 20, true),
    size,
  };
}

function peImports(bytes: Uint8Array, view: DataView): Set<string> {
  const imports = new Set<string>();
  const offset = (address: number): number => {
    const found = offsetOf(view, address);
    if (found === undefined) throw new BuildError("an address outside of all sections");
    return found;
  };
  const take = (directory: number, rowBytes: number, nameField: number, tableField: number) => {
    const table = directoryAddress(view, directory);
    if (table === 0) return;
    for (let row = offset(table); view.getUint32(row + nameField, true) !== 0; row += rowBytes) {
      const library = textAt(bytes, offset(view.getUint32(row + nameField, true))).toLowerCase();
      let entry = offset(view.getUint32(row + tableField, true));
      for (; view.getBigUint64(entry, true) !== 0n; entry += 8) {
        const low = view.getUint32(entry, true);
        const isNumber = view.getUint32(entry + 4, true) >= ORDINAL_FLAG;
        imports.add(`${library} ${isNumber ? low : textAt(bytes, offset(low) + 2)}`);
      }
    }
  };
  take(Directory.imports, IMPORT_BYTES, 12, 0);
  take(Directory.delayedImports, DELAYED_IMPORT_BYTES, 4, 16);
  return imports;
}
