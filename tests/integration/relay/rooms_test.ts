/** Deno's own QUIC against the compiled relay: who learns what of whom, and coming back. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { CloseCode, DenoEndpoint } from "../../support/deno_endpoint.ts";
import type { Message } from "../../support/deno_messages.ts";
import { BROADCAST_MAC, ethernet, pattern } from "../../../tools/lab/frames.ts";
import { RelayProcess } from "../../support/relay_process.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";
const MAC_C = "02:00:00:00:00:0c";

const text = (message: Message) => JSON.stringify(message);

/** A frame that all others of a room get. */
function broadcast(source: string, payloadBytes: number): Uint8Array {
  const payload = pattern(payloadBytes);
  return ethernet({ destination: BROADCAST_MAC, source, type: 0x88b6, payload });
}

Deno.test("a newcomer learns of everyone who is there before anything that happens later", async () => {
  await using relay = await RelayProcess.start();
  await using first = await DenoEndpoint.connect(relay.address);
  await first.join({ room: "A", mac: MAC_A, name: "An\u202en\u0007" });
  await using gateway = await DenoEndpoint.connect(relay.address);
  await gateway.join({ room: "A", name: "the hall" });
  // Newcomers and leavers at the same time: each sees a story without a hole.
  const others = Array.from({ length: 10 }, (_, i) => `02:00:00:00:01:${i + 10}`);
  await Promise.all(others.map(async (mac) => {
    await using endpoint = await DenoEndpoint.connect(relay.address);
    const welcome = await endpoint.join({ room: "A", mac, name: `peer ${mac}` });
    assertEquals(welcome["gatewayPresent"], true);
    await endpoint.leave();
    const present = new Set<number>();
    for (const [index, message] of endpoint.messages.entries()) {
      const id = Number(message["peerId"]);
      if (index === 0) assertEquals(message.type, "welcome");
      else if (message.type === "peerJoined") {
        assert(!present.has(id) && id !== endpoint.peerId, text(message));
        present.add(id);
      } else {
        assertEquals([message.type, message["reason"]], ["peerLeft", "bye"]);
        assert(present.delete(id), text(message));
      }
    }
    assert(present.has(first.peerId) && present.has(gateway.peerId));
  }));
  await using last = await DenoEndpoint.connect(relay.address);
  await last.join({ room: "A", mac: MAC_B });
  const known = [await last.message(), await last.message()];
  assertEquals(known, [
    { type: "peerJoined", peerId: 1, role: "client", name: "Ann", mac: MAC_A },
    { type: "peerJoined", peerId: 2, role: "gateway", name: "the hall" },
  ]);
  const ids = first.messages.filter(({ type }) => type === "peerJoined").map((m) => m["peerId"]);
  assertEquals(new Set(ids).size, ids.length, "no id is given out twice");
  assertEquals([first.wrongMessages, gateway.wrongMessages, last.wrongMessages], [[], [], []]);
});

Deno.test("rooms share nothing: not a message, not a MAC, not a frame", async () => {
  await using relay = await RelayProcess.start();
  await using here = await DenoEndpoint.connect(relay.address);
  await here.join({ room: "HERE", mac: MAC_A });
  await using there = await DenoEndpoint.connect(relay.address);
  assertEquals((await there.join({ room: "THERE", mac: MAC_A }))["peerId"], 1);
  await using gateway = await DenoEndpoint.connect(relay.address);
  await gateway.join({ room: "THERE" });
  await there.sendFrame(broadcast(MAC_A, 100));
  await gateway.frame();
  await gateway.leave();
  assertEquals((await there.message()).type, "peerJoined");
  assertEquals((await there.message()).type, "peerLeft");
  assertEquals(here.takeMessages(), []);
  assertEquals(here.datagramsReceived, 0);
});

//= PROTOCOL.md 5.3
//# | 0 | done | `bye`, FIN | `bye`
//= PROTOCOL.md 5.3
//# | 2 | protocol error | `protocol-error`, `malformed-limit`, `hello-timeout` | `error`
//= PROTOCOL.md 5.3
//# | none | the connection timed out, was reset, or the endpoint died | | `lost`
Deno.test("the others learn why somebody has left", async () => {
  await using relay = await RelayProcess.start();
  await using witness = await DenoEndpoint.connect(relay.address);
  await witness.join({ room: "A", mac: MAC_A });
  const endings: [string, string, (endpoint: DenoEndpoint) => Promise<unknown> | void][] = [
    ["bye", "a farewell", (endpoint) => endpoint.leave()],
    ["bye", "FIN", (endpoint) => endpoint.finish()],
    ["bye", "close with 0", (endpoint) => endpoint.close(CloseCode.done)],
    ["error", "close with 2", (endpoint) => endpoint.close(CloseCode.protocol)],
    ["lost", "close with 7", (endpoint) => endpoint.close(7)],
    [
      "error",
      "another farewell",
      (endpoint) => endpoint.send({ type: "disconnect", code: "protocol-error" }),
    ],
    ["error", "nonsense", (endpoint) => endpoint.sendBytes(new Uint8Array(4))],
    ["lost", "silence", () => {}],
  ];
  for (const [reason, how, end] of endings) {
    const silent = how === "silence" ? { idleTimeoutMs: 2_000, keepAliveMs: 0 } : {};
    await using endpoint = await DenoEndpoint.connect(relay.address, silent);
    await endpoint.join({ room: "A", mac: MAC_B, name: how });
    await end(endpoint);
    const peer = { peerId: endpoint.peerId, role: "client", mac: MAC_B, name: how };
    assertEquals(await witness.message(), { type: "peerJoined", ...peer });
    assertEquals(await witness.message(), { type: "peerLeft", ...peer, reason });
  }
});

