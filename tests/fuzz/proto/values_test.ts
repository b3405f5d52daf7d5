import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { foldChecksum, sumBytes } from "../../../src/proto/checksum.ts";
import { formatMac, isIdentityMac, isMulticastMac, parseMac } from "../../../src/proto/mac.ts";
import { MacTable } from "../../../src/proto/mac_table.ts";
import { BUDGET_BYTES_MIN, tapMtuFor } from "../../../src/proto/mtu.ts";
import { fuzz, place } from "./fuzz.ts";

const mac = fc.uint8Array({ minLength: 6, maxLength: 6 });

Deno.test("fuzz: a MAC survives its text, and no other text is one", () => {
  fuzz(fc.property(mac, (bytes) => {
    assertEquals(parseMac(formatMac(bytes)), bytes as Uint8Array<ArrayBuffer>);
    if (isIdentityMac(bytes, 0)) assert(!isMulticastMac(bytes, 0) && bytes[0] !== 0);
  }));
  const pair = fc.stringMatching(/^[0-9a-fA-F]{1,3}$/);
  const nearly = fc.array(pair, { minLength: 5, maxLength: 7 }).map((pairs) => pairs.join(":"));
  fuzz(fc.property(fc.oneof(fc.string(), nearly, mac.map((bytes) => formatMac(bytes))), (text) => {
    const bytes = parseMac(text);
    if (bytes === undefined) {
      return assert(!/^(..:){5}..$/.test(text) || /[^0-9a-fA-F:]/.test(text));
    }
    assertEquals(formatMac(bytes), text.toLowerCase());
  }));
});

Deno.test("fuzz: a MAC table agrees with a Map", () => {
  const step = fc.tuple(
    fc.constantFrom("set", "set", "delete"),
    fc.nat({ max: 24 }),
    fc.nat({ max: 99 }),
  );
  fuzz(fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
    const table = new MacTable(16);
    const model = new Map<number, number>();
    for (const [action, key, value] of steps) {
      const bytes = Uint8Array.of(9, 2, 0, 0, 0, key & 1, key);
      if (action === "delete") assertEquals(table.delete(bytes, 1), model.delete(key));
      else {
        const fits = model.has(key) || model.size < 16;
        assertEquals(table.set(bytes, 1, value), fits);
        if (fits) model.set(key, value);
      }
      assertEquals(table.size, model.size);
    }
    for (let key = 0; key <= 24; key++) {
      const bytes = Uint8Array.of(2, 0, 0, 0, key & 1, key);
      assertEquals(table.get(bytes, 0), model.get(key) ?? -1);
    }
  }));
});

Deno.test("fuzz: checksums go on at any even place and see nothing around", () => {
  fuzz(
    fc.property(
      fc.uint8Array({ maxLength: 200, size: "max" }),
      fc.nat(),
      fc.nat({ max: 9 }),
      (bytes, at, before) => {
        const { memory, offset, length } = place(bytes, before, 0xff);
        const cut = at % (length + 1) & ~1;
        const sum = sumBytes(memory, offset + cut, length - cut, sumBytes(memory, offset, cut));
        const checksum = foldChecksum(sum);
        assertEquals(foldChecksum(sumBytes(bytes, 0, length)), checksum);
        const folded = [...bytes].reduce(
          (total, byte, index) => total + (index % 2 ? byte : byte << 8),
          0,
        );
        // Ones' complement: 0 and 0xFFFF are the same number (RFC 1071 §2).
        assertEquals(((~checksum & 0xffff) - folded) % 0xffff === 0, true);
        assertEquals(checksum === 0xffff, folded === 0);
      },
    ),
  );
});

Deno.test("fuzz: a room's MTU is at least 1280 and fits both directions if they allow that", () => {
  const bytes = fc.integer({ min: BUDGET_BYTES_MIN, max: 65_535 });
  fuzz(fc.property(bytes, bytes, fc.integer({ min: 1280, max: 9000 }), (budget, own, maximum) => {
    const tapMtu = tapMtuFor(budget, own, maximum);
    if (maximum === 1500) return assertEquals(tapMtu, 1500);
    assert(tapMtu >= 1280 && tapMtu <= maximum);
    if (tapMtu > 1280) assert(tapMtu + 18 <= Math.min(budget, own));
    if (tapMtu < maximum) assert(tapMtu + 19 > Math.min(budget, own));
  }));
});
