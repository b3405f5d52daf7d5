/** Letting the LAN in, over a firewall in memory. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  InboundAccess,
  inboundRuleName,
  isInboundRuleName,
} from "../../../src/client/inbound_access.ts";
import { inboundScopes, openPorts } from "../../../src/client/inbound_rules.ts";
import { FakeFirewall } from "../../../src/system/firewall/fake.ts";

const GUID = "{01234567-89AB-CDEF-0123-456789ABCDEF}";
const NAMES = ["TCP", "UDP", "ping", "ping6"].map((suffix) => inboundRuleName(GUID, suffix));

/** A firewall, and all that is said and written down. */
class Scene {
  readonly firewall = new FakeFirewall();
  readonly written: string[] = [];
  readonly said: string[] = [];
  readonly access: InboundAccess;

  constructor(ports: readonly number[] = []) {
    const listener = {
      firstRule: (name: string, make: () => void) => {
        // It is written down before it is there.
        assertEquals(this.firewall.rules.has(name), false);
        this.written.push(name);
        make();
      },
      say: (level: string, text: string) => this.said.push(`${level}: ${text}`),
    };
    this.access = new InboundAccess(this.firewall, listener, { name: "LAN", guid: GUID }, ports);
  }
}

Deno.test("the LAN is let in by four rules for the adapter alone, each written down before", () => {
  const { access, firewall, written, said } = new Scene([3389]);
  access.update(["10.77.0.5/24"]);
  assertEquals(written, NAMES);
  assertEquals([...firewall.rules.keys()], NAMES);
  const [tcp, udp, ping, ping6] = firewall.rules.values();
  for (const rule of [tcp, udp, ping, ping6]) {
    assertEquals(rule.interfaceName, "LAN");
    assertEquals(rule.remoteAddresses, inboundScopes(["10.77.0.5/24"]));
  }
  assertEquals(tcp.traffic, { protocol: "TCP", ports: openPorts("TCP", [3389]) });
  assertEquals(udp.traffic, { protocol: "UDP", ports: openPorts("UDP", [3389]) });
  assertEquals(ping.traffic, { protocol: "ICMPv4", types: "8:*" });
  assertEquals(ping6.traffic, { protocol: "ICMPv6", types: "128:*" });
  assertEquals(said.length, 1);
  assert(said[0].startsWith("info: The LAN may reach this PC"), said[0]);
});

Deno.test("rules follow the adapter's addresses, and are not made again for the same ones", () => {
  const { access, firewall, written, said } = new Scene();
  access.update(["10.77.0.5/24"]);
  const before = firewall.rules.get(NAMES[0]);
  access.update(["10.77.0.9/24"]);
  assertEquals(firewall.rules.get(NAMES[0]) === before, true);
  access.update(["192.168.9.4/24"]);
  assertEquals(
    firewall.rules.get(NAMES[0])?.remoteAddresses,
    inboundScopes(["192.168.9.4/24"]),
  );
  assertEquals(firewall.rules.size, 4);
  assertEquals(written, NAMES);
  assertEquals(said.length, 1);
});

Deno.test("a firewall that lets nobody in, or takes no rules of this PC's, is told of", () => {
  for (
    const state of [
      { enabled: true, blocksAll: true, takesRules: true },
      { enabled: true, blocksAll: false, takesRules: false },
    ]
  ) {
    const { access, firewall, said } = new Scene();
    firewall.states.public = state;
    access.update(["10.77.0.5/24"]);
    assertEquals(said, [
      "warning: The LAN cannot reach this PC: its firewall is set to let nobody in, whatever the rules",
    ]);
  }
  const { access, firewall, said } = new Scene();
  firewall.states.public = { enabled: false, blocksAll: true, takesRules: true };
  access.update(["10.77.0.5/24"]);
  assert(said[0].startsWith("info: "), said[0]);
});

Deno.test("a firewall that takes no rule is told of, and asked again with the next address", () => {
  const { access, firewall, said } = new Scene();
  firewall.failure = "INetFwRules::Add failed: error 0x80070005";
  access.update(["10.77.0.5/24"]);
  assertEquals(said, [
    "warning: Windows' firewall took no rule (INetFwRules::Add failed: error 0x80070005): others may " +
    "not reach games that you host",
  ]);
  firewall.failure = undefined;
  access.update(["192.168.9.4/24"]);
  assertEquals([...firewall.rules.keys()], NAMES);
  assertEquals(said.length, 1);
});

Deno.test("a bug is no failure of the firewall's", () => {
  const { access, firewall } = new Scene();
  firewall.addRule = () => {
    throw new TypeError("a bug");
  };
  assertThrows(() => access.update(["10.77.0.5/24"]), TypeError, "a bug");
});

Deno.test("names of an adapter's rules are known again, also of earlier clients, and no others", () => {
  for (const name of NAMES) assertEquals(isInboundRuleName(name), true, name);
  assertEquals(isInboundRuleName(`lanparty-client ${GUID}`), true);
  for (const name of [`lanparty-client ${GUID} SSH`, `lanparty-client {1}`, `x ${NAMES[0]}`, ""]) {
    assertEquals(isInboundRuleName(name), false, name);
  }
});
