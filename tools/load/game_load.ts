/**
 * Many players at play, as a process of its own: real connections by the programs' own QUIC binding, all
 * on one thread, that send what a game sends.
 *
 * ```
 *  player i of a room ── 50 frames/s ──► relay ──► player i + 1 of the room
 *  each in turn ── 20 broadcasts/s of its room ──► relay ──► all others of the room
 *  plain UDP ── 250/s ──► this process again: the direct path, for comparison
 * ```
 *
 * All send and receive times are of one clock, so delays are one-way. Frames leave by schedule, however
 * late the relay is; how many of those that were due did leave is reported, too.
 *
 * usage: deno run game_load.ts JSON — a {@link GameTask}; prints a {@link GameReport} as JSON.
 */
import { asPeerId, type Slot } from "../../src/proto/brands.ts";
import { DATAGRAM_HEADER_BYTES, writeDatagramHeader } from "../../src/proto/datagram.ts";
import { formatMac } from "../../src/proto/mac.ts";
import { BufferPool, HEADROOM_BYTES, NO_SLOT } from "../../src/queue/buffer_pool.ts";
import { parseAddress } from "../../src/quic/mod.ts";
import { createReactor } from "../../src/reactor/mod.ts";
import { openQuicLibrary } from "../../src/programs/common/native_library.ts";
import { LoadEndpoint } from "../bench/load_endpoint.ts";
import { DelayHistogram } from "../bench/load_frames.ts";
import { cpuSeconds, residentBytes } from "../bench/process_figures.ts";
import { UDP_PAYLOAD_OFFSET, udpFrame } from "../bench/udp_frame.ts";
import { DirectPath } from "./direct_path.ts";

/** What is to be played. */
export interface GameTask {
  readonly alpn: string;
  readonly host: string;
  readonly port: number;
  /** The relay's process. */
  readonly relayPid: number;
  readonly players: number;
  readonly rooms: number;
  readonly framesPerPlayerSecond: number;
  readonly broadcastsPerRoomSecond: number;
  readonly frameBytes: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
}

/** What came of it. */
export interface GameReport {
  readonly players: number;
  readonly rooms: number;
  /** The relay's memory in RAM: with nobody there, with all there at rest, and while they play. */
  readonly emptyBytes: number;
  readonly idleBytes: number;
  readonly playingBytes: number;
  /** How long all took to join, one after the other in small groups. */
  readonly joinMs: number;
  readonly seconds: number;
  /** CPU time of the relay and of this process, in seconds per second: with all at rest, at play. */
  readonly relayIdleCpu: number;
  readonly relayCpu: number;
  readonly loadCpu: number;
  /** Frames that were due by schedule, that the transport took, and that the relay had to deliver. */
  readonly due: number;
  readonly sent: number;
  readonly expected: number;
  readonly delivered: number;
  /** How late frames left, by schedule. */
  readonly lateP99Ms: number;
  /** One way through the relay, and one way over plain UDP to this process itself. */
  readonly relayed: DelayFigures;
  readonly direct: DelayFigures;
}

/** A distribution of delays, ms. */
export interface DelayFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

const POOL_SLOTS = 32_768;
const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const OFFERED_OFFSET = UDP_PAYLOAD_OFFSET;
/** Players that shake hands at a time. */
const JOINING_MAX = 100;
const JOIN_TIMEOUT_MS = 20_000;
/** For everything to calm down, and then to measure it at rest. */
const REST_MS = 3_000;
const DIRECT_INTERVAL_MS = 4;
const STATS_INTERVAL_MS = 10_000;
/** What is still under way arrives. */
const DRAIN_MS = 500;
/** Frames that are made up for at once when this process was late. */
const CATCH_UP_MAX = 2_000;
const NO_STATS = {
  type: "stats",
  ...{ framesSent: 0, framesReceived: 0, bytesSent: 0, bytesReceived: 0 },
  ...{ datagramsSent: 0, datagramsReceived: 0, framesSplit: 0, framesReassembled: 0 },
  ...{ drops: {}, rttUs: 0, uptimeMs: 0 },
} as const;

