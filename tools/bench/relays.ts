/** The relays under test and the load that is put on them. */
import type { NetworkLab } from "../lab/netns.ts";
import type { LabProcess } from "../lab/process.ts";
import { readLines } from "../build/process.ts";
import { executablePath, ROOT } from "../build/executables.ts";
import type { LoadReport, LoadTask } from "./load.ts";

const ALPN = "lanparty/1";
const READY_TIMEOUT_MS = 20_000;
const RELAY_CPU = 0;
/** Where the load runs. */
export const LOAD_CPU = 1;

/** A relay that runs. */
export interface RelayUnderTest {
  readonly protocol: LoadTask["protocol"];
  readonly process: LabProcess;
  readonly port: number;
}

/** A prefix for commands: relay and load each have a core to themselves, where there are two. */
export function pinned(cpu: number): string[] {
  return navigator.hardwareConcurrency > 1 ? ["taskset", "--cpu-list", `${cpu}`] : [];
}

/** A prefix for commands that run in a namespace. */
function inside(namespace: string | undefined): string[] {
  return namespace === undefined ? [] : ["ip", "netns", "exec", namespace];
}

/** Starts `dist/lanparty-relay`; it leaves its certificate in `stateDir`. */
export async function startOurRelay(
  lab: Pick<NetworkLab, "spawn">,
  stateDir: string,
  how: { readonly namespace?: string; readonly options?: readonly string[] } = {},
): Promise<RelayUnderTest> {
  const process = lab.spawn([
    ...inside(how.namespace),
    ...pinned(RELAY_CPU),
    executablePath("relay"),
    ...["--listen", "0.0.0.0:0", "--state-dir", stateDir],
    ...["--policy", "open", "--max-megabits", "0"],
    ...["--max-room-megabits", "0", "--max-address-megabits", "0"],
    ...how.options ?? [],
  ]);
  const [, port] = await process.waitForLine(/Listening .*:(\d+)/, READY_TIMEOUT_MS);
  return { protocol: "lanparty", process, port: Number(port) };
}

/** Starts the loop over Deno's own QUIC, with the certificate of our relay. */
export async function startBareRelay(lab: NetworkLab, stateDir: string): Promise<RelayUnderTest> {
  const process = lab.spawn([
    ...pinned(RELAY_CPU),
    ...[Deno.execPath(), "run", "--quiet", "--no-config", "--allow-all", "--unstable-net"],
    `${ROOT}/tools/bench/bare_relay.ts`,
    ...[`${stateDir}/relay-cert.pem`, `${stateDir}/relay-key.pem`, ALPN],
  ]);
  const [, port] = await process.waitForLine(/listening .*:(\d+)/, READY_TIMEOUT_MS);
  return { protocol: "bare", process, port: Number(port) };
}

/** What the load needs to know, besides the relay. */
export type LoadPlan = Pick<LoadTask, "senders" | "windows"> & {
  readonly host?: string;
  readonly sinkHost?: string;
  readonly namespace?: string;
};

/** Puts load on a relay, in a process of its own; one report for each window. */
export async function runLoad(relay: RelayUnderTest, plan: LoadPlan): Promise<LoadReport[]> {
  const host = plan.host ?? "127.0.0.1";
  const task: LoadTask = {
    protocol: relay.protocol,
    alpn: ALPN,
    host,
    sinkHost: plan.sinkHost ?? host,
    port: relay.port,
    relayPid: relay.process.pid,
    senders: plan.senders,
    windows: plan.windows,
  };
  const [program, ...args] = [
    ...inside(plan.namespace),
    ...pinned(LOAD_CPU),
    ...[Deno.execPath(), "run", "--quiet", "--config", `${ROOT}/deno.json`],
    ...[`--lock=${ROOT}/deno.lock`, "--frozen", "--allow-all", `${ROOT}/tools/bench/load.ts`],
    JSON.stringify(task),
  ];
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "piped" }).spawn();
  const reports: LoadReport[] = [];
  await readLines(child.stdout, (line) => void reports.push(JSON.parse(line)));
  const { code } = await child.status;
  if (code !== 0) {
    throw new Error(`the load ended with ${code}; the relay:\n${relay.process.stderr}`);
  }
  return reports;
}
