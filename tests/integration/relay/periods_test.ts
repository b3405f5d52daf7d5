/**
 * Deno's own QUIC against the compiled relay: what happens after ten seconds. All of it is waited for
 * at once.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { encodeControl } from "../../support/deno_codec.ts";
import { CloseCode, DenoEndpoint, helloOf } from "../../support/deno_endpoint.ts";
import { BROADCAST_MAC, ethernet, pattern } from "../../../tools/lab/frames.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { pause } from "../../../tools/lab/wait.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";

Deno.test("after ten seconds the relay has sent stats, and lost patience with the slow", async () => {
  await using relay = await RelayProcess.start();
  await Promise.all([checkDeadlines(relay), checkStats(relay)]);
});

/** Silence before the hello, half a hello and half a message have ten seconds. */
async function checkDeadlines(relay: RelayProcess): Promise<void> {
  const options = { closesOnLastMessage: false };
  const hello = encodeControl(helloOf({ room: "SLOW", mac: MAC_A }));
  const timed = async (run: (endpoint: DenoEndpoint) => Promise<void>) => {
    await using endpoint = await DenoEndpoint.connect(relay.address, options);
    const startMs = performance.now();
    await run(endpoint);
    let message = endpoint.ending === undefined ? await endpoint.message(14_000) : undefined;
    if (message?.type === "stats") message = await endpoint.message();
    const toldMs = performance.now() - startMs;
    assert(toldMs > 9_000 && toldMs < 12_500, `after ${toldMs} ms`);
    assertEquals((await endpoint.ended()).code, CloseCode.protocol);
    return message?.["code"] ?? "closed";
  };
  const outcomes = await Promise.all([
    timed(async (endpoint) => {
      await endpoint.ended(14_000);
    }),
    timed(async (endpoint) => await endpoint.sendBytes(hello.subarray(0, 1))),
    timed(async (endpoint) => await endpoint.sendBytes(hello.subarray(0, hello.length - 1))),
    timed(async (endpoint) => {
      await endpoint.sendBytes(hello);
      assertEquals((await endpoint.message()).type, "welcome");
      await endpoint.sendBytes(hello.subarray(0, 30));
      for (let sent = 30; sent < 36; sent++) {
        await pause(1_000);
        await endpoint.sendBytes(hello.subarray(sent, sent + 1));
      }
    }),
  ]);
  assertEquals(outcomes, ["closed", "hello-timeout", "hello-timeout", "protocol-error"]);
}

/** A frame that all others of a room get. */
function broadcast(source: string, payloadBytes: number): Uint8Array {
  const payload = pattern(payloadBytes);
  return ethernet({ destination: BROADCAST_MAC, source, type: 0x88b6, payload });
}

/** Every ten seconds the relay says what it has done with a peer's frames. */
async function checkStats(relay: RelayProcess): Promise<void> {
  await using one = await DenoEndpoint.connect(relay.address);
  await one.join({ room: "A", mac: MAC_A });
  const joinedMs = performance.now();
  await using two = await DenoEndpoint.connect(relay.address);
  await two.join({ room: "A", mac: MAC_B });
  await one.sendFrame(broadcast(MAC_A, 46));
  await one.sendFrame(broadcast(MAC_A, 1_500));
  await two.frame();
  await two.frame();
  await two.sendFrame(broadcast(MAC_B, 86));
  await one.frame();
  await one.sendFrame(broadcast(MAC_B, 46));
  await one.sendDatagram(Uint8Array.of(9));
  await one.send({ type: "stats", framesSent: 2, drops: {}, diagnostics: { tap: { mtu: 1400 } } });
  assertEquals((await one.message()).type, "peerJoined");
  const stats = await one.message(14_000);
  const waitedMs = performance.now() - joinedMs;
  assert(waitedMs > 9_000 && waitedMs < 12_500, `after ${waitedMs} ms`);
  const { rttUs, uptimeMs, drops, ...totals } = stats;
  assertGreater(Number(rttUs), 0);
  assert(Math.abs(Number(uptimeMs) - 10_000) < 1_500, `${uptimeMs} ms`);
  assertEquals(drops, { "foreign-source": 1, "malformed-short": 1 });
  assertEquals(totals, {
    type: "stats",
    framesReceived: 3,
    framesSent: 1,
    bytesReceived: 60 + 1_514 + 60,
    bytesSent: 100,
    datagramsReceived: 5,
    datagramsSent: 1,
    framesSplit: 0,
    framesReassembled: 0,
  });
  assertEquals((await two.message()).type, "peerJoined");
  const others = await two.message();
  assertEquals([others["framesReceived"], others["framesSent"]], [1, 2]);
  assertEquals([others["datagramsReceived"], others["datagramsSent"]], [1, 3]);
}
