/**
 * A relay core with scripted endpoints around it, in memory:
 *
 * ```
 *  ScriptedEndpoint ── control, datagrams ──► RelayCore ── actions, queues ──► the same endpoints
 * ```
 *
 * `settle` carries out what the core wants; `advance` lets time pass from deadline to deadline.
 */
import { assert, assertEquals } from "@std/assert";
import { FrameLog, type FrameRecord } from "../../../src/observe/frame_log.ts";
import { asConnectionId, type ConnectionId } from "../../../src/proto/brands.ts";
import { SETTLE_QUIET_MIN_MS } from "../../../src/proto/mtu.ts";
import { BufferPool } from "../../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../../src/queue/queue_arena.ts";
import { RelayCore } from "../../../src/relay/core.ts";
import type { RelayOptions } from "../../../src/relay/limits.ts";
import type { SessionPath } from "../../../src/relay/session.ts";

/** A control message, loosely: tests look at its fields. */
export type Message = Record<string, unknown> & { type: string };

const POOL_SLOTS = 1024;

/** The relay, its clock and its endpoints. */
export class RelayHarness {
  nowMs = 1_000;
  readonly pool: BufferPool;
  readonly core: RelayCore;
  readonly frameRecords: FrameRecord[] = [];
  readonly logs: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  readonly endpoints: ScriptedEndpoint[] = [];
  /** Ids of bans that were made, and lists of those that are gone. */
  readonly banChanges: (string | readonly string[])[] = [];
  #randomState = 1;

  constructor(
    options: Partial<RelayOptions> = {},
    extra: { readonly frameLog?: boolean; readonly poolSlots?: number } = {},
  ) {
    this.pool = new BufferPool(extra.poolSlots ?? POOL_SLOTS);
    const sink = (record: FrameRecord) => this.frameRecords.push(record);
    this.core = new RelayCore(options, {
      pool: this.pool,
      arena: new QueueArena(4096),
      random: (count) => this.#random(count),
      frameLog: new FrameLog(extra.frameLog ? sink : undefined),
      timeOriginMs: 1_700_000_000_000,
    });
  }

  /** A connection whose handshake is done just now. */
  connect(path: Partial<SessionPath> = {}): ScriptedEndpoint {
    let index = 0;
    const isUsed = () => this.endpoints.some((one) => one.connection === index && !one.gone);
    while (isUsed()) index++;
    const connection = asConnectionId(index);
    const endpoint = new ScriptedEndpoint(this, connection);
    this.endpoints.push(endpoint);
    const standard = { address: "192.0.2.1:4000", maxDatagramBytes: 1_450 };
    this.core.handleConnected(connection, { ...standard, ...path }, this.nowMs);
    this.settle();
    return endpoint;
  }

  /** A client that has joined, its MTU settled before its hello. */
  client(
    macAddress: string,
    fields: Record<string, unknown> = {},
    path: { address?: string; maxDatagramBytes?: number } = {},
  ): ScriptedEndpoint {
    return this.#join({ role: "client", mac: macAddress, ...fields }, path);
  }

  /** A gateway that has joined. */
  gateway(
    fields: Record<string, unknown> = {},
    path: { address?: string; maxDatagramBytes?: number } = {},
  ): ScriptedEndpoint {
    return this.#join({ role: "gateway", ...fields }, path);
  }

  #join(
    fields: Record<string, unknown>,
    path: { address?: string; maxDatagramBytes?: number },
  ): ScriptedEndpoint {
    const endpoint = this.connect(path);
    this.advance(path.maxDatagramBytes === undefined ? 100 : SETTLE_QUIET_MIN_MS);
    endpoint.hello(fields);
    assertEquals(endpoint.messages[0]?.type, "welcome", JSON.stringify(endpoint.messages));
    return endpoint;
  }

  /** Lets time pass; timers are served at their deadlines. */
  advance(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    for (let turns = 0;; turns++) {
      const dueMs = this.core.nextDeadlineMs();
      if (dueMs > endMs) break;
      assert(turns < 100_000, "the relay's timer spins");
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.core.handleTimer(this.nowMs);
      this.settle();
    }
    this.nowMs = endMs;
  }

  /** Carries out the core's actions and empties its queues. */
  settle(): void {
    for (const action of this.core.drainActions()) {
      if (action.type === "log") {
        this.logs.push({ ...action, fields: { ...action.fields } });
        continue;
      }
      if (action.type === "banMade" || action.type === "bansGone") {
        this.banChanges.push(action.type === "banMade" ? action.ban.id : action.ids);
        continue;
      }
      const endpoint = this.at(action.connection);
      assert(endpoint !== undefined, `${action.type} for a connection that is no more`);
      endpoint.take(action);
    }
    for (;;) {
      const connection = this.core.nextReady();
      if (connection < 0) return;
      const endpoint = this.at(connection);
      assert(endpoint !== undefined, "frames for a connection that is no more");
      if (!endpoint.blocked) endpoint.pull();
    }
  }

  at(connection: ConnectionId): ScriptedEndpoint | undefined {
    return this.endpoints.find((endpoint) => endpoint.connection === connection && !endpoint.gone);
  }

  /** How often something was dropped for a reason, in total. */
  drops(): Record<string, number> {
    return this.core.counters.snapshot().drops as Record<string, number>;
  }

  /** Everything the pool gave out has come back. */
  assertNoSlotLost(): void {
    assertEquals(this.pool.freeSlots, this.pool.slotCount, "slots are lost");
  }

  #random(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      this.#randomState = (Math.imul(this.#randomState, 1_103_515_245) + 12_345) >>> 0;
      bytes[i] = this.#randomState >>> 16;
    }
    return bytes;
  }
}

