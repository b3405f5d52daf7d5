/**
 * `deno task paths`: TCP and a game's packets through the tunnel over paths with delay, jitter and loss, beside VXLAN on
 * the same path.
 *
 * ```text
 *   lan ── gateway ── relay ── path_line.c ── player     and a VXLAN between relay and player
 * ```
 *
 * Each cell: a copy of a few seconds to the player and from it, through the tunnel with a client that has just joined
 * (fresh), once more (warm), and through VXLAN; meanwhile a ping goes the same way 50 times a second, as a game's packets.
 *
 * usage: deno task paths [--delays MS,…] [--jitters MS,…] [--losses PERCENT,…] [--ways down,up] [--rounds N]
 *   [--seconds S] [--megabits RATE] [--queue MS] [--tcp CONTROL] [--results FILE] [--write]
 */
import { build, runTool } from "../build/build.ts";
import { ROOT } from "../build/executables.ts";
import { NETWORK_PLAY } from "../build/prerequisites.ts";
import { say } from "../build/progress.ts";
import { readToolArguments } from "../build/tool_arguments.ts";
import { DelayedPath, type PathShape } from "../lab/delayed_path.ts";
import { readIperf, readPing } from "../lab/figures.ts";
import type { LabProcess, Namespace } from "../lab/netns.ts";
import { PARTY, Party } from "../lab/party.ts";
import { pause } from "../lab/wait.ts";
import { formatPaths, type PathResult, type PathWay } from "./paths_document.ts";

const USAGE =
  "usage: deno task paths [--delays MS,…] [--jitters MS,…] [--losses PERCENT,…] [--ways down,up] " +
  "[--rounds N] [--seconds S] [--megabits RATE] [--queue MS] [--tcp CONTROL] [--results FILE] " +
  "[--write] [--no-build]";
const DEFAULTS = {
  delays: "10,25,50,150",
  jitters: "0,1,5,20",
  losses: "0,0.1,1",
  ways: "down,up",
  rounds: "1",
  seconds: "4",
  megabits: "0",
  queue: "100",
  tcp: "cubic",
  results: "",
} as const;
const FLAGS = ["write", "no-build"] as const;
const DOCUMENT = `${ROOT}/docs/PATHS.md`;
const PLAYER_ADDRESS = "10.77.0.50";
const VXLAN = { relay: "10.66.0.1", player: "10.66.0.2" } as const;
const VXLAN_MTU = 1_400;
const PING_INTERVAL_S = 0.02;
const PING_BYTES = 120;
const IPERF_MAX_MS = 60_000;
const LEAVING_MS = 300;

/** What is measured, by the command line. */
interface Plan {
  readonly cells: readonly PathShape[];
  readonly ways: readonly PathWay[];
  readonly rounds: number;
  readonly seconds: number;
  /** The TCP's own congestion control, as the kernel calls it. */
  readonly tcp: string;
  readonly results: string;
  readonly flags: ReadonlySet<string>;
}

/** Reads the command line; undefined where it is wrong (which it says). */
function readPlan(args: readonly string[]): Plan | undefined {
  const options = [
    ...Object.keys(DEFAULTS).map((name) => ({ name, value: "N" })),
    ...FLAGS.map((name) => ({ name })),
  ];
  const found = readToolArguments({ usage: USAGE, options }, args);
  if (found === undefined) return undefined;
  const text = (name: keyof typeof DEFAULTS) => found.values.get(name)?.at(-1) ?? DEFAULTS[name];
  const wrong: string[] = [];
  const numbers = (name: keyof typeof DEFAULTS, maximum: number) => {
    const values = text(name).split(",").map(Number);
    if (values.every((value) => value >= 0 && value <= maximum)) return values;
    wrong.push(`--${name} ${text(name)}: expected numbers of 0 … ${maximum}`);
    return [0];
  };
  const [delays, jitters, losses] = [
    numbers("delays", 1_000),
    numbers("jitters", 1_000),
    numbers("losses", 100),
  ];
  const [rounds] = numbers("rounds", 100);
  const [seconds] = numbers("seconds", 600);
  const [megabits] = numbers("megabits", 10_000);
  const [queueMs] = numbers("queue", 10_000);
  const ways = text("ways").split(",").filter((way): way is PathWay => /^(down|up)$/.test(way));
  if (ways.length === 0) wrong.push(`--ways ${text("ways")}: expected down, up or both`);
  for (const line of wrong) console.error(`paths: ${line}`);
  if (wrong.length > 0) {
    console.error(USAGE);
    return undefined;
  }
  const cells = delays.flatMap((delayMs) =>
    jitters.filter((jitterMs) => jitterMs <= delayMs).flatMap((jitterMs) =>
      losses.map((lossPercent) => ({ delayMs, jitterMs, lossPercent, megabits, queueMs }))
    )
  );
  const flags = found.switches;
  return { cells, ways, rounds, seconds, tcp: text("tcp"), results: text("results"), flags };
}

/** One party behind one path. */
class Scene implements AsyncDisposable {
  #client: LabProcess | undefined;

  private constructor(readonly party: Party, readonly path: DelayedPath) {}

