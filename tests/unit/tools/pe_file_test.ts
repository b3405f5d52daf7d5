/** The field of Windows' executables that the build sets. */
import { assertEquals, assertThrows } from "@std/assert";
import { BuildError } from "../../../tools/build/cache.ts";
import {
  dependentLoadFlags,
  dependentLoadFlagsOffset,
  importFromSystemOnly,
  isWindows64,
  SEARCH_SYSTEM32,
} from "../../../tools/build/pe_file.ts";

const LOAD_CONFIGURATION = 0x400 + 0x20;

/** A PE32+ file with two sections; its load configuration lies 0x20 into the second. */
function program(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(0x600);
  const view = new DataView(bytes.buffer);
  const nt = 0x80;
  const optional = nt + 24;
  view.setUint32(0x3c, nt, true);
  view.setUint32(nt, 0x50450000);
  view.setUint16(nt + 6, 2, true);
  view.setUint16(nt + 20, 240, true);
  view.setUint16(optional, 0x20b, true);
  view.setUint32(optional + 192, 0x2020, true);
  [[0x1000, 0x200], [0x2000, 0x400]].forEach(([address, offset], index) => {
    const at = optional + 240 + index * 40;
    view.setUint32(at + 12, address, true);
    view.setUint32(at + 16, 0x200, true);
    view.setUint32(at + 20, offset, true);
  });
  view.setUint32(LOAD_CONFIGURATION, 0x140, true);
  return bytes;
}

Deno.test("the field is found by the section that holds the load configuration", () => {
  assertEquals(dependentLoadFlagsOffset(program()), LOAD_CONFIGURATION + 0x4e);
  assertEquals(dependentLoadFlags(program()), 0);
});

Deno.test("the field is set, and nothing else", () => {
  const changed = program();
  importFromSystemOnly(changed);
  const expected = program();
  new DataView(expected.buffer).setUint16(LOAD_CONFIGURATION + 0x4e, SEARCH_SYSTEM32, true);
  assertEquals(changed, expected);
});

Deno.test("a file for Windows on x86-64 is told from others", () => {
  const file = program();
  assertEquals(isWindows64(file), false); // no machine is written there
  file.set([0x4d, 0x5a]);
  new DataView(file.buffer).setUint16(0x84, 0x8664, true);
  assertEquals(isWindows64(file), true);
  for (const bytes of [new Uint8Array(10), new Uint8Array(4096), file.subarray(0, 0x84)]) {
    assertEquals(isWindows64(bytes), false);
  }
});

Deno.test("what has no such field is refused", () => {
  const change = (offset: number, value: number) => {
    const bytes = program();
    new DataView(bytes.buffer).setUint32(offset, value, true);
    return bytes;
  };
  const elf = new Uint8Array(64).fill(0x7f);
  const none = change(0x80 + 24 + 192, 0);
  const short = change(LOAD_CONFIGURATION, 0x40);
  const pe32 = change(0x80 + 24, 0x10b);
  for (const bytes of [new Uint8Array(10), elf, none, short, pe32, program().subarray(0, 0x100)]) {
    assertThrows(() => dependentLoadFlagsOffset(bytes), BuildError, "load configuration");
  }
});
