/** Deno's own QUIC against the compiled relay: how sessions end, and who closes with which code. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { encodeControl } from "../../support/deno_codec.ts";
import { CloseCode, DenoEndpoint, helloOf } from "../../support/deno_endpoint.ts";
import type { Message } from "../../support/deno_messages.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { pause } from "../../../tools/lab/wait.ts";

const MAC_A = "02:00:00:00:00:0a";

/** How long the relay waits for the endpoint to close, with what a busy machine adds at either end. */
const GRACE_MS = { min: 500, max: 2_500 } as const;

const utf8 = (text: string) => new TextEncoder().encode(text);

/** A length and what stands behind it, which need not agree. */
function framed(length: number, text: string | Uint8Array): Uint8Array {
  const body = typeof text === "string" ? utf8(text) : text;
  const bytes = new Uint8Array(4 + body.length);
  new DataView(bytes.buffer).setUint32(0, length);
  bytes.set(body, 4);
  return bytes;
}

/** An endpoint in a room of its own that does not close by itself. */
async function stubborn(relay: RelayProcess, room: string): Promise<DenoEndpoint> {
  const endpoint = await DenoEndpoint.connect(relay.address, { closesOnLastMessage: false });
  await endpoint.join({ room, mac: MAC_A });
  return endpoint;
}

/** Sees the relay's `disconnect`, its FIN and, a second later, its close with this code. */
async function expectDisconnect(
  endpoint: DenoEndpoint,
  disconnectCode: string,
  closeCode: number,
): Promise<Message> {
  const message = await endpoint.message();
  const toldMs = performance.now();
  assertEquals([message.type, message["code"]], ["disconnect", disconnectCode]);
  assertEquals((await endpoint.ended()).code, closeCode, disconnectCode);
  const waitedMs = performance.now() - toldMs;
  assert(endpoint.controlFinished, "FIN comes before the close");
  assert(waitedMs >= GRACE_MS.min && waitedMs <= GRACE_MS.max, `closed after ${waitedMs} ms`);
  return message;
}

Deno.test("what breaks the rules of the control stream is a protocol error", async () => {
  await using relay = await RelayProcess.start();
  const hello = helloOf({ room: "X", mac: MAC_A });
  const wrongs: [string, Uint8Array][] = [
    ["length 0", framed(0, "")],
    ["length 65,537", framed(65_537, "{")],
    ["the greatest length", framed(0xffffffff, "")],
    ["bad JSON", framed(5, "hello")],
    ["bad UTF-8", framed(4, Uint8Array.of(0x22, 0xff, 0xfe, 0x22))],
    ["a byte order mark", framed(5, "\ufeff{}")],
    ["two values", framed(4, "{}{}")],
    ["a list", encodeControl([])],
    ["no type", encodeControl({})],
    ["an unknown type", encodeControl({ type: "chat", text: "gg" })],
    ["a second hello", encodeControl(hello)],
    ["a relay's welcome", encodeControl({ type: "welcome" })],
    [
      "a relay's peerLeft",
      encodeControl({ type: "peerLeft", peerId: 1, role: "gateway", reason: "bye" }),
    ],
    ["wrong stats", encodeControl({ type: "stats", framesSent: -1 })],
    ["an unknown farewell", encodeControl({ type: "disconnect", code: "bored" })],
  ];
  await Promise.all(wrongs.map(async ([name, bytes], index) => {
    await using witness = await DenoEndpoint.connect(relay.address);
    await witness.join({ room: `R-${index}`, mac: "02:00:00:00:00:0f" });
    await using endpoint = await stubborn(relay, `R-${index}`);
    assertEquals((await endpoint.message()).type, "peerJoined", name);
    assertEquals((await witness.message()).type, "peerJoined", name);
    await endpoint.sendBytes(bytes);
    await expectDisconnect(endpoint, "protocol-error", CloseCode.protocol);
    const left = await witness.message();
    assertEquals([left.type, left["reason"]], ["peerLeft", "error"], name);
  }));
});

Deno.test("bad lengths and bad JSON are protocol errors before the hello, too", async () => {
  await using relay = await RelayProcess.start();
  await Promise.all([framed(0, ""), framed(70_000, ""), framed(4, "nope")].map(async (bytes) => {
    await using endpoint = await DenoEndpoint.connect(relay.address, {
      closesOnLastMessage: false,
    });
    await endpoint.sendBytes(bytes);
    await expectDisconnect(endpoint, "protocol-error", CloseCode.protocol);
  }));
});

