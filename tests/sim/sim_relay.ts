/** A relay in the simulation: its core, and a shell that works as the real one does. */
import { assert, assertEquals } from "@std/assert";
import { parseRelayMessage } from "../../src/control/messages.ts";
import { MessageReader } from "../../src/control/framing.ts";
import type { ClosedReason } from "../../src/endpoint/actions.ts";
import { DropCode } from "../../src/observe/drops.ts";
import { FrameLog, type FrameRecord } from "../../src/observe/frame_log.ts";
import { asConnectionId, type ConnectionId } from "../../src/proto/brands.ts";
import { BufferPool, HEADROOM_BYTES } from "../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../src/queue/queue_arena.ts";
import { RelayCore } from "../../src/relay/core.ts";
import type { RelayOptions } from "../../src/relay/limits.ts";
import type { Side, SimConnection } from "./network.ts";
import type { SeededRandom } from "./random.ts";
import { Alarm, type Timeline } from "./timeline.ts";

const POOL_SLOTS = 4_096;
/** A peer id must not come again within this time. */
const PEER_ID_REST_MS = 60_000;

/** Drops of what one target should have had: the datagram was judged before. */
const TARGET_DROPS: readonly string[] = [
  "target-too-narrow",
  "no-buffer",
  "queue-late",
  "queue-overflow",
  "queue-codel",
  "target-left",
];

/** They may come back at once. */
const GONE = { by: "operator", forMs: 0, reason: "by the simulation" } as const;

/** One life of a relay: from its start to its crash or stop. */
class Incarnation {
  readonly pool = new BufferPool(POOL_SLOTS);
  readonly core: RelayCore;
  /** By handle. */
  readonly connections: (SimConnection | undefined)[] = [];
  readonly handles = new Map<SimConnection, ConnectionId>();
  /** What the relay said to each, to be understood as an endpoint would. */
  readonly readers = new Map<SimConnection, MessageReader>();
  datagramsIn = 0;
  datagramsOut = 0;
  /** Datagrams judged, and references to targets, by the frame log. */
  judged = 0;
  targets = 0;

  constructor(options: Partial<RelayOptions>, random: SeededRandom, nowMs: number) {
    this.core = new RelayCore(options, {
      pool: this.pool,
      arena: new QueueArena(POOL_SLOTS * 2),
      random: (count) => random.bytes(count),
      frameLog: new FrameLog((record) => this.#take(record)),
      timeOriginMs: 1_700_000_000_000 - nowMs,
    });
  }

  #take(record: FrameRecord): void {
    if (record.dropReason !== undefined && TARGET_DROPS.includes(record.dropReason)) return;
    this.judged++;
    this.targets += record.targets;
  }
}

/** The relay at one address, over its incarnations. */
export class SimRelay implements Side {
  #life: Incarnation | undefined;
  readonly #alarm: Alarm;
  /** When each peer id was given out last, by room, of this life. */
  readonly #idTimesMs = new Map<string, number>();
  /** Whether every path was wide at all times, so that no datagram was cut. */
  uniform = true;
  datagramsForwarded = 0;
  readonly #options: Partial<RelayOptions>;
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;

  constructor(
    readonly address: string,
    options: Partial<RelayOptions>,
    timeline: Timeline,
    random: SeededRandom,
  ) {
    this.#options = options;
    this.#timeline = timeline;
    this.#random = random;
    this.#alarm = new Alarm(timeline, () => this.#step());
    this.start();
  }

  get core(): RelayCore | undefined {
    return this.#life?.core;
  }

  start(): void {
    this.#life = new Incarnation(this.#options, this.#random, this.#timeline.nowMs);
    this.#idTimesMs.clear();
  }

