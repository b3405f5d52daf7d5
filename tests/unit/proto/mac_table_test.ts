import { assert, assertEquals, assertThrows } from "@std/assert";
import { formatMac } from "../../../src/proto/mac.ts";
import { MAC_TABLE_ENTRIES_MAX, MacTable } from "../../../src/proto/mac_table.ts";
import { hex } from "./frames.ts";

/** Some addresses as vendors give them: one prefix, counted upwards, at an odd place in memory. */
function addressOf(number: number): Uint8Array {
  const bytes = hex("00 02005e000000");
  new DataView(bytes.buffer).setUint32(3, number);
  return bytes;
}

Deno.test("a MAC table finds what was set, and -1 for all else", () => {
  const table = new MacTable(4);
  assertEquals(table.get(hex("000000000000"), 0), -1);
  assert(table.set(hex("020000000051"), 0, 7));
  assert(table.set(hex("000000000000"), 0, 0));
  assert(table.set(hex("ffffffffffff"), 0, 2 ** 31 - 1));
  assertEquals(table.get(hex("ff 020000000051"), 1), 7);
  assertEquals(table.get(hex("000000000000"), 0), 0);
  assertEquals(table.get(hex("ffffffffffff"), 0), 2 ** 31 - 1);
  assertEquals(table.get(hex("020000000052"), 0), -1);
  assertEquals(table.get(hex("030000000051"), 0), -1);
  assertEquals(table.size, 3);
});

Deno.test("a full MAC table takes no new address but new values", () => {
  const table = new MacTable(2);
  assert(table.set(addressOf(1), 1, 1));
  assert(table.set(addressOf(2), 1, 2));
  assert(!table.set(addressOf(3), 1, 3));
  assertEquals(table.get(addressOf(3), 1), -1);
  assert(table.set(addressOf(2), 1, 22));
  assertEquals(table.get(addressOf(2), 1), 22);
  assert(table.delete(addressOf(1), 1));
  assert(table.set(addressOf(3), 1, 3));
  assertEquals(table.size, 2);
});

Deno.test("a MAC table agrees with a Map through many changes", () => {
  const table = new MacTable(100);
  const model = new Map<string, number>();
  let state = 12345;
  for (let step = 0; step < 20_000; step++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const mac = addressOf((state >>> 8) % 160);
    const key = formatMac(mac, 1);
    if ((state >>> 28) < 9) {
      const fits = model.has(key) || model.size < 100;
      assertEquals(table.set(mac, 1, step), fits);
      if (fits) model.set(key, step);
    } else {
      assertEquals(table.delete(mac, 1), model.delete(key));
    }
    assertEquals(table.size, model.size);
    const probe = addressOf(step % 160);
    assertEquals(table.get(probe, 1), model.get(formatMac(probe, 1)) ?? -1);
  }
  const all = new Map<string, number>();
  table.forEach((mac, value) => all.set(mac, value));
  assertEquals([...all].sort(), [...model].sort());
  assert(all.size > 20);
  table.clear();
  assertEquals(table.size, 0);
  for (const mac of model.keys()) {
    assertEquals(table.get(hex(mac.replaceAll(":", "")), 0), -1);
  }
});

Deno.test("a MAC table refuses bounds and values that make no sense", () => {
  for (const entries of [0, -1, 1.5, NaN, MAC_TABLE_ENTRIES_MAX + 1]) {
    assertThrows(() => new MacTable(entries), RangeError);
  }
  const table = new MacTable(1);
  for (const value of [-1, 0.5, 2 ** 31, NaN]) {
    assertThrows(() => table.set(addressOf(1), 1, value), RangeError);
  }
  assertEquals(table.size, 0);
});
