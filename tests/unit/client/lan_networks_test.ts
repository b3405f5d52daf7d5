import { parseIpAddress } from "../../../src/proto/ip.ts";
import { PRIVATE_BLOCKS } from "../../../src/proto/ip_blocks.ts";
import { assertEquals } from "@std/assert";
import {
  LanNetworks,
  NetworkVerdict,
  parseLanNetwork,
  type Surroundings,
} from "../../../src/client/lan_networks.ts";

const { good, unusable, foreign, wide, relay, own, elsewhere } = NetworkVerdict;
const [TAP, HOME, VPN] = [7, 3, 4];

function split(text: string): { address: Uint8Array; prefixBits: number } {
  const [address, bits] = text.split("/");
  return { address: parseIpAddress(address)!, prefixBits: Number(bits) };
}

function judge(networks: LanNetworks, text: string): number {
  const { address, prefixBits } = split(text);
  const bytes = Uint8Array.of(1, 2, 3, ...address, 4);
  return networks.judge(bytes, 3, address.length, prefixBits);
}

/** A PC: routes as `INDEX PREFIX` or `INDEX PREFIX NEXT-HOP`, addresses as `INDEX PREFIX`. */
function pc(
  routes: readonly string[],
  addresses: readonly string[],
  relays: readonly string[] = [],
): Surroundings {
  const read = (line: string) => {
    const [index, text, hop] = line.split(" ");
    const { address, prefixBits } = split(text);
    const nextHop = hop === undefined ? new Uint8Array(address.length) : parseIpAddress(hop)!;
    return { interfaceIndex: Number(index), address, prefixBits, nextHop };
  };
  return {
    routes: routes.map(read).map(({ address: destination, ...rest }) => ({ destination, ...rest })),
    addresses: addresses.map(read),
    relays: relays.map((text) => parseIpAddress(text)!),
    tapIndex: TAP,
  };
}

function assertVerdicts(networks: LanNetworks, verdicts: Readonly<Record<string, number>>): void {
  for (const [text, verdict] of Object.entries(verdicts)) {
    assertEquals(judge(networks, text), verdict, text);
  }
}

Deno.test("a LAN is private, shared, link-local or unique local, and no wider than its block", () => {
  const networks = new LanNetworks();
  for (const { text, lanPrefixBitsMin } of PRIVATE_BLOCKS) {
    const [network] = text.split("/");
    const inside = network.includes(":") ? `${network}5` : network.replace(/0$/, "5");
    assertEquals(judge(networks, `${inside}/${lanPrefixBitsMin}`), good, text);
    assertEquals(judge(networks, `${inside}/${lanPrefixBitsMin - 1}`), wide, text);
  }
  assertVerdicts(networks, {
    "8.8.8.8/24": foreign,
    "192.0.2.5/24": foreign,
    "172.32.0.5/24": foreign,
    "172.15.255.5/24": foreign,
    "100.128.0.5/24": foreign,
    "11.0.0.5/8": foreign,
    "9.0.0.5/7": wide,
    "2001:db8::5/64": foreign,
    "2001:db8::5/40": wide,
    "fe80::5/64": unusable,
    "ff02::5/64": unusable,
    "::1/128": unusable,
    "::/64": unusable,
    "240.0.0.5/24": unusable,
  });
});

//= PROTOCOL.md 12
//# The user may allow others.
Deno.test("what a player has allowed is good, also where others have it, but not what is wider", () => {
  const allowed = ["203.0.113.0/24", "2001:db8:7::/48", "172.0.0.0/8"].map((text) =>
    parseLanNetwork(text)!
  );
  assertVerdicts(new LanNetworks(allowed), {
    "203.0.113.5/24": good,
    "203.0.113.5/25": good,
    "203.0.113.5/23": foreign,
    "203.0.114.5/24": foreign,
    "203.0.113.255/24": unusable,
    "172.16.0.5/8": good,
    "2001:db8:7:1::/64": good,
    "2001:db8:8::/64": foreign,
  });
});

