/** What an endpoint does before the first packet to a relay: a real session, and a transport that is played. */
import { formatIp } from "../../../../src/proto/ip.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { encodeMessage } from "../../../../src/control/framing.ts";
import type { RelayMessage } from "../../../../src/control/messages.ts";
import { Endpoint, type FrameCore } from "../../../../src/endpoint/endpoint.ts";
import { FramePath } from "../../../../src/endpoint/frame_path.ts";
import { OwnTraffic } from "../../../../src/endpoint/own_traffic.ts";
import { EndpointSession } from "../../../../src/endpoint/session.ts";
import { TrafficCounters } from "../../../../src/observe/counters.ts";
import type { ClosedReason, EndpointAction } from "../../../../src/endpoint/actions.ts";
import { describeStatus, type StatusEvent } from "../../../../src/observe/status.ts";
import {
  parseAddress,
  type QuicAddress,
  type QuicCloseKind,
  type QuicConnection,
  type QuicConnectionHandler,
  type QuicStatistics,
} from "../../../../src/quic/mod.ts";
import { BufferPool } from "../../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../../src/queue/queue_arena.ts";
import { EndpointNode, type EndpointNodeParts } from "../../../../src/programs/endpoint/node.ts";
import { WayMemory } from "../../../../src/endpoint/way_memory.ts";
import type { ReachExaminer } from "../../../../src/programs/endpoint/reach.ts";
import { loggerOf } from "../../../../src/log/logging.ts";
import { eventually } from "../../../../tools/lab/wait.ts";
import { saying } from "../../../support/sentences.ts";
import { CLIENT, LEAST, WELCOME } from "../../endpoint/harness.ts";

const [FIRST, SECOND] = ["192.0.2.1", "192.0.2.2"];
const [NAME, SIX] = ["relay.example.org", "2001:db8::1"];

interface Live {
  readonly connection: QuicConnection;
  readonly handler: QuicConnectionHandler;
}

/** A node whose transport writes down what is asked of it. */
class Scene {
  readonly done: string[] = [];
  readonly node: EndpointNode;
  /** What has been told of why nothing answers, and what is found where one looks. */
  readonly told: StatusEvent[] = [];
  found: ClosedReason = { transport: "timeout" };
  /** Where one has looked. */
  readonly examined: string[] = [];
  readonly reach: ReachExaminer = {
    explainName: (transport, host, port) => ({ transport, place: { host, port } }),
    explainAddress: (host, _address, isNamed) => {
      this.examined.push(isNamed ? host : `${host} by word`);
      return Promise.resolve(this.found);
    },
  };
  readonly ways: WayMemory;
  /** Whether the relay answers to what is sent, by address; the latest connection to each. */
  readonly silent = new Set<string>();
  #nowMs = 1_000;
  #live!: Live;
  readonly #all = new Map<string, Live>();
  #control: ((bytes: Uint8Array) => void) | undefined;

  constructor(hosts: string | readonly string[] = FIRST, ways = new WayMemory()) {
    this.ways = ways;
    const pool = new BufferPool(16);
    const counters = new TrafficCounters();
    const core: FrameCore = {
      ownTraffic: new OwnTraffic(),
      handleAction() {},
      handleDatagram() {},
    };
    const session = new EndpointSession(
      { ...CLIENT, relays: [hosts].flat().map((host) => ({ host, port: 443 })) },
      { random: LEAST },
    );
    const path = new FramePath({ pool, arena: new QueueArena(16), counters });
    const parts = {
      endpoint: new Endpoint(session, path, core),
      counters,
      pool,
      library: {
        connect: (options: { address: QuicAddress }, handler: QuicConnectionHandler) =>
          this.#connect(options.address, handler),
      },
      trust: { configurationFor: () => ({}) },
      reactor: {
        counters: { turns: 0 },
        now: () => this.#nowMs,
        addTask: () => () => {},
        ...{ attend() {}, wake() {}, stop() {} },
      },
      logger: loggerOf("client"),
      reach: this.reach,
      lookUp: (name: string, port: number) =>
        Promise.resolve({
          addresses: (name === NAME ? [SIX, FIRST] : [name]).map((address) =>
            parseAddress(address, port)
          ),
        }),
      ways: this.ways,
      saveWays() {},
      beforeConnect: (address: Uint8Array, _nowMs: number, isAnother: boolean) =>
        this.done.push(`${isAnother ? "try" : "hold"} ${formatIp(address)}`),
      onAction: (action: EndpointAction) => {
        if (action.type === "status") this.told.push(action.event);
      },
    };
    this.node = new EndpointNode(parts as unknown as EndpointNodeParts);
  }

