import { assertEquals } from "@std/assert";
import { parseIpAddress } from "../../src/endpoint/ip_address.ts";

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