Deno.test("with the LAN's default route its addresses may be anybody's, but no network half the world's", () => {
  assertVerdicts(new LanNetworks([], true), {
    "203.0.113.5/24": good,
    "2001:db8::/64": good,
    "203.0.113.5/1": wide,
    "10.0.0.5/1": wide,
    "2001:db8::/16": wide,
  });
});

Deno.test("the home's network may be the party's as well; the PC's own address not", () => {
  const networks = new LanNetworks();
  networks.update(pc(
    [
      "3 0.0.0.0/0 192.168.178.1",
      "3 ::/0 fe80::1",
      "3 192.168.178.0/24",
      "3 192.168.178.53/32",
      "3 169.254.0.0/16",
      "7 10.9.0.0/16",
    ],
    ["3 192.168.178.20/24", "1 127.0.0.1/8", "7 10.9.0.5/16", "3 fd00:1::20/64"],
  ));
  assertVerdicts(networks, {
    "192.168.178.77/24": good,
    "192.168.178.77/16": good,
    "192.168.178.77/25": good,
    "192.168.178.20/24": own,
    // The adapter's own are those of an earlier lease.
    "10.9.0.5/16": good,
    "10.9.0.6/16": good,
    "fd00:1::77/64": good,
    "fd00:1::20/64": own,
    "169.254.7.7/16": elsewhere,
  });
});

//= PROTOCOL.md 12
//# It is never the address of a router of the user's own networks.
Deno.test("the LAN does not give this PC the address of its own router, whatever is allowed", () => {
  const routes = [
    ...["3 0.0.0.0/0 192.168.178.1", "3 192.168.178.0/24", "3 10.3.0.0/16 192.168.178.2"],
    ...["3 ::/0 fd00:1::1", "7 0.0.0.0/0 192.168.178.254"],
  ];
  const addresses = ["3 192.168.178.20/24", "3 fd00:1::20/64", "7 192.168.178.77/24"];
  for (const networks of [new LanNetworks(), new LanNetworks([split("192.168.178.0/24")], true)]) {
    networks.update(pc(routes, addresses));
    assertVerdicts(networks, {
      "192.168.178.1/24": own,
      "192.168.178.2/24": own,
      "fd00:1::1/64": own,
      "192.168.178.3/24": good,
      "192.168.178.77/24": good,
      // The LAN's own router is the LAN's.
      "192.168.178.254/24": good,
    });
  }
});

Deno.test("what a VPN or another route leads to is not the party's, unless the player says so", () => {
  const surroundings = pc(
    [
      "3 0.0.0.0/0",
      "4 0.0.0.0/1",
      "4 128.0.0.0/1",
      "4 100.64.0.0/10",
      "4 10.8.0.0/16",
      "4 fd7a::/48",
    ],
    ["3 192.168.178.20/24", "4 100.101.102.103/32", "4 fd7a::5/128"],
  );
  const networks = new LanNetworks();
  networks.update(surroundings);
  assertVerdicts(networks, {
    "100.100.0.5/24": elsewhere,
    "100.101.102.5/24": own,
    "10.8.3.5/24": elsewhere,
    "10.9.3.5/24": good,
    "10.9.3.5/8": elsewhere,
    "192.168.1.5/24": good,
    "fd7a:0:0:1::/64": elsewhere,
    "fd7a::9/64": own,
    "fd7b::9/64": good,
  });
  const allowing = new LanNetworks([parseLanNetwork("10.8.0.0/16")!]);
  allowing.update(surroundings);
  assertVerdicts(allowing, { "10.8.3.5/24": good, "100.100.0.5/24": elsewhere });
  networks.update(pc(["3 0.0.0.0/0"], []));
  assertVerdicts(networks, { "10.8.3.5/24": good });
  assertEquals(VPN, HOME + 1);
});