  static async open(): Promise<Scene> {
    const party = await Party.open();
    try {
      const path = await DelayedPath.make(party, "player");
      const { player } = path;
      for (
        const [namespace, local, remote, address] of [
          [player, PARTY.playerWanAddress, PARTY.relayAddressForPlayer, VXLAN.player],
          [party.relay, PARTY.relayAddressForPlayer, PARTY.playerWanAddress, VXLAN.relay],
        ] as const
      ) {
        // deno-fmt-ignore
        await namespace.ip("link", "add", "vx0", "type", "vxlan", "id", "7", "local", local,
          "remote", remote, "dstport", "4789", "nolearning");
        await namespace.ip("addr", "add", `${address}/24`, "dev", "vx0");
        await namespace.ip("link", "set", "vx0", "mtu", `${VXLAN_MTU}`, "up");
      }
      // What TCP remembers of a path would make the second copy another one than the first.
      for (const namespace of [party.lan, party.relay, player]) {
        await namespace.run(["sysctl", "-qw", "net.ipv4.tcp_no_metrics_save=1"]);
      }
      await party.startRelay();
      await party.startGateway();
      return new Scene(party, path);
    } catch (error) {
      await party.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.party.close();
  }

  /** A client that has just joined. */
  async freshClient(): Promise<void> {
    await this.#client?.stop();
    await pause(LEAVING_MS);
    this.#client = await this.party.startClient(
      this.path.player,
      ...["--relay", `${PARTY.relayAddressForPlayer}:${PARTY.relayPort}`],
      ...["--address", `${PLAYER_ADDRESS}/${PARTY.lanPrefix}`],
    );
  }

  /** TCP between the player and an address that a namespace has, and the ping meanwhile. */
  async copy(server: Namespace, address: string, way: PathWay, { seconds, tcp }: Plan) {
    const { player } = this.path;
    const listener = server.spawn(["iperf3", "--server", "--one-off", "--forceflush"]);
    await listener.waitForLine(/listening/i);
    await this.path.figures();
    const pings = player.spawn([
      ...["ping", "-i", `${PING_INTERVAL_S}`, "-s", `${PING_BYTES}`, "-W", "2"],
      ...["-c", `${Math.round(seconds / PING_INTERVAL_S)}`, address],
    ]);
    const { stdout } = await player.run([
      ...["iperf3", "--client", address, "--json", "--time", `${seconds}`, "-C", tcp],
      ...way === "down" ? ["--reverse"] : [],
    ], { anyCode: true, timeoutMs: IPERF_MAX_MS });
    await pings.waitExit();
    await listener.stop();
    const line = (await this.path.figures())[way === "down" ? "left" : "right"];
    const { sent, received, medianMs, p99Ms } = readPing(pings.stdout);
    return {
      megabits: readIperf(stdout).megabitsPerSecond,
      pingMedianMs: medianMs,
      pingP99Ms: p99Ms,
      pingLost: sent - received,
      queueMeanMs: line.queueMeanMs,
    };
  }
}

/** Measures one cell, one way. */
async function measure(
  scene: Scene,
  plan: Plan,
  shape: PathShape,
  way: PathWay,
): Promise<PathResult> {
  const { lan, relay } = scene.party;
  await scene.path.shape(shape);
  await scene.freshClient();
  const tunnel = () => scene.copy(lan, PARTY.lanAddress, way, plan);
  const fresh = await tunnel();
  const warm = await tunnel();
  const vxlan = await scene.copy(relay, VXLAN.relay, way, plan);
  return { shape, way, fresh, warm, vxlan };
}

async function main(): Promise<number> {
  const plan = readPlan(Deno.args);
  if (plan === undefined) return 2;
  if (!plan.flags.has("no-build")) await build(NETWORK_PLAY);
  const results: PathResult[] = [];
  const loadBefore = Deno.loadavg()[0];
  await using scene = await Scene.open();
  for (let round = 0; round < plan.rounds; round++) {
    for (const shape of plan.cells) {
      for (const way of plan.ways) {
        const result = await measure(scene, plan, shape, way);
        results.push(result);
        if (plan.results !== "") {
          await Deno.writeTextFile(plan.results, `${JSON.stringify(result)}\n`, { append: true });
        }
        say(formatLine(result));
      }
    }
  }
  if (plan.flags.has("write")) {
    const kept = plan.results === "" ? results : readResults(plan.results);
    const loads = `load ${loadBefore.toFixed(1)} before and ${Deno.loadavg()[0].toFixed(1)} after`;
    const how = `Rounds: ${plan.rounds}, seconds of each copy: ${plan.seconds}, ${loads}`;
    await Deno.writeTextFile(DOCUMENT, formatPaths(kept, how));
  }
  return 0;
}

function readResults(file: string): PathResult[] {
  return Deno.readTextFileSync(file).trim().split("\n").map((line) => JSON.parse(line));
}

/** One result as a line of text. */
function formatLine({ shape, way, fresh, warm, vxlan }: PathResult): string {
  const { delayMs, jitterMs, lossPercent, megabits = 0 } = shape;
  const path = `${delayMs}±${jitterMs} ms ${lossPercent} %${
    megabits ? ` ${megabits}M` : ""
  } ${way}`;
  const one = (name: string, copy: PathResult["fresh"]) =>
    `${name} ${copy.megabits.toFixed(1).padStart(6)} (ping ${copy.pingMedianMs.toFixed(1)}/${
      copy.pingP99Ms.toFixed(1)
    } -${copy.pingLost}${megabits ? ` q ${copy.queueMeanMs.toFixed(1)}` : ""})`;
  const ratio = [fresh, warm].map(({ megabits }) => (megabits / vxlan.megabits).toFixed(2));
  return `${path.padEnd(22)} ${one("fresh", fresh)} ${one("warm", warm)} ${one("vxlan", vxlan)} ` +
    `ratio ${ratio.join(" ")}`;
}

if (import.meta.main) await runTool(main);
