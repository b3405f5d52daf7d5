import { assert, assertEquals } from "@std/assert";
import {
  equalMacs,
  formatMac,
  isBroadcastMac,
  isIdentityMac,
  isMulticastMac,
  isZeroMac,
  MAC_BYTES,
  parseMac,
} from "../../../src/proto/mac.ts";
import { hex, join } from "./frames.ts";

Deno.test("a MAC is read in either case and written in lower case", () => {
  for (const text of ["02:00:00:00:ab:ef", "02:00:00:00:AB:EF", "02:00:00:00:Ab:eF"]) {
    const mac = parseMac(text);
    assertEquals(mac, hex("02000000abef"));
    assertEquals(formatMac(mac!), "02:00:00:00:ab:ef");
  }
  assertEquals(MAC_BYTES, 6);
});

Deno.test("a MAC in any other form is none", () => {
  const texts = [
    "",
    "02",
    "02-00-00-00-00-51",
    "0200.0000.0051",
    "020000000051",
    "2:0:0:0:0:51",
    "02:00:00:00:00",
    "02:00:00:00:00:51:",
    "02:00:00:00:00:51:00",
    " 02:00:00:00:00:51",
    "02:00:00:00:00:51\n",
    "02:00:00:00:00:5g",
    "02:00:00:00:00:٥١",
    "+2:00:00:00:00:51",
    "0x:00:00:00:00:51",
  ];
  for (const text of texts) assertEquals(parseMac(text), undefined, JSON.stringify(text));
});

Deno.test("a MAC is formatted from any place in a frame", () => {
  assertEquals(formatMac(hex("ffff 00a1b2c3d4e5 ff"), 2), "00:a1:b2:c3:d4:e5");
});

Deno.test("kinds of MAC are told apart", () => {
  const table = [
    // address, multicast, broadcast, zero, identity
    ["000000000000", false, false, true, false],
    ["ffffffffffff", true, true, false, false],
    ["fffffffffffe", true, false, false, false],
    ["feffffffffff", false, false, false, true],
    ["01005e0000fb", true, false, false, false],
    ["333300000001", true, false, false, false],
    ["0180c2000000", true, false, false, false],
    ["020000000051", false, false, false, true],
    ["020000000000", false, false, false, true],
    ["000000000001", false, false, false, false],
    ["001122334455", false, false, false, false],
    ["aabbccddeeff", false, false, false, true],
    ["030000000051", true, false, false, false],
  ] as const;
  for (const [digits, multicast, broadcast, zero, identity] of table) {
    // Neighbours that would change each answer if they were looked at.
    for (const around of [0x00, 0xff]) {
      const bytes = join(around, hex(digits), around);
      assertEquals(isMulticastMac(bytes, 1), multicast, digits);
      assertEquals(isBroadcastMac(bytes, 1), broadcast, digits);
      assertEquals(isZeroMac(bytes, 1), zero, digits);
      assertEquals(isIdentityMac(bytes, 1), identity, digits);
    }
  }
});

Deno.test("MACs are equal when all six bytes are", () => {
  const a = hex("ff 020000000051");
  const b = hex("020000000051 ff");
  assert(equalMacs(a, 1, b, 0));
  for (let index = 0; index < MAC_BYTES; index++) {
    const other = b.slice();
    other[index] ^= 0x40;
    assert(!equalMacs(a, 1, other, 0), `byte ${index}`);
  }
});
