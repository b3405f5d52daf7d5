/** Deno's own QUIC against the compiled relay: who gets in, and who is told what. */
import { assert, assertEquals, assertGreater, assertMatch, assertNotEquals } from "@std/assert";
import { DenoEndpoint, type HelloFields, helloOf } from "../../support/deno_endpoint.ts";
import type { Message } from "../../support/deno_messages.ts";
import { RelayProcess } from "../../support/relay_process.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";

/** The answer to one endpoint that says this hello. */
async function ask(relay: RelayProcess, hello: Record<string, unknown>): Promise<Message> {
  await using endpoint = await DenoEndpoint.connect(relay.address);
  await endpoint.send(hello);
  return await endpoint.message();
}

/** The code of a reject, or the type of another answer. */
async function codeOf(relay: RelayProcess, hello: Record<string, unknown>): Promise<string> {
  const answer = await ask(relay, hello);
  return answer.type === "reject" ? String(answer["code"]) : answer.type;
}

Deno.test("a client is welcomed, and a gateway, with the room's MTU", async () => {
  await using relay = await RelayProcess.start();
  await using client = await DenoEndpoint.connect(relay.address);
  const beforeMs = Date.now();
  const welcome = await client.join({ room: "lan-1", mac: MAC_A, name: "Ann", agent: "deno" });
  assertGreater(client.budgetBytes, 1_300);
  assertEquals(client.connection.protocol, "lanparty/1");
  assertEquals(welcome["protocol"], 1);
  assertEquals(welcome["peerId"], 1);
  assertEquals(welcome["room"], "LAN-1");
  assertEquals(welcome["tapMtu"], 1_400, "a player's path narrows no room");
  assertEquals(welcome["gatewayPresent"], false);
  assert(Math.abs(Number(welcome["relayTime"]) - beforeMs) < 5_000);
  assertMatch(String(welcome["resume"]), /^[A-Za-z0-9_-]{22,}$/);

  await using gateway = await DenoEndpoint.connect(relay.address);
  const second = await gateway.join({ room: "LAN-1", datagramBudget: 900 });
  assertEquals(second["peerId"], 2);
  assertEquals(second["tapMtu"], 1_400, "it falls after a minute");
  assertEquals(second["gatewayPresent"], true, "true for a gateway itself");
  assertNotEquals(second["resume"], welcome["resume"]);
  assertEquals([client.wrongMessages, gateway.wrongMessages], [[], []]);
});

Deno.test("a gateway's narrow budget makes a narrow room, but none below 1280", async () => {
  await using relay = await RelayProcess.start({ options: ["--max-tap-mtu", "1390"] });
  for (const [datagramBudget, tapMtu] of [[608, 1_280], [1_299, 1_281], [65_535, undefined]]) {
    await using gateway = await DenoEndpoint.connect(relay.address);
    const room = `BUDGET-${datagramBudget}`;
    await gateway.join({ room, datagramBudget: datagramBudget! });
    if (tapMtu !== undefined) assertEquals(gateway.tapMtu, tapMtu);
    else assert(gateway.tapMtu > 1_300 && gateway.tapMtu <= 1_390, `${gateway.tapMtu}`);
  }
});

Deno.test("hellos that are none, and those of another protocol", async () => {
  await using relay = await RelayProcess.start();
  const good = helloOf({ room: "A", mac: MAC_A });
  const cases: [string, Record<string, unknown>][] = [
    ["invalid-hello", { type: "stats" }],
    ["invalid-hello", { type: "disconnect", code: "bye" }],
    ["invalid-hello", { ...good, protocol: undefined }],
    ["invalid-hello", { ...good, protocol: "1" }],
    ["protocol-version", { type: "hello", protocol: 2 }],
    ["protocol-version", { ...good, protocol: 0, room: "" }],
    ["invalid-hello", { ...good, room: "LAN PARTY" }],
    ["invalid-hello", { ...good, room: "p\u0131ng" }],
    ["invalid-hello", { ...good, mac: undefined }],
    ["invalid-hello", { ...good, mac: "03:00:00:00:00:0a" }],
    ["invalid-hello", { ...good, role: "relay" }],
    ["invalid-hello", { ...good, name: "n".repeat(65) }],
    ["welcome", { ...good, name: "\u{1f3ae}".repeat(64), later: { a: 1 }, roomKey: null }],
  ];
  await Promise.all(cases.map(async ([code, hello]) => {
    assertEquals(await codeOf(relay, hello), code, JSON.stringify(hello));
  }));
});

Deno.test("a full relay, a full room, a taken MAC and a second gateway are told so", async () => {
  const options = ["--max-rooms", "1", "--max-peers-per-room", "2"];
  await using relay = await RelayProcess.start({ options });
  await using gateway = await DenoEndpoint.connect(relay.address);
  await gateway.join({ room: "ONE" });
  await using client = await DenoEndpoint.connect(relay.address);
  await client.join({ room: "ONE", mac: MAC_A });
  // From here each hello breaks the rule that is named and all those behind it.
  const expected: [string, HelloFields, number | undefined][] = [
    ["relay-full", { room: "TWO", mac: MAC_A, datagramBudget: 1 }, 30_000],
    ["budget-too-small", { room: "ONE", mac: MAC_A, datagramBudget: 607 }, undefined],
    ["budget-too-small", { room: "ONE", datagramBudget: -1 }, undefined],
    ["mac-in-use", { room: "ONE", mac: MAC_A }, 1_000],
    ["gateway-exists", { room: "ONE" }, 1_000],
    ["room-full", { room: "ONE", mac: MAC_B }, 10_000],
  ];
  await Promise.all(expected.map(async ([code, hello, retryAfterMs]) => {
    const answer = await ask(relay, helloOf(hello));
    assertEquals([answer.type, answer["code"]], ["reject", code]);
    assertEquals(answer["retryAfterMs"], retryAfterMs, code);
    assert(String(answer["message"]).length > 5, code);
  }));
  assertEquals([client.takeMessages().length, gateway.takeMessages().length], [1, 1]);
});