Deno.test("an endpoint that closes when it is told to does not wait for the relay", async () => {
  await using relay = await RelayProcess.start();
  await using endpoint = await DenoEndpoint.connect(relay.address);
  await endpoint.join({ room: "A", mac: MAC_A });
  const startMs = performance.now();
  await endpoint.send({ type: "chat" });
  assertEquals((await endpoint.message())["code"], "protocol-error");
  await endpoint.ended();
  assert(performance.now() - startMs < 800);
  await using again = await DenoEndpoint.connect(relay.address);
  assertEquals((await again.join({ room: "A", mac: MAC_A }))["peerId"], 2, "ids rest");
});

Deno.test("a message may come in single bytes, many may come at once, and unknown fields pass", async () => {
  await using relay = await RelayProcess.start();
  await using endpoint = await DenoEndpoint.connect(relay.address);
  const hello = encodeControl({ ...helloOf({ room: "A", mac: MAC_A }), shoe: { size: 46 } });
  for (const byte of hello) await endpoint.sendBytes(Uint8Array.of(byte));
  assertEquals((await endpoint.message()).type, "welcome");
  const stats = encodeControl({ type: "stats", framesSent: 1, drops: { "no-target": 3 } });
  const many = new Uint8Array(stats.length * 40);
  for (let i = 0; i < 40; i++) many.set(stats, i * stats.length);
  await endpoint.sendBytes(many);
  await endpoint.sendBytes(encodeControl({ type: "stats", padding: "x".repeat(65_000) }));
  await pause(300);
  assertEquals(endpoint.takeMessages(), []);
  assertEquals((await endpoint.leave()).code, CloseCode.done);
});

Deno.test("more than 100 messages within 10 s are too many", async () => {
  await using relay = await RelayProcess.start();
  await using endpoint = await stubborn(relay, "A");
  const one = encodeControl({ type: "stats" });
  for (let i = 0; i < 100; i++) await endpoint.sendBytes(one);
  await pause(200);
  assertEquals(endpoint.takeMessages(), [], "100 are not");
  await endpoint.sendBytes(one);
  await expectDisconnect(endpoint, "protocol-error", CloseCode.protocol);
});

//= PROTOCOL.md 3
//# | streams | the endpoint opens one bidirectional stream and no other; a second one is a protocol
//# error (section 4).
Deno.test("a second stream ends the session, and streams of one direction cannot be opened", async () => {
  await using relay = await RelayProcess.start();
  await using endpoint = await stubborn(relay, "A");
  await assertRejects(() => endpoint.connection.createUnidirectionalStream());
  const second = await endpoint.connection.createBidirectionalStream();
  const writer = second.writable.getWriter();
  await writer.write(Uint8Array.of(0));
  await expectDisconnect(endpoint, "protocol-error", CloseCode.protocol);
  await writer.abort().catch(() => {});
  await second.readable.cancel().catch(() => {});
});

Deno.test("bye and FIN are a farewell: the relay closes at once with code 0", async () => {
  await using relay = await RelayProcess.start();
  for (const farewell of ["bye", "FIN", "bye without FIN"]) {
    await using endpoint = await stubborn(relay, "A");
    const startMs = performance.now();
    if (farewell !== "FIN") await endpoint.send({ type: "disconnect", code: "bye" });
    if (farewell !== "bye without FIN") await endpoint.finish();
    assertEquals(await endpoint.ended(), { code: CloseCode.done, reason: "" }, farewell);
    assert(performance.now() - startMs < 800, farewell);
    assertEquals(endpoint.takeMessages(), [], farewell);
  }
});

//= PROTOCOL.md 5.3
//# | 4 | shutting down | `relay-restarting` | `lost`
Deno.test("on SIGTERM everybody is told when to come back, and the relay ends with 0", async () => {
  await using relay = await RelayProcess.start();
  await using polite = await DenoEndpoint.connect(relay.address);
  await polite.join({ room: "A", mac: MAC_A });
  await using silent = await DenoEndpoint.connect(relay.address, { closesOnLastMessage: false });
  await using deaf = await stubborn(relay, "B");
  const startMs = performance.now();
  relay.kill("SIGTERM");
  const told = await expectDisconnect(deaf, "relay-restarting", CloseCode.shuttingDown);
  assert(Number(told["retryAfterMs"]) > 0);
  assertEquals((await polite.message())["code"], "relay-restarting");
  assertEquals((await silent.ended()).code, CloseCode.shuttingDown);
  assertEquals(await relay.waitExit(), 0);
  assert(performance.now() - startMs < 2_500);
  assertMatch(relay.log, /SIGTERM/);
});

Deno.test("who has not said hello when the relay ends is sent away, too", async () => {
  await using relay = await RelayProcess.start();
  await using holder = await stubborn(relay, "A");
  await using late = await DenoEndpoint.connect(relay.address);
  await late.settle();
  relay.kill("SIGTERM");
  assertEquals((await holder.message())["code"], "relay-restarting");
  assertEquals((await late.ended()).code, CloseCode.shuttingDown);
  assertEquals(await relay.waitExit(), 0);
});
