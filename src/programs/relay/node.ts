/**
 * The relay's shell: carries QUIC events to the core, and the core's decisions back.
 *
 * ```
 *  QUIC events ──► RelayCore ──► actions ──► control streams, connections
 *                      │
 *                      └──► queue of each peer ──► pump ──► datagrams
 * ```
 *
 * @module
 */
import { TrafficCounters } from "../../observe/counters.ts";
import { asConnectionId, type ConnectionId, type Slot } from "../../proto/brands.ts";
import {
  formatAddress,
  type QuicAddress,
  type QuicCloseReason,
  type QuicConnection,
  type QuicConnectionHandler,
  type QuicStream,
  type QuicStreamHandler,
} from "../../quic/mod.ts";
import { SETTLE_MAX_MS } from "../../proto/mtu.ts";
import type { BufferPool } from "../../queue/buffer_pool.ts";
import type { Reactor, Task } from "../../reactor/mod.ts";
import type { RelayAction } from "../../relay/actions.ts";
import type { Ban } from "../../relay/ban_record.ts";
import type { RelayCore } from "../../relay/core.ts";
import type { Arrival } from "../../relay/directory.ts";
import { DatagramPump } from "../common/datagram_pump.ts";
import { type Logger, logText } from "../../log/logging.ts";

/** How often the round trip times are read that decide when a new path's MTU has settled. */
const RTT_INTERVAL_MS = 50;
/** Then those of all others, so many each time that everybody's is read once a second. */
const RTT_SHARES = 20;
/** For so long after its handshake a path counts as new. */
const NEW_PATH_MS = SETTLE_MAX_MS + RTT_INTERVAL_MS;

/** Runs a {@link RelayCore} on connections. */
export class RelayNode implements Task {
  readonly core: RelayCore;
  /** Datagrams that the shell had to drop after the core had let them go. */
  readonly counters: TrafficCounters = new TrafficCounters();
  /** Told of bans that were made here, and of those that are no more. */
  onBans: (change: { readonly made?: Ban; readonly gone?: readonly string[] }) => void = () => {};
  readonly #peers: (Peer | undefined)[] = [];
  readonly #freeHandles: ConnectionId[] = [];
  /** Peers whose queue holds something: so many at the front of a list that keeps its room. */
  readonly #backlog: (Peer | undefined)[] = [];
  #backlogged = 0;
  /** Peers whose path is new, the longest known first. */
  readonly #newPaths: Peer[] = [];
  #rttDueMs = 0;
  /** Where reading the round trip times of all goes on. */
  #rttHandle = 0;
  readonly #logger: Logger;

  constructor(
    core: RelayCore,
    readonly reactor: Reactor,
    readonly pool: BufferPool,
    logger: Logger,
  ) {
    this.#logger = logger;
    this.core = core;
    reactor.addTask(this);
  }

  /** A handshake begins, which came in this way: its handler, or `undefined` to refuse it. */
  accept(remote: QuicAddress, arrival?: Arrival): QuicConnectionHandler | undefined {
    const address = formatAddress(remote);
    const open = this.#peers.length - this.#freeHandles.length;
    if (!this.core.mayBegin(address, open, this.reactor.now())) return undefined;
    const handle = this.#freeHandles.pop() ?? asConnectionId(this.#peers.length);
    const peer = new Peer(this, handle, address, arrival);
    this.#peers[handle] = peer;
    return peer;
  }

  /** Tells everybody that the relay stops; `core.stopped` says when they are gone. */
  shutDown(retryAfterMs: number): void {
    this.core.handleShutdown(retryAfterMs, this.reactor.now());
    this.reactor.wake();
  }

  work(nowMs: number): boolean {
    if (nowMs >= this.core.nextDeadlineMs()) this.core.handleTimer(nowMs);
    if (nowMs >= this.#rttDueMs) this.#readRoundTrips(nowMs);
    const actions = this.core.drainActions();
    for (const action of actions) this.#carryOut(action);
    return this.#pump(nowMs);
  }

  nextDeadlineMs(): number {
    const deadlineMs = this.core.nextDeadlineMs();
    return this.core.connections > 0 ? Math.min(deadlineMs, this.#rttDueMs) : deadlineMs;
  }

  /** A peer's handshake is done. Called by peers. */
  watchNewPath(peer: Peer): void {
    this.#newPaths.push(peer);
  }

  /** The connection behind a handle has ended: the handle is free. Called by peers. */
  forget(peer: Peer): void {
    this.#peers[peer.handle] = undefined;
    this.#freeHandles.push(peer.handle);
  }

  /** Hands queued datagrams over, to each peer a batch; true if another round would find more. */
  #pump(nowMs: number): boolean {
    const backlog = this.#backlog;
    for (let handle = this.core.nextReady(); handle >= 0; handle = this.core.nextReady()) {
      const peer = this.#peers[handle];
      if (peer === undefined || peer.inBacklog) continue;
      peer.inBacklog = true;
      backlog[this.#backlogged++] = peer;
    }
    let taken = 0;
    let kept = 0;
    for (let i = 0; i < this.#backlogged; i++) {
      const peer = backlog[i];
      backlog[i] = undefined;
      if (peer === undefined) continue;
      const queue = this.core.queueOf(peer.handle);
      if (queue !== undefined && peer.pump !== undefined && this.#peers[peer.handle] === peer) {
        taken += peer.pump.pump(queue, nowMs);
        if (queue.queuedEntries > 0) {
          backlog[kept++] = peer;
          continue;
        }
      }
      peer.inBacklog = false;
    }
    this.#backlogged = kept;
    return taken > 0;
  }

  /** Peers whose path is new, each time; of the others a share, for reading costs as much as a frame. */
  #readRoundTrips(nowMs: number): void {
    this.#rttDueMs = nowMs + RTT_INTERVAL_MS;
    const newPaths = this.#newPaths;
    const peers = this.#peers;
    while (newPaths.length > 0 && nowMs - newPaths[0].connectedMs > NEW_PATH_MS) newPaths.shift();
    for (const peer of newPaths) this.#readRoundTrip(peer, nowMs);
    for (let rest = Math.ceil(peers.length / RTT_SHARES); rest > 0; rest--) {
      this.#rttHandle = this.#rttHandle + 1 < peers.length ? this.#rttHandle + 1 : 0;
      this.#readRoundTrip(peers[this.#rttHandle], nowMs);
    }
  }

  #readRoundTrip(peer: Peer | undefined, nowMs: number): void {
    if (peer?.pump === undefined) return;
    peer.pump.readRate(nowMs);
    this.core.handleRtt(peer.handle, peer.pump.rttMs);
  }

