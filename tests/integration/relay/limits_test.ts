/** Deno's own QUIC against the compiled relay: every limit, and that it meets nobody else. */
import { assert, assertEquals, assertGreater, assertMatch, assertRejects } from "@std/assert";
import { DenoEndpoint, type HelloFields } from "../../support/deno_endpoint.ts";
import { BROADCAST_MAC, ethernet, pattern } from "../../../tools/lab/frames.ts";
import { halfOpenInitial } from "../../support/half_open.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { pause } from "../../../tools/lab/wait.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";
const MAC_C = "02:00:00:00:00:0c";
const MAC_LAN = "00:11:22:33:44:55";
const MAC_NOBODY = "00:11:22:33:44:99";
const ELSEWHERE = "127.0.0.9";
const STATS_TIMEOUT_MS = 12_000;

function frameOf(destination: string, source: string, bytes: number): Uint8Array {
  return ethernet({ destination, source, type: 0x88b6, payload: pattern(bytes - 14) });
}

async function joined(
  relay: RelayProcess,
  hello: HelloFields,
  localHost = "127.0.0.1",
): Promise<DenoEndpoint> {
  const endpoint = await DenoEndpoint.connect(relay.address, { localHost });
  await endpoint.join(hello);
  return endpoint;
}

/** Nothing more comes when nothing has come for so long. */
const QUIET_MS = 500;

/** Sends a frame many times, in about a tenth of a second for 100; how many of them came. */
async function arrivals(
  from: DenoEndpoint,
  frame: Uint8Array,
  count: number,
  to: DenoEndpoint,
): Promise<number> {
  to.takeFrames();
  for (let i = 0; i < count; i++) {
    await from.sendFrame(frame);
    if (i % 5 === 4) await pause(2);
  }
  let arrived = 0;
  for (let quietMs = 0; arrived < count && quietMs < QUIET_MS; quietMs += 50) {
    await pause(50);
    const frames = to.takeFrames();
    arrived += frames.length;
    if (frames.length > 0) quietMs = 0;
  }
  return arrived;
}

/** What the relay's next stats say that it dropped of a peer's frames. */
async function dropsOf(endpoint: DenoEndpoint): Promise<Record<string, number>> {
  endpoint.takeMessages();
  const stats = await endpoint.messageOf("stats", STATS_TIMEOUT_MS);
  return stats["drops"] as Record<string, number>;
}

Deno.test("what one peer sends too much is dropped and counted, and a pair elsewhere loses nothing", async () => {
  await using relay = await RelayProcess.start({
    options: [
      ...["--max-broadcast-frames", "40", "--max-broadcast-kilobytes", "60"],
      ...["--max-unknown-frames", "30", "--max-megabits", "2", "--burst-ms", "1000"],
    ],
  });
  await using gateway = await joined(relay, { room: "FLOOD" });
  await using a = await joined(relay, { room: "FLOOD", mac: MAC_A });
  await using b = await joined(relay, { room: "FLOOD", mac: MAC_B });
  await using c = await joined(relay, { room: "FLOOD", mac: MAC_C });
  await using quiet = await joined(relay, { room: "QUIET", mac: MAC_A });
  await using other = await joined(relay, { room: "QUIET", mac: MAC_B });
  const pair = arrivals(quiet, frameOf(MAC_B, MAC_A, 200), 300, other);

  const small = await arrivals(a, frameOf(BROADCAST_MAC, MAC_A, 60), 100, b);
  assert(small >= 40 && small < 80, `${small} of 100 broadcasts`);
  const large = await arrivals(c, frameOf(BROADCAST_MAC, MAC_C, 1_200), 100, gateway);
  assert(large >= 20 && large < 80, `${large} of 100 long broadcasts`);
  const unknown = await arrivals(b, frameOf(MAC_NOBODY, MAC_B, 60), 100, gateway);
  assert(unknown >= 30 && unknown < 70, `${unknown} of 100 to an unknown MAC`);
  await gateway.sendFrame(frameOf(MAC_B, MAC_LAN, 60));
  await b.frame();
  assertEquals(await arrivals(b, frameOf(MAC_LAN, MAC_B, 60), 100, gateway), 100);
  // For 250 kB, and as many each second: also where this takes some seconds much is left over.
  const long = await arrivals(b, frameOf(MAC_A, MAC_B, 1_000), 1_000, a);
  assert(long >= 100 && long < 980, `${long} of 1000 kB`);
  assertEquals(await pair, 300);

  const drops = await Promise.all([a, b, c, quiet].map(dropsOf));
  assertEquals(drops[0]["broadcast-limit"], 100 - small);
  assertEquals(drops[1]["unknown-unicast-limit"], 100 - unknown);
  // Of so many bytes at a time a queue may drop some as well.
  assertGreater(drops[1]["bandwidth-limit"], 20);
  assert(drops[1]["bandwidth-limit"] <= 1_000 - long);
  assertGreater(drops[2]["broadcast-limit"], 20);
  assert(drops[2]["broadcast-limit"] <= 100 - large);
  assertEquals(drops[3], {});
});