  /** The process dies: nobody is told. Later it is back. */
  crash(downMs: number): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#checkCounters(life);
    this.#life = undefined;
    const orphans = [...life.handles.keys()];
    for (const connection of orphans) connection.abandon("relay");
    this.#timeline.after(downMs, () => {
      this.start();
      for (const connection of orphans) connection.reset();
    });
  }

  /** The relay stops as it should, and starts again. */
  restart(retryAfterMs: number, downMs: number): void {
    const life = this.#life;
    if (life === undefined) return;
    life.core.handleShutdown(retryAfterMs, this.#timeline.nowMs);
    this.#step();
    this.#timeline.after(2_000, () => {
      if (this.#life !== life) return;
      this.crash(downMs);
    });
  }

  /** Takes a peer out of its room. */
  kickSomebody(): void {
    const life = this.#life;
    const rooms = life?.core.rooms() ?? [];
    if (life === undefined || rooms.length === 0) return;
    const { room, peers } = this.#random.pick(rooms);
    const { identity } = this.#random.pick(peers);
    assert(life.core.admin.kick(room, identity.peerId, GONE, this.#timeline.nowMs));
    this.#step();
  }

  closeSomeRoom(): void {
    const life = this.#life;
    const rooms = life?.core.rooms() ?? [];
    if (life === undefined || rooms.length === 0) return;
    life.core.admin.closeRoom(
      this.#random.pick(rooms).room,
      "by the simulation",
      this.#timeline.nowMs,
    );
    this.#step();
  }

  connected(connection: SimConnection): void {
    const life = this.#life;
    // The process died between the handshake's first packet and its last.
    if (life === undefined) return connection.abandon("relay");
    const free = life.connections.indexOf(undefined);
    const handle = asConnectionId(free < 0 ? life.connections.length : free);
    life.connections[handle] = connection;
    life.handles.set(connection, handle);
    life.readers.set(connection, new MessageReader());
    const path = {
      address: `198.51.100.${handle % 250}:${10_000 + handle}`,
      maxDatagramBytes: connection.maxDatagramBytes("relay"),
    };
    life.core.handleConnected(handle, path, this.#timeline.nowMs);
    life.core.handleRtt(handle, connection.path.latencyMs * 2);
    this.#step();
  }

  maxDatagram(connection: SimConnection, bytes: number): void {
    this.#withHandle(
      connection,
      (core, handle, nowMs) => core.handleMaxDatagram(handle, bytes, nowMs),
    );
  }

  control(connection: SimConnection, bytes: Uint8Array): void {
    this.#withHandle(connection, (core, handle, nowMs) => core.handleControl(handle, bytes, nowMs));
  }

  controlFinished(connection: SimConnection): void {
    this.#withHandle(
      connection,
      (core, handle, nowMs) => core.handleControlFinished(handle, nowMs),
    );
  }

  controlSent(connection: SimConnection, bytes: number): void {
    this.#withHandle(connection, (core, handle) => core.handleControlSent(handle, bytes));
  }

  datagram(connection: SimConnection, bytes: Uint8Array): void {
    this.#withHandle(connection, (core, handle, nowMs) => {
      const { pool } = this.#life!;
      const slot = pool.acquire();
      if (slot < 0) return;
      this.#life!.datagramsIn++;
      const offset = pool.offsetOf(slot) + HEADROOM_BYTES - 4;
      pool.bytes.set(bytes, offset);
      core.handleDatagram(handle, slot, offset, bytes.length, nowMs);
    });
  }

  writable(connection: SimConnection): void {
    const handle = this.#life?.handles.get(connection);
    if (handle !== undefined) this.#pump(handle);
  }

  closed(connection: SimConnection, reason: ClosedReason): void {
    this.#withHandle(connection, (core, handle, nowMs) => {
      core.handleClosed(handle, nowMs, reason.errorCode);
      this.#life!.connections[handle] = undefined;
      this.#life!.handles.delete(connection);
      this.#life!.readers.delete(connection);
    });
  }

  /** Everything is over: nothing may be left in memory, and the sums must be right. */
  checkEmpty(): void {
    const life = this.#life;
    if (life === undefined) return;
    assertEquals(life.core.connections, 0, `${this.address}: connections are left`);
    assertEquals(life.core.rooms(), [], `${this.address}: rooms are left`);
    assertEquals(life.pool.freeSlots, life.pool.slotCount, `${this.address}: slots are lost`);
    assertEquals(life.core.nextReady(), -1);
    this.#checkCounters(life);
  }

  #withHandle(
    connection: SimConnection,
    run: (core: RelayCore, handle: ConnectionId, nowMs: number) => void,
  ): void {
    const handle = this.#life?.handles.get(connection);
    if (handle === undefined) return;
    run(this.#life!.core, handle, this.#timeline.nowMs);
    this.#step();
  }

  /** One turn of the shell. */
  #step(): void {
    const life = this.#life;
    if (life === undefined) return;
    const { core } = life;
    const { nowMs } = this.#timeline;
    if (nowMs >= core.nextDeadlineMs()) core.handleTimer(nowMs);
    for (const action of core.drainActions()) {
      if (action.type === "log") continue;
      if (action.type === "banMade" || action.type === "bansGone") continue;
      const connection = life.connections[action.connection];
      assert(connection !== undefined, `${action.type} for a connection that is gone`);
      if (action.type === "send") {
        this.#checkMessage(life, connection, action.bytes);
        connection.sendControl("relay", action.bytes);
      } else if (action.type === "finish") connection.finishControl("relay");
      else connection.close("relay", action.errorCode);
    }
    for (let handle = core.nextReady(); handle >= 0; handle = core.nextReady()) this.#pump(handle);
    const deadlineMs = core.nextDeadlineMs();
    assert(deadlineMs > nowMs || deadlineMs > nowMs - 0.001, "the relay's timer stands still");
    this.#alarm.set(Math.max(deadlineMs, nowMs + 0.01));
  }

  #pump(handle: ConnectionId): void {
    const { core, pool, connections } = this.#life!;
    const queue = core.queueOf(handle);
    const connection = connections[handle];
    if (queue === undefined || connection === undefined) return;
    assert(queue.queuedBytes <= queue.bytesMax, "a queue is over its bound");
    while (connection.canSend("relay") && queue.dequeue(this.#timeline.nowMs)) {
      this.#life!.datagramsOut++;
      const { slot, offset, length } = queue;
      const bytes = pool.bytes.slice(offset, offset + length);
      pool.release(slot);
      if (length > connection.maxDatagramBytes("relay")) continue;
      connection.sendDatagram("relay", bytes);
    }
  }

  /** What the relay says is well-formed; no good endpoint is accused; peer ids rest. */
  #checkMessage(life: Incarnation, connection: SimConnection, bytes: Uint8Array): void {
    const reader = life.readers.get(connection)!;
    reader.push(bytes, this.#timeline.nowMs);
    const read = reader.next();
    const result = parseRelayMessage(read?.json);
    assert(result.ok, `a bad message of the relay's: ${JSON.stringify(read?.json)}`);
    if (result.message.type !== "welcome") return;
    const { room, peerId } = result.message;
    const handle = life.connections.indexOf(connection);
    const rooms = life.core.rooms();
    const own = rooms.find(({ peers }) => peers.some((peer) => peer.connection === handle));
    const key = `${own?.id ?? room} ${peerId}`;
    const beforeMs = this.#idTimesMs.get(key) ?? -Infinity;
    assert(
      this.#timeline.nowMs - beforeMs >= PEER_ID_REST_MS,
      `peer id ${key} came again too soon`,
    );
    this.#idTimesMs.set(key, this.#timeline.nowMs);
  }

  /** Counters add up: what came in was judged once, what was queued went out or was dropped. */
  #checkCounters(life: Incarnation): void {
    const { counters } = life.core;
    const { drops } = counters;
    this.datagramsForwarded += counters.datagramsSent;
    assertEquals(counters.datagramsReceived, life.datagramsIn);
    assertEquals(counters.datagramsSent, life.datagramsOut);
    assertEquals(life.judged, life.datagramsIn, "a datagram was not judged, or twice");
    const queued = life.connections.reduce(
      (sum, _, handle) => sum + (life.core.queueOf(asConnectionId(handle))?.queuedEntries ?? 0),
      0,
    );
    const accounted = counters.datagramsSent + queued + drops[DropCode.queueLate] +
      drops[DropCode.queueOverflow] + drops[DropCode.queueCodel] + drops[DropCode.targetLeft];
    if (this.uniform) assertEquals(accounted, life.targets, "targets do not add up");
    else assert(accounted >= life.targets, "targets do not add up");
  }
}