//= PROTOCOL.md 7.1
//# | 2 | `protocol-version` | `protocol` is an integer other than 1
//= PROTOCOL.md 7.1
//# | 3 | `invalid-hello` | any other field breaks section 6.1
//= PROTOCOL.md 7.1
//# | 4 | `rate-limited` | too many hellos, too many that showed no right key (a locked room behind
//# the right one is no such), or (unless 8 applies) too many peers from this address, or too many
//# rooms that were opened from it
//= PROTOCOL.md 7.1
//# | 5 | `relay-full` | too many peers, or too many rooms and this one would be new (and none in
//# which a gateway waits alone gives way: it gets `room-closed` with `retryAfterMs`); not where the
//# hello replaces a session, or where 8 applies | yes
//= PROTOCOL.md 7.1
//# | 8 | (`redirect`) | the room lives elsewhere
Deno.test("the reasons are looked for in their order", async () => {
  const options = ["--max-rooms", "1", "--redirect", "FAR=192.0.2.7:443"];
  await using relay = await RelayProcess.start({ options });
  await using holder = await DenoEndpoint.connect(relay.address, { localHost: "127.0.0.2" });
  await holder.join({ room: "ONE", mac: MAC_A });
  const far = helloOf({ room: "far", mac: MAC_A, datagramBudget: 1 });
  assertEquals(await codeOf(relay, { ...far, protocol: 7, role: 0 }), "protocol-version");
  assertEquals(await codeOf(relay, { ...far, role: 0 }), "invalid-hello");
  assertEquals(await ask(relay, far), { type: "redirect", relay: "192.0.2.7:443" });
  const full = helloOf({ room: "TWO", mac: MAC_A, datagramBudget: 1 });
  assertEquals(await codeOf(relay, full), "relay-full", "before budget-too-small");
  for (const hello of [far, full, helloOf({ room: "ONE", mac: MAC_A })]) {
    const limited = await untilLimited(relay, hello);
    const afterMs = Number(limited["retryAfterMs"]);
    assert(afterMs >= 1 && afterMs <= 1_000, `${afterMs} ms`);
  }
  assertEquals(await codeOf(relay, { ...far, role: 0 }), "invalid-hello", "before rate-limited");
  await using other = await DenoEndpoint.connect(relay.address, { localHost: "127.0.0.3" });
  const welcome = await other.hello({ room: "ONE", mac: MAC_B });
  assertEquals(welcome.type, "welcome", "another address has hellos of its own");
});

/** Says this hello until this address has said too many, whatever else is wrong with it. */
async function untilLimited(relay: RelayProcess, hello: Record<string, unknown>): Promise<Message> {
  for (let round = 0; round < 60; round++) {
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(relay, hello)));
    const limited = answers.find((answer) => answer["code"] === "rate-limited");
    if (limited !== undefined) return limited;
    assertEquals(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
  }
  throw new Error("never too many hellos");
}

//= PROTOCOL.md 5.3
//# Who ends a session sends `reject`, `redirect` or `disconnect` as its last message, finishes its
//# side of the stream (FIN), waits until the other side closes the connection, or 1 s, and then
//# closes it with the application error code below.
//= PROTOCOL.md 5.3
//# | 1 | rejected | `reject`, `redirect` | – (was never in the room)
Deno.test("who does not close after a reject or redirect is closed after a second", async () => {
  await using relay = await RelayProcess.start({ options: ["--redirect", "FAR=192.0.2.7:443"] });
  const hellos = [
    { type: "hello", protocol: 2 },
    { type: "stats" },
    helloOf({ room: "A", mac: MAC_A, datagramBudget: 1 }),
    helloOf({ room: "FAR", mac: MAC_A }),
  ];
  await Promise.all(hellos.map(async (hello) => {
    await using endpoint = await DenoEndpoint.connect(relay.address, {
      closesOnLastMessage: false,
    });
    await endpoint.send(hello);
    await endpoint.message();
    const answeredMs = performance.now();
    assertEquals((await endpoint.ended()).code, 1);
    assert(endpoint.controlFinished, "the relay finishes its side first");
    const waitedMs = performance.now() - answeredMs;
    assert(waitedMs > 500 && waitedMs < 2_500, `closed after ${waitedMs} ms`);
  }));
});

Deno.test("a redirect leads to the relay that it names", async () => {
  await using home = await RelayProcess.start();
  const { host, port } = home.address;
  const options = ["--redirect", `AWAY=${host}:${port}`];
  await using relay = await RelayProcess.start({ options });
  await using first = await DenoEndpoint.connect(relay.address);
  const redirect = await first.hello({ room: "AWAY", mac: MAC_A });
  assertEquals(redirect, { type: "redirect", relay: `${host}:${port}` });
  const [, toHost, toPort] = /^(.*):(\d+)$/.exec(String(redirect["relay"]))!;
  const target = { ...relay.address, host: toHost, port: Number(toPort) };
  await using second = await DenoEndpoint.connect(target);
  assertEquals((await second.join({ room: "AWAY", mac: MAC_A }))["room"], "AWAY");
});
