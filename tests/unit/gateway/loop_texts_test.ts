/** What the host reads of loops, as they come and go. */
import { assertEquals } from "@std/assert";
import { statusLine } from "../../../src/observe/status.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { hex } from "../proto/frames.ts";
import { saying } from "../../support/sentences.ts";
import { BROADCAST, frameOf, GATEWAY_MAC, STATION } from "./harness.ts";
import { type Hub, hubOf } from "./hub.ts";

function linesOf(hub: Hub): string[] {
  return hub.events.splice(0).flatMap(([, , event]) => {
    const isPlayers = event.type === "playerOnLan" || event.type === "playerOffLan";
    return isPlayers ? [] : [statusLine(event).text];
  });
}

Deno.test("a loop that is proven is over some seconds after it is gone", () => {
  const hub = hubOf(1);
  hub.loops = true;
  hub.transmit(frameOf(BROADCAST, STATION).toHex(), -1);
  hub.run(3_000);
  hub.loops = false;
  hub.run(20_000);
  const lines = linesOf(hub);
  assertEquals(lines.length, 2);
  assertEquals(lines[1], saying("gateway/loop-over", { time: "5 seconds" }));
});

Deno.test("a probe that alone comes back was somebody's who wants to be taken for a loop", () => {
  const hub = hubOf(1);
  let probe = "";
  const [gateway] = hub.gateways;
  gateway.nowMs = 1_300;
  gateway.core.handleTimer(1_300);
  probe = gateway.lan.splice(0).find((text) => text.includes("6c616e70726f6265")) ?? "";
  gateway.tunnel();
  gateway.fromLan(hex(probe));
  hub.nowMs = 1_305;
  hub.run(10_000);
  const mac = probe.slice(12, 24).replace(/..(?!$)/g, "$&:");
  assertEquals(linesOf(hub), [
    saying("gateway/loop-lan", { mac }),
    saying("gateway/loop-unproven", { mac }),
  ]);
});

Deno.test("of two gateways both are told; nothing comes back by the other one", () => {
  const hub = hubOf(2);
  hub.gateways[1].core.handleLeft(1_000);
  hub.run(10_000);
  hub.gateways[1].core.handleJoined("OTHER", asPeerId(9), 10_000);
  hub.run(30_000);
  const lines = new Set(linesOf(hub));
  assertEquals(
    lines,
    new Set([
      saying("gateway/other-gateway", { mac: GATEWAY_MAC }),
      saying("gateway/loop-gateway", { mac: GATEWAY_MAC }),
      saying("gateway/loop-unproven-gateway", { mac: GATEWAY_MAC }),
    ]),
  );
});
