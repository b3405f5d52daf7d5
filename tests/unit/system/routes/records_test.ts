/** What a journal says of a held route is believed only if it is one that could have been held. */
import { assertEquals } from "@std/assert";
import { parseIp } from "../../../../src/proto/ip.ts";
import { linuxTable, windowsTable } from "../../../../src/system/routes/mod.ts";

Deno.test("Linux: a record is the route, in words that a file can hold", () => {
  const record = linuxTable.recordOf({
    ...{ destination: parseIp("203.0.113.9")!, prefixBits: 32 },
    ...{ nextHop: parseIp("192.168.1.1")!, interfaceIndex: 3, metric: 0 },
  });
  const words = { destination: "cb007109", nextHop: "c0a80101", prefixBits: 32, interfaceIndex: 3 };
  assertEquals(record, words);
});

Deno.test("Linux: a record that no client has written is left alone", () => {
  const good = { destination: "cb007109", nextHop: "", prefixBits: 32, interfaceIndex: 3 };
  for (
    const wrong of [
      ...[undefined, null, "cb007109", 7, [], {}],
      { ...good, destination: "cb0071" },
      { ...good, destination: "zz007109" },
      { ...good, nextHop: "c0a801" },
      { ...good, prefixBits: "32" },
      { ...good, prefixBits: 33 },
      // The way to everywhere, and to a network with bits behind it, are none that are held.
      { ...good, destination: "00000000", prefixBits: 0 },
      { ...good, prefixBits: 24 },
      { ...good, interfaceIndex: 0 },
      { ...good, interfaceIndex: 1.5 },
    ]
  ) {
    assertEquals(linuxTable.takeBack(wrong), false, JSON.stringify(wrong));
  }
});

Deno.test("Windows: a record that no client has written is left alone", () => {
  const row = new Uint8Array(104);
  for (const wrong of [undefined, 7, {}, "", "0", "zz", "cb007109", row.toHex()]) {
    assertEquals(windowsTable.takeBack(wrong), false, JSON.stringify(wrong));
  }
  // An address of IPv4 whose route is not marked as one that a program has made.
  row[12] = 2;
  row[40] = 32;
  assertEquals(windowsTable.takeBack(row.toHex()), false);
});
