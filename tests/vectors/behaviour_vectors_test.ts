import { assertEquals } from "@std/assert";
import { DhcpScrubber } from "../../src/client/dhcp_scrub.ts";
import { Dhcpv6Scrubber } from "../../src/client/dhcpv6_scrub.ts";
import { LanNetworks } from "../../src/client/lan_networks.ts";
import { RouterScrubber } from "../../src/client/router_scrub.ts";
import { dissect, Dissection } from "../../src/proto/dissect.ts";
import { hex, toHex } from "../unit/proto/frames.ts";
import { RelayHarness, type ScriptedEndpoint } from "../unit/relay/harness.ts";
import { forEachVector, VECTORS } from "./proto_vectors.ts";

/** A maximum at which nothing is split. */
const WIDE = 1_530;

/** The room of the vectors: who has which peer id. */
function openRoom(relay: RelayHarness): Map<number, ScriptedEndpoint> {
  const [fields, path] = [{ datagramBudget: WIDE }, { maxDatagramBytes: WIDE }];
  const peers = [
    relay.gateway(fields, path),
    ...["51", "52", "53"].map((end) => relay.client(`02:00:00:00:00:${end}`, fields, path)),
  ];
  return new Map(peers.map((peer) => [peer.last("welcome")["peerId"] as number, peer]));
}

//= PROTOCOL.md 11
//# | broadcast, multicast | […] dropped: `unknown-destination` |
//= PROTOCOL.md 11
//# | 21 | | the target, by the destination MAC:
Deno.test("vectors: who gets a datagram, and why nobody does", () => {
  forEachVector(VECTORS.forwarding, ({ name, hex: digits, value }) => {
    const relay = new RelayHarness({ maxTapMtu: 1_400 });
    const peers = openRoom(relay);
    peers.get(value.from)!.send(hex(digits));
    const got = [...peers].flatMap(([id, peer]) =>
      peer.received().map((bytes) => [id, toHex(bytes)])
    );
    const reasons = Object.entries(relay.drops()).filter(([, count]) => count > 0);
    if ("to" in value) {
      assertEquals(got, value.to.map((id) => [id, value.datagram]), name);
      assertEquals(reasons, [], name);
    } else {
      assertEquals(got, [], name);
      assertEquals(reasons, [[value.reason, 1]], name);
    }
  });
});

//= PROTOCOL.md 10
//# It rises as soon as the gateway's path carries more, and falls when that has carried less for 60
//# s without a break; it changes once a second at most.
Deno.test("vectors: the course of a room's MTU", () => {
  forEachVector(VECTORS.roomMtus, ({ name, maxTapMtu, steps }) => {
    const relay = new RelayHarness({ maxTapMtu });
    const features = ["room-mtu"];
    relay.client("02:00:00:00:00:51", { room: "ELSEWHERE" });
    let startMs: number | undefined;
    let gateway: ScriptedEndpoint | undefined;
    for (const { nowMs, budgetBytes, tapMtu } of steps) {
      if (startMs !== undefined) relay.advance(startMs + nowMs - relay.nowMs);
      if (budgetBytes === null) gateway?.finish();
      if (typeof budgetBytes === "number") {
        if (gateway?.closedWith === undefined && gateway !== undefined) {
          gateway.control({ type: "budget", datagramBudget: budgetBytes });
        } else gateway = relay.gateway({ datagramBudget: budgetBytes, features });
      }
      if (startMs === undefined) relay.client("02:00:00:00:00:52");
      startMs ??= relay.nowMs - nowMs;
      const room = relay.core.rooms().find(({ room }) => room === "PARTY");
      assertEquals(room?.tapMtu, tapMtu, `${name}, at ${nowMs} ms`);
    }
  });
});

Deno.test("vectors: what becomes of what the LAN tells", () => {
  const networks = new LanNetworks();
  const dissection = new Dissection();
  for (
    const [vectors, scrubber] of [
      [VECTORS.dhcpReplies, new DhcpScrubber(networks)],
      [VECTORS.dhcpv6Answers, new Dhcpv6Scrubber(networks)],
      [VECTORS.routerAdvertisements, new RouterScrubber(networks)],
    ] as const
  ) {
    forEachVector(vectors, ({ name, hex: digits, value }) => {
      const bytes = hex(digits);
      dissect(bytes, 0, bytes.length, dissection);
      const result = scrubber.scrub(bytes, 0, bytes.length, dissection);
      assertEquals(result < 0, value.result === "dropped", name);
      assertEquals(toHex(bytes), value.result === "scrubbed" ? value.frame : digits, name);
    });
  }
});
