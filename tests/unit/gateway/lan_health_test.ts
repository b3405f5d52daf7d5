/** What a gateway says of its LAN's interface, from one look to the next. */
import { assertEquals } from "@std/assert";
import { LanHealth, type LanLook } from "../../../src/gateway/lan_health.ts";
import {
  type BridgedProtocol,
  type LanLinkEvent,
  lanLinkSentence,
  type LanTrouble,
  lanTroubleStops,
} from "../../../src/observe/lan_link.ts";
import { sentenceLine } from "../../../src/observe/sentences.ts";
import { statusLevel } from "../../../src/observe/status.ts";
import { saying } from "../../support/sentences.ts";

const GOOD: LanLook = {
  ...{ name: "usb0", index: 7, mac: "52:54:00:00:00:01", state: "up", mtu: 1500 },
  ...{ master: undefined, isPromiscuous: true },
};

function text(event: LanLinkEvent): string {
  return sentenceLine(lanLinkSentence(event));
}

/** What is said of looks, one after the other. */
function said(...looks: Partial<LanLook>[]): string[] {
  const health = new LanHealth();
  for (const look of [{}, ...looks]) health.handleLook({ ...GOOD, ...look });
  return health.drainEvents().slice(1).map(text);
}

Deno.test("each state of the interface is told truly, and once", () => {
  const { name, mac } = GOOD;
  const connected = (index: string) => saying("link/up", { name, mac, index });
  assertEquals(said({}, {}), []);
  assertEquals(said({ state: "off" }, { state: "off" }, {}), [
    saying("link/off", { name }),
    connected("7"),
  ]);
  assertEquals(said({ state: "no-carrier" }), [saying("link/no-carrier", { name })]);
  assertEquals(said({ state: "blocked" }), [saying("link/blocked", { name })]);
  assertEquals(said({ state: "gone" }, { state: "gone" }, { index: 9 }), [
    saying("link/gone", { name }),
    connected("9"),
  ]);
});

Deno.test("a renamed interface is called by its new name, and is not gone", () => {
  assertEquals(said({ name: "enx1" }, { name: "enx1" }), [
    saying("link/renamed", { before: "usb0", name: "enx1" }),
  ]);
  // Another interface under another name is no renamed one.
  assertEquals(said({ state: "gone" }, { name: "enx1", index: 9 }).length, 2);
});

const NAME = "usb0";
const TROUBLES: readonly [Partial<LanLook>, LanTrouble, string, string][] = [
  [
    { mtu: 1400 },
    { kind: "small-mtu", mtu: 1400 },
    saying("link/small-mtu", { name: NAME, mtu: "1400" }),
    saying("link/small-mtu-over", { name: NAME }),
  ],
  [
    { master: "br0" },
    { kind: "port-of", master: "br0" },
    saying("link/port-of", { name: NAME, master: "br0" }),
    saying("link/port-of-over", { name: NAME, master: "br0" }),
  ],
  [
    { isPromiscuous: false },
    { kind: "own-frames-only" },
    saying("link/own-frames-only", { name: NAME }),
    saying("link/own-frames-only-over", { name: NAME }),
  ],
];

for (const [look, trouble, come, over] of TROUBLES) {
  Deno.test(`a trouble comes and goes: ${trouble.kind}`, () => {
    const health = new LanHealth();
    health.handleLook(GOOD);
    health.handleLook({ ...GOOD, ...look });
    assertEquals(health.troubles, [trouble]);
    health.handleLook({ ...GOOD, ...look });
    const events = health.drainEvents().slice(1);
    assertEquals([events.map(text), events.map(statusLevel)], [[come], ["warning"]]);
    health.handleLook(GOOD);
    assertEquals(health.troubles, []);
    const ends = health.drainEvents();
    assertEquals([ends.map(text), ends.map(statusLevel)], [[over], ["info"]]);
    // Players still are in the LAN, most of them.
    assertEquals(lanTroubleStops(trouble), false);
  });
}

Deno.test("what was so when the interface was chosen is told by who has chosen it", () => {
  const health = new LanHealth();
  health.handleLook({ ...GOOD, mtu: 1400 });
  assertEquals(health.drainEvents().map(({ type }) => type), ["lan"]);
  assertEquals(health.troubles, [{ kind: "small-mtu", mtu: 1400 }]);
  // Even smaller is news, but the first is not over.
  health.handleLook({ ...GOOD, mtu: 1280 });
  assertEquals(health.drainEvents().map(({ type }) => type), ["lanTrouble"]);
  // It is pulled out and in again: that it is small is known.
  health.handleLook({ ...GOOD, mtu: 1280, state: "gone" });
  health.handleLook({ ...GOOD, mtu: 1280, index: 8 });
  assertEquals(health.drainEvents().map(({ type }) => type), ["lan", "lan"]);
});

/** What is said of troubles at a bridge that come and go. */
function saidOfBridge(trouble: LanTrouble): string[] {
  const health = new LanHealth();
  health.handleLook({ ...GOOD, name: "br0" });
  for (const troubles of [[trouble], [trouble], []]) health.handleBridge(troubles);
  return health.drainEvents().slice(1).map(text);
}

Deno.test("a machine's firewall at its bridge: who, what it drops, and the remedy; over with it", () => {
  const settings = ["net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"];
  const trouble = { kind: "firewall", protocols: ["IPv4", "IPv6"], likely: ["Docker"] } as const;
  const names = { name: "br0", protocols: "IPv4 and IPv6" };
  const over = saying("link/firewall-over", names);
  assertEquals(saidOfBridge({ ...trouble, settings }), [
    saying("link/firewall", {
      ...names,
      who: "This machine's firewall (likely set so by Docker)",
      settings: "net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0",
      commands: "iptables -I FORWARD -m physdev --physdev-is-bridged -j ACCEPT and " +
        "ip6tables -I FORWARD -m physdev --physdev-is-bridged -j ACCEPT",
    }),
    over,
  ]);
  // Where the firewall of IP has nothing to do with it, it is the bridge's own.
  assertEquals(saidOfBridge({ ...trouble, settings: [] }), [
    saying("link/bridge-rules", names),
    over,
  ]);
  // Without IPv6 most games go on.
  const stops = (protocols: readonly BridgedProtocol[]) =>
    lanTroubleStops({ ...trouble, settings, protocols });
  assertEquals([stops(["IPv4", "IPv6"]), stops(["ARP"]), stops(["IPv6"])], [true, true, false]);
});

Deno.test("a bridge that tells VLANs apart, and keeps our port from the others", () => {
  const port = "lanparty-gw0";
  assertEquals(saidOfBridge({ kind: "vlan", port }), [
    saying("link/vlan", { name: "br0", port }),
    saying("link/vlan-over", { name: "br0", port }),
  ]);
});