  #carryOut(action: RelayAction): void {
    if (action.type === "log") {
      return logText(this.#logger, action.level, action.message, { ...action.fields });
    }
    if (action.type === "banMade") return this.onBans({ made: action.ban });
    if (action.type === "bansGone") return this.onBans({ gone: action.ids });
    const peer = this.#peers[action.connection];
    if (peer === undefined) return;
    if (action.type === "send") peer.send(action.bytes);
    else if (action.type === "finish") peer.control?.finish();
    else peer.connection?.shutdown(action.errorCode);
  }
}

/** A connection with what the shell keeps beside it. */
class Peer implements QuicConnectionHandler {
  connection: QuicConnection | undefined;
  control: QuicStream | undefined;
  pump: DatagramPump | undefined;
  inBacklog = false;
  /** When the handshake was done, ms. */
  connectedMs = Infinity;
  readonly #controlHandler: QuicStreamHandler = {
    data: (_stream, bytes, finished) => {
      const nowMs = this.#node.reactor.now();
      if (bytes.length > 0) this.#node.core.handleControl(this.handle, bytes, nowMs);
      if (finished) this.#node.core.handleControlFinished(this.handle, nowMs);
    },
    aborted: () => this.#node.core.handleControlFinished(this.handle, this.#node.reactor.now()),
    // Each by itself: while somebody is told much, there is always something under way.
    acknowledged: (_stream, bytes) => this.#node.core.handleControlSent(this.handle, bytes),
  };

  readonly #node: RelayNode;
  readonly #address: string;
  readonly #arrival: Arrival | undefined;

  constructor(
    node: RelayNode,
    readonly handle: ConnectionId,
    address: string,
    arrival: Arrival | undefined,
  ) {
    this.#node = node;
    this.#address = address;
    this.#arrival = arrival;
  }

  connected(connection: QuicConnection): void {
    const node = this.#node;
    this.connection = connection;
    this.pump = new DatagramPump(connection, node.pool, node.counters);
    this.connectedMs = node.reactor.now();
    node.watchNewPath(this);
    node.core.handleConnected(this.handle, {
      address: this.#address,
      maxDatagramBytes: connection.maxDatagramBytes,
      ...(this.#arrival === undefined ? {} : { arrival: this.#arrival }),
    }, this.connectedMs);
  }

  maxDatagram(_connection: QuicConnection, bytes: number): void {
    this.#node.core.handleMaxDatagram(this.handle, bytes, this.#node.reactor.now());
  }

  addressChanged(_connection: QuicConnection, address: QuicAddress): void {
    const nowMs = this.#node.reactor.now();
    this.#node.core.handleAddress(this.handle, formatAddress(address), nowMs);
  }

  datagram(_connection: QuicConnection, slot: Slot, offset: number, length: number): void {
    const { core, reactor } = this.#node;
    core.handleDatagram(this.handle, slot, offset, length, reactor.roundMs);
  }

  streamOpened(_connection: QuicConnection, stream: QuicStream): QuicStreamHandler | undefined {
    if (this.control === undefined) {
      this.control = stream;
      return this.#controlHandler;
    }
    this.#node.core.handleSecondStream(this.handle, this.#node.reactor.now());
    return undefined;
  }

  closed(_connection: QuicConnection, reason: QuicCloseReason): void {
    const errorCode = reason.by === "peer" && reason.kind === "application"
      ? reason.errorCode
      : undefined;
    this.#node.core.handleClosed(this.handle, this.#node.reactor.now(), errorCode);
    this.connection = undefined;
    this.pump = undefined;
    this.#node.forget(this);
  }

  /** Sends on the control stream; the core bounds what is outstanding. */
  send(bytes: Uint8Array): void {
    this.control?.send(bytes);
  }
}