Deno.test("a relay's first log line says its policy, and what strangers may do under it", async () => {
  const options = [["--policy", "open"], ["--policy", "keyed"], [
    "--policy",
    "keyed",
    "--reactors",
    "2",
  ]];
  for (const one of options) {
    await using relay = await RelayProcess.start({ options: one });
    const [first] = relay.log.split("\n");
    const { level, message, policy } = JSON.parse(first);
    assertEquals([level, policy], [one[1] === "open" ? "WARN" : "INFO", one[1]]);
    assertMatch(message, /^Everybody may .* --policy listed .* alone$/);
  }
});

Deno.test("whoever sends too many control messages is sent away", async () => {
  await using relay = await RelayProcess.start({ options: ["--max-control-messages", "12"] });
  await using noisy = await joined(relay, { room: "NOISE", mac: MAC_A });
  await using other = await joined(relay, { room: "NOISE", mac: MAC_B });
  for (let i = 0; i < 12; i++) await noisy.send({ type: "stats" });
  await pause(200);
  assertEquals(noisy.ending, undefined);
  await noisy.send({ type: "stats" });
  await noisy.ended();
  const left = noisy.messages.at(-1);
  assertEquals([left?.type, left?.["code"]], ["disconnect", "protocol-error"]);
  assertEquals((await other.messageOf("peerLeft"))["reason"], "error");
});

Deno.test("an address has so many peers; another one its own", async () => {
  await using relay = await RelayProcess.start({ options: ["--max-peers-per-address", "2"] });
  const first = await joined(relay, { room: "ONE", mac: MAC_A });
  await using _second = await joined(relay, { room: "TWO", mac: MAC_B });
  const third = async (localHost?: string, token: { resume?: string } = {}) => {
    const endpoint = await DenoEndpoint.connect(relay.address, localHost ? { localHost } : {});
    return { endpoint, answer: await endpoint.hello({ room: "TWO", mac: MAC_C, ...token }) };
  };
  const { endpoint, answer } = await third();
  assertEquals([answer["code"], answer["retryAfterMs"]], ["rate-limited", 10_000]);
  await endpoint.ended();
  const { endpoint: guest, answer: welcome } = await third(ELSEWHERE);
  assertEquals(welcome.type, "welcome");
  await guest.leave();
  await first.leave();
  // As a client does, whatever the relay keeps for the guest.
  const token = { resume: String(welcome["resume"]) };
  const { endpoint: late, answer: second } = await third(undefined, token);
  assertEquals(second.type, "welcome", "a place has become free");
  await late.leave();
});

Deno.test("an address completes so many handshakes; a pair in a room and other addresses notice nothing", async () => {
  await using relay = await RelayProcess.start({ options: ["--max-handshakes-per-address", "1"] });
  await using a = await joined(relay, { room: "CALM", mac: MAC_A }, ELSEWHERE);
  await using b = await joined(relay, { room: "CALM", mac: MAC_B }, ELSEWHERE);
  const shake = async (localHost: string) => {
    try {
      await using endpoint = await DenoEndpoint.connect(relay.address, { localHost });
      await pause(30);
      return endpoint.ending === undefined;
    } catch {
      return false;
    }
  };
  // Twenty at once, and one more each second that this takes.
  let [completed, refused] = [0, 0];
  const startMs = performance.now();
  while (refused < 5 && completed < 100) {
    if (await shake("127.0.0.1")) completed++;
    else refused++;
  }
  const mostCompleted = 21 + (performance.now() - startMs) / 1_000;
  assert(completed >= 20 && completed <= mostCompleted, `${completed} handshakes`);
  assertEquals(refused, 5);
  assert(await shake("127.0.0.10"), "from another address");
  assertEquals(await arrivals(a, frameOf(MAC_B, MAC_A, 100), 50, b), 50);
  await pause(1_500);
  assert(await shake("127.0.0.1"), "after a while");
});

