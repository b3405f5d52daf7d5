/**
 * The compiled relay with two reactors, and endpoints of another QUIC implementation.
 *
 * ```
 *              ┌─ supervisor ─┐
 *  endpoint ──►│ reactor 0    │ redirect: the room lives
 *     │        │              │ in the other one
 *     └───────►│ reactor 1    │
 *              └──────────────┘
 * ```
 */
import { saying } from "../../support/sentences.ts";
import { assert, assertEquals, assertLess, assertMatch, assertNotEquals } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { DenoEndpoint } from "../../support/deno_endpoint.ts";
import { BROADCAST_MAC, ethernet, pattern } from "../../../tools/lab/frames.ts";
import { LabProcess } from "../../../tools/lab/process.ts";
import { arrive, ctl, isAlive, reactorPids, roomOf } from "../../support/reactors.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

const REACTORS = 2;
const [ROOM_0, ROOM_1] = [roomOf(0, REACTORS), roomOf(1, REACTORS)];
const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";
const STOP_MAX_MS = 5_000;
/** That so many parties happen to be in one reactor does not happen. */
const PARTIES_MAX = 24;

function startRelay(...options: string[]): Promise<RelayProcess> {
  return RelayProcess.start({ options: ["--reactors", String(REACTORS), ...options] });
}

/** The fingerprint that the relay has said last. */
function shownPin(relay: RelayProcess): string {
  const shown = [
    ...relay.log.matchAll(/"Certificate (?:in use|read anew)".*?"fingerprint":"(.*?)"/g),
  ];
  return shown[shown.length - 1][1];
}

function frameOf(source: string, number: number) {
  const payload = pattern(100);
  new DataView(payload.buffer).setUint32(0, number);
  return ethernet({ destination: BROADCAST_MAC, source, type: 0x88b6, payload });
}

Deno.test("who comes to the wrong reactor is sent to the right one, and rooms are apart", async () => {
  await using relay = await startRelay();
  assertEquals(relay.addresses.length, 2);
  const pin = shownPin(relay);
  for (const [owner, room] of [ROOM_0, ROOM_1].entries()) {
    await using ann = await arrive(relay.addresses[0], { room, mac: MAC_A });
    await using bob = await arrive(relay.addresses[1], { room, mac: MAC_B });
    const home = relay.addresses[owner];
    assertEquals([ann.address.port, bob.address.port], [home.port, home.port]);
    assertEquals([...ann.redirects, ...bob.redirects], [{
      type: "redirect",
      relay: `127.0.0.1:${home.port}`,
      serverName: "relay.test",
      fingerprint: pin,
    }]);
    await ann.endpoint.sendFrame(frameOf(MAC_A, 1));
    assertEquals((await bob.endpoint.frame()).frame, frameOf(MAC_A, 1));
  }
});

Deno.test("listeners of both families and --public-host lead to the right port of the right host", async () => {
  const listen = ["127.0.0.1:0", "[::1]:0"];
  const options = ["--reactors", "2"];
  await using relay = await RelayProcess.start({ listen, options });
  const [v4, v6] = relay.addresses;
  const [others4, others6] = relay.addresses.slice(2);
  for (const [from, to, mac] of [[v4, others4, MAC_A], [v6, others6, MAC_B]] as const) {
    await using ann = await arrive(from, { room: ROOM_1, mac });
    assertEquals([ann.address.host, ann.address.port], [to.host, to.port]);
  }
  await using named = await startRelay("--public-host", "relay.example.org");
  await using endpoint = await DenoEndpoint.connect(named.address);
  const answer = await endpoint.hello({ room: ROOM_1, mac: MAC_A });
  assertEquals(answer["relay"], `relay.example.org:${named.addresses[1].port}`);
});

