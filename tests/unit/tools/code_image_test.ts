/** Programs read as functions: a made-up PE file; what is no program, or is cut short. */
import { assertEquals, assertThrows } from "@std/assert";
import { BuildError } from "../../../tools/build/cache.ts";
import { type CodeImage, readCodeImage } from "../../../tools/build/runtime/code_image.ts";

const TEXT = 0x1000;
const DATA = 0x2000;

/** A PE32+ file: `.text` at 0x1000, and a section with the table of functions and that of imports. */
function peProgram(functions: readonly (readonly [number, number])[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(0x800);
  const view = new DataView(bytes.buffer);
  const [nt, optional] = [0x80, 0x98];
  bytes.set([0x4d, 0x5a]);
  view.setUint32(0x3c, nt, true);
  view.setUint32(nt, 0x50450000);
  view.setUint16(nt + 6, 2, true);
  view.setUint16(nt + 20, 240, true);
  view.setUint16(optional, 0x20b, true);
  view.setUint32(optional + 112 + 1 * 8, DATA + 0x100, true);
  view.setUint32(optional + 112 + 3 * 8, DATA, true);
  [[TEXT, 0x300, 0x200], [DATA, 0x400, 0x400]].forEach(([address, size, offset], index) => {
    const header = optional + 240 + index * 40;
    bytes.set(new TextEncoder().encode([".text", ".rdata"][index]), header);
    view.setUint32(header + 8, size, true);
    view.setUint32(header + 12, address, true);
    view.setUint32(header + 16, 0x400, true);
    view.setUint32(header + 20, offset, true);
  });
  functions.forEach(([start, end], index) => {
    view.setUint32(0x400 + index * 12, start, true);
    view.setUint32(0x404 + index * 12, end, true);
  });
  // One library: its name, and a function by name and one by number.
  view.setUint32(0x500, DATA + 0x140, true);
  view.setUint32(0x50c, DATA + 0x180, true);
  view.setBigUint64(0x540, BigInt(DATA + 0x190), true);
  view.setBigUint64(0x548, 0x8000_0000_0000_0007n, true);
  bytes.set(new TextEncoder().encode("KERNEL32.dll\0"), 0x580);
  bytes.set(new TextEncoder().encode("Sleep\0"), 0x592);
  return bytes;
}

function rows({ starts, ends }: CodeImage): number[][] {
  return Array.from(starts, (start, index) => [start, ends[index]]);
}

Deno.test("a Windows program's functions and imports are read", () => {
  const image = readCodeImage(peProgram([[0x1000, 0x1010], [0x1020, 0x1040]]));
  assertEquals([image.format, image.address, image.offset, image.size], ["PE", TEXT, 0x200, 0x300]);
  assertEquals(rows(image), [[0x1000, 0x1010], [0x1020, 0x1040]]);
  assertEquals([...image.imports], ["kernel32.dll Sleep", "kernel32.dll 7"]);
});

Deno.test("functions come in order, without those that overlap or lie outside of the code", () => {
  const image = readCodeImage(peProgram([
    ...[[0x1100, 0x1180], [0x1000, 0x1010], [0x1008, 0x1040], [0x1200, 0x1200]] as const,
    ...[[0x12f0, 0x1301], [0x3000, 0x3010]] as const,
  ]));
  assertEquals(rows(image), [[0x1000, 0x1010], [0x1100, 0x1180]]);
  assertThrows(() => readCodeImage(peProgram([])), BuildError, "no function");
});

Deno.test("what is no program, or is cut short, is refused", () => {
  const whole = peProgram([[0x1000, 0x1010]]);
  const elf = new Uint8Array(64);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const others = [new Uint8Array(), new Uint8Array(200), elf, elf.fill(0xff, 40)];
  for (
    const bytes of [
      ...others,
      ...[0x40, 0x90, 0x1a0, 0x402, 0x500].map((n) => whole.slice(0, n)),
    ]
  ) {
    assertThrows(() => readCodeImage(bytes), BuildError);
  }
});
