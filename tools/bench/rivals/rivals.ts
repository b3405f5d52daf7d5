/**
 * `deno task bench --rivals`: ours beside other people's tunnels, in one run: a relay between a player and a LAN, each
 * in a network namespace of its own. Rounds are interleaved, so that what else the machine does meets everybody alike.
 */
import { build } from "../../build/build.ts";
import { ROOT } from "../../build/executables.ts";
import { ensurePrerequisites, NETWORK_PLAY, RIVALS } from "../../build/prerequisites.ts";
import { outputOf } from "../../build/process.ts";
import { say, step } from "../../build/progress.ts";
import { compileBenchProgram } from "../../build/rivals.ts";
import { GENERATED_DOCUMENTS, writeDocuments } from "../../docs/generated.ts";
import { UdpBlast } from "./load.ts";
import type { RivalsOptions } from "./options.ts";
import { ourPeer } from "./our_peers.ts";
import type { Peer } from "./peer.ts";
import { findRivals, OURS } from "./peers.ts";
import {
  failuresOf,
  formatCells,
  type PeerRound,
  type RivalsRun,
  rivalsTable,
  splitRun,
} from "./results.ts";
import { measureRound } from "./round.ts";

/** Where the runs lie that docs/PERFORMANCE.md is made of: its table, and its picture of the first minute. */
const KEPT_FOLDER = `${ROOT}/docs/performance`;

/** Measures, prints the table, and with `--keep` makes the documents of it. */
export async function benchRivals(
  options: RivalsOptions,
  args: readonly string[],
): Promise<number> {
  const peers = await preparePeers(options);
  const blast = new UdpBlast(await compileBenchProgram("udp_blast"));
  const [before] = Deno.loadavg();
  const results: PeerRound[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const peer of peers) {
      const title = `round ${round} of ${options.rounds}: ${peer.name}`;
      const result = await step(title, () => measureRound(peer, round, options.parts, blast));
      results.push(result);
      for (const failure of result.failures) say(`${peer.name}: ${failure}`);
    }
  }
  const run: RivalsRun = {
    date: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(),
    command: ["deno task bench --rivals", ...args].join(" "),
    rounds: options.rounds,
    parts: options.parts,
    peers: peers.map(({ name, about, isRival }) => ({ name, about, isRival })),
    results,
    load: [before, Deno.loadavg()[0]],
  };
  say(`\n${formatCells(rivalsTable(run))}\n`);
  for (const { name, about } of run.peers) say(`${name}: ${about}`);
  say(`load of the machine ${run.load.map((load) => load.toFixed(1)).join(" before, ")} after`);
  if (options.keep) await keep(run);
  return failuresOf(run).length === 0 ? 0 : 1;
}

/** Stores what was measured in place of what was kept, and makes the documents of it. */
async function keep(run: RivalsRun): Promise<void> {
  await Deno.mkdir(KEPT_FOLDER, { recursive: true });
  for (const [name, kept] of Object.entries(splitRun(run))) {
    if (kept === undefined) continue;
    await Deno.writeTextFile(`${KEPT_FOLDER}/${name}.json`, `${JSON.stringify(kept, null, 1)}\n`);
  }
  for (const path of await writeDocuments(GENERATED_DOCUMENTS)) say(`written: ${path}`);
}

async function preparePeers({ peers: wanted, also }: RivalsOptions): Promise<Peer[]> {
  const peers: Peer[] = [];
  const withOurs = wanted?.includes(OURS) ?? true;
  if (withOurs) await build([...NETWORK_PLAY, ...RIVALS]);
  else await ensurePrerequisites([...NETWORK_PLAY, ...RIVALS]);
  if (withOurs) {
    const commit = await outputOf(["git", "rev-parse", "--short", "HEAD"], { cwd: ROOT });
    const about = `this project${commit === undefined ? "" : ` at ${commit.trim()}`}, AES-GCM`;
    peers.push(await ourPeer(OURS, `${ROOT}/dist`, about));
  }
  for (const { name, folder } of also) {
    const path = await Deno.realPath(folder).catch(() => folder);
    peers.push(await ourPeer(name, path, "another build of this project"));
  }
  return [...peers, ...await findRivals(wanted)];
}

/** Processor and kernel, in a few words. */
async function describeMachine(): Promise<string> {
  const information = await Deno.readTextFile("/proc/cpuinfo");
  const model = /^model name\s*: (.*)$/m.exec(information)?.[1].trim() ?? "unknown processor";
  return `${navigator.hardwareConcurrency} cores, ${model}, Linux ${Deno.osRelease()}`;
}
