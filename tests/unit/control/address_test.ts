import { assertEquals } from "@std/assert";
import {
  formatEndpointAddress,
  parseEndpointAddress,
  parseListen,
} from "../../../src/control/address.ts";

Deno.test("a relay's address is a name or a number, with a port or without", () => {
  const cases: [string, string, number, 0 | 4 | 6][] = [
    ["relay.example.org", "relay.example.org", 443, 0],
    ["Relay.Example.ORG:4433", "relay.example.org", 4433, 0],
    ["relay.example.org.:1", "relay.example.org", 1, 0],
    ["localhost:65535", "localhost", 65535, 0],
    ["xn--bcher-kva.example", "xn--bcher-kva.example", 443, 0],
    ["bücher.example:5", "xn--bcher-kva.example", 5, 0],
    ["1.example", "1.example", 443, 0],
    ["192.0.2.1", "192.0.2.1", 443, 4],
    ["192.0.2.1:8443", "192.0.2.1", 8443, 4],
    ["[2001:DB8::1]:8443", "2001:db8::1", 8443, 6],
    ["[::1]", "::1", 443, 6],
    ["2001:db8::1", "2001:db8::1", 443, 6],
    ["::", "::", 443, 6],
    ["[::ffff:192.0.2.1]:9", "::ffff:192.0.2.1", 9, 6],
  ];
  for (const [text, host, port, ipVersion] of cases) {
    assertEquals(parseEndpointAddress(text), { host, port, ipVersion }, text);
  }
});

Deno.test("what is no relay's address is refused", () => {
  const cases = [
    "",
    ":443",
    "host:",
    "host:0",
    "host:65536",
    "host:-1",
    "host:4a",
    "host:443:",
    "host:443:1",
    "ho st",
    "host/path",
    "user@host",
    "https://host",
    "-host",
    "host-",
    "a..b",
    ".a",
    "a".repeat(64) + ".org",
    "[::1",
    "::1]:443",
    "[::1]443",
    "[]:443",
    "[192.0.2.1]:443",
    "[fe80::1%eth0]:443",
    "256.0.0.1",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "127.1",
    "0x7f000001",
    "2130706433",
    "1:2:3",
    "host\n",
    "host\u0000",
    "ü/x",
    "ü@x",
    "ü%41",
  ];
  for (const text of cases) {
    assertEquals(parseEndpointAddress(text), undefined, JSON.stringify(text));
  }
});

Deno.test("an address that was read is written so that it is read again", () => {
  for (const text of ["relay.example.org:443", "192.0.2.1:1", "[2001:db8::1]:65535"]) {
    const address = parseEndpointAddress(text)!;
    assertEquals(formatEndpointAddress(address), text);
  }
});

Deno.test("a relay listens everywhere, on all of one family, or on one address", () => {
  const cases: [string, "any" | "ipv4" | "ipv6", string | undefined, number][] = [
    ["443/udp", "any", undefined, 443],
    ["443", "any", undefined, 443],
    [":443", "any", undefined, 443],
    ["*:443/udp", "any", undefined, 443],
    ["0/udp", "any", undefined, 0],
    ["0.0.0.0:443", "ipv4", "0.0.0.0", 443],
    ["192.0.2.1:8443/udp", "ipv4", "192.0.2.1", 8443],
    ["[::]:443", "ipv6", "::", 443],
    ["[2001:DB8::1]:0", "ipv6", "2001:db8::1", 0],
  ];
  for (const [text, family, address, port] of cases) {
    assertEquals(parseListen(text), { family, address, port }, text);
  }
});

Deno.test("what nobody can listen on is refused", () => {
  const cases = [
    "",
    "udp",
    "443/tcp",
    "443/udp/udp",
    "65536",
    "-1",
    "0.0.0.0",
    "[::]",
    "::",
    "::1:443",
    "localhost:443",
    "relay.example.org:443",
    "[192.0.2.1]:443",
    "[::1]:",
    "*",
    "*:",
    "1.2.3:443",
    "443 ",
  ];
  for (const text of cases) assertEquals(parseListen(text), undefined, JSON.stringify(text));
});
