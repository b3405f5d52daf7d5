import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  broadcastOf,
  formatCidr,
  formatIp,
  isInNetwork,
  isLoopback,
  networkOf,
  networksOverlap,
  parseCidr,
  parseIp,
  parseIpAddress,
  parseIpv6,
} from "../../../src/proto/ip.ts";

const ip = (text: string) => parseIpAddress(text)!;

function hex(text: string): string | undefined {
  const address = parseIpAddress(text);
  return address === undefined ? undefined : address.toHex();
}

Deno.test("IPv4 addresses are four decimal numbers", () => {
  assertEquals(hex("192.0.2.1"), "c0000201");
  assertEquals(hex("0.0.0.0"), "00000000");
  assertEquals(hex("255.255.255.255"), "ffffffff");
});

Deno.test("IPv6 addresses may be shortened, bracketed, zoned, and end in IPv4 form", () => {
  assertEquals(hex("2001:db8:1:2:3:4:5:6"), "20010db8000100020003000400050006");
  assertEquals(hex("2001:DB8::1"), "20010db8000000000000000000000001");
  assertEquals(hex("::"), "00000000000000000000000000000000");
  assertEquals(hex("1::"), "00010000000000000000000000000000");
  assertEquals(hex("::1"), "00000000000000000000000000000001");
  assertEquals(hex("[fe80::5%eth0]"), "fe800000000000000000000000000005");
  assertEquals(hex("64:ff9b::192.0.2.33"), "0064ff9b0000000000000000c0000221");
  assertEquals(hex("1:2:3:4:5:6:192.0.2.33"), "000100020003000400050006c0000221");
  assertEquals(hex("1:2:3:4:5:6:7::"), "00010002000300040005000600070000");
});

Deno.test("an IPv4-mapped address is the IPv4 address that the packets carry", () => {
  assertEquals(hex("::ffff:192.0.2.1"), "c0000201");
  assertEquals(hex("::ffff:c000:201"), "c0000201");
});

Deno.test("what is no address is refused", () => {
  const wrong = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "1.2.3.4 ",
    "relay.example.org",
    ":",
    ":::",
    "::1::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4::5:6:7:8",
    "12345::",
    "g::",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "::1.2.3",
    ":1::",
    "1::2:",
  ];
  for (const text of wrong) assertEquals(hex(text), undefined, JSON.stringify(text));
});

Deno.test("a plain address has neither zone nor brackets, and a mapped one stays IPv6", () => {
  for (const text of ["fe80::1%eth0", "[::1]"]) assertEquals(parseIp(text), undefined, text);
  assertEquals(parseIp("::ffff:192.0.2.1")?.length, 16);
  assertEquals(parseIpv6("192.0.2.1"), undefined);
});

Deno.test("an address with its prefix length", () => {
  for (const text of ["192.168.1.77/24", "0.0.0.0/0", "10.0.0.1/32", "fd00::5/64", "::/128"]) {
    assertEquals(formatCidr(parseCidr(text)!), text);
  }
  // deno-fmt-ignore
  const wrong = ["", "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0/24", "10.0.0.256/24", "10.0.0.1/024",
    "10.0.0.1/24 ", "10.0.0.1/24/1", "fd00::5/129", "fd00:::5/64", "host/24", "10.0.0.1/2 4", "192.168.001.7/24",
    "fe80::1%eth0/64", "[::1]/64", "/24"];
  for (const text of wrong) assertEquals(parseCidr(text), undefined, text);
});

Deno.test("the broadcast address follows from the prefix", () => {
  const broadcast = (cidr: string) => broadcastOf(parseCidr(cidr)!)?.join(".");
  assertEquals(broadcast("10.8.0.5/23"), "10.8.1.255");
  assertEquals(broadcast("192.168.1.50/24"), "192.168.1.255");
  assertEquals(broadcast("10.1.2.3/9"), "10.127.255.255");
  assertEquals(broadcast("10.0.0.1/30"), "10.0.0.3");
  assertEquals(broadcast("10.0.0.1/31"), undefined);
  assertEquals(broadcast("10.0.0.1/32"), undefined);
  assertEquals(broadcast("fd00::5/64"), undefined);
});

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

Deno.test("IPv6 addresses come in all forms of RFC 4291", () => {
  const good = [
    "::",
    "::1",
    "1::",
    "1:2:3:4:5:6:7:8",
    "1::8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "fe80::0102:ABCD",
    "::ffff:1.2.3.4",
    "64:ff9b::1.2.3.4",
    "1:2:3:4:5:6:1.2.3.4",
    "::1.2.3.4",
  ];
  for (const text of good) assert(parseIpv6(text) !== undefined, text);
  const bad = [
    "",
    ":",
    ":::",
    "1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "1::2::3",
    ":1::2",
    "1:",
    "12345::",
    "g::",
    "1.2.3.4",
    "1.2.3.4::",
    "::1.2.3",
    "::1.2.3.256",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::1%eth0",
    "[::1]",
  ];
  for (const text of bad) assertEquals(parseIpv6(text), undefined, text);
});
