/** A peer whose address changes while it is there: its router has another mapping, or it has another network. */
import { assertEquals } from "@std/assert";
import { CHANGE_SAID_AGAIN_MS } from "../../../src/relay/paths.ts";
import { RelayHarness, type ScriptedEndpoint } from "./harness.ts";

const A = "02:00:00:00:00:0a";
const B = "02:00:00:00:00:0b";
const C = "02:00:00:00:00:0c";
const D = "02:00:00:00:00:0d";
const HOME = "192.0.2.1:4000";
const OTHER = "198.51.100.7:999";

function move(relay: RelayHarness, { connection }: ScriptedEndpoint, address: string): void {
  relay.core.handleAddress(connection, address, relay.nowMs);
  relay.settle();
}

/** What the relay shows of everybody's addresses. */
function addresses(relay: RelayHarness): string[] {
  return relay.core.rooms().flatMap(({ peers }) => peers.map(({ address }) => address));
}

/** What becomes of one more player's hello from an address. */
function answer(relay: RelayHarness, mac: string, address: string, fields = {}): unknown {
  const endpoint = relay.connect({ address }).hello({ mac, ...fields });
  relay.advance(500);
  return endpoint.messages[0]?.code ?? endpoint.messages[0]?.type;
}

Deno.test("moved address: it is shown of players and gateways, and said in the log, once", () => {
  const relay = new RelayHarness();
  const [gateway, ann] = [relay.gateway({}, { address: HOME }), relay.client(A)];
  move(relay, gateway, OTHER);
  move(relay, ann, "[2001:db8::1]:7");
  move(relay, ann, "[2001:db8::1]:7");
  assertEquals(addresses(relay), [OTHER, "[2001:db8::1]:7"]);
  const said = relay.logs.filter(({ message }) => message === "Peer's address changed");
  assertEquals(said.map(({ fields }) => [fields["before"], fields["address"]]), [
    [HOME, OTHER],
    [HOME, "[2001:db8::1]:7"],
  ]);
  // Whoever is gone has no address, and neither has who was told to go.
  const { connection } = ann;
  ann.lose();
  relay.core.handleAddress(connection, HOME, relay.nowMs);
  assertEquals(addresses(relay), [OTHER]);
});

Deno.test("moved address: another port alone changes no count", () => {
  const relay = new RelayHarness({ peersPerAddressMax: 2 });
  const [ann] = [relay.client(A, {}, { address: HOME }), relay.client(B, {}, { address: HOME })];
  for (let port = 1; port < 20; port++) move(relay, ann, `192.0.2.1:${port}`);
  assertEquals(answer(relay, C, HOME), "rate-limited");
  ann.lose();
  assertEquals(answer(relay, C, HOME), "welcome");
});

Deno.test("moved address: a peer counts where it is, and no more where it was", () => {
  const relay = new RelayHarness({ peersPerAddressMax: 1 });
  const ann = relay.client(A, {}, { address: HOME });
  assertEquals(answer(relay, C, HOME), "rate-limited");
  move(relay, ann, OTHER);
  assertEquals(answer(relay, C, OTHER), "rate-limited");
  assertEquals(answer(relay, C, HOME), "welcome");
  ann.lose();
  assertEquals(answer(relay, B, OTHER), "welcome");
});

Deno.test("moved address: nobody has more peers at two addresses by moving them about", () => {
  const relay = new RelayHarness({ peersPerAddressMax: 2 });
  const [bob] = [B, C].map((mac) => relay.client(mac, {}, { address: OTHER }));
  let peers = 2;
  for (let number = 0x10; number < 0x20; number++) {
    const endpoint = relay.connect({ address: HOME }).hello({ mac: `02:00:00:00:00:${number}` });
    relay.advance(500);
    if (endpoint.messages[0]?.type === "welcome") peers++;
    move(relay, endpoint, `198.51.100.7:${number}`);
  }
  // Who has moved stays, and counts on where there was room for it.
  assertEquals([peers, addresses(relay).length], [4, 4]);
  assertEquals(addresses(relay).filter((address) => address.startsWith("198.51.100.7:")).length, 4);
  bob.lose();
  assertEquals(answer(relay, D, HOME), "rate-limited");
  assertEquals(answer(relay, D, OTHER), "welcome");
});

