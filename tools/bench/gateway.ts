/**
 * The gateway's own code on one core, between a real interface and a QUIC side that is none:
 *
 * ```text
 *   far                          near
 *  ┌──────────────────┐  veth   ┌─────────────────────────────────────────┐
 *  │ packet_loop.c    ┼─────────┼ gateway_load.ts, or packet_loop.c alone │
 *  └──────────────────┘         └─────────────────────────────────────────┘
 * ```
 *
 * What is received: over a veth it is the sender's core that runs the kernel's part of it, for the gateway's
 * ring the copying, too; the bare loop copies by itself, in its system calls. What is sent: the receiving
 * kernel's part runs on the sender's core, here the gateway's or the bare loop's.
 */
import { toHex } from "../lab/frames.ts";
import type { LabProcess, Namespace, NetworkLab } from "../lab/netns.ts";
import { IpProtocol } from "../../src/proto/dissect.ts";
import { EtherType } from "../../src/proto/ethernet.ts";
import { parseMac } from "../../src/proto/mac.ts";
import { BuildError } from "../build/cache.ts";
import { ROOT } from "../build/executables.ts";
import { outputOf } from "../build/process.ts";
import type { GatewayReport, GatewayTask } from "./gateway_load.ts";
import { PLAYER_MAC, STATION_MAC } from "./gateway_macs.ts";
import { LOAD_CPU, pinned } from "./relays.ts";
import { type BenchRow, grouped, median } from "./table.ts";
import { udpFrame } from "./udp_frame.ts";

const GATEWAY_CPU = 0;
const INTERFACE = "wire";
const ROUNDS = 3;
const WARM_UP_FRAMES = 100_000;
const DURATION_MS = 1_500;
/** The load runs longer than what is measured. */
const LOAD_MS = 300_000;
const READY_TIMEOUT_MS = 20_000;
const SMALL_BYTES = 60;
const FULL_BYTES = 1_514;
/** Super-frames of 44 full segments of TCP: headers, and the payload of each. */
const TCP_HEADERS_BYTES = 54;
const SEGMENT_BYTES = FULL_BYTES - TCP_HEADERS_BYTES;
const SEGMENTS = 44;
/** What the gateway is to carry with one second of CPU. */
const SMALL_FRAMES_GOAL = 300_000;
const FULL_MEGABITS_GOAL = 1_500;
/** Frames of the soak, half of them each way at the same time, and its growth that counts as none. */
const SOAK_FRAMES = 24_000_000;
const SOAK_WARM_UP_FRAMES = 1_000_000;
const SOAK_TIMEOUT_MS = 300_000;
const GROWTH_MAX = 0.05;

/** Frames that went through, and what they took. */
interface Carried {
  readonly frames: number;
  readonly cpuSeconds: number;
}

/** Two namespaces, a veth between them, and the peer's program. */
export class Wire {
  readonly #loop: string;

  private constructor(
    readonly near: Namespace,
    readonly far: Namespace,
    loop: string,
  ) {
    this.#loop = loop;
  }

  static async make(lab: NetworkLab, folder: string): Promise<Wire> {
    const near = await lab.namespace("near");
    const far = await lab.namespace("far");
    await lab.veth({ namespace: near, name: INTERFACE }, { namespace: far, name: INTERFACE });
    const loop = `${folder}/packet_loop`;
    const source = `${ROOT}/tools/bench/packet_loop.c`;
    const compiled = await outputOf(["gcc", "-O2", "-Wall", "-o", loop, source]);
    if (compiled === undefined) throw new BuildError(`bench: gcc cannot compile ${source}`);
    return new Wire(near, far, loop);
  }

  /** A frame for the player, from the wire's other end; again and again. */
  load(frameBytes: number, segments = 1): LabProcess {
    return segments === 1
      ? this.#sender(this.far, LOAD_CPU, frameBytes, LOAD_MS)
      : this.#superSender(segments);
  }

  /** A super-frame of so many segments, each a full frame of TCP when it is cut. */
  #superSender(segments: number): LabProcess {
    const bytes = TCP_HEADERS_BYTES + segments * SEGMENT_BYTES;
    const headers = toHex(tcpHeaders(bytes, parseMac(PLAYER_MAC)!, parseMac(STATION_MAC)!));
    return this.far.spawn([
      ...[...pinned(LOAD_CPU), this.#loop, "send", INTERFACE, `${LOAD_MS}`],
      ...[headers, `${bytes}`, `${SEGMENT_BYTES}`],
    ]);
  }