Deno.test("all reactors agree on where a room with a key is, its gateway and its players included", async () => {
  await using relay = await startRelay("--policy", "keyed");
  const ports = new Set<number>();
  // Parties of one name are not all in one place.
  for (let party = 0; party < 4 || (ports.size < 2 && party < PARTIES_MAX); party++) {
    const { stdout } = await new Deno.Command(executablePath("gateway"), { args: ["new-key"] })
      .output();
    const text = new TextDecoder().decode(stdout);
    // In print a key has a prefix and a check character.
    const [gatewayKey, roomKey] = ["gateway", "room"].map((kind) =>
      new RegExp(`^${kind}-key\\s+${kind}_(\\S{22})\\S$`, "m").exec(text)![1]
    );
    await using gateway = await arrive(relay.addresses[0], { room: "PARTY", gatewayKey });
    await using ann = await arrive(relay.addresses[1], { room: "PARTY", mac: MAC_A, roomKey });
    assertEquals(ann.address.port, gateway.address.port);
    assertEquals(gateway.redirects.length + ann.redirects.length, 1);
    ports.add(ann.address.port);
    await gateway.endpoint.sendFrame(frameOf("52:54:00:00:00:01", party));
    assertEquals((await ann.endpoint.frame()).frame, frameOf("52:54:00:00:00:01", party));
  }
  assertEquals(ports.size, 2);
  const stranger = await DenoEndpoint.connect(relay.address);
  await using _stranger = stranger;
  assertEquals((await stranger.hello({ room: "PARTY", mac: MAC_B }))["code"], "not-admitted");
});

