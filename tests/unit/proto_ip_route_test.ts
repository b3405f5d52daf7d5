import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseIpAddress } from "../../src/endpoint/ip_address.ts";
import {
  formatIp,
  isInNetwork,
  isLoopback,
  networkOf,
  networksOverlap,
} from "../../src/proto/ip_route.ts";

const ip = (text: string) => parseIpAddress(text)!;

Deno.test("an address is in a network, bit by bit", () => {
  const rows: [string, string, number, boolean][] = [
    ["192.0.2.77", "192.0.2.0", 24, true],
    ["192.0.3.77", "192.0.2.0", 24, false],
    ["192.0.3.77", "192.0.2.0", 23, true],
    ["192.0.2.1", "192.0.2.1", 32, true],
    ["192.0.2.0", "192.0.2.1", 32, false],
    ["255.255.255.255", "0.0.0.0", 0, true],
    ["2001:db8::1", "2001:db8::", 64, true],
    ["2001:db8:0:1::1", "2001:db8::", 64, false],
    ["2001:db8:0:1::1", "2001:db8::", 63, true],
    ["192.0.2.1", "::", 0, false],
  ];
  for (const [address, network, bits, expected] of rows) {
    assertEquals(isInNetwork(ip(address), ip(network), bits), expected, `${address} ${network}`);
  }
});

Deno.test("networks overlap if the wider one holds the other", () => {
  const overlap = (one: string, oneBits: number, other: string, otherBits: number) =>
    networksOverlap(
      { address: ip(one), prefixBits: oneBits },
      { address: ip(other), prefixBits: otherBits },
    );
  assertEquals(overlap("192.168.178.2", 24, "192.168.178.77", 24), true);
  assertEquals(overlap("10.1.2.3", 24, "10.99.0.1", 8), true);
  assertEquals(overlap("192.168.1.2", 24, "192.168.2.2", 24), false);
  assertEquals(overlap("192.168.1.2", 24, "2001:db8::1", 64), false);
});

Deno.test("networks and loopback addresses", () => {
  assertEquals(formatIp(networkOf(ip("192.168.178.77"), 24)), "192.168.178.0");
  assertEquals(formatIp(networkOf(ip("10.255.255.255"), 13)), "10.248.0.0");
  assertEquals(formatIp(networkOf(ip("2001:db8::ffff:1"), 112)), "2001:db8::ffff:0");
  assertEquals(["127.0.0.1", "127.9.9.9", "::1"].map(ip).every(isLoopback), true);
  assertEquals(["128.0.0.1", "::2", "::"].map(ip).some(isLoopback), false);
});

Deno.test("addresses as text are what the URL standard makes of them", () => {
  assertEquals(formatIp(ip("::")), "::");
  assertEquals(formatIp(ip("1:0:0:2:0:0:0:3")), "1:0:0:2::3");
  assertEquals(formatIp(ip("1:0:2:3:4:5:6:7")), "1:0:2:3:4:5:6:7");
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
    const zeroed = bytes.map((byte) => byte < 128 ? 0 : byte);
    const text = formatIp(zeroed);
    assertEquals(new URL(`http://[${text}]`).hostname, `[${text}]`);
  }));
});