Deno.test("moved address: the log is not flooded by it, nor by another port", () => {
  const relay = new RelayHarness();
  const ann = relay.client(A, {}, { address: HOME });
  const said = () =>
    relay.logs.filter(({ message }) => message === "Peer's address changed")
      .map(({ level }) => level);
  for (let port = 1; port < 50; port++) move(relay, ann, `192.0.2.1:${port}`);
  assertEquals(said(), []);
  for (let turn = 0; turn < 10; turn++) {
    move(relay, ann, OTHER);
    move(relay, ann, HOME);
  }
  assertEquals(said(), ["info", ...Array.from({ length: 19 }, () => "debug")]);
  relay.advance(CHANGE_SAID_AGAIN_MS);
  move(relay, ann, OTHER);
  assertEquals(said().at(-1), "info");
});

Deno.test("moved address: one that has not joined counts where it is, too", () => {
  const relay = new RelayHarness({ pendingPerAddressMax: 1 });
  const first = relay.connect({ address: HOME });
  move(relay, first, OTHER);
  const second = relay.connect({ address: HOME });
  assertEquals(second.closedWith, undefined);
  assertEquals(relay.connect({ address: OTHER }).closedWith, 1);
  // There is one already: it counts on where it was.
  move(relay, second, OTHER);
  assertEquals(relay.connect({ address: HOME }).closedWith, 1);
  // Its hello is judged by where it is now.
  relay.core.admin.ban("198.51.100.7", undefined, { by: "operator" }, relay.nowMs);
  first.hello({ mac: A, features: ["removal"] });
  assertEquals(first.last("reject").code, "removed");
});

Deno.test("moved address: a ban of the new address holds, one of the old address no more", () => {
  const relay = new RelayHarness();
  const features = ["removal"];
  const gateway = relay.gateway({}, { address: HOME });
  const [ann, bob] = [
    relay.client(A, { features }, { address: HOME }),
    relay.client(B, { features }, { address: HOME }),
  ];
  relay.core.admin.ban("198.51.100.7", "PARTY", { by: "host", forMs: 60_000 }, relay.nowMs);
  move(relay, bob, "203.0.113.5:1");
  // A host's bans are for players: the gateway may go where it likes.
  move(relay, gateway, OTHER);
  move(relay, ann, OTHER);
  assertEquals(ann.last("disconnect"), {
    type: "disconnect",
    code: "kicked",
    message: "",
    by: "host",
    forMs: 60_000,
  });
  const { removed } = relay.core.admin.ban(
    "192.0.2.1",
    undefined,
    { by: "operator" },
    relay.nowMs,
  );
  assertEquals([removed, addresses(relay)], [0, [OTHER, "203.0.113.5:1"]]);
});

Deno.test("moved address: who is kicked is kept out by the address of that moment", () => {
  const relay = new RelayHarness();
  const ann = relay.client(A, {}, { address: HOME });
  relay.client(B, {}, { address: "203.0.113.9:1" });
  const { peerId } = relay.core.rooms()[0].peers[0].identity;
  move(relay, ann, OTHER);
  relay.core.admin.kick("PARTY", peerId, { by: "operator", forMs: 60_000 }, relay.nowMs);
  assertEquals(answer(relay, C, OTHER), "not-admitted");
  assertEquals(answer(relay, C, HOME), "welcome");
});

Deno.test("moved address: what may be delivered is charged to where the peer is", () => {
  const relay = new RelayHarness({
    addressLimits: { deliveriesPerSecond: 1, bytesPerSecond: 0, burstMs: 1_000 },
  });
  const [ann, bob] = [
    relay.client(A, {}, { address: HOME }),
    relay.client(B, {}, { address: "203.0.113.9:1" }),
  ];
  const broadcast = new Uint8Array(64);
  broadcast.set([1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0x0a, 8, 6]);
  ann.send(broadcast).send(broadcast);
  assertEquals([bob.received().length, relay.drops()["address-limit"]], [1, 1]);
  move(relay, ann, OTHER);
  ann.send(broadcast).send(broadcast);
  assertEquals([bob.received().length, relay.drops()["address-limit"]], [1, 2]);
  // Going back and forth gives nothing new.
  move(relay, ann, HOME);
  move(relay, ann, OTHER);
  ann.send(broadcast);
  assertEquals(bob.received().length, 0);
});