Deno.test("a reactor that is killed takes down its rooms only, and comes back on its port", async () => {
  await using relay = await startRelay();
  await using ann = await arrive(relay.address, { room: ROOM_0, mac: MAC_A });
  await using bob = await arrive(relay.address, { room: ROOM_0, mac: MAC_B });
  await using carol = await arrive(relay.address, { room: ROOM_1, mac: MAC_A });
  assertEquals(await ctl(relay, "lock OTHER"), [0, "OTHER is locked: nobody new is let in\n"]);
  const before = reactorPids(relay.pid);
  assertEquals(before.size, 2);
  let sent = 0;
  const send = async () => await ann.endpoint.sendFrame(frameOf(MAC_A, sent++));
  for (let i = 0; i < 20; i++) await send();
  Deno.kill(before.get(1)!, "SIGKILL");
  for (const endMs = performance.now() + 3_000; performance.now() < endMs; await pause(10)) {
    await send();
  }
  await eventually("reactor 1 again", () => reactorPids(relay.pid).get(1) !== undefined);
  assertNotEquals(reactorPids(relay.pid).get(1), before.get(1));
  assertEquals(reactorPids(relay.pid).get(0), before.get(0));
  // She need not wait for her connection's idle timeout: the reactor's own reset key has outlived it.
  assertMatch((await carol.endpoint.ended(12_000)).reason, /reset/);
  await eventually("carol's room again", async () => {
    await using again = await arrive(relay.address, { room: ROOM_1, mac: MAC_A }).catch(() => ({
      [Symbol.asyncDispose]: () => Promise.resolve(),
      address: undefined,
    }));
    return again.address?.port === carol.address.port;
  });
  for (let number = 0; number < sent; number++) {
    assertEquals((await bob.endpoint.frame()).frame, frameOf(MAC_A, number));
  }
  assertMatch(relay.log, /"A reactor has died with its rooms.*"reactor":1.*"how":"SIGKILL"/);
  const locked = await Promise.all(relay.addresses.map(async (address) => {
    await using endpoint = await DenoEndpoint.connect(address);
    const answer = await endpoint.hello({ room: "OTHER", mac: MAC_A });
    return answer["code"] ?? answer.type;
  }));
  // One sends on, and the other knows the lock: also if it is the one that was started again.
  assertEquals(locked.sort(), ["not-admitted", "redirect"]);
});

Deno.test("no reactor outlives its supervisor, not even one that is stuck", async () => {
  await using relay = await startRelay();
  const pids = [...reactorPids(relay.pid).values()];
  assertEquals(pids.length, 2);
  Deno.kill(pids[1], "SIGSTOP");
  relay.kill("SIGKILL");
  await relay.waitExit();
  await eventually("no orphan", () => !pids.some(isAlive), 5_000);
});

Deno.test("SIGTERM ends all in time, peers are told, and one that is stuck is killed", async () => {
  await using relay = await startRelay();
  await using ann = await arrive(relay.address, { room: ROOM_0, mac: MAC_A });
  const pids = reactorPids(relay.pid);
  Deno.kill(pids.get(1)!, "SIGSTOP");
  const stopMs = performance.now();
  relay.kill("SIGTERM");
  const farewell = await ann.endpoint.message();
  assertEquals([farewell.type, farewell["code"]], ["disconnect", "relay-restarting"]);
  assert(Number(farewell["retryAfterMs"]) > 0);
  assertEquals(await relay.waitExit(), 0);
  assertLess(performance.now() - stopMs, STOP_MAX_MS);
  await eventually("no orphan", () => ![...pids.values()].some(isAlive), 5_000);
});

Deno.test("a port in use is one error line and exit code 1, a mistake in the options exit code 2", async () => {
  const taken = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const folder = await Deno.makeTempDir({ prefix: "lanparty-relay-" });
  const run = async (...options: string[]) => {
    const relay = new LabProcess([
      ...[executablePath("relay"), "--state-dir", folder, "--listen", "127.0.0.1:0"],
      ...["--reactors", "3", ...options],
    ]);
    const code = await relay.waitExit(30_000);
    return { code, errors: relay.stderr.split("\n").filter((line) => line.includes("error:")) };
  };
  try {
    const used = await run("--reactor-port", "0").then(({ code }) => code, () => -1);
    assertEquals(used, 2);
    const inUse = await run("--reactor-port", String(port), "--reactor-port", "65000");
    assertEquals(inUse.code, 1);
    assertEquals(inUse.errors.length, 1, inUse.errors.join("\n"));
    const line = `cannot listen on 127.0.0.1:${port}: another program uses this port`;
    assert(inUse.errors[0].includes(line), inUse.errors[0]);
    const wrong = await run("--reactor-port", "65000");
    assertEquals(wrong.code, 2);
    assertMatch(wrong.errors[0], /--reactors 3 needs 2 ports, not 1/);
    const byHand = new LabProcess([executablePath("relay"), "reactor", "0"]);
    await byHand.write("hello\n");
    assertEquals(await byHand.waitExit(), 2);
    assertMatch(byHand.stderr, /unexpected argument "reactor"/);
  } finally {
    taken.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the administrator sees and reaches the rooms of all reactors, and drains all", async () => {
  await using relay = await startRelay();
  await using ann = await arrive(relay.address, { room: ROOM_0, mac: MAC_A, name: "Ann" });
  await using bob = await arrive(relay.address, { room: ROOM_1, mac: MAC_B, name: "Bob" });
  const [, rooms] = await ctl(relay, "rooms");
  assertMatch(rooms, /^ROOM .* REACTOR$/m);
  assertMatch(rooms, new RegExp(`^${ROOM_0} .* 0$`, "m"));
  assertMatch(rooms, new RegExp(`^${ROOM_1} .* 1$`, "m"));
  for (const [room, name] of [[ROOM_0, "Ann"], [ROOM_1, "Bob"]]) {
    assertMatch((await ctl(relay, `peers ${room}`))[1], new RegExp(`^${room} .*${name}$`, "m"));
    assertEquals((await ctl(relay, `lock ${room}`))[0], 0);
    await using late = await DenoEndpoint.connect(
      relay.addresses[room === ROOM_0 ? 0 : 1],
    );
    const answer = await late.hello({ room, mac: "02:00:00:00:00:0c" });
    assertEquals(answer["code"], "not-admitted");
    assertMatch((await ctl(relay, "rooms"))[1], new RegExp(`^${room} .* yes `, "m"));
    assertEquals((await ctl(relay, `unlock ${room}`))[0], 0);
    assertEquals((await ctl(relay, `unlock ${room}`))[0], 1);
  }
  assertEquals((await ctl(relay, `kick ${ROOM_1} 7`))[0], 1);
  assertEquals((await ctl(relay, `kick ${ROOM_1} ${bob.endpoint.peerId}`))[0], 0);
  assertEquals((await bob.endpoint.messageOf("disconnect"))["code"], "kicked");
  {
    const room = roomOf(1, 2, 1);
    await using cora = await arrive(relay.address, { room, mac: MAC_B });
    assertEquals((await ctl(relay, "close NOWHERE"))[0], 1);
    assertEquals(await ctl(relay, `close ${room}`), [
      0,
      `${room} is closed: 1 has been sent away\n`,
    ]);
    assertEquals((await cora.endpoint.messageOf("disconnect"))["code"], "room-closed");
    assertEquals(ann.endpoint.ending, undefined);
  }
  assertEquals((await ctl(relay, "drain"))[0], 0);
  await pause(1_500);
  // Nobody is in reactor 1, but whoever comes there must still hear something.
  await using late = await DenoEndpoint.connect(relay.addresses[1]);
  assertEquals((await late.hello({ room: ROOM_1, mac: MAC_B }))["code"], "relay-full");
  await ann.endpoint.leave();
  assertEquals(await relay.waitExit(10_000), 0);
  assertMatch(relay.log, /"Drained: stopping"/);
});

Deno.test("the status pages show the rooms and figures of all reactors, and which is down", async () => {
  await using relay = await startRelay("--status", "0", "--frame-log", await logFile());
  await using ann = await arrive(relay.address, { room: ROOM_0, mac: MAC_A });
  await using bob = await arrive(relay.address, { room: ROOM_1, mac: MAC_B });
  await ann.endpoint.sendFrame(frameOf(MAC_A, 1));
  await bob.endpoint.sendFrame(frameOf(MAC_B, 1));
  await bob.endpoint.sendFrame(frameOf(MAC_B, 2));
  const [, url] = /"Serving status".*?"url":"(http:.*?)\/"/.exec(relay.log)!;
  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`);
    return { status: response.status, text: await response.text() };
  };
  assertEquals(await get("/healthz"), { status: 200, text: "ok\n" });
  await eventually("frames are counted", async () => {
    return JSON.parse((await get("/api/rooms")).text).traffic.framesReceived === 3;
  });
  const view = JSON.parse((await get("/api/rooms")).text);
  const places = view.rooms.map((
    one: { room: string; reactor: number },
  ) => [one.room, one.reactor]);
  assertEquals(places, [[ROOM_0, 0], [ROOM_1, 1]]);
  assertEquals(view.reactors.map(({ up }: { up: boolean }) => up), [true, true]);
  const { text: metrics } = await get("/metrics");
  for (
    const line of [
      'lanparty_frames_total{reactor="0",action="receive"} 1',
      'lanparty_frames_total{reactor="1",action="receive"} 2',
      'lanparty_peers{reactor="1",role="client"} 1',
      'lanparty_reactor_up{reactor="0"} 1',
      'lanparty_reactor_restarts_total{reactor="0"} 0',
    ]
  ) assert(metrics.split("\n").includes(line), line);
  const logOf = (reactor: number) => Deno.readTextFileSync(`${logPath}.reactor${reactor}`);
  await eventually("frame logs", () => logOf(0).includes(ROOM_0) && logOf(1).includes(ROOM_1));
  assert(!logOf(1).includes(`"${ROOM_0}"`));
  let killed = -1;
  for (let death = 0; death < 3; death++) {
    const pid = () => reactorPids(relay.pid).get(0) ?? killed;
    await eventually("reactor 0 runs", () => pid() !== killed);
    killed = pid();
    Deno.kill(killed, "SIGKILL");
  }
  await eventually("it is said to be down", async () => {
    const health = await get("/healthz");
    return health.status === 503 &&
      health.text === `${saying("operator/reactor-down", { reactor: "0" })}\n`;
  });
  await eventually("and up again", async () => (await get("/healthz")).status === 200, 30_000);
  assertMatch((await get("/metrics")).text, /^lanparty_reactor_restarts_total\{reactor="0"\} 3$/m);
  await Deno.remove(logPath.replace(/\/[^/]*$/, ""), { recursive: true });
});

let logPath = "";

async function logFile(): Promise<string> {
  logPath = `${await Deno.makeTempDir({ prefix: "lanparty-frames-" })}/frames`;
  return logPath;
}
