/** What is sent through a tunnel: pings, UDP at a rate, TCP. */
import { readIperf } from "../../lab/figures.ts";
import type { LabProcess } from "../../lab/netns.ts";
import { pause } from "../../lab/wait.ts";
import { type Ping, readPings } from "./pings.ts";
import { type Place, SCENE, type Scene } from "./scene.ts";

const UDP_PORT = 9999;
/** What is under way when the sender ends comes within this time. */
const LATE_MS = 200;
const IPERF_GRACE_MS = 20_000;

/** Pings from a player to the LAN at an interval; their output goes to a file, so that nothing here wakes up for it. */
export async function pingLan(
  scene: Scene,
  place: Place,
  count: number,
  intervalMs: number,
): Promise<Ping[]> {
  const file = `${scene.folder}/pings`;
  const interval = (intervalMs / 1000).toFixed(3);
  const ping = `ping -D -n -W 2 -i ${interval} -c ${count} ${SCENE.lanAddress} > ${file}`;
  const timeoutMs = count * intervalMs * 2 + 30_000;
  await scene.at(place).run(["sh", "-c", ping], { anyCode: true, timeoutMs });
  return readPings(await Deno.readTextFile(file));
}

/** What came of UDP at a rate. */
export interface BlastFigures {
  readonly sent: number;
  readonly received: number;
  readonly seconds: number;
  readonly medianUs: number;
  readonly p99Us: number;
}

/** UDP from the client to the LAN, by `udp_blast.c`. */
export class UdpBlast {
  readonly #program: string;
  #run = 0;

  constructor(program: string) {
    this.#program = program;
  }

  /** Sends so many datagrams a second, of that many bytes behind the UDP header. */
  async send(scene: Scene, bytes: number, rate: number, seconds: number): Promise<BlastFigures> {
    const run = `${++this.#run}`;
    const receiver = scene.at("lan").spawn([this.#program, "receive", `${UDP_PORT}`, run]);
    await receiver.waitForLine(/^ready$/);
    const numbers = [bytes, Math.round(rate), seconds, run].map(String);
    const { stdout } = await scene.at("client").run(
      [this.#program, "send", SCENE.lanAddress, `${UDP_PORT}`, ...numbers],
    );
    await pause(LATE_MS);
    await receiver.stop();
    const received = receiver.stdout.split("\n").find((line) => line.startsWith("{")) ?? "{}";
    return { ...JSON.parse(received), ...JSON.parse(stdout) };
  }
}

/** TCP between the client and the LAN that runs while something else is measured. */
export class TcpCopy {
  private constructor(readonly server: LabProcess, readonly client: LabProcess) {}

  /** Starts it: up is from the client to the LAN. */
  static async start(scene: Scene, direction: "up" | "down", seconds: number): Promise<TcpCopy> {
    const server = scene.at("lan").spawn(["iperf3", "--server", "--one-off", "--forceflush"]);
    await server.waitForLine(/listening/i);
    const client = scene.at("client").spawn([
      ...["iperf3", "--client", SCENE.lanAddress, "--json", "--time", `${seconds}`],
      ...(direction === "down" ? ["--reverse"] : []),
    ]);
    return new TcpCopy(server, client);
  }

  /** Waits for its end: Mbit/s as the receiver has them. */
  async end(seconds: number): Promise<number> {
    try {
      await this.client.waitExit(seconds * 1000 + IPERF_GRACE_MS);
      const { error, megabitsPerSecond } = readIperf(this.client.stdout);
      if (error !== undefined) throw new Error(`iperf3: ${error}`);
      return megabitsPerSecond;
    } finally {
      await this.client.stop();
      await this.server.stop();
    }
  }
}
