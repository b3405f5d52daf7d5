/** How each part of a round is measured. The parts' order is that of `PARTS`; the pings in use come after the load. */
import { residentBytes } from "../process_figures.ts";
import { pause } from "../../lab/wait.ts";
import { highestRate } from "./highest_rate.ts";
import { type BlastFigures, pingLan, TcpCopy, type UdpBlast } from "./load.ts";
import { cpuSecondsOf } from "./noise.ts";
import { type Ping, pingFigures } from "./pings.ts";
import type { Part } from "./rows.ts";
import { SCENE } from "./scene.ts";
import type { Stand } from "./stand.ts";

/** Figures by the rows' ids. */
type Figures = Record<string, number>;

/** What a part needs. */
export interface PartContext {
  readonly stand: Stand;
  readonly blast: UdpBlast;
  readonly processIds: readonly number[];
  /** Where pings for the histogram go. */
  readonly pings: Ping[];
}

const PINGS = 200;
const PING_INTERVAL_MS = 10;
/** Beside bulk: fewer a second, so that they do not become load themselves. */
const PING_BESIDE_MS = 20;
const WARM = { bytes: 100, rate: 30_000, seconds: 2 };
const FIXED_RATE = 10_000;
const FIXED_SECONDS = 2;
const FIXED_BURSTS = 3;
const TRY_SECONDS = 0.6;
const TCP_SECONDS = 5;
/** A copy that pings run beside: 200 of them, and what it takes to get going. */
const BESIDE_SECONDS = 7;
const BESIDE_START_MS = 1_500;
/** A home uplink with a typical modem's buffer. */
const UPLINK = "tbf rate 20mbit burst 16kb latency 200ms";

/** Pings of the first seconds: nothing has gone through the tunnel before. */
export async function measureFirstPings({ stand, pings }: PartContext): Promise<Figures> {
  const found = await pingLan(stand.scene, "client", PINGS, PING_INTERVAL_MS);
  pings.push(...found);
  return pingFigures("pingFirst", found);
}

/** Pings once the programs have carried much. */
export async function measurePingsInUse({ stand, blast, pings }: PartContext): Promise<Figures> {
  await blast.send(stand.scene, WARM.bytes, WARM.rate, WARM.seconds);
  const found = await pingLan(stand.scene, "client", PINGS, PING_INTERVAL_MS);
  pings.push(...found);
  return pingFigures("pingInUse", found);
}

async function measureFixed({ stand, blast, processIds }: PartContext): Promise<Figures> {
  const bursts: BlastFigures[] = [];
  const before = cpuSecondsOf(processIds);
  for (let burst = 0; burst < FIXED_BURSTS; burst++) {
    bursts.push(await blast.send(stand.scene, 100, FIXED_RATE, FIXED_SECONDS));
  }
  const cpuSeconds = cpuSecondsOf(processIds) - before;
  const sum = (pick: (figures: BlastFigures) => number) =>
    bursts.reduce((total, figures) => total + pick(figures), 0);
  const [first, ...later] = bursts;
  const mean = (pick: (figures: BlastFigures) => number) =>
    later.reduce((total, figures) => total + pick(figures), 0) / later.length;
  const sent = sum((figures) => figures.sent);
  return {
    delayMedianUs: mean((figures) => figures.medianUs),
    delayStartP99Us: first.p99Us,
    delayP99Us: mean((figures) => figures.p99Us),
    lostPercent: (1 - sum((figures) => figures.received) / sent) * 100,
    cpuSecondsPerMpkt: cpuSeconds / sent * 1e6,
  };
}

async function measureRate({ stand, blast }: PartContext): Promise<Figures> {
  const highest = (bytes: number) =>
    highestRate(async (rate) => {
      const { sent, received, seconds } = await blast.send(stand.scene, bytes, rate, TRY_SECONDS);
      return { offered: sent / seconds, received: received / seconds, lost: 1 - received / sent };
    });
  return { smallKpps: await highest(100) / 1000, largeKpps: await highest(1000) / 1000 };
}

async function measureTcp({ stand, processIds }: PartContext): Promise<Figures> {
  const copy = async (direction: "up" | "down") => {
    const before = cpuSecondsOf(processIds);
    const running = await TcpCopy.start(stand.scene, direction, TCP_SECONDS);
    const mbit = await running.end(TCP_SECONDS);
    return { mbit, perGb: (cpuSecondsOf(processIds) - before) / (mbit * TCP_SECONDS / 8000) };
  };
  const [up, down] = [await copy("up"), await copy("down")];
  return {
    tcpUpMbit: up.mbit,
    tcpDownMbit: down.mbit,
    cpuSecondsPerGbUp: up.perGb,
    cpuSecondsPerGbDown: down.perGb,
  };
}

/** A player's pings while the client copies. */
async function pingBeside(
  { stand: { scene } }: PartContext,
  id: string,
  place: "client" | "second",
  direction: "up" | "down",
): Promise<Figures> {
  const copy = await TcpCopy.start(scene, direction, BESIDE_SECONDS);
  try {
    await pause(BESIDE_START_MS);
    const pings = await pingLan(scene, place, PINGS, PING_BESIDE_MS);
    const figures = pingFigures(id, pings);
    return { ...figures, [`${id}Mbit`]: await copy.end(BESIDE_SECONDS) };
  } finally {
    await copy.client.stop();
    await copy.server.stop();
  }
}

async function measureUplink(context: PartContext): Promise<Figures> {
  const { scene } = context.stand;
  await scene.shell("client", `tc qdisc add dev ${SCENE.wan} root ${UPLINK}`);
  try {
    return await pingBeside(context, "uplink", "client", "up");
  } finally {
    await scene.shell("client", `tc qdisc del dev ${SCENE.wan} root`);
  }
}

function measureMemory({ processIds }: PartContext): Promise<Figures> {
  const bytes = processIds.reduce((sum, pid) => sum + residentBytes(pid), 0);
  return Promise.resolve({ residentMb: bytes / 1e6 });
}

/** Relay and gateway stay up: from the start of the client's program to its first ping. */
async function measureJoin({ stand }: PartContext): Promise<Figures> {
  await stand.stop("client");
  const startedMs = performance.now();
  await stand.start(["client"]);
  await stand.untilPing("client");
  return { joinSeconds: (performance.now() - startedMs) / 1000 };
}

async function measureOtherPlayer(context: PartContext): Promise<Figures> {
  await context.stand.start(["second"]);
  await context.stand.untilPing("second");
  await pause(BESIDE_START_MS);
  return {
    ...await pingBeside(context, "otherUp", "second", "up"),
    ...await pingBeside(context, "otherDown", "second", "down"),
  };
}

/** Parts that run once each between the pings of the first seconds and those in use. */
export const LOADED_PARTS: ReadonlyMap<Part, (context: PartContext) => Promise<Figures>> = new Map([
  ["fixed", measureFixed],
  ["rate", measureRate],
  ["tcp", measureTcp],
  ["loaded", (context: PartContext) => pingBeside(context, "loaded", "client", "up")],
  ["uplink", measureUplink],
]);

/** Parts that come last: the client is started anew in them. */
export const LAST_PARTS: ReadonlyMap<Part, (context: PartContext) => Promise<Figures>> = new Map([
  ["memory", measureMemory],
  ["join", measureJoin],
  ["other-player", measureOtherPlayer],
]);
