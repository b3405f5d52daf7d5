import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import {
  formatAddress,
  formatIpv6,
  parseAddress,
  parseIpv4,
  parseIpv6,
  readAddress,
  writeAddress,
  writeWildcardAddress,
} from "../../src/quic/address.ts";

const hex = (bytes: Uint8Array | undefined) =>
  bytes === undefined
    ? undefined
    : Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

Deno.test("IPv6 text is read in all its forms", () => {
  const cases: [string, string | undefined][] = [
    ["::", "0".repeat(32)],
    ["::1", "0".repeat(31) + "1"],
    ["2001:db8::8:800:200c:417a", "20010db80000000000080800200c417a"],
    ["2001:DB8:0:0:8:800:200C:417A", "20010db80000000000080800200c417a"],
    ["fe80::", "fe80" + "0".repeat(28)],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["::ffff:192.0.2.33", "00000000000000000000ffffc0000221"],
    ["1:2:3:4:5:6:192.0.2.33", "000100020003000400050006c0000221"],
    ["", undefined],
    [":", undefined],
    [":::", undefined],
    ["1::2::3", undefined],
    ["1:2:3:4:5:6:7", undefined],
    ["1:2:3:4:5:6:7:8:9", undefined],
    ["1:2:3:4:5:6:7::8", undefined],
    ["12345::", undefined],
    ["g::", undefined],
    ["::192.0.2", undefined],
    ["192.0.2.1::", undefined],
    ["::192.0.2.1:1", undefined],
    [":1::", undefined],
    ["1:", undefined],
  ];
  for (const [text, expected] of cases) assertEquals(hex(parseIpv6(text)), expected, text);
});

Deno.test("IPv4 text is four decimal numbers without leading zeros", () => {
  assertEquals(hex(parseIpv4("192.0.2.255")), "c00002ff");
  for (const text of ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "a.b.c.d"]) {
    assertEquals(parseIpv4(text), undefined, text);
  }
});

Deno.test("IPv6 addresses are written as RFC 5952 says", () => {
  const cases: [string, string][] = [
    ["::", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["FE80:0:0:0:0:0:0:0", "fe80::"],
  ];
  for (const [text, expected] of cases) {
    assertEquals(formatIpv6(parseIpv6(text) as Uint8Array), expected);
  }
});

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