/** Events that are due at even distances. */
class Schedule {
  count = 0;
  #startMs = 0;
  readonly #perSecond: number;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  begin(nowMs: number): void {
    this.#startMs = nowMs;
    this.count = 0;
  }

  /** How many are due and were not taken yet. */
  due(nowMs: number): number {
    return Math.floor((nowMs - this.#startMs) * this.#perSecond / 1000) - this.count;
  }

  /** Takes one; how late it is, ms. */
  take(nowMs: number): number {
    return nowMs - this.#startMs - ++this.count * 1000 / this.#perSecond;
  }
}

/** One player. */
class Player {
  constructor(
    readonly endpoint: LoadEndpoint,
    readonly toNext: Uint8Array<ArrayBuffer>,
    readonly toAll: Uint8Array<ArrayBuffer>,
  ) {}
}

/** See the module. */
class Game {
  readonly #reactor = createReactor();
  readonly #pool = new BufferPool(POOL_SLOTS);
  readonly #view = new DataView(this.#pool.bytes.buffer);
  readonly #library = openQuicLibrary(this.#reactor, this.#pool);
  readonly #players: Player[] = [];
  readonly #relayed = new DelayHistogram();
  readonly #direct = new DelayHistogram();
  readonly #late = new DelayHistogram();
  readonly #directPath = new DirectPath(this.#reactor, this.#direct);
  readonly #frames: Schedule;
  readonly #broadcasts: Schedule;
  readonly #stats: Schedule;
  #sent = 0;
  #expected = 0;
  #delivered = 0;
  #failure: string | undefined;
  readonly #task: GameTask;

  constructor(task: GameTask) {
    this.#task = task;
    this.#frames = new Schedule(task.framesPerPlayerSecond * task.players);
    this.#broadcasts = new Schedule(task.broadcastsPerRoomSecond * task.rooms);
    this.#stats = new Schedule(task.players * 1000 / STATS_INTERVAL_MS);
  }

  run(): GameReport {
    const task = this.#task;
    const reactor = this.#reactor;
    const pid = task.relayPid;
    const emptyBytes = residentBytes(pid);
    const joiningMs = reactor.now();
    this.#join();
    const joinMs = reactor.now() - joiningMs;
    this.#rest(REST_MS);
    const idle = this.#measure(pid, () => this.#rest(REST_MS));
    const idleBytes = residentBytes(pid);
    this.#play(task.warmUpMs);
    this.#rest(DRAIN_MS);
    this.#resetFigures();
    const busy = this.#measure(pid, () => this.#play(task.durationMs));
    const playingBytes = residentBytes(pid);
    this.#rest(DRAIN_MS);
    return {
      players: task.players,
      rooms: task.rooms,
      ...{ emptyBytes, idleBytes, playingBytes, joinMs },
      seconds: busy.seconds,
      relayIdleCpu: idle.relayCpu,
      relayCpu: busy.relayCpu,
      loadCpu: busy.loadCpu,
      due: Math.round(
        busy.seconds * (task.framesPerPlayerSecond * task.players +
          task.broadcastsPerRoomSecond * task.rooms),
      ),
      sent: this.#sent,
      expected: this.#expected,
      delivered: this.#delivered,
      lateP99Ms: this.#late.percentile(0.99),
      relayed: figuresOf(this.#relayed),
      direct: figuresOf(this.#direct),
    };
  }

  close(): void {
    for (const { endpoint } of this.#players) endpoint.close();
    this.#rest(DRAIN_MS);
    this.#directPath.close();
    this.#library.close();
    this.#reactor.close();
  }

  /** Lets so many players in at a time, until all are there. */
  #join(): void {
    const task = this.#task;
    const reactor = this.#reactor;
    let joined = 0;
    let progressMs = reactor.now();
    while (joined < task.players) {
      while (this.#players.length < Math.min(task.players, joined + JOINING_MAX)) this.#add();
      const nowMs = reactor.now();
      for (let i = joined; i < this.#players.length; i++) this.#players[i].endpoint.work(nowMs);
      this.#turn(5);
      while (joined < this.#players.length && this.#players[joined].endpoint.ready) {
        joined++;
        progressMs = nowMs;
      }
      if (nowMs - progressMs > JOIN_TIMEOUT_MS) {
        throw new Error(`${joined} of ${task.players} players have joined, and then none did`);
      }
    }
  }

  #add(): void {
    const task = this.#task;
    const library = this.#library;
    const pool = this.#pool;
    const player = this.#players.length;
    const room = player % task.rooms;
    const seats = Math.ceil((task.players - room) / task.rooms);
    const seat = Math.floor(player / task.rooms);
    const mac = macOf(player);
    const next = macOf(room + (seat + 1) % seats * task.rooms);
    const endpoint = new LoadEndpoint({
      protocol: "lanparty",
      pool,
      mac: formatMac(mac),
      room: `LOAD-${room}`,
      receive: (slot, offset) => this.#take(slot, offset),
      nowMs: () => this.#reactor.now(),
      failed: (why) => this.#failure ??= `player ${player}: ${why}`,
    });
    const address = parseAddress(task.host, task.port);
    if (address === undefined) throw new Error(`no address: ${task.host}`);
    library.connect({ configuration: this.#configuration, address, serverName: "load" }, endpoint);
    this.#players.push(
      new Player(
        endpoint,
        udpFrame(task.frameBytes, next, mac),
        udpFrame(task.frameBytes, BROADCAST, mac),
      ),
    );
  }

  readonly #configuration = (() => {
    const { alpn } = this.#task;
    return this.#library.openConfiguration({ alpn, credentials: { role: "client" } });
  })();

  #take(slot: Slot, offset: number): void {
    const sentMs = this.#view.getFloat64(offset + DATAGRAM_HEADER_BYTES + OFFERED_OFFSET);
    this.#relayed.add(this.#reactor.now() - sentMs);
    this.#delivered++;
    this.#pool.release(slot);
  }

  /** Plays for so long, by schedule. */
  #play(durationMs: number): void {
    const reactor = this.#reactor;
    const startMs = reactor.now();
    for (const schedule of [this.#frames, this.#broadcasts, this.#stats]) schedule.begin(startMs);
    let directMs = startMs;
    for (;;) {
      const nowMs = reactor.now();
      if (nowMs - startMs >= durationMs) return;
      if (nowMs >= directMs) {
        this.#directPath.send(nowMs);
        directMs = nowMs + DIRECT_INTERVAL_MS;
      }
      this.#sendDue(nowMs);
      this.#turn(0.5);
    }
  }

  #sendDue(nowMs: number): void {
    const task = this.#task;
    const players = this.#players;
    for (let due = Math.min(CATCH_UP_MAX, this.#frames.due(nowMs)); due > 0; due--) {
      const player = players[this.#frames.count % task.players];
      this.#late.add(this.#frames.take(nowMs));
      this.#send(player, player.toNext, 1, nowMs);
    }
    for (let due = Math.min(CATCH_UP_MAX, this.#broadcasts.due(nowMs)); due > 0; due--) {
      const { count } = this.#broadcasts;
      const room = count % task.rooms;
      const seats = Math.ceil((task.players - room) / task.rooms);
      const player = players[room + Math.floor(count / task.rooms) % seats * task.rooms];
      this.#late.add(this.#broadcasts.take(nowMs));
      this.#send(player, player.toAll, seats - 1, nowMs);
    }
    for (let due = this.#stats.due(nowMs); due > 0; due--) {
      players[this.#stats.count % task.players].endpoint.say(NO_STATS);
      this.#stats.take(nowMs);
    }
  }

  #send(player: Player, frame: Uint8Array, targets: number, nowMs: number): void {
    const pool = this.#pool;
    const slot = pool.acquire();
    if (slot === NO_SLOT) return;
    const offset = pool.offsetOf(slot) + HEADROOM_BYTES;
    writeDatagramHeader(pool.bytes, offset, asPeerId(0));
    pool.bytes.set(frame, offset + DATAGRAM_HEADER_BYTES);
    this.#view.setFloat64(offset + DATAGRAM_HEADER_BYTES + OFFERED_OFFSET, nowMs);
    const length = frame.length + DATAGRAM_HEADER_BYTES;
    if (!player.endpoint.sendNow(slot, offset, length)) return;
    this.#sent++;
    this.#expected += targets;
  }

  #rest(durationMs: number): void {
    const endMs = this.#reactor.now() + durationMs;
    while (this.#reactor.now() < endMs) this.#turn(5);
  }

  #turn(waitMaxMs: number): void {
    this.#reactor.turn(waitMaxMs);
    if (this.#failure !== undefined) throw new Error(this.#failure);
  }

  #measure(pid: number, work: () => void) {
    const before = [this.#reactor.now(), cpuSeconds(pid), cpuSeconds(Deno.pid)];
    work();
    const after = [this.#reactor.now(), cpuSeconds(pid), cpuSeconds(Deno.pid)];
    const [milliseconds, relay, load] = after.map((value, i) => value - before[i]);
    const seconds = milliseconds / 1000;
    return { seconds, relayCpu: relay / seconds, loadCpu: load / seconds };
  }

  #resetFigures(): void {
    this.#sent = this.#expected = this.#delivered = 0;
    for (const histogram of [this.#relayed, this.#direct, this.#late]) histogram.reset();
  }
}

/** A locally administered MAC for each player. */
function macOf(player: number): Uint8Array {
  return new Uint8Array([2, 0, 0, 1, player >> 8, player & 0xff]);
}

function figuresOf(delays: DelayHistogram): DelayFigures {
  return {
    p50Ms: delays.percentile(0.5),
    p99Ms: delays.percentile(0.99),
    p999Ms: delays.percentile(0.999),
  };
}

if (import.meta.main) {
  const game = new Game(JSON.parse(Deno.args[0]) as GameTask);
  console.log(JSON.stringify(game.run()));
  game.close();
}
