/**
 * `deno task bench`: what the programs can carry, and how late, as ratios in one run on this machine.
 * A goal that is missed is shown, and is no failure: machines differ.
 * `deno task bench mtu`: a room's MTU of 1500 beside 1400, and nothing else.
 * `deno task bench tls --library OLD --library NEW`: two libmsquic.so beside each other, and nothing else.
 * `deno task bench budget`: what one frame costs, by program and stage, and nothing else.
 * `deno task bench packet-size`: paths of all sizes, and paths that fall, and nothing else.
 * `deno task bench --rivals`: ours beside other people's tunnels, and nothing else.
 */
import { NetworkLab } from "../lab/netns.ts";
import { build, runTool } from "../build/build.ts";
import { BuildError } from "../build/cache.ts";
import { benchBudget, BUDGET_USAGE, readBudgetOptions } from "./budget.ts";
import { measureBulk } from "./bulk.ts";
import { measureChain } from "./chain.ts";
import { measureCodec } from "./codec.ts";
import { measureForwarding } from "./forwarding.ts";
import { measureGateway, measureGatewaySoak, Wire } from "./gateway.ts";
import { measureMemory } from "./memory.ts";
import { measureBusyRelay, measureNarrowPath } from "./overload.ts";
import { type BenchRow, formatBench } from "./table.ts";
import { benchPacketSize, PACKET_SIZE_USAGE, readPacketSizeOptions } from "./packet_size.ts";
import { readRivalsOptions, RIVALS_USAGE } from "./rivals/options.ts";
import { PEER_NAMES } from "./rivals/peers.ts";
import { benchRivals } from "./rivals/rivals.ts";
import { measureRoomMtu } from "./room_mtu.ts";
import { benchTls, readTlsOptions, TLS_USAGE } from "./tls.ts";
import { C_PROGRAMS, NETWORK_PLAY } from "../build/prerequisites.ts";
import { say, step } from "../build/progress.ts";

async function measure(lab: NetworkLab, folder: string, isMtu: boolean): Promise<BenchRow[]> {
  if (isMtu) return await step("a room's MTU, 1400 and 1500", () => measureRoomMtu());
  const rows: BenchRow[] = [];
  rows.push(...await step("round trip through the chain", () => measureChain()));
  rows.push(...await step("pings during a bulk copy", () => measureBulk()));
  const wire = await Wire.make(lab, folder);
  rows.push(
    ...await step("gateway: its own code, against a bare loop in C", () => measureGateway(wire)),
    ...await step("gateway: 24 million frames", () => measureGatewaySoak(wire)),
  );
  const forwarding = await step(
    "relay: forwarding, against a loop over Deno's QUIC",
    () => measureForwarding(lab, folder),
  );
  rows.push(...forwarding.rows);
  rows.push(
    ...await step(
      "relay: twice what it can carry",
      () => measureBusyRelay(lab, folder, forwarding.framesPerSecond),
    ),
    ...await step("relay: twice what a path carries", () => measureNarrowPath(lab, folder)),
    ...await step("relay: ten million frames", () => measureMemory(lab, folder)),
    ...await step("codec", () => Promise.resolve(measureCodec())),
  );
  return rows;
}

async function main(): Promise<number> {
  const [name, ...args] = Deno.args[0] === "--" ? Deno.args.slice(1) : Deno.args;
  if (name === "--rivals" || name === "rivals") return await rivals(args);
  const tls = name === "tls" ? readTlsOptions(args) : undefined;
  if (tls !== undefined) return await benchTls(tls.libraries, tls.rounds);
  const packetSize = name === "packet-size" ? readPacketSizeOptions(args) : undefined;
  const budget = name === "budget" ? readBudgetOptions(args) : undefined;
  const isMtu = name === "mtu" && args.length === 0;
  if (name !== undefined && packetSize === undefined && budget === undefined && !isMtu) {
    const usages = [
      "deno task bench [mtu]",
      BUDGET_USAGE,
      TLS_USAGE,
      PACKET_SIZE_USAGE,
      RIVALS_USAGE,
    ];
    console.error(`usage: ${usages.join("\n       ")}`);
    return 2;
  }
  requireRoot();
  if (packetSize !== undefined) {
    await build(NETWORK_PLAY);
    return await benchPacketSize(packetSize);
  }
  if (budget !== undefined) {
    await build([...C_PROGRAMS, ...NETWORK_PLAY]);
    return await benchBudget(budget);
  }
  await build([...C_PROGRAMS, ...NETWORK_PLAY]);
  const [loadBefore] = Deno.loadavg();
  const startedMs = performance.now();
  const lab = await NetworkLab.open();
  const folder = await Deno.makeTempDir({ prefix: "lanparty-bench-" });
  let rows: BenchRow[];
  try {
    rows = await measure(lab, folder, isMtu);
  } finally {
    await lab.close();
    await Deno.remove(folder, { recursive: true });
  }
  say(`\n${formatBench(rows)}`);
  const missed = rows.filter((row) => row.ok === false).length;
  const goals = rows.filter((row) => row.ok !== undefined).length;
  say(`${goals - missed} of ${goals} goals reached, in ${seconds(startedMs)} s`);
  if (loadBefore > 0.5) {
    say(`Others used this machine (load ${loadBefore.toFixed(1)}): delays and ratios suffer.`);
  }
  return 0;
}

async function rivals(args: readonly string[]): Promise<number> {
  const options = readRivalsOptions(args, PEER_NAMES);
  if (typeof options === "string") {
    console.error(`${options}\nusage: ${RIVALS_USAGE}`);
    return 2;
  }
  requireRoot();
  return await benchRivals(options, args);
}

function requireRoot(): void {
  if (Deno.uid() !== 0) throw new BuildError("bench: network namespaces and TAP need root");
}

function seconds(startedMs: number): string {
  return ((performance.now() - startedMs) / 1000).toFixed(0);
}

if (import.meta.main) await runTool(main);