  #sender(where: Namespace, cpu: number, frameBytes: number, durationMs: number) {
    const [to, from] = where === this.far ? [PLAYER_MAC, STATION_MAC] : [STATION_MAC, PLAYER_MAC];
    const frame = toHex(udpFrame(frameBytes, parseMac(to)!, parseMac(from)!));
    return where.spawn([...pinned(cpu), this.#loop, "send", INTERFACE, `${durationMs}`, frame]);
  }

  /** The peer: what the bare loop makes of the same. */
  async bare(way: GatewayTask["way"], frameBytes: number, segments = 1): Promise<Carried> {
    const process = way === "out"
      ? this.#sender(this.near, GATEWAY_CPU, frameBytes, DURATION_MS)
      : this.near.spawn([
        ...pinned(GATEWAY_CPU),
        ...[this.#loop, "receive", INTERFACE, `${DURATION_MS}`],
      ]);
    const load = way === "in" ? this.load(frameBytes, segments) : undefined;
    await process.waitExit(READY_TIMEOUT_MS);
    await load?.stop();
    const [frames, cpuSeconds] = process.stdout.trim().split(" ").map(Number);
    return { frames: frames * segments, cpuSeconds };
  }

  /** The gateway's own code. */
  async gateway(
    task: Pick<GatewayTask, "way" | "frameBytes"> & Partial<GatewayTask>,
    { segments = 1, timeoutMs = READY_TIMEOUT_MS } = {},
  ): Promise<GatewayReport> {
    const whole: GatewayTask = {
      interface: INTERFACE,
      framesBefore: WARM_UP_FRAMES,
      durationMs: DURATION_MS,
      framesMax: 0,
      ...task,
    };
    const process = this.near.spawn([
      ...pinned(GATEWAY_CPU),
      ...[Deno.execPath(), "run", "--quiet", "--no-check", "--allow-all"],
      ...[`${ROOT}/tools/bench/gateway_load.ts`, JSON.stringify(whole)],
    ]);
    await process.waitForLine(/^ready$/, READY_TIMEOUT_MS);
    const load = whole.way === "out" ? undefined : this.load(whole.frameBytes, segments);
    await process.waitExit(timeoutMs);
    await load?.stop();
    return JSON.parse(process.stdout.trim().split("\n").pop()!);
  }
}

/** Frames and bits per second of CPU, each way, beside the bare loop. */
export async function measureGateway(wire: Wire): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (
    const [frameBytes, way, segments] of [
      [SMALL_BYTES, "in", 1],
      [SMALL_BYTES, "out", 1],
      [FULL_BYTES, "in", 1],
      [FULL_BYTES, "out", 1],
      [FULL_BYTES, "in", SEGMENTS],
    ] as const
  ) {
    const [ours, bare]: [GatewayReport[], Carried[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await wire.gateway({ way, frameBytes }, { segments }));
      bare.push(await wire.bare(way, frameBytes, segments));
    }
    rows.push(rowOf({ way, frameBytes, segments }, ours, bare));
  }
  return rows;
}

function rowOf(
  { way, frameBytes, segments }: Pick<GatewayTask, "way" | "frameBytes"> & { segments: number },
  ours: readonly GatewayReport[],
  bare: readonly Carried[],
): BenchRow {
  const perCpuSecond = (all: readonly Carried[]) =>
    median(all.map(({ frames, cpuSeconds }) => frames / cpuSeconds));
  const [figure, peer] = [perCpuSecond(ours), perCpuSecond(bare)];
  const dropped = ours.reduce((sum, { kernelDrops }) => sum + kernelDrops, 0);
  const megabits = (frames: number) => frames * frameBytes * 8 / 1e6;
  const small = frameBytes === SMALL_BYTES;
  const direction = way === "in" ? "LAN to room" : "room to LAN";
  const shown = (frames: number) => small ? grouped(frames) : `${grouped(megabits(frames))} Mbit/s`;
  const byClock = median(ours.map(({ frames, seconds }) => frames / seconds));
  const cut = segments === 1 ? "" : `, cut from ${segments} at once,`;
  return {
    name: `gateway, ${frameBytes}-byte frames${cut} ${direction} per CPU second`,
    figure: shown(figure),
    peer: `${shown(peer)} (bare C loop${segments === 1 ? "" : ", uncut"})`,
    ratio: `${(figure / peer).toFixed(2)}×, ${shown(byClock)} by the clock${
      way === "in" ? `, kernel dropped ${grouped(dropped)}` : ""
    }`,
    goal: `≥ ${small ? grouped(SMALL_FRAMES_GOAL) : `${grouped(FULL_MEGABITS_GOAL)} Mbit/s`}`,
    ok: small ? figure >= SMALL_FRAMES_GOAL : megabits(figure) >= FULL_MEGABITS_GOAL,
  };
}

/** The memory of the gateway's own code while 24 million frames go through it, one process, both ways. */
export async function measureGatewaySoak(wire: Wire): Promise<BenchRow[]> {
  const report = await wire.gateway({
    ...{ way: "both", frameBytes: 100, framesBefore: SOAK_WARM_UP_FRAMES, durationMs: 0 },
    framesMax: SOAK_FRAMES,
  }, { timeoutMs: SOAK_TIMEOUT_MS });
  const { frames, framesInAll, seconds, residentBytesBefore, residentBytesAfter } = report;
  const growth = residentBytesAfter / residentBytesBefore - 1;
  return [{
    name: `gateway memory after ${(framesInAll / 1e6).toFixed(0)} million frames, both ways`,
    figure: `${(residentBytesAfter / 1e6).toFixed(1)} MB`,
    peer: `${(residentBytesBefore / 1e6).toFixed(1)} MB after 1 million`,
    ratio: `${growth < 0 ? "−" : "+"}${(100 * Math.abs(growth)).toFixed(1)} %, ${
      grouped(frames / seconds)
    }/s by the clock`,
    goal: `≤ +${100 * GROWTH_MAX} %`,
    ok: growth <= GROWTH_MAX && framesInAll >= SOAK_FRAMES,
  }];
}

/** Ethernet, IPv4 and TCP of a super-frame of so many bytes; its checksums are left to others. */
function tcpHeaders(frameBytes: number, to: Uint8Array, from: Uint8Array): Uint8Array {
  const headers = new Uint8Array(TCP_HEADERS_BYTES);
  headers.set(to, 0);
  headers.set(from, 6);
  const view = new DataView(headers.buffer);
  view.setUint16(12, EtherType.ipv4);
  view.setUint8(14, 0x45);
  view.setUint16(16, frameBytes - 14);
  headers.set([64, IpProtocol.tcp], 22);
  headers.set([10, 77, 0, 1, 10, 77, 0, 50], 26);
  view.setUint16(34, 40_000);
  view.setUint16(36, 27_015);
  view.setUint16(46, 0x5010);
  return headers;
}
