/**
 * Fingerprints of functions that do not change when a program is linked anew: everything in them but the
 * addresses.
 */
import { createHash } from "node:crypto";
import type { CodeImage } from "./code_image.ts";
import { Field, InstructionReader } from "./x86.ts";

/**
 * Variables of a thread lie this near to its block's beginning (Windows) or end (ELF): their distances
 * follow from all the objects of a program, as addresses do.
 */
const THREAD_BYTES_MAX = 0x1000;

/** Pieces of what lies between functions (assembler code, V8's builtins), each at a multiple of its size. */
const PIECE_BYTES = 64;

/** Of each function of an image, in its order, the hash of its code without addresses. */
export function functionPrints(image: CodeImage): string[] {
  const code = image.bytes.slice(image.offset, image.offset + image.size);
  const view = new DataView(code.buffer);
  const reader = new InstructionReader(code);
  const prints: string[] = [];
  for (let index = 0; index < image.starts.length; index++) {
    const start = image.starts[index] - image.address;
    const end = image.ends[index] - image.address;
    maskAddresses(image.format, { view, reader, start, end });
    prints.push(hash(code.subarray(start, end)));
  }
  return prints;
}

interface MaskedFunction {
  readonly view: DataView;
  readonly reader: InstructionReader;
  readonly start: number;
  readonly end: number;
}

function maskAddresses(format: CodeImage["format"], masked: MaskedFunction): void {
  const { view, reader, start, end } = masked;
  let usesThread = false;
  for (let at = start; at < end;) {
    // What is no instruction (a table in the code) stays as it is.
    if (!reader.read(at, end)) {
      at++;
      continue;
    }
    usesThread ||= reader.usesThread;
    const next = at + reader.length;
    if (reader.field !== Field.none) {
      const value = view.getInt32(reader.fieldOffset, true);
      const isInside = next + value >= start && next + value < end;
      const isVariable = usesThread &&
        (format === "PE"
          ? value >= 0 && value < THREAD_BYTES_MAX
          : value < 0 && value >= -THREAD_BYTES_MAX);
      const isAddress = reader.field === Field.address || reader.field === Field.thread ||
        (reader.field === Field.jump && !isInside) ||
        (reader.field === Field.displacement && isVariable);
      if (isAddress) view.setUint32(reader.fieldOffset, 0, true);
    }
    at = next;
  }
}

/** Hashes of what lies between functions, piece by piece; whole ones only. */
export function piecePrints(image: CodeImage): string[] {
  const prints: string[] = [];
  const { bytes, address, offset, starts, ends } = image;
  for (let index = 0; index <= starts.length; index++) {
    const from = index === 0 ? address : ends[index - 1];
    const to = index === starts.length ? address + image.size : starts[index];
    const first = Math.ceil(from / PIECE_BYTES) * PIECE_BYTES;
    for (let at = first; at + PIECE_BYTES <= to; at += PIECE_BYTES) {
      prints.push(hash(bytes.subarray(at - address + offset, at - address + offset + PIECE_BYTES)));
    }
  }
  return prints;
}

/** What the pieces of `piecePrints` are worth in bytes. */
export function pieceBytes(prints: number): number {
  return prints * PIECE_BYTES;
}

/** 128 bits of a SHA-256: nobody makes code that has the fingerprint of other code. */
function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 32);
}

/** Goes through what a function's code leads to outside of itself, in order. */
export function forEachReference(
  image: CodeImage,
  index: number,
  reader: InstructionReader,
  view: DataView,
  use: (address: number) => void,
): void {
  const shift = image.address - image.offset;
  const start = image.starts[index] - shift;
  const end = image.ends[index] - shift;
  for (let at = start; at < end;) {
    if (!reader.read(at, end)) {
      at++;
      continue;
    }
    at += reader.length;
    if (reader.field !== Field.address && reader.field !== Field.jump) continue;
    const target = at + view.getInt32(reader.fieldOffset, true);
    if (target < start || target >= end) use(target + shift);
  }
}
