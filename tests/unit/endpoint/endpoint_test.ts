/** The whole endpoint: who follows the session, in which order, and when frames flow. */
import { assertEquals } from "@std/assert";
import { encodeMessage } from "../../../src/control/framing.ts";
import type { EndpointAction } from "../../../src/endpoint/actions.ts";
import { Endpoint, type FrameCore } from "../../../src/endpoint/endpoint.ts";
import { FramePath } from "../../../src/endpoint/frame_path.ts";
import { OwnTraffic } from "../../../src/endpoint/own_traffic.ts";
import { EndpointSession } from "../../../src/endpoint/session.ts";
import { TrafficCounters } from "../../../src/observe/counters.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { BufferPool, HEADROOM_BYTES } from "../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";
import { ethernet, udpPacket } from "../../../tools/lab/frames.ts";
import { CLIENT, LEAST, WELCOME } from "./harness.ts";

/** An endpoint over nothing, with a clock of its own. */
class Bench {
  readonly #dissection = new Dissection();
  nowMs = 5_000;
  readonly pool = new BufferPool(8);
  readonly path: FramePath;
  readonly endpoint: Endpoint;
  readonly ownTraffic = new OwnTraffic();
  /** What core and shell have heard, in its order. */
  readonly heard: string[] = [];
  readonly times: number[] = [];
  coreDueMs = Infinity;

  constructor() {
    const counters = new TrafficCounters();
    this.path = new FramePath({ pool: this.pool, counters, arena: new QueueArena(64) });
    const core: FrameCore = {
      ownTraffic: this.ownTraffic,
      handleAction: ({ type }) => this.heard.push(`core ${type}, ${this.state}`),
      handleDatagram: (_bytes, offset, length, nowMs) => {
        this.heard.push(`core datagram ${offset} ${length}`);
        this.times.push(nowMs);
      },
      handleTimer: (nowMs) => void this.times.push(nowMs),
      nextDeadlineMs: () => this.coreDueMs,
    };
    const session = new EndpointSession(CLIENT, { random: LEAST });
    this.endpoint = new Endpoint(session, this.path, core);
  }

  get state(): string {
    return this.path.isOpen ? "open" : "shut";
  }

  /** Does what is due; the actions that the shell is given. */
  turn(): EndpointAction[] {
    const actions: EndpointAction[] = [];
    this.endpoint.handleTimer(this.nowMs);
    this.endpoint.drainActions(this.nowMs, (action) => {
      this.heard.push(`shell ${action.type}`);
      actions.push(action);
    });
    return actions;
  }

  /** Whether a packet to the relay of {@linkcode join} counts as the endpoint's own. */
  get isOwnTraffic(): boolean {
    const packet = ethernet({
      ...{ destination: "02:00:00:00:00:01", source: "02:00:00:00:00:02", type: 0x0800 },
      payload: udpPacket({
        ...{ source: "192.0.2.1", destination: "198.51.100.7", sourcePort: 50_000 },
        ...{ destinationPort: 443, payload: new Uint8Array(8) },
      }),
    });
    dissect(packet, 0, packet.length, this.#dissection);
    return this.ownTraffic.matches(packet, packet.length, this.#dissection);
  }

  /** A frame of the player's system; what waits for the relay afterwards. */
  send(): number {
    const slot = this.pool.acquire();
    const offset = this.pool.offsetOf(slot) + HEADROOM_BYTES;
    dissect(this.pool.bytes, offset, 100, this.#dissection);
    this.path.sendDissected(slot, offset, 100, this.#dissection, this.nowMs);
    return this.path.queue.queuedEntries;
  }

  says(message: object): void {
    this.endpoint.handleControl(encodeMessage(message), this.nowMs);
  }

  join(): void {
    this.endpoint.start(this.nowMs);
    this.turn();
    this.endpoint.handleConnecting("198.51.100.7", 443);
    this.endpoint.handleConnected(1_439, this.nowMs, "key");
    this.nowMs += 100;
    this.turn();
    this.says(WELCOME);
  }
}

Deno.test("endpoint: the frame path is open from the welcome to the end, and path and core hear first", () => {
  const bench = new Bench();
  bench.join();
  assertEquals(bench.send(), 0, "nothing flows before the welcome was acted on");
  bench.heard.length = 0;
  bench.turn();
  const joined = bench.heard.filter((line) => line.endsWith("joined") || line.includes("joined,"));
  assertEquals(joined, ["core joined, open", "shell joined"]);
  assertEquals(bench.path.maximumBytes, bench.endpoint.session.datagramBytesMax);
  assertEquals(bench.send(), 1);
  assertEquals(bench.isOwnTraffic, true);
  bench.endpoint.handleClosed({ transport: "timeout" }, bench.nowMs);
  assertEquals([bench.state, bench.path.queue.queuedEntries], ["shut", 0]);
  assertEquals(bench.isOwnTraffic, false);
  assertEquals(bench.pool.freeSlots, bench.pool.slotCount, "slots are lost");
  bench.heard.length = 0;
  bench.turn();
  assertEquals(bench.heard.filter((line) => line.includes("left")), [
    "core left, shut",
    "shell left",
  ]);
  assertEquals(bench.send(), 0);
});

//= PROTOCOL.md 10
//# Maximums may change later, in either direction.
Deno.test("endpoint: a largest datagram that changes is the path's, as far as the budget allows", () => {
  const bench = new Bench();
  bench.join();
  bench.turn();
  bench.endpoint.handleMaxDatagram(1_300, bench.nowMs);
  assertEquals(bench.path.maximumBytes, 1_300);
});

Deno.test("endpoint: the core has the time of each datagram, and is woken for itself", () => {
  const bench = new Bench();
  bench.join();
  bench.turn();
  bench.times.length = 0;
  bench.endpoint.handleDatagram(new Uint8Array(40), 3, 20, bench.nowMs + 7);
  assertEquals(bench.times, [bench.nowMs + 7]);
  bench.coreDueMs = bench.nowMs + 5;
  assertEquals(bench.endpoint.nextDeadlineMs(), bench.nowMs + 5);
  bench.coreDueMs = Infinity;
  assertEquals(
    bench.endpoint.nextDeadlineMs() <= bench.nowMs + 50,
    true,
    "while it is connected, half-received frames are looked at",
  );
});

Deno.test("endpoint: its own packets are known from before the first one", () => {
  const bench = new Bench();
  bench.endpoint.start(bench.nowMs);
  bench.turn();
  assertEquals(bench.isOwnTraffic, false);
  bench.endpoint.handleConnecting("198.51.100.7", 443);
  assertEquals(bench.isOwnTraffic, true);
});