/** One connection, driven by a test. */
export class ScriptedEndpoint {
  /** What the relay has said, and what has come by datagram. */
  readonly messages: Message[] = [];
  readonly datagrams: Uint8Array[] = [];
  finished = false;
  /** The application error code with which the relay has closed the connection. */
  closedWith: number | undefined;
  /** Whether the transport is gone, so that the handle is free. */
  gone = false;
  /** Whether it reads its control stream: otherwise the relay's bytes pile up. */
  reads = true;
  /** Whether its queue is left alone, as by a transport that cannot send. */
  blocked = false;
  pendingBytes = 0;
  readonly #relay: RelayHarness;

  constructor(relay: RelayHarness, readonly connection: ConnectionId) {
    this.#relay = relay;
  }

  /** Sends raw bytes of the control stream. */
  raw(bytes: Uint8Array): this {
    this.#relay.core.handleControl(this.connection, bytes, this.#relay.nowMs);
    this.#relay.settle();
    return this;
  }

  /** Sends a control message. */
  control(message: unknown): this {
    return this.raw(framed(JSON.stringify(message)));
  }

  /** Sends a hello: a good one, but for `fields`. */
  hello(fields: Record<string, unknown> = {}): this {
    const { role = "client" } = fields;
    return this.control({
      type: "hello",
      protocol: 1,
      role,
      room: "PARTY",
      ...(role === "client" ? { mac: "02:00:00:00:00:51" } : {}),
      datagramBudget: 1_450,
      ...fields,
    });
  }

  /** Sends FIN. */
  finish(): void {
    this.#relay.core.handleControlFinished(this.connection, this.#relay.nowMs);
    this.#relay.settle();
  }

  /** Sends a datagram. */
  send(datagram: Uint8Array): this {
    const { pool, core } = this.#relay;
    const slot = pool.acquire();
    assert(slot >= 0, "no slot is free");
    const offset = pool.offsetOf(slot) + 4;
    pool.bytes.set(datagram, offset);
    core.handleDatagram(this.connection, slot, offset, datagram.length, this.#relay.nowMs);
    this.#relay.settle();
    return this;
  }

  /** The transport goes, with the application error code of the endpoint's close if it did so. */
  lose(errorCode?: number): void {
    this.gone = true;
    this.#relay.core.handleClosed(this.connection, this.#relay.nowMs, errorCode);
    this.#relay.settle();
  }

  /** What the relay has said since the last call. */
  heard(): Message[] {
    return this.messages.splice(0);
  }

  /** What has come by datagram since the last call. */
  received(): Uint8Array[] {
    return this.datagrams.splice(0);
  }

  /** The last message of a type. */
  last(type: string): Message {
    const found = this.messages.findLast((message) => message.type === type);
    assert(found !== undefined, `no ${type} among ${JSON.stringify(this.messages)}`);
    return found;
  }

  /** Empties its queue, as a transport with a good path does. */
  pull(): void {
    const queue = this.#relay.core.queueOf(this.connection);
    while (queue?.dequeue(this.#relay.nowMs)) {
      const { slot, offset, length } = queue;
      this.datagrams.push(this.#relay.pool.bytes.slice(offset, offset + length));
      this.#relay.pool.release(slot);
    }
  }

  take(
    action: { type: "send"; bytes: Uint8Array } | { type: "finish" } | {
      type: "close";
      errorCode: number;
    },
  ): void {
    assertEquals(this.closedWith, undefined, `${action.type} after close`);
    if (action.type === "send") {
      assert(!this.finished, "a message after FIN");
      const length = new DataView(action.bytes.buffer, action.bytes.byteOffset).getUint32(0);
      assertEquals(length, action.bytes.length - 4);
      this.messages.push(JSON.parse(new TextDecoder().decode(action.bytes.subarray(4))));
      if (this.reads) this.#relay.core.handleControlSent(this.connection, action.bytes.length);
      else this.pendingBytes += action.bytes.length;
    } else if (action.type === "finish") this.finished = true;
    else this.closedWith = action.errorCode;
  }
}

/** The endpoint was sent a `disconnect`, FIN, and after a second the close. */
export function assertDisconnected(
  relay: RelayHarness,
  endpoint: ScriptedEndpoint,
  code: string,
  errorCode: number,
): void {
  assertEquals(endpoint.messages.at(-1)?.type, "disconnect");
  assertEquals(endpoint.messages.at(-1)?.code, code);
  assert(endpoint.finished, "the stream is not finished");
  assertEquals(endpoint.closedWith, undefined, "closed before the message could arrive");
  // A timer may have ended the session up to 12 ms ago.
  relay.advance(985);
  assertEquals(endpoint.closedWith, undefined, "closed too soon");
  relay.advance(21);
  assertEquals(endpoint.closedWith, errorCode);
}

/** A control message's bytes with their length in front. */
export function framed(text: string): Uint8Array {
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(4 + json.length);
  new DataView(bytes.buffer).setUint32(0, json.length);
  bytes.set(json, 4);
  return bytes;
}
