/**
 * `deno task bench packet-size`: paths of all sizes, with the routers' ICMP messages and without, in both families: what
 * is found, by how many packets and how fast, whether a ping of a full frame and TCP get through; and for how long
 * nothing does when a path falls during a session.
 */
import { parseArguments } from "../../src/cli/arguments.ts";
import { ROOT } from "../build/executables.ts";
import { say, step } from "../build/progress.ts";
import { readIperf } from "../lab/figures.ts";
import { NarrowPath, type PathFamily } from "../lab/narrow_path.ts";
import { PARTY, Party } from "../lab/party.ts";
import type { LabProcess } from "../lab/process.ts";
import { CertificateFolder, type ServerFiles } from "../lab/quic.ts";
import { pause } from "../lab/wait.ts";
import type { PacketSizeReport, PacketSizeTask } from "./packet_size_end.ts";

export const PACKET_SIZE_USAGE = "deno task bench packet-size [--family 4|6] [--falls]";

/** Longest IP packets that the path carries. */
const SIZES = [1280, 1358, 1380, 1400, 1412, 1420, 1432, 1452, 1472, 1492, 1500];
const FALLS = [1400, 1280];
/** A datagram has so many bytes of QUIC around it in the bench's packets, and the UDP header. */
const AROUND_BYTES = 33 + 8;
const IP_BYTES: Record<PathFamily, number> = { 4: 20, 6: 40 };
/** What is longer than the packets that a connection begins with is a probe. */
const BASE_BYTES = 1248;
const COUNT_PROBES = `table inet probes {
  counter long {
  }
  chain out {
    type filter hook output priority 0;
    oifname "wan0" meta l4proto udp meta length > ${BASE_BYTES} counter name "long"
  }
}
`;
const QUIET_MS = 700;
const FALL_SECONDS = 8;
const PING_INTERVAL_SECONDS = 0.02;
const ADDRESS = "10.77.0.50";

/** What is measured. */
export interface PacketSizeOptions {
  readonly families: readonly PathFamily[];
  /** Only what happens when a path falls. */
  readonly fallsAlone: boolean;
}

/** Reads the command line; undefined where it is wrong. */
export function readPacketSizeOptions(args: readonly string[]): PacketSizeOptions | undefined {
  const options = [{ name: "family", value: "4|6" }, { name: "falls" }];
  const { values, words, mistakes } = parseArguments(options, args);
  const family = values.get("family")?.at(-1);
  if (mistakes.length > 0 || words.length > 0) return undefined;
  if (family !== undefined && family !== "4" && family !== "6") return undefined;
  return {
    families: family === undefined ? [4, 6] : [Number(family) as PathFamily],
    fallsAlone: values.has("falls"),
  };
}

function endCommand(task: PacketSizeTask): string[] {
  return [
    ...[Deno.execPath(), "run", "--quiet", "--config", `${ROOT}/deno.json`],
    ...[`--lock=${ROOT}/deno.lock`, "--frozen", "--allow-all"],
    ...[`${ROOT}/tools/bench/packet_size_end.ts`, JSON.stringify(task)],
  ];
}

/** A party with one player behind a path, and a bare server beside the relay. */
class Scene {
  private constructor(
    readonly party: Party,
    readonly path: NarrowPath,
    readonly caFile: string,
    readonly port: number,
  ) {}

  static async make(party: Party, certificates: CertificateFolder): Promise<Scene> {
    const path = await NarrowPath.make(party, "alice");
    const files: ServerFiles = await certificates.issue();
    const server = party.relay.spawn(endCommand({ role: "server", files }));
    const [, port] = await server.waitForLine(/^port (\d+)$/, 20_000);
    await path.player.run(["nft", "-f", "-"], { input: COUNT_PROBES });
    await party.startRelay();
    await party.startGateway();
    return new Scene(party, path, certificates.caFile, Number(port));
  }

  /** Searches the path's size by a bare connection: what was found, and by how many probes. */
  async search(family: PathFamily): Promise<PacketSizeReport & { readonly probes: number }> {
    const { player } = this.path;
    const reset = ["nft", "-j", "reset", "counter", "inet", "probes", "long"];
    await player.run(reset);
    const host = NarrowPath.host(family);
    const { caFile, port } = this;
    const task: PacketSizeTask = { role: "client", caFile, host, port, quietMs: QUIET_MS };
    const { stdout } = await player.run(endCommand(task));
    const counted = JSON.parse((await player.run(reset)).stdout) as {
      nftables: { counter?: { packets: number } }[];
    };
    const probes = counted.nftables.find((entry) => entry.counter !== undefined)?.counter?.packets;
    return { ...JSON.parse(stdout) as PacketSizeReport, probes: probes ?? 0 };
  }

  async join(family: PathFamily): Promise<LabProcess> {
    const options = ["--relay", NarrowPath.relay(family), "--address", `${ADDRESS}/24`];
    return await this.party.startClient(this.path.player, ...options);
  }

