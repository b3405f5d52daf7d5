/** A client or gateway program in the simulation: the endpoint of the real ones, over a network of the test. */
import { assert, assertEquals } from "@std/assert";
import { ClientCore } from "../../src/client/client_core.ts";
import { LanNetworks } from "../../src/client/lan_networks.ts";
import { encodeMessage, MESSAGE_ARRIVAL_MAX_MS } from "../../src/control/framing.ts";
import type { ClosedReason, EndpointAction } from "../../src/endpoint/actions.ts";
import { Endpoint } from "../../src/endpoint/endpoint.ts";
import { FramePath } from "../../src/endpoint/frame_path.ts";
import type { HostAnswer } from "../../src/control/host_messages.ts";
import { formatKey, roomKeyOf } from "../../src/control/keys.ts";
import { EndpointSession } from "../../src/endpoint/session.ts";
import type { TokenStore } from "../../src/endpoint/token_store.ts";
import { GatewayCore } from "../../src/gateway/core.ts";
import type { LanWriter } from "../../src/gateway/core_options.ts";
import type { HostOrder } from "../../src/gateway/host_requests.ts";
import { TrafficCounters } from "../../src/observe/counters.ts";
import { DropCode } from "../../src/observe/drops.ts";
import { type LanVerdict, lanVerdictLine } from "../../src/observe/lan_verdict.ts";
import { FrameLog } from "../../src/observe/frame_log.ts";
import { parseMac } from "../../src/proto/mac.ts";
import { BufferPool, HEADROOM_BYTES } from "../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../src/queue/queue_arena.ts";
import { sha256 } from "../../src/trust/sha256.ts";
import type { Ledger, Station } from "./ledger.ts";
import type { Path, Side, SimConnection } from "./network.ts";
import type { SeededRandom } from "./random.ts";
import { Alarm, type Timeline } from "./timeline.ts";

const POOL_SLOTS = 1_024;

/** What a program needs of the world. */
export interface World {
  readonly timeline: Timeline;
  readonly random: SeededRandom;
  readonly ledger: Ledger;
  /** Opens a connection to whatever listens there. */
  connect(address: string, path: Path, side: Side): SimConnection;
}

/** One run of a program. */
export class SimEndpoint implements Side {
  readonly endpoint: Endpoint;
  /** How it has ended, if it has. */
  ended: { readonly exitCode: number; readonly message: string } | undefined;
  readonly connections = new Set<SimConnection>();
  /** A gateway's: takes what comes out of the tunnel into its LAN, in the place of the ledger. */
  lan: ((frame: Uint8Array) => void) | undefined;
  /** What a client has said of the LAN. */
  readonly told: string[] = [];
  /** The MTU of a client's TAP. */
  adapterMtu: number | undefined;
  /** Whether a gateway's LAN interface has a link. */
  isLanUp = true;
  /** Whether a gateway's machine lets nothing through to its LAN. */
  isLanHeld = false;
  /** What the relay has answered to a host. */
  readonly answers: HostAnswer[] = [];
  readonly #pool = new BufferPool(POOL_SLOTS);
  readonly #counters = new TrafficCounters();
  readonly #client: ClientCore | undefined;
  readonly #gateway: GatewayCore | undefined;
  readonly #alarm: Alarm;
  #connection: SimConnection | undefined;
  #crashed = false;
  readonly #world: World;