  #connect(address: QuicAddress, handler: QuicConnectionHandler): QuicConnection {
    this.done.push(`connect ${address.host}`);
    const connection = {
      state: "connected",
      maxDatagramBytes: 1439,
      unsentBytes: 0,
      // A packet each time it is looked at, and an answer to it.
      statistics: (out: QuicStatistics) => {
        out.askingPacketsSent++;
        if (!this.silent.has(address.host)) out.acksReceived++;
        return true;
      },
      openStream: (
        stream: { data: (stream: unknown, bytes: Uint8Array, last: boolean) => void },
      ) => {
        this.#control = (bytes) => stream.data(undefined, bytes, false);
        return { send: () => true, finish() {} };
      },
      shutdown: () => this.done.push(`close ${address.host}`),
      abandon: () => this.done.push(`abandon ${address.host}`),
    } as unknown as QuicConnection;
    this.#live = { connection, handler };
    this.#all.set(address.host, this.#live);
    return connection;
  }

  /** Lets time pass. */
  pass(ms: number): void {
    for (const endMs = this.#nowMs + ms; this.#nowMs < endMs; this.#nowMs += 10) {
      this.node.work(this.#nowMs);
    }
  }

  /** Waits for a connection: names are looked up on another thread. */
  async connects(count: number): Promise<void> {
    await eventually(`connection ${count}`, () => {
      this.pass(10);
      return this.done.filter((line) => line.startsWith("connect ")).length === count;
    });
  }

  /** The relay answers, at its latest address or this one: the client says hello. */
  greet(address?: string): void {
    if (address !== undefined) this.#live = this.#all.get(address)!;
    this.#live.handler.connected(this.#live.connection);
    this.pass(500);
    assert(this.#control !== undefined);
  }

  say(message: RelayMessage): void {
    this.#control!(encodeMessage(message));
    this.pass(10);
  }

  closed(kind: QuicCloseKind = "application"): void {
    this.#live.handler.closed(this.#live.connection, {
      kind,
      by: "local",
      errorCode: 1,
      message: "",
      status: 0,
    });
    this.pass(10);
  }

  /** Lets those have their turn that wait for the runtime. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.pass(10);
  }

  /** What was done since the last call. */
  take(): string[] {
    return this.done.splice(0);
  }

  /** What was told of why there is no connection. */
  reasons(): string[] {
    return this.told.filter(({ type }) => type === "relayTrouble" || type === "retrying")
      .map(describeStatus);
  }
}

const PLACE = { host: FIRST, port: 443, address: FIRST };

/** A scene in which the session has been joined by one of the relay's addresses. */
async function joined(hosts?: string | readonly string[], address?: string): Promise<Scene> {
  const scene = new Scene(hosts);
  scene.node.start();
  await scene.connects(1);
  scene.greet(address);
  scene.say(WELCOME);
  return scene;
}

Deno.test("a relay that is silent is said to be within 3 s, while it is waited for, and again when it is given up", async () => {
  const scene = new Scene();
  scene.found = { transport: "timeout", place: { ...PLACE, answersTcp: true } };
  scene.node.start();
  await scene.connects(1);
  scene.pass(1_400);
  await scene.turn();
  assertEquals(scene.reasons(), []);
  scene.pass(200);
  await scene.turn();
  assertEquals(scene.reasons().length, 1);
  assertStringIncludes(
    scene.reasons()[0],
    "192.0.2.1 is there, but nothing comes back from its UDP port 443. Either this network lets",
  );
  assertStringIncludes(scene.reasons()[0], "It is tried on.");
  scene.pass(3_000);
  await scene.turn();
  assertEquals(scene.reasons().length, 1);
  // A router on the way knows by now, and says it once.
  const silent = scene.found;
  scene.found = { transport: "unreachable", place: { ...PLACE, by: SECOND } };
  scene.pass(3_000);
  await scene.turn();
  scene.found = silent;
  scene.pass(2_000);
  await scene.turn();
  assertEquals(scene.reasons().length, 2);
  scene.closed("timeout");
  assertMatch(
    scene.reasons()[2],
    /^No way leads to 192\.0\.2\.1, says 192\.0\.2\.2\. Trying again /,
  );
});

Deno.test("a relay that is late is waited for, and nothing more is said of its silence", async () => {
  const scene = new Scene();
  scene.node.start();
  await scene.connects(1);
  scene.pass(2_000);
  await scene.turn();
  assertEquals(scene.reasons().length, 1);
  scene.greet();
  assertEquals(scene.told.map(({ type }) => type), ["connecting", "relayTrouble", "connected"]);
});

Deno.test("where the transport says that it cannot get there, the reason is looked for before it is told", async () => {
  const scene = new Scene();
  scene.found = { transport: "nobodyListens", place: PLACE };
  scene.node.start();
  await scene.connects(1);
  scene.closed("unreachable");
  assertEquals(scene.reasons(), []);
  await scene.turn();
  assertMatch(
    scene.reasons()[0],
    /^192\.0\.2\.1 answers, but no relay listens at UDP 443\. Ask the host .* Trying again /,
  );
});