  /** How many of three full frames come back, and what TCP carries. */
  async play(family: PathFamily): Promise<{ readonly pings: string; readonly tcp: string }> {
    const { party, path: { player } } = this;
    const client = await this.join(family);
    const { mtu } = await player.linkOf(PARTY.tap);
    const size = ["-M", "do", "-s", `${mtu - 28}`];
    const ping = await player.run(
      ["ping", "-c", "3", "-i", "0.1", "-W", "2", ...size, PARTY.lanAddress],
      { anyCode: true },
    );
    const received = /(\d+) received/.exec(ping.stdout)?.[1] ?? "0";
    const server = party.lan.spawn(["iperf3", "--server", "--one-off", "--forceflush"]);
    await server.waitForLine(/listening/i);
    const copy = await player.run(
      ["iperf3", "--client", PARTY.lanAddress, "--json", "--time", "1"],
      { anyCode: true },
    );
    await server.stop();
    await client.stop();
    const { error, megabitsPerSecond } = readIperf(copy.stdout);
    const tcp = error === undefined ? `${megabitsPerSecond.toFixed(0)} Mbit/s` : "no";
    return { pings: `${received} of 3`, tcp };
  }

  /** For how long no small and no full frames come back when the path falls. */
  async fall(
    family: PathFamily,
    bytes: number,
  ): Promise<{ small: number; large: number; same: boolean }> {
    const { path, path: { player } } = this;
    await path.setPacketBytes(1500);
    const client = await this.join(family);
    const { mtu } = await player.linkOf(PARTY.tap);
    await pause(1_000);
    const ping = (payloadBytes: number) =>
      player.spawn([
        ...["ping", "-D", "-i", `${PING_INTERVAL_SECONDS}`, "-w", `${FALL_SECONDS}`],
        ...["-M", "do", "-s", `${payloadBytes}`, PARTY.lanAddress],
      ]);
    const pings = [ping(56), ping(mtu - 28)];
    await pause(2_000);
    await path.setPacketBytes(bytes);
    await Promise.all(pings.map((process) => process.exited));
    const [small, large] = pings.map(({ stdout }) => longestGapSeconds(stdout));
    const same = [...client.stderr.matchAll(/Joined the room/g)].length === 1;
    await client.stop();
    return { small, large, same };
  }
}

/** The longest time between two answers, less the interval at which pings are sent. */
function longestGapSeconds(pings: string): number {
  const times = [...pings.matchAll(/^\[(\d+\.\d+)\] \d+ bytes from/gm)].map(([, at]) => Number(at));
  const gaps = times.slice(1).map((at, index) => at - times[index]);
  return Math.max(0, Math.max(...gaps) - PING_INTERVAL_SECONDS);
}

async function measureSizes(
  scene: Scene,
  families: readonly PathFamily[],
  icmp: string,
): Promise<void> {
  for (const family of families) {
    for (const size of SIZES) {
      await scene.path.setPacketBytes(size);
      const possible = size - IP_BYTES[family] - AROUND_BYTES;
      const { bytes, ms, probes } = await scene.search(family);
      const { pings, tcp } = await scene.play(family);
      say(
        `| ${size} | IPv${family} | ${icmp} | ${bytes} of ${possible} | ${probes} | ${
          ms.toFixed(0)
        } ms | ` +
          `${pings} | ${tcp} |`,
      );
    }
  }
}

async function measureFalls(
  scene: Scene,
  families: readonly PathFamily[],
  icmp: string,
): Promise<void> {
  for (const family of families) {
    for (const bytes of FALLS) {
      const { small, large, same } = await scene.fall(family, bytes);
      say(
        `| 1500 to ${bytes} | IPv${family} | ${icmp} | ${small.toFixed(2)} s | ${
          large.toFixed(2)
        } s | ` +
          `${same ? "goes on" : "began anew"} |`,
      );
    }
  }
}

async function measure(
  title: string,
  { families }: PacketSizeOptions,
  head: string,
  part: (scene: Scene, families: readonly PathFamily[], icmp: string) => Promise<void>,
  certificates: CertificateFolder,
): Promise<void> {
  await using party = await Party.open();
  const scene = await step(title, () => Scene.make(party, certificates));
  say(`\n${head}\n${head.replace(/[^|]+/g, "---")}`);
  await part(scene, families, "yes");
  await scene.path.silence();
  await part(scene, families, "no");
}

/** Measures, and prints the tables as Markdown. */
export async function benchPacketSize(options: PacketSizeOptions): Promise<number> {
  const certificates = await CertificateFolder.make();
  const [before] = Deno.loadavg();
  try {
    if (!options.fallsAlone) {
      const head = "| path | family | ICMP | datagram found of possible | probes | known after | " +
        "full frames back | TCP |";
      await measure("paths of all sizes", options, head, measureSizes, certificates);
    }
    const head =
      "| the path falls | family | ICMP | small frames lost for | full frames | session |";
    await measure("paths that fall", options, head, measureFalls, certificates);
  } finally {
    await certificates.remove();
  }
  say(`\nload of the machine: ${before.toFixed(1)} before, ${Deno.loadavg()[0].toFixed(1)} after`);
  return 0;
}