Deno.test("a token replaces the session that it was given to, and only that", async () => {
  await using relay = await RelayProcess.start({ options: ["--max-peers-per-room", "3"] });
  await using witness = await DenoEndpoint.connect(relay.address);
  await witness.join({ room: "A", mac: MAC_C });
  await using client = await DenoEndpoint.connect(relay.address);
  await client.join({ room: "A", mac: MAC_A });
  await using gateway = await DenoEndpoint.connect(relay.address);
  await gateway.join({ room: "A" });
  const { resume } = client;
  const refused: [string, { mac?: string; resume: string; room?: string }][] = [
    ["mac-in-use", { mac: MAC_A, resume: "guess" }],
    ["mac-in-use", { mac: MAC_A, resume: gateway.resume }],
    ["gateway-exists", { resume }],
    ["room-full", { mac: MAC_B, resume }],
  ];
  for (const [code, hello] of refused) {
    await using stranger = await DenoEndpoint.connect(relay.address);
    assertEquals((await stranger.hello({ room: "A", ...hello }))["code"], code);
  }
  await using elsewhere = await DenoEndpoint.connect(relay.address);
  await elsewhere.join({ room: "B", mac: MAC_A, resume });
  assertEquals(client.ending, undefined, "a token counts in its own room only");

  witness.takeMessages();
  await using again = await DenoEndpoint.connect(relay.address);
  const welcome = await again.join({ room: "A", mac: MAC_A, resume });
  assertNotEquals(again.resume, resume);
  assertEquals(welcome["gatewayPresent"], true);
  assertEquals((await client.ended()).code, CloseCode.done, "it closes itself");
  assertEquals(client.messages.at(-1)?.["code"], "replaced");
  const peer = { role: "client", mac: MAC_A };
  assertEquals([await witness.message(), await witness.message()], [
    { type: "peerLeft", peerId: client.peerId, ...peer, reason: "replaced" },
    { type: "peerJoined", peerId: again.peerId, ...peer },
  ]);
  const known = [await again.message(), await again.message()].map((m) => m["peerId"]);
  assertEquals(known.toSorted(), [witness.peerId, gateway.peerId].toSorted());

  await using thief = await DenoEndpoint.connect(relay.address);
  const answer = await thief.hello({ room: "A", mac: MAC_A, resume });
  assertEquals(answer["code"], "mac-in-use", "a token is good once");
  await using newGateway = await DenoEndpoint.connect(relay.address);
  await newGateway.join({ room: "A", resume: gateway.resume });
  assertEquals((await witness.message())["reason"], "replaced");
});

//= PROTOCOL.md 5.3
//# | 3 | policy | `kicked`, `room-closed`; `replaced` | `kicked` (of a room that is closed nobody
//# is told of the others); `replaced`
Deno.test("who is replaced and does not close is closed with code 3 and hears no more frames", async () => {
  await using relay = await RelayProcess.start();
  await using old = await DenoEndpoint.connect(relay.address, { closesOnLastMessage: false });
  await old.join({ room: "A", mac: MAC_A });
  await using other = await DenoEndpoint.connect(relay.address);
  await other.join({ room: "A", mac: MAC_B });
  await using again = await DenoEndpoint.connect(relay.address);
  await again.join({ room: "A", mac: MAC_A, resume: old.resume });
  await other.sendFrame(broadcast(MAC_B, 60));
  await again.frame();
  await old.sendFrame(broadcast(MAC_A, 60));
  assertEquals(await old.ended(), { code: CloseCode.policy, reason: "" });
  assertEquals(old.datagramsReceived, 0);
  assertEquals(other.takeFrames(), [], "what it still sends goes nowhere");
});

Deno.test("after SIGKILL and a new start endpoints notice, and come back with old tokens", async () => {
  await using relay = await RelayProcess.start();
  await using client = await DenoEndpoint.connect(relay.address);
  await client.join({ room: "A", mac: MAC_A });
  relay.kill("SIGKILL");
  await relay.waitExit();
  await relay.restart();
  await client.sendFrame(broadcast(MAC_A, 60));
  const ending = await client.ended();
  assertMatch(ending.reason, /reset/, "by the stateless reset key that the relay has kept");
  await using again = await DenoEndpoint.connect(relay.address);
  const { resume } = client;
  assertEquals((await again.join({ room: "A", mac: MAC_A, resume })).type, "welcome");
  await using other = await DenoEndpoint.connect(relay.address);
  await other.join({ room: "A", mac: MAC_B });
  await other.sendFrame(broadcast(MAC_B, 60));
  assertEquals((await again.frame()).sourcePeerId, other.peerId);
});
