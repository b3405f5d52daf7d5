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
import type {
  QuicAddress,
  QuicCloseKind,
  QuicConnection,
  QuicConnectionHandler,
} from "../../../../src/quic/mod.ts";
import { BufferPool } from "../../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../../src/queue/fair_queue.ts";
import { EndpointNode, type EndpointNodeParts } from "../../../../src/programs/endpoint/node.ts";
import type { ReachExaminer } from "../../../../src/programs/endpoint/reach.ts";
import { loggerOf } from "../../../../src/log/logging.ts";
import { eventually } from "../../../../tools/lab/wait.ts";
import { CLIENT, LEAST } from "../../endpoint/harness.ts";

const [FIRST, SECOND] = ["192.0.2.1", "192.0.2.2"];

/** A node whose transport writes down what is asked of it. */
class Scene {
  readonly done: string[] = [];
  readonly node: EndpointNode;
  /** What has been told of why nothing answers, and what is found where one looks. */
  readonly told: StatusEvent[] = [];
  found: ClosedReason = { transport: "timeout" };
  readonly reach: ReachExaminer = {
    explainName: (transport, host, port) => ({ transport, place: { host, port } }),
    explainAddress: () => Promise.resolve(this.found),
  };
  #nowMs = 1_000;
  #live!: { connection: QuicConnection; handler: QuicConnectionHandler };
  #control: ((bytes: Uint8Array) => void) | undefined;

  constructor() {
    const pool = new BufferPool(16);
    const counters = new TrafficCounters();
    const core: FrameCore = {
      ownTraffic: new OwnTraffic(),
      handleAction() {},
      handleDatagram() {},
    };
    const session = new EndpointSession(
      { ...CLIENT, relay: { host: FIRST, port: 443 } },
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
      beforeConnect: (address: Uint8Array) => this.done.push(`hold ${formatIp(address)}`),
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
      statistics: () => false,
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

  /** The relay answers: the client says hello. */
  greet(): void {
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

  /** What was told of why there is no connection. */
  reasons(): string[] {
    return this.told.filter(({ type }) => type === "relayTrouble" || type === "retrying")
      .map(describeStatus);
  }
}

const PLACE = { host: FIRST, port: 443, address: FIRST };

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
  scene.pass(8_000);
  await scene.turn();
  assertEquals(scene.reasons().length, 1);
  scene.closed("timeout");
  assertMatch(scene.reasons()[1], /^192\.0\.2\.1 is there, but .* port 443\. Trying again /);
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
