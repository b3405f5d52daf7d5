import { assertEquals } from "@std/assert";
import { isSameVerdict, isTold, type LanVerdict } from "../../../src/observe/lan_verdict.ts";
import { type StatusEvent, type StatusLevel, statusLine } from "../../../src/observe/status.ts";

const LINES: readonly [StatusEvent, StatusLevel, string][] = [
  [
    { type: "lanVerdict", verdict: { kind: "good", address: "192.168.1.57" } },
    "info",
    "You are in the LAN as 192.168.1.57. Start your game.",
  ],
  [
    { type: "lanVerdict", verdict: { kind: "silent", cause: "alone", waitedMs: 10_000 } },
    "warning",
    "Connected, but nothing in the LAN answers: nobody else is here. Is the key right, and the room's code? " +
    "If they are, the host's gateway does not run yet.",
  ],
  [
    { type: "lanVerdict", verdict: { kind: "silent", cause: "no-gateway", waitedMs: 10_000 } },
    "warning",
    "Connected, but nothing in the LAN answers: the party's gateway is not there. Ask the host to start it.",
  ],
  [
    { type: "lanVerdict", verdict: { kind: "silent", cause: "unanswered", waitedMs: 20_000 } },
    "warning",
    "Connected, but nothing in the LAN answers: the party's gateway is there, and behind it there was silence " +
    "for 20 seconds. Ask the host what the gateway says, and whether its cable to the LAN is in.",
  ],
  [
    { type: "lanVerdict", verdict: { kind: "silent", cause: "stopped", waitedMs: 1_000 } },
    "warning",
    "Connected, but nothing in the LAN answers: the party's gateway stands still, because its LAN has a loop. " +
    "It goes on by itself when the loop is gone. The gateway tells the host where to look.",
  ],
  [
    { type: "lanVerdict", verdict: { kind: "silent", cause: "unasked", waitedMs: 20_000 } },
    "warning",
    "Connected, but nothing in the LAN answers: this PC has no address there, and asks for none (--no-dhcp). " +
    "Give the adapter an address of the LAN.",
  ],
  [
    {
      type: "lanVerdict",
      verdict: { kind: "taken", address: "192.168.1.57", mac: "00:16:3e:00:00:01" },
    },
    "warning",
    "Connected, but another device in the LAN (00:16:3e:00:00:01) has the address of this PC, 192.168.1.57, too. " +
    "Give this PC another one, or leave --address out and have the LAN give one.",
  ],
  [
    {
      type: "lanVerdict",
      verdict: { kind: "old-address", address: "192.168.1.57", waitedMs: 20_000 },
    },
    "warning",
    "Connected, but the address of this PC in the LAN, 192.168.1.57, is an old one: no DHCP server has confirmed it " +
    "for 20 seconds. Try your game; if it does not work, ask the host whether the LAN's DHCP server runs.",
  ],
  [
    {
      type: "lanVerdict",
      verdict: { kind: "no-address", cause: "not-answered", waitedMs: 20_000 },
    },
    "warning",
    "Connected, but this PC has no address in the LAN: no DHCP server has answered for 20 seconds. " +
    "Ask the host whether the LAN has one (most routers are), or for an address to use.",
  ],
  [
    { type: "lanVerdict", verdict: { kind: "no-address", cause: "not-taken", waitedMs: 20_000 } },
    "warning",
    "Connected, but this PC has no address in the LAN: what the LAN's DHCP server has answered for 20 seconds was " +
    "of no use. Ask the host to look at how the LAN gives out addresses.",
  ],
  [
    { type: "lanVerdict", verdict: { kind: "no-address", cause: "not-asked", waitedMs: 20_000 } },
    "warning",
    "Connected, but this PC has no address in the LAN, and asks for none (--address, --no-dhcp). " +
    "Give the adapter an address of the LAN.",
  ],
];

Deno.test("what a verdict says: whether the LAN works, why not, and what to do", () => {
  for (const [event, level, text] of LINES) assertEquals(statusLine(event), { level, text });
});

Deno.test("a verdict that has been so for longer is no news; a doubt is for who asks", () => {
  const silent = (waitedMs: number): LanVerdict => ({
    ...{ kind: "silent", cause: "alone", waitedMs },
  });
  assertEquals(isSameVerdict(silent(10_000), silent(20_000)), true);
  assertEquals(isSameVerdict(silent(10_000), { kind: "looking" }), false);
  const good = (address: string): LanVerdict => ({ kind: "good", address });
  assertEquals(isSameVerdict(good("192.168.1.57"), good("192.168.1.58")), false);
  const kinds = ["outside", "looking", "no-adapter"] as const;
  assertEquals(kinds.map((kind) => isTold({ kind })), [false, false, false]);
  assertEquals([silent(1), good("192.168.1.57")].map(isTold), [true, true]);
});
