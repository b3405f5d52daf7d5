/** Addresses that somebody has fixed on an adapter, as they stand in the journal: they become words of a command. */
import { assertEquals } from "@std/assert";
import { isFixedAddresses } from "../../../../src/system/adapter/mod.ts";

const ADDRESS = { address: "10.8.0.6", mask: "255.255.255.0" };

Deno.test("what was read is taken back as it is", () => {
  for (const addresses of [[], [ADDRESS], [ADDRESS, { ...ADDRESS, address: "10.9.0.6" }]]) {
    for (const router of [null, "10.8.0.1"]) {
      assertEquals(isFixedAddresses({ addresses, router }), true);
    }
  }
});

Deno.test("what could be other words of a command, or too much, is not", () => {
  const odd = [
    null,
    "10.8.0.6",
    { addresses: [ADDRESS] },
    { addresses: ADDRESS, router: null },
    { addresses: [ADDRESS], router: "10.8.0.1 store=active" },
    { addresses: [{ ...ADDRESS, address: "10.8.0.6 & calc" }], router: null },
    { addresses: [{ ...ADDRESS, address: "0.0.0.0" }], router: null },
    { addresses: [{ ...ADDRESS, address: "fe80::1" }], router: null },
    { addresses: [{ ...ADDRESS, mask: "24" }], router: null },
    { addresses: [{ address: "10.8.0.6" }], router: null },
    { addresses: Array(17).fill(ADDRESS), router: null },
  ];
  assertEquals(odd.filter(isFixedAddresses), []);
});
