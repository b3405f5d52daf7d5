import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  type JudgedInterface,
  judgeInterface,
  reachNote,
} from "../../../../src/programs/gateway/interfaces.ts";
import { CARD } from "./card.ts";

Deno.test("a card with a cable, and a bridge, are good", () => {
  assertEquals(judgeInterface(CARD), { fitness: "good", reasons: [] });
  assertEquals(judgeInterface({ ...CARD, name: "br0", bridge: true }).fitness, "good");
});

Deno.test("what cannot be bridged is unfit, and what works badly limited, each with its reason", () => {
  const cases: [Partial<JudgedInterface>, "limited" | "unfit", string][] = [
    [{ loopback: true }, "unfit", "loopback"],
    [{ ethernet: false }, "unfit", "does not speak Ethernet"],
    [{ bondSlave: true, master: "bond0" }, "unfit", "part of the bond bond0: name the bond"],
    [{ driver: "ipvlan" }, "unfit", "IPVLAN"],
    [{ driver: "macvlan" }, "limited", "no frames for other MACs than its own"],
    [{ virtualFunction: true }, "limited", "virtual function"],
    [{ wireless: true }, "limited", "Wi-Fi"],
    [{ up: false, carrier: false }, "limited", "it is down: ip link set eth0 up"],
    [{ carrier: false }, "limited", "no carrier"],
    [{ master: "br0" }, "limited", "name br0 instead"],
    [{ mtu: 1400 }, "limited", "MTU is 1400"],
  ];
  for (const [changes, fitness, reason] of cases) {
    const verdict = judgeInterface({ ...CARD, ...changes });
    assertEquals(verdict.fitness, fitness, reason);
    assertEquals(verdict.reasons.length, 1, reason);
    assertStringIncludes(verdict.reasons[0], reason);
  }
});

Deno.test("all that is wrong is said", () => {
  const { reasons } = judgeInterface({ ...CARD, wireless: true, carrier: false, mtu: 1280 });
  assertEquals(reasons.length, 3);
});

Deno.test("on a card, what players do not reach is said in one line, with the remedy", () => {
  const note = reachNote(CARD)!;
  assertStringIncludes(note, "not this machine itself");
  assertStringIncludes(note, "make eth0 a port of a Linux bridge");
  assertEquals(note.includes("\n"), false);
  assertEquals(reachNote({ name: "br0", bridge: true }), undefined);
});
