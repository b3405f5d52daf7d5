/** Whom the firewall's rule lets in, and to which ports. */
import { assert, assertEquals } from "@std/assert";
import { CLOSED_PORTS, inboundScopes, openPorts } from "../../../src/client/inbound_rules.ts";

/** Whether a port is in a list of ranges. */
function isOpen(ranges: string, port: number): boolean {
  return ranges.split(",").some((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return first <= port && port <= last;
  });
}

Deno.test("what a PC keeps to itself stays shut, and all else is open", () => {
  const [tcp, udp] = [openPorts("TCP", []), openPorts("UDP", [])];
  for (const port of [135, 137, 138, 139, 445, 3389, 5938]) {
    assertEquals([isOpen(tcp, port), isOpen(udp, port)], [false, false], `${port}`);
  }
  for (const port of [22, 515, 593, 631, 2869, 5357, 5900, 5985, 5986, 49152, 50000, 65535]) {
    assertEquals(isOpen(tcp, port), false, `${port}`);
  }
  for (const port of [111, 2049]) {
    assertEquals([isOpen(tcp, port), isOpen(udp, port)], [false, false], `${port}`);
  }
  for (const port of [6000, 6009, 9090]) assertEquals(isOpen(tcp, port), false, `${port}`);
  for (const port of [1900, 3702]) assertEquals(isOpen(udp, port), false, `${port}`);
  // Games: Doom, Age of Empires, Minecraft, Source, Warcraft III, and a socket of their own choice.
  for (const port of [666, 2300, 2302, 25565, 27015, 6112, 49151]) {
    assertEquals([isOpen(tcp, port), isOpen(udp, port)], [true, true], `${port}`);
  }
  assert(isOpen(udp, 50_000) && isOpen(udp, 65_535) && isOpen(tcp, 1));
  assert(tcp.startsWith("1-21,24-110,112-134,136,140-444,446-514,"), tcp);
  assertEquals(
    udp,
    "1-110,112-134,136,140-444,446-1899,1901-2048,2050-3388,3390-3701,3703-5937,5939-65535",
  );
});

Deno.test("on Linux games may be where Windows has services of its own, and nowhere else besides", () => {
  const linux = openPorts("TCP", [], "linux");
  for (const port of [49152, 50000, 65535]) assert(isOpen(linux, port));
  for (const { first, last, protocol, only } of CLOSED_PORTS) {
    if (only !== undefined || protocol === "UDP") continue;
    for (const port of [first, last]) assert(!isOpen(linux, port), `${port}`);
  }
  assertEquals(openPorts("UDP", [], "linux"), openPorts("UDP", []));
});

Deno.test("a port that the player names is open, alone, for both protocols", () => {
  for (const protocol of ["TCP", "UDP"] as const) {
    const ranges = openPorts(protocol, [445, 50_000, 138]);
    for (const port of [445, 50_000, 138]) assert(isOpen(ranges, port));
    for (const port of [137, 139, 135, 3389]) assert(!isOpen(ranges, port));
  }
  assert(!isOpen(openPorts("TCP", [50_000]), 50_001));
  assertEquals(openPorts("TCP", [80]), openPorts("TCP", []));
});

Deno.test("the list is in order, and nothing stands there twice", () => {
  for (const [index, entry] of CLOSED_PORTS.entries()) {
    assert(entry.first <= entry.last && entry.last <= 65_535);
    if (index > 0) assert(entry.first > CLOSED_PORTS[index - 1].last, entry.service);
  }
});

Deno.test("the LAN is let in, and no more than its block, whatever its mask claims", () => {
  const cases: [string[], string][] = [
    [[], "fe80::/64"],
    [["10.77.0.5/24"], "10.77.0.0/24,fe80::/64"],
    [["192.168.7.9/1"], "192.168.0.0/16,fe80::/64"],
    [["10.1.2.3/1"], "10.0.0.0/8,fe80::/64"],
    [["172.20.1.1/8"], "172.16.0.0/12,fe80::/64"],
    [["100.100.1.1/0"], "100.64.0.0/10,fe80::/64"],
    [["169.254.9.9/16"], "169.254.0.0/16,fe80::/64"],
    [["172.32.1.1/1"], "172.32.0.0/16,fe80::/64"],
    [["203.0.113.7/24"], "203.0.113.0/24,fe80::/64"],
    [["10.77.0.5/32"], "10.77.0.5/32,fe80::/64"],
    [["fe80::1/10", "fe80::2/64"], "fe80::/64"],
    [["2001:db8:1:2::5/3"], "2001:db8:1:2::/64,fe80::/64"],
    [["fd00:1::5/64", "fd00:1::6/64"], "fd00:1::/64,fe80::/64"],
    [["fd00:1::5/128"], "fd00:1::5/128,fe80::/64"],
    [["fd00:1::5/64", "10.0.0.1/24"], "10.0.0.0/24,fd00:1::/64,fe80::/64"],
    [["127.0.0.1/8", "::1/128", "0.0.0.0/0", "224.0.0.1/4", "ff02::1/64", "::/0"], "fe80::/64"],
    [["10.0.0.1", "nonsense", "10.0.0.1/x", "/", "10.0.0.1/-1", ""], "fe80::/64"],
  ];
  for (const [addresses, wanted] of cases) {
    assertEquals(inboundScopes(addresses), wanted);
    assertEquals(inboundScopes([...addresses].reverse()), wanted);
  }
});
