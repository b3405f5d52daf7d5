/**
 * Serves what a relay does: takes the core's snapshots, and hands them on as values.
 *
 * @module
 */
import type { StatusAddress } from "../../serve/status_address.ts";
import { certificateFinding } from "../../observe/certificate_dates.ts";
import { sentenceLine } from "../../observe/sentences.ts";
import type { TrafficSnapshot } from "../../observe/counters.ts";
import type { DropFinding } from "../../observe/drop_findings.ts";
import { DROP_WINDOW_MS, DropWatch } from "../../observe/drop_watch.ts";
import type { Reactor, Task } from "../../reactor/mod.ts";
import type { PeerSnapshot, RoomSnapshot } from "../../relay/snapshot.ts";
import type { PeerView, RelayView, RoomView } from "../../serve/relay_view.ts";
import { StatusPages, type StatusSource } from "../../serve/status_pages.ts";
import type { StatusServer } from "../../serve/status_server.ts";
import type { Logger } from "../../log/logging.ts";
import type { RelayCertificate } from "./identity.ts";
import { LoopLag } from "./loop_lag.ts";
import type { RelayNode } from "./node.ts";
import type { ReceiveBufferTask } from "../common/receive_buffer.ts";
import { ATTENTION_MS, servePages } from "../common/serve_pages.ts";

/** What a view is made from. */
export interface RelayParts {
  readonly node: RelayNode;
  readonly reactor: Reactor;
  readonly version: string;
  /** The one for new connections. */
  readonly certificate: () => RelayCertificate;
  /** Wall clock minus the reactor's, ms. */
  readonly timeOriginMs: number;
  readonly receiveBuffer: ReceiveBufferTask;
}

/**
 * Serves the status pages until the returned server is closed.
 *
 * @throws {UserError} it cannot be served there
 */
export function serveStatus(
  address: StatusAddress,
  parts: RelayParts,
  logger: Logger,
): StatusServer {
  const { reactor } = parts;
  const source = { now: () => reactor.now(), view: viewer(parts) };
  return openStatus(address, source, () => reactor.attend(ATTENTION_MS), logger);
}

/** Looks at a relay from now on: its view, made when it is asked for. */
export function viewer(parts: RelayParts): () => RelayView {
  const { reactor } = parts;
  const lag = new LoopLag(reactor.counters);
  reactor.addTask(lag);
  const drops = new DropTask(parts.node);
  reactor.addTask(drops);
  const startedMs = reactor.now();
  return () => viewOf(parts, lag, drops, startedMs);
}

/**
 * Serves the pages made from a source.
 *
 * @param prepare see {@linkcode StatusServer.open}
 * @throws {UserError} it cannot be served there
 */
export function openStatus(
  address: StatusAddress,
  source: StatusSource,
  prepare: () => void | Promise<void>,
  logger: Logger,
): StatusServer {
  return servePages({
    address,
    pages: new StatusPages(source),
    prepare,
    what: "rooms and addresses",
  }, logger);
}

function viewOf(
  parts: RelayParts,
  lag: LoopLag,
  drops: DropTask,
  startedMs: number,
): RelayView {
  const { node, reactor, version, timeOriginMs, certificate, receiveBuffer } = parts;
  const { core, pool } = node;
  const nowMs = reactor.now();
  const traffic = trafficOf(node);
  return {
    version,
    unixMs: Math.round(timeOriginMs + nowMs),
    uptimeMs: Math.round(nowMs - startedMs),
    draining: core.draining,
    connections: core.connections,
    bans: core.admin.banCounts(nowMs),
    certificate: viewOfCertificate(certificate(), timeOriginMs + nowMs),
    reservedMacs: core.admin.reservedMacs,
    slots: { total: pool.slotCount, free: pool.freeSlots },
    traffic,
    dropsOfLate: drops.recent(nowMs),
    lostDatagrams: receiveBuffer.lost,
    tallies: core.tallies,
    loop: {
      turns: reactor.counters.turns,
      lagBoundsSeconds: LoopLag.BOUNDS_SECONDS,
      lagCounts: Array.from(lag.counts),
      lagSumSeconds: lag.sumSeconds,
    },
    rooms: core.rooms().map((room) => viewOfRoom(room, timeOriginMs)),
  };
}

/** Looks now and then what drops mean. */
class DropTask implements Task {
  readonly #watch = new DropWatch("relay");
  readonly #node: RelayNode;
  #dueMs = -Infinity;

  constructor(node: RelayNode) {
    this.#node = node;
  }

  recent(nowMs: number): DropFinding[] {
    return this.#watch.recent(nowMs);
  }

  work(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    this.#dueMs = nowMs + DROP_WINDOW_MS;
    this.#watch.handleCounts(trafficOf(this.#node), nowMs);
    return false;
  }

  nextDeadlineMs(): number {
    return this.#dueMs;
  }
}

function trafficOf({ core, counters }: RelayNode): TrafficSnapshot {
  const traffic = core.counters;
  traffic.add(counters);
  return traffic.snapshot();
}

/** A certificate's dates as the pages show them. */
export function viewOfCertificate(
  { certificateFile, validity }: RelayCertificate,
  unixMs: number,
): RelayView["certificate"] {
  const finding = certificateFinding(certificateFile, validity, unixMs);
  return {
    expiresUnixMs: validity.toUnixMs,
    ...(finding === undefined ? {} : { finding: sentenceLine(finding) }),
  };
}

/** A room with its times on the wall clock. */
export function viewOfRoom(room: RoomSnapshot, timeOriginMs: number): RoomView {
  const { openedMs, peers, ...same } = room;
  return {
    ...same,
    openedUnixMs: Math.round(timeOriginMs + openedMs),
    peers: peers.map((peer) => viewOfPeer(peer, timeOriginMs)),
  };
}

function viewOfPeer(peer: PeerSnapshot, timeOriginMs: number): PeerView {
  const { identity, connection: _connection, joinedMs, ...same } = peer;
  return { ...identity, ...same, joinedUnixMs: Math.round(timeOriginMs + joinedMs) };
}