Deno.test("a network that a VPN or containers have is theirs, however few of its addresses are offered", () => {
  const surroundings = pc(
    [
      "3 0.0.0.0/0 192.168.178.1",
      "3 192.168.178.0/24",
      "4 10.8.0.0/24",
      "5 172.17.0.0/16",
      // A VPN that takes all, in the two ways in which they do it.
      "4 0.0.0.0/1 10.8.0.1",
      "6 ::/0",
    ],
    [
      "3 192.168.178.20/24",
      "4 10.8.0.2/24",
      "4 fd7a:1::5/64",
      "5 172.17.0.1/16",
      // Without a route, as where others set the routes.
      "6 10.9.0.2/24",
    ],
  );
  const networks = new LanNetworks();
  networks.update(surroundings);
  const verdicts = {
    "10.8.0.77/24": own,
    "10.8.0.77/25": own,
    "10.8.0.5/29": own,
    "10.8.0.77/16": own,
    "10.8.0.177/25": elsewhere,
    "10.9.0.177/25": elsewhere,
    "10.9.0.5/24": own,
    "172.17.0.77/24": own,
    "172.17.9.77/24": elsewhere,
    "172.18.0.77/24": good,
    "fd7a:1::9/64": own,
    "fd7a:1:0:0:8::9/80": elsewhere,
    "192.168.178.77/24": good,
  };
  assertVerdicts(networks, verdicts);
  for (const [text, verdict] of Object.entries(verdicts)) {
    assertEquals(networks.mustYield(split(text)), verdict !== good, text);
  }
  assertEquals(networks.mustYield(split("8.8.8.8/24")), false, "foreign, but nobody's here");
  // What the player has allowed is the party's, but for this PC's own address.
  const allowing = new LanNetworks([parseLanNetwork("10.8.0.0/24")!]);
  allowing.update(surroundings);
  assertVerdicts(allowing, { "10.8.0.177/25": good, "10.8.0.77/24": own });
});

Deno.test("a home is where a router of its own network leads to the internet, and no tunnel", () => {
  const at = (routes: string[], addresses: string[], tunnels: number[] = []) => {
    const networks = new LanNetworks();
    networks.update({ ...pc(routes, addresses), tunnels });
    return (text: string) => judge(networks, text);
  };
  const address = ["3 10.0.5.20/24", "3 fd05::20/64"];
  const home = at(["3 0.0.0.0/0 10.0.5.1", "3 ::/0 fe80::1"], address);
  assertEquals([home("10.0.5.77/24"), home("fd05::77/64")], [good, good]);
  for (
    const routes of [
      [],
      ["3 0.0.0.0/0", "3 ::/0"],
      ["3 0.0.0.0/0 10.0.6.1", "3 ::/0 fd06::1"],
      ["3 0.0.0.0/1 10.0.5.1", "3 8000::/1 fe80::1"],
      ["4 0.0.0.0/0 10.0.5.1", "4 ::/0 fe80::1"],
    ]
  ) {
    const other = at(routes, address);
    assertEquals([other("10.0.5.77/24"), other("fd05::77/64")], [own, own], routes.join());
  }
  const tunnel = at(["3 0.0.0.0/0 10.0.5.1", "3 ::/0 fe80::1"], address, [3]);
  assertEquals([tunnel("10.0.5.77/24"), tunnel("fd05::77/64")], [own, own]);
});

Deno.test("the relay is never inside, whatever is allowed", () => {
  const networks = new LanNetworks([parseLanNetwork("198.51.100.0/24")!]);
  networks.update(pc([], [], ["10.77.0.9", "198.51.100.7", "fd00:2::9", "127.0.0.1"]));
  assertVerdicts(networks, {
    "10.77.0.50/24": relay,
    "10.77.1.50/24": good,
    "10.77.1.50/16": relay,
    "198.51.100.50/24": relay,
    "fd00:2::/64": relay,
    "fd00:3::/64": good,
  });
});

Deno.test("networks that can be allowed, and what is none", () => {
  for (const text of ["203.0.113.0/24", "8.0.0.0/8", "2001:db8::/32", "203.0.113.7/32"]) {
    const { address, prefixBits } = parseLanNetwork(text)!;
    assertEquals({ address, prefixBits }, split(text));
  }
  const wrong = "203.0.113.0 203.0.113.0/33 203.0.113.0/024 0.0.0.0/0 8.0.0.0/7 224.0.0.0/8 " +
    "127.0.0.0/8 fe80::/64 ff00::/32 2000::/3 ::/64 2001:db8::/129 x/24 /24 203.0.113.0/";
  for (const text of wrong.split(" ")) assertEquals(parseLanNetwork(text), undefined, text);
});
