/**
 * The compiled relay's status pages, while a party goes on.
 *
 * ```
 *  two clients ── frames ──► relay ◄── HTTP: scraper, page, strangers
 * ```
 */
import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { DenoEndpoint } from "../../support/deno_endpoint.ts";
import { RelayProcess } from "../../support/relay_process.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";
const FRAMES = 300;
/** What an answer may take, the machine being busy. */
const ANSWER_MAX_MS = 1_000;

/** A relay with status pages on a port of its own. */
async function startRelay(): Promise<{ relay: RelayProcess; url: string }> {
  const relay = await RelayProcess.start({ options: ["--status", "0"] });
  return { relay, url: await relay.statusUrl() };
}

/** The value of a metric. */
function valueOf(metrics: string, name: string): number {
  const line = metrics.split("\n").find((one) => one.startsWith(`${name} `));
  assert(line !== undefined, name);
  return Number(line.slice(name.length + 1));
}

async function textOf(url: string): Promise<string> {
  const response = await fetch(url);
  assertEquals(response.status, 200);
  return await response.text();
}

/** Sends bytes over TCP and returns what comes back until the end, or for half a second. */
async function tell(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(request));
  const timer = setTimeout(() => connection.closeWrite().catch(() => {}), 500);
  const bytes = new Uint8Array(65_536);
  try {
    const count = await connection.read(bytes);
    return new TextDecoder().decode(bytes.subarray(0, count ?? 0));
  } finally {
    // Also where the other side has cut the connection.
    clearTimeout(timer);
  }
}

Deno.test("the pages show rooms, peers, traffic and drops as they are", async () => {
  const { relay, url } = await startRelay();
  await using _relay = relay;
  assertMatch(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assertEquals(await textOf(`${url}/healthz`), "ok\n");
  await using ann = await DenoEndpoint.connect(relay.address);
  await using bob = await DenoEndpoint.connect(relay.address);
  await ann.join({ room: "PARTY", mac: MAC_A, name: "Ann <b>" });
  await bob.join({ room: "PARTY", mac: MAC_B });
  const frame = new Uint8Array(100);
  frame.set([2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a, 0x88, 0xb6]);
  const foreign = frame.slice();
  foreign[11] = 0x77;
  let slowestMs = 0;
  for (let i = 0; i < FRAMES; i++) {
    await ann.sendFrame(frame);
    if (i % 30 !== 0) continue;
    const startMs = performance.now();
    await textOf(`${url}/metrics`);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
  }
  await ann.sendFrame(foreign);
  for (let i = 0; i < FRAMES; i++) await bob.frame();
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertLess(slowestMs, ANSWER_MAX_MS);

  const metrics = await textOf(`${url}/metrics`);
  assertEquals(valueOf(metrics, 'lanparty_peers{role="client"}'), 2);
  assertEquals(valueOf(metrics, 'lanparty_frames_total{action="send"}'), FRAMES);
  assertEquals(valueOf(metrics, 'lanparty_frame_bytes_total{action="send"}'), FRAMES * 100);
  assertEquals(valueOf(metrics, 'lanparty_drops_total{reason="foreign-source"}'), 1);
  assertEquals(valueOf(metrics, "lanparty_joins_total"), 2);
  assertGreater(valueOf(metrics, "lanparty_loop_lag_seconds_count"), 10);

  const { rooms } = JSON.parse(await textOf(`${url}/api/rooms`));
  assertEquals(rooms.map(({ room }: { room: string }) => room), ["PARTY"]);
  const [first, second] = rooms[0].peers;
  assertEquals([first.role, first.mac, first.name], ["client", MAC_A, "Ann <b>"]);
  assertEquals(second.traffic.framesSent, FRAMES);
  assertLess(Math.abs(first.joinedUnixMs - Date.now()), 60_000);
});

Deno.test("strangers' names, other methods, bodies and noise are turned away", async () => {
  const { relay, url } = await startRelay();
  await using _relay = relay;
  const head = (line: string, host: string, more = "") =>
    `${line} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
  const cases: readonly [string, RegExp][] = [
    [head("GET /api/rooms", "evil.example"), /^HTTP\/1\.1 421 /],
    [head("POST /api/rooms", "127.0.0.1", "Content-Length: 0\r\n"), /^HTTP\/1\.1 405 /],
    [head("GET /metrics", "127.0.0.1", "Content-Length: 999999999\r\n"), /^HTTP\/1\.1 400 /],
    [head("GET /../../etc/passwd", "127.0.0.1"), /^HTTP\/1\.1 404 /],
    ["\x16\x03\x01\x02\x00 noise\r\n\r\n", /^(HTTP\/1\.1 400 |$)/],
    [head("GET /", "127.0.0.1", `X-Long: ${"a".repeat(1_000_000)}\r\n`), /^(HTTP\/1\.1 4\d\d |$)/],
  ];
  for (const [request, expected] of cases) {
    const answer = await tell(url, request).catch(() => "");
    assertMatch(answer, expected, request.slice(0, 60));
  }
  assertEquals(await textOf(`${url}/healthz`), "ok\n");
});

Deno.test("without --status nothing is served, and a port in use is said", async () => {
  await using plain = await RelayProcess.start();
  assert(!plain.log.includes("Serving status"));
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  let message = "";
  try {
    await using _relay = await RelayProcess.start({ options: ["--status", String(port)] });
    await _relay.waitExit();
    message = _relay.log;
  } catch (error) {
    message = String(error);
  }
  assertMatch(message, new RegExp(`--status 127.0.0.1:${port} cannot be served`));
});