Deno.test("there are so many connections and no more, until one ends", async () => {
  await using relay = await RelayProcess.start({ options: ["--max-connections", "3"] });
  await using _a = await joined(relay, { room: "FEW", mac: MAC_A });
  await using _b = await joined(relay, { room: "FEW", mac: MAC_B });
  const silent = await DenoEndpoint.connect(relay.address);
  await assertRejects(() => DenoEndpoint.connect(relay.address));
  await silent[Symbol.asyncDispose]();
  await pause(300);
  await using late = await joined(relay, { room: "FEW", mac: MAC_C });
  assertEquals(late.peerId, 3);
});

Deno.test("where there are too many connections, the longest silent one gives way", async () => {
  await using relay = await RelayProcess.start({ options: ["--max-connections", "4"] });
  await using a = await joined(relay, { room: "FEW", mac: MAC_A });
  const options = { closesOnLastMessage: false };
  await using first = await DenoEndpoint.connect(relay.address, options);
  await pause(300);
  await using second = await DenoEndpoint.connect(relay.address, options);
  await using third = await DenoEndpoint.connect(relay.address, options);
  await assertRejects(() => DenoEndpoint.connect(relay.address));
  await pause(100);
  assertEquals([first, second, third].map(({ ending }) => ending), [
    undefined,
    undefined,
    undefined,
  ], "who has just come has time to say hello");
  await pause(2_000);
  await assertRejects(() => DenoEndpoint.connect(relay.address));
  assertEquals((await first.ended()).code, 1);
  await pause(300);
  await using late = await joined(relay, { room: "FEW", mac: MAC_C });
  assertEquals([late.peerId, a.ending, second.ending, third.ending], [
    2,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("there are so many peers in all rooms", async () => {
  await using relay = await RelayProcess.start({ options: ["--max-peers", "2"] });
  await using _a = await joined(relay, { room: "ONE", mac: MAC_A });
  await using _b = await joined(relay, { room: "TWO", mac: MAC_A });
  await using third = await DenoEndpoint.connect(relay.address);
  const answer = await third.hello({ room: "ONE", mac: MAC_B });
  assertEquals([answer["code"], answer["retryAfterMs"]], ["relay-full", 30_000]);
});

Deno.test("when many handshakes begin at once, each must first prove its address; rooms notice nothing", async () => {
  await using relay = await RelayProcess.start();
  await using a = await joined(relay, { room: "CALM", mac: MAC_A });
  await using b = await joined(relay, { room: "CALM", mac: MAC_B });
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const answers = { retry: 0, other: 0 };
  const reading = (async () => {
    for await (const [packet] of socket) {
      // Long header, type 3 (RFC 9000, section 17.2.5).
      if ((packet[0] & 0xf0) === 0xf0) answers.retry++;
      else answers.other++;
    }
  })();
  const { host: hostname, port } = relay.address;
  const flood = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await socket.send(halfOpenInitial(), { transport: "udp", hostname, port });
      if (i % 10 === 9) await pause(2);
    }
    await pause(300);
  };
  await flood(50);
  assertEquals(answers.retry, 0, "few are served at once");
  const pair = arrivals(a, frameOf(MAC_B, MAC_A, 200), 100, b);
  await flood(600);
  // An address is asked but once in a while; those that are kept are answered with an ACK each.
  assertGreater(answers.retry, 0);
  assert(answers.other >= 100 && answers.other <= 350, JSON.stringify(answers));
  assertEquals(await pair, 100);
  await using late = await joined(relay, { room: "CALM", mac: MAC_C });
  assertEquals(late.peerId, 3, "who has an address comes in");
  socket.close();
  await reading;
});
