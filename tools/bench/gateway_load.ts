/**
 * A gateway without QUIC, as a process of its own: the packet socket, the kernel's filter, the core, the
 * frame path, its queue and the reactor are the program's own; where its QUIC connection would be, datagrams
 * are taken out of the queue and thrown away, or made.
 *
 * ```
 *  in:   interface ─► packet socket ─► core ─► frame path ─► fair queue ─► nobody
 *  out:  one datagram, again and again ─► frame path ─► core ─► packet socket ─► interface
 *  both: as many out as have come in
 * ```
 *
 * usage: deno run gateway_load.ts JSON — a {@link GatewayTask}; prints `ready`, then a
 * {@link GatewayReport} as JSON.
 */
import { FramePath } from "../../src/endpoint/frame_path.ts";
import { GatewayCore } from "../../src/gateway/core.ts";
import { bridgeFilter } from "../../src/link/bpf.ts";
import { PacketSocket } from "../../src/link/packet_socket.ts";
import { TrafficCounters } from "../../src/observe/counters.ts";
import { asPeerId } from "../../src/proto/brands.ts";
import { DATAGRAM_HEADER_BYTES, writeDatagramHeader } from "../../src/proto/datagram.ts";
import { parseMac } from "../../src/proto/mac.ts";
import { BufferPool } from "../../src/queue/buffer_pool.ts";
import { QueueArena } from "../../src/queue/queue_arena.ts";
import { createReactor } from "../../src/reactor/mod.ts";
import { randomBytes } from "../../src/programs/common/random.ts";
import { cpuSeconds, residentBytes } from "./process_figures.ts";
import { PLAYER_MAC, STATION_MAC } from "./gateway_macs.ts";
import { udpFrame } from "./udp_frame.ts";

/** What is to be measured. */
export interface GatewayTask {
  readonly way: "in" | "out" | "both";
  readonly interface: string;
  readonly frameBytes: number;
  /** Frames before the measurement begins. */
  readonly framesBefore: number;
  /** Ends after so long, 0: not; or after so many frames, 0: not. */
  readonly durationMs: number;
  readonly framesMax: number;
}

/** What came of it. */
export interface GatewayReport {
  /** Frames that went all the way, from the measurement's beginning to its end. */
  readonly frames: number;
  /** The same from the process's start. */
  readonly framesInAll: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Received frames that the kernel had no room for, from its own counter. */
  readonly kernelDrops: number;
  /** What the core and the frame path dropped. */
  readonly drops: number;
  readonly residentBytesBefore: number;
  readonly residentBytesAfter: number;
}

const PLAYER_ID = asPeerId(2);
const OWN_ID = asPeerId(1);
/** What one datagram holds on a path of ordinary packets. */
const DATAGRAM_BYTES_MAX = 1_439;
const POOL_SLOTS = 8_192;
const QUEUE_ENTRIES = 8_192;
const BATCH = 64;

async function main(task: GatewayTask): Promise<void> {
  const reactor = createReactor();
  const pool = new BufferPool(POOL_SLOTS);
  const counters = new TrafficCounters();
  const path = new FramePath({ pool, arena: new QueueArena(QUEUE_ENTRIES), counters });
  const socket = PacketSocket.open({ interface: task.interface });
  const send = (bytes: Uint8Array, offset: number, length: number) =>
    socket.send(bytes, offset, length);
  const core = new GatewayCore({
    ...{
      pool,
      path,
      counters,
      lan: { send, isUp: true, isHeld: false },
      lanMac: socket.mac,
      random: randomBytes,
    },
  });
  const [player, station] = [PLAYER_MAC, STATION_MAC].map((mac) => parseMac(mac)!);
  path.open(DATAGRAM_BYTES_MAX);
  core.handleJoined("BENCH", OWN_ID, reactor.now());
  core.handlePeerJoined({ peerId: PLAYER_ID, role: "client", mac: PLAYER_MAC }, reactor.now());
  socket.setFilter(bridgeFilter({ clientMacs: [player] }));

  const datagram = new Uint8Array(DATAGRAM_HEADER_BYTES + task.frameBytes);
  writeDatagramHeader(datagram, 0, PLAYER_ID);
  datagram.set(udpFrame(task.frameBytes, station, player), DATAGRAM_HEADER_BYTES);

  let carried = 0;
  const takeAll = (nowMs: number) => {
    while (path.queue.dequeue(nowMs)) pool.release(path.queue.slot);
  };
  const handOut = (frames: number, nowMs: number) => {
    for (let count = 0; count < frames; count++) {
      path.handleDatagram(datagram, 0, datagram.length, nowMs, core);
    }
  };
  const window = new Window(task, socket);
  reactor.addTask({
    work: (nowMs) => {
      core.handleTimer(nowMs);
      if (task.way !== "out") takeAll(nowMs);
      if (task.way === "out") handOut(BATCH, nowMs);
      if (task.way === "both") handOut(counters.framesSent - counters.framesReceived, nowMs);
      socket.flush();
      carried = (task.way === "out" ? 0 : counters.framesSent) +
        (task.way === "in" ? 0 : socket.counters.framesSent);
      if (window.look(carried, nowMs)) reactor.stop();
      return task.way === "out";
    },
    nextDeadlineMs: (nowMs) => nowMs + 1,
  });
  socket.start(reactor, {
    frame: (frame) => {
      core.handleLanFrame(frame, reactor.now());
      reactor.wake();
    },
  });
  console.log("ready");
  await reactor.run();
  socket.updateCounters();
  console.log(JSON.stringify(window.report(carried, counters.dropsTotal)));
  socket.close();
  reactor.close();
}

/** From when enough frames have gone before, to the end. */
class Window {
  #startMs = Infinity;
  #endMs = 0;
  #framesBefore = 0;
  #cpuBefore = 0;
  #cpuAfter = 0;
  #residentBefore = 0;
  readonly #task: GatewayTask;
  readonly #socket: PacketSocket;

  constructor(task: GatewayTask, socket: PacketSocket) {
    this.#task = task;
    this.#socket = socket;
  }

  /** Whether the measurement is over. */
  look(frames: number, nowMs: number): boolean {
    const { framesBefore, durationMs, framesMax } = this.#task;
    if (frames < framesBefore) return false;
    if (this.#startMs === Infinity) {
      this.#startMs = nowMs;
      this.#framesBefore = frames;
      this.#cpuBefore = cpuSeconds(Deno.pid);
      this.#residentBefore = residentBytes(Deno.pid);
    }
    const over = durationMs > 0 && nowMs - this.#startMs >= durationMs ||
      framesMax > 0 && frames >= framesMax;
    if (over) {
      this.#endMs = nowMs;
      this.#cpuAfter = cpuSeconds(Deno.pid);
    }
    return over;
  }

  report(frames: number, drops: number): GatewayReport {
    return {
      frames: frames - this.#framesBefore,
      framesInAll: frames,
      seconds: (this.#endMs - this.#startMs) / 1000,
      cpuSeconds: this.#cpuAfter - this.#cpuBefore,
      kernelDrops: this.#socket.counters.kernelDrops,
      drops,
      residentBytesBefore: this.#residentBefore,
      residentBytesAfter: residentBytes(Deno.pid),
    };
  }
}

if (import.meta.main) await main(JSON.parse(Deno.args[0]));