  constructor(
    world: World,
    readonly station: Station,
    readonly way: Path,
    relay: { readonly host: string; readonly port: number },
    tokens: TokenStore,
  ) {
    this.#world = world;
    const pool = this.#pool;
    const counters = this.#counters;
    const arena = new QueueArena(POOL_SLOTS * 2);
    const path = new FramePath({ pool, arena, counters });
    const writer = this.#lanWriter();
    const random = (count: number) => world.random.bytes(count);
    if (station.role === "client") {
      const mac = parseMac(station.mac!)!;
      this.#client = new ClientCore({
        pool,
        path,
        counters,
        frameLog: new FrameLog(),
        tap: writer,
        mac,
        networks: new LanNetworks(),
        allowLanDefaultRoute: false,
        allowVlan: true,
        random,
      });
    } else {
      this.#gateway = new GatewayCore({
        pool,
        path,
        counters,
        lan: writer,
        random,
        allowVlan: true,
      });
    }
    const session = new EndpointSession({
      role: station.role,
      relays: [relay],
      room: station.room,
      mac: station.mac,
      name: station.name,
      agent: "simulation",
      tokens,
      ...keysOf(station),
    }, {
      random: (count) => world.random.bytes(count),
      statistics: () => ({ traffic: counters.snapshot() }),
    });
    this.endpoint = new Endpoint(session, path, this.#client ?? this.#gateway!);
    this.#alarm = new Alarm(world.timeline, () => this.#step());
    this.endpoint.start(world.timeline.nowMs);
    this.#step();
  }

  /** The LAN's side, or a player's adapter. */
  #lanWriter(): LanWriter {
    const isUp = () => this.isLanUp;
    const isHeld = () => this.isLanHeld;
    return {
      send: (bytes, offset, length) => {
        this.#arrive(bytes.slice(offset, offset + length));
        return true;
      },
      get isUp() {
        return isUp();
      },
      get isHeld() {
        return isHeld();
      },
    };
  }

  get session(): EndpointSession {
    return this.endpoint.session;
  }

  /** Whether the LAN works, by the client's own word. */
  get lanVerdict(): LanVerdict {
    assert(this.#client !== undefined);
    return this.#client.lanVerdict(this.#world.timeline.nowMs);
  }

  /** The client's adapter is open, with these addresses. */
  setAddresses(...addresses: readonly string[]): void {
    this.#client?.handleAddresses(addresses, this.#world.timeline.nowMs);
    this.#step();
  }

  /** Whether frames flow. */
  get isJoined(): boolean {
    return !this.#crashed && this.session.state === "joined";
  }

  /** The host asks the relay for something; the answers come in `answers`. */
  askRelay(order: HostOrder): boolean {
    const asked = this.session.askRelay({
      type: "hostRequest",
      request: this.answers.length,
      ...order,
    });
    this.#step();
    return asked;
  }

  /** The process dies. */
  crash(): void {
    this.#crashed = true;
    for (const connection of this.connections) connection.abandon("endpoint");
    this.connections.clear();
  }

  /** The player ends the program. */
  leave(): void {
    if (this.#crashed) return;
    this.endpoint.leave(this.#world.timeline.nowMs);
    this.#step();
  }

  /** The player's system, or the LAN, sends a frame. */
  sendFrame(frame: Uint8Array): void {
    if (this.#crashed) return;
    const { nowMs } = this.#world.timeline;
    const slot = this.#pool.acquire();
    if (slot < 0) return;
    const offset = this.#pool.offsetOf(slot) + HEADROOM_BYTES;
    this.#pool.bytes.set(frame, offset);
    if (this.#client !== undefined) {
      this.#client.handleTapFrame(slot, offset, frame.length, nowMs);
    } else {
      this.#gateway!.handleLanFrame({
        bytes: this.#pool.bytes,
        offset,
        length: frame.length,
        slot,
        virtioFlags: 0,
        gsoType: 0,
        segmentBytes: 0,
        checksumStart: 0,
        checksumOffset: 0,
        vlanTpid: 0,
        vlanTci: 0,
      }, nowMs);
    }
    this.#pump();
  }

  connected(connection: SimConnection): void {
    if (this.#uses(connection)) {
      const { nowMs } = this.#world.timeline;
      this.endpoint.handleConnected(connection.maxDatagramBytes("endpoint"), nowMs);
      this.endpoint.handleRtt(connection.path.latencyMs * 2);
      this.#step();
    }
  }

  maxDatagram(connection: SimConnection, bytes: number): void {
    if (!this.#uses(connection)) return;
    this.endpoint.handleMaxDatagram(bytes, this.#world.timeline.nowMs);
    this.#step();
  }

  control(connection: SimConnection, bytes: Uint8Array): void {
    if (!this.#uses(connection)) return;
    this.endpoint.handleControl(bytes, this.#world.timeline.nowMs);
    this.#step();
  }

  controlFinished(connection: SimConnection): void {
    if (!this.#uses(connection)) return;
    this.endpoint.handleControlFinished(this.#world.timeline.nowMs);
    this.#step();
  }

  controlSent(): void {}

  datagram(connection: SimConnection, bytes: Uint8Array): void {
    if (!this.#uses(connection)) return;
    const copy = bytes.slice();
    this.endpoint.handleDatagram(copy, 0, copy.length, this.#world.timeline.nowMs);
    // What is answered at once does not wait for the next turn.
    this.#pump();
  }

  writable(connection: SimConnection): void {
    if (this.#uses(connection)) this.#pump();
  }

  closed(connection: SimConnection, reason: ClosedReason): void {
    this.connections.delete(connection);
    if (!this.#uses(connection)) return;
    this.#connection = undefined;
    this.endpoint.handleClosed(reason, this.#world.timeline.nowMs);
    this.#step();
  }

  /** The program is over: nothing may be left in memory, and no frame came to the wrong place. */
  checkEmpty(): void {
    this.checkDrops();
    if (this.#crashed) return;
    assert(this.ended !== undefined, `${this.station.name} has not ended`);
    assertEquals(this.#pool.freeSlots, this.#pool.slotCount, `${this.station.name} lost slots`);
  }

  /** The relay sent nothing that is not for this endpoint, or malformed. */
  checkDrops(): void {
    for (
      const reason of [
        "ownEcho",
        "notForUs",
        "overLong",
        "reassemblyOverLong",
        "malformedShort",
        "malformedVersion",
        "malformedFlags",
        "malformedShortFrame",
        "malformedFirstPiece",
        "malformedPieceOffset",
        "malformedEmptyPiece",
      ] as const
    ) assertEquals(this.#counters.drops[DropCode[reason]], 0, `${this.station.name}: ${reason}`);
  }

  #uses(connection: SimConnection): boolean {
    return !this.#crashed && this.#connection === connection;
  }

  #arrive(frame: Uint8Array): void {
    if (this.lan !== undefined) return this.lan(frame);
    this.#world.ledger.arrive(frame, this.station);
  }

  /** One turn of the shell. */
  #step(): void {
    if (this.#crashed) return;
    const { nowMs } = this.#world.timeline;
    this.endpoint.handleTimer(nowMs);
    this.endpoint.drainActions(nowMs, (action) => this.#carryOut(action));
    for (const event of this.#client?.drainStatus() ?? []) {
      if (event.type === "lanVerdict") this.told.push(lanVerdictLine(event.verdict));
    }
    this.#pump();
    const dueMs = this.endpoint.nextDeadlineMs();
    this.#alarm.set(Math.max(dueMs, nowMs + 0.01));
  }

  #carryOut(action: EndpointAction): void {
    switch (action.type) {
      case "connect": {
        const [{ host, port }] = action.targets;
        const address = `${host}:${port}`;
        this.#connection = this.#world.connect(address, this.way, this);
        this.connections.add(this.#connection);
        return;
      }
      case "send":
        this.#checkMessage(action.bytes);
        return this.#connection?.sendControl("endpoint", this.#asOfBefore(action.bytes));
      case "mtu":
        return void (this.adapterMtu = action.tapMtu);
      case "finish":
        return this.#connection?.finishControl("endpoint");
      case "close":
        return this.#connection?.close("endpoint", action.errorCode);
      case "peerJoined":
        assert(this.#gateway?.serves(action.peer) ?? true, "a player is not served");
        return;
      case "hostAnswer":
        return void this.answers.push(action.answer);
      case "ended":
        this.ended = action;
        return;
    }
  }

  /**
   * The only end that an endpoint has reason for is `bye`: the relay never breaks the protocol. But where the
   * path, or the relay, was down in the middle of a message, the endpoint may have waited too long for its rest.
   */
  #checkMessage(bytes: Uint8Array): void {
    const message = JSON.parse(new TextDecoder().decode(bytes.subarray(4)));
    if (message.type !== "disconnect") return;
    const { way } = this;
    const wasDown = !way.isUp || this.#connection?.isOpen("relay") === false ||
      this.#world.timeline.nowMs - way.upSinceMs < MESSAGE_ARRIVAL_MAX_MS;
    if (wasDown && message.message === "a message did not arrive in time") return;
    assertEquals(message.code, "bye", `${this.station.name}: ${message.message}`);
  }

  /** A message as an older program says it, if this is to be one: such a hello names fewer features. */
  #asOfBefore(bytes: Uint8Array): Uint8Array {
    const { features } = this.station;
    if (features === undefined) return bytes;
    const message = JSON.parse(new TextDecoder().decode(bytes.subarray(4)));
    assert(message.type !== "budget", "an older program does not know of budgets");
    return message.type === "hello" ? encodeMessage({ ...message, features }) : bytes;
  }

  #pump(): void {
    const connection = this.#connection;
    const pool = this.#pool;
    if (connection === undefined) return;
    const { nowMs } = this.#world.timeline;
    const { queue } = this.endpoint.path;
    assert(queue.queuedBytes <= queue.bytesMax, "a queue is over its bound");
    while (connection.canSend("endpoint") && queue.dequeue(nowMs)) {
      const { slot, offset, length } = queue;
      const bytes = pool.bytes.slice(offset, offset + length);
      pool.release(slot);
      if (length <= connection.maxDatagramBytes("endpoint")) {
        connection.sendDatagram("endpoint", bytes);
      }
    }
  }
}

/** The key that a station shows: a gateway its host's own, a player the one that follows from it. */
function keysOf({ role, key }: Station): { roomKey?: string; gatewayKey?: string } {
  if (key === undefined) return {};
  if (role === "gateway") return { gatewayKey: formatKey(key) };
  return { roomKey: formatKey(roomKeyOf(key, sha256)) };
}
