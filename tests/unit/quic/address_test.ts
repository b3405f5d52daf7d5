import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import {
  formatAddress,
  parseAddress,
  readAddress,
  writeAddress,
  writeWildcardAddress,
} from "../../../src/quic/address.ts";

const hex = (bytes: Uint8Array | undefined) =>
  bytes === undefined
    ? undefined
    : Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

Deno.test("socket addresses keep what is written to them", () => {
  fc.assert(fc.property(
    fc.oneof(fc.ipV4(), fc.ipV6()),
    fc.integer({ min: 0, max: 65_535 }),
    (host, port) => {
      const address = parseAddress(host, port);
      if (address === undefined) throw new Error(`not understood: ${host}`);
      const read = readAddress(writeAddress(address));
      // An IPv4 address mapped into IPv6 is read as what it is.
      if (read.family === address.family) assertEquals(read, address);
      else assertEquals([address.host.startsWith("::ffff:"), read.family], [true, "ipv4"]);
    },
  ));
});

Deno.test("socket addresses lie as sockaddr_in and sockaddr_in6 do", () => {
  const four = parseAddress("192.0.2.1", 443);
  const six = parseAddress("fe80::1%3", 4433);
  if (four === undefined || six === undefined) throw new Error("not understood");
  assertEquals(hex(writeAddress(four)), "020001bbc0000201" + "00".repeat(20));
  const flow = "00000000";
  const ip = "fe80" + "0".repeat(27) + "1";
  assertEquals(hex(writeAddress(six)), "0a001151" + flow + ip + "03000000");
  assertEquals(hex(writeWildcardAddress(443)), "000001bb" + "00".repeat(24));
  assertEquals([formatAddress(four), formatAddress(six)], ["192.0.2.1:443", "[fe80::1%3]:4433"]);
});

Deno.test("a name is no address", () => {
  for (const host of ["relay.example", "localhost", "[::1]", "::1%eth0", "1.2.3.4:5"]) {
    assertEquals(parseAddress(host, 1), undefined, host);
  }
  assertThrows(
    () => writeAddress({ family: "ipv4", host: "relay.example", port: 1, scopeId: 0 }),
    TypeError,
  );
});