Deno.test("a name's addresses race, the loser is closed without a word, and the winner is tried first the next time", async () => {
  const scene = new Scene(NAME);
  scene.node.start();
  await scene.connects(1);
  scene.pass(240);
  await scene.connects(2);
  scene.greet(FIRST);
  assertEquals(scene.take(), [
    ...[`hold ${SIX}`, `connect ${SIX}`, `try ${FIRST}`, `connect ${FIRST}`],
    ...[`abandon ${SIX}`, `hold ${FIRST}`],
  ]);
  const next = new Scene(NAME, scene.ways);
  next.node.start();
  await next.connects(1);
  assertEquals(next.take(), [`hold ${FIRST}`, `connect ${FIRST}`]);
});

Deno.test("where the path in use dies the others are tried beside it, and the first that answers is used at once", async () => {
  const scene = await joined(NAME, SIX);
  scene.pass(5_000);
  scene.take();
  scene.silent.add(SIX);
  scene.pass(1_900);
  assertEquals(scene.take(), []);
  scene.pass(300);
  await scene.turn();
  assertEquals(scene.take(), [`try ${FIRST}`, `connect ${FIRST}`]);
  // The session is kept meanwhile: it may be a moment's silence.
  assertEquals(scene.node.parts.endpoint.session.state, "joined");
  scene.greet(FIRST);
  assertEquals(scene.take(), [`abandon ${SIX}`, `hold ${FIRST}`]);
  scene.say(WELCOME);
  assertEquals(scene.node.parts.endpoint.session.state, "joined");
  assertEquals(scene.reasons(), [`${saying("relay/another-way")} Trying again at once.`]);
});

Deno.test("a path that is heard again is kept, and what was tried beside it is closed", async () => {
  const scene = await joined(NAME, SIX);
  scene.silent.add(SIX);
  scene.pass(2_300);
  await scene.turn();
  scene.take();
  scene.silent.clear();
  scene.pass(100);
  assertEquals(scene.take(), [`abandon ${FIRST}`]);
  scene.greet(FIRST); // too late
  assertEquals(scene.take(), [`abandon ${FIRST}`]);
  assertEquals(scene.node.parts.endpoint.session.state, "joined");
  assertEquals(scene.reasons(), []);
});

Deno.test("another name is not tried in a session: it may be another relay, and the party elsewhere", async () => {
  const scene = await joined([FIRST, SECOND]);
  scene.take();
  scene.silent.add(FIRST);
  scene.pass(14_000);
  await scene.turn();
  assertEquals(scene.take(), []);
  // When the session is lost it is, after the first.
  scene.closed("timeout");
  scene.pass(500);
  await scene.turn();
  scene.pass(2_500);
  assertEquals(scene.take().filter((line) => line.startsWith("connect")), [
    `connect ${FIRST}`,
    `connect ${SECOND}`,
  ]);
});

Deno.test("a relay with one address is waited for as long as the transport does", async () => {
  const scene = await joined();
  scene.take();
  scene.silent.add(FIRST);
  scene.pass(14_000);
  await scene.turn();
  assertEquals([scene.take(), scene.reasons()], [[], []]);
});

Deno.test("where a relay leads is looked at as what the player has not named", async () => {
  const scene = new Scene();
  scene.node.start();
  await scene.connects(1);
  scene.pass(1_600);
  scene.greet();
  scene.say({ type: "redirect", relay: "203.0.113.9:8080" });
  scene.closed();
  await scene.connects(2);
  scene.pass(1_600);
  assertEquals(scene.examined, [FIRST, "203.0.113.9 by word"]);
});

Deno.test("a relay's way is held before the first packet to it, also where a redirect leads", async () => {
  const scene = new Scene();
  scene.node.start();
  await scene.connects(1);
  scene.greet();
  scene.say({ type: "redirect", relay: `${SECOND}:443` });
  scene.closed();
  await scene.connects(2);
  assertEquals(scene.done, [
    ...[`hold ${FIRST}`, `connect ${FIRST}`, `close ${FIRST}`],
    ...[`hold ${SECOND}`, `connect ${SECOND}`],
  ]);
  assertEquals(scene.node.failure, undefined);
});

Deno.test("what was held is held again before a relay is come back to", async () => {
  const scene = new Scene();
  scene.node.start();
  await scene.connects(1);
  scene.closed();
  scene.pass(2_000);
  await scene.connects(2);
  assertEquals(scene.done, [
    ...[`hold ${FIRST}`, `connect ${FIRST}`, `hold ${FIRST}`, `connect ${FIRST}`],
  ]);
});
