import { assertEquals } from "@std/assert";
import {
  LoopProbe,
  parseProbe,
  ProbeLan,
  ProbeSide,
  ProbeView,
} from "../../../src/proto/loop_probe.ts";
import { formatMac } from "../../../src/proto/mac.ts";
import { GATEWAY_MAC } from "../gateway/harness.ts";
import { hex, toHex } from "../proto/frames.ts";

const ID = hex("f1020304050607ff");
const MAC = hex(GATEWAY_MAC.replaceAll(":", ""));

const GOLDEN = {
  lan: "ffffffffffff f20203040506 88b5 6c616e70726f6265 01 00 01 00 f1020304050607ff 00012345" +
    " 001122334401" + "00".repeat(16),
  room: "ffffffffffff f20203040506 88b5 6c616e70726f6265 01 01 00 03 f1020304050607ff 00000000" +
    " 001122334401" + "00".repeat(16),
};

//= PROTOCOL.md 12
//# Of EtherType 88b5, it holds, from the frame's beginning on: `lanprobe` (14), 1 (22), 1 for the
//# room's side (23), 1 while the gateway forwards and 0 while it does not (24)
Deno.test("probes are these bytes, and are read back", () => {
  const lan = new LoopProbe(ProbeSide.lan, ID, MAC);
  lan.write(true, 0x12345 + 0.7, 0);
  assertEquals(toHex(lan.bytes), GOLDEN.lan.replaceAll(" ", ""));
  const room = new LoopProbe(ProbeSide.tunnel, ID, MAC);
  room.write(false, -1, ProbeLan.answers | ProbeLan.down);
  assertEquals(toHex(room.bytes), GOLDEN.room.replaceAll(" ", ""));

  const view = new ProbeView();
  const memory = new Uint8Array(80).fill(0xee);
  memory.set(lan.bytes, 5);
  assertEquals(parseProbe(memory, 5, 60, view), true);
  assertEquals([view.side, view.forwarding, view.ageMs], [ProbeSide.lan, true, 0x12345]);
  assertEquals(formatMac(view.gatewayMac), GATEWAY_MAC);
  assertEquals(lan.compareId(memory, view.idOffset), 0);
  lan.write(true, 2 ** 33, 0);
  assertEquals(parseProbe(lan.bytes, 0, 60, view), true);
  assertEquals([view.ageMs, view.lan], [0xffff_ffff, 0]);
  assertEquals(parseProbe(room.bytes, 0, 60, view), true);
  assertEquals(view.lan, ProbeLan.answers | ProbeLan.down);
  assertEquals(toHex(room.source), "f20203040506");
});

Deno.test("ids are in an order that both sides see alike", () => {
  const low = new LoopProbe(ProbeSide.lan, hex("0100000000000001"), MAC);
  const high = new LoopProbe(ProbeSide.lan, hex("0100000000000002"), MAC);
  const view = new ProbeView();
  parseProbe(high.bytes, 0, 60, view);
  assertEquals(Math.sign(low.compareId(high.bytes, view.idOffset)), 1);
  assertEquals(Math.sign(high.compareId(low.bytes, view.idOffset)), -1);
});

Deno.test("what is no probe is none: cut short, of another type, mark, version or side", () => {
  const good = hex(GOLDEN.lan.replaceAll(" ", ""));
  const view = new ProbeView();
  const changes: [string, number, number][] = [
    ["type", 13, 0xb6],
    ["the refresh's mark", 18, 0x61],
    ["version", 22, 2],
    ["side", 23, 2],
  ];
  for (const [name, at, value] of changes) {
    const bad = good.slice();
    bad[at] = value;
    assertEquals(parseProbe(bad, 0, bad.length, view), false, name);
  }
  assertEquals(parseProbe(good, 0, 43, view), false);
  assertEquals(parseProbe(good, 0, 44, view), true);
});
