/**
 * What a room's MTU costs and gives: `--max-tap-mtu 1400`, where a full frame is one packet on a path of 1500, and 1500,
 * a LAN's own, where it is two.
 *
 * ```
 *  LAN ── gateway ── relay ── 100 Mbit/s (tbf), and then one packet of 200 lost (nft) ── player: ping, TCP, UDP
 * ```
 *
 * Both are played twice, in turns, in one run.
 */
import { type IperfFigures, readIperf, readPing } from "../lab/figures.ts";
import type { Namespace } from "../lab/netns.ts";
import { PARTY, Party } from "../lab/party.ts";
import { cpuSeconds } from "./process_figures.ts";
import { type BenchRow, median } from "./table.ts";

const ADDRESS = "10.77.0.51";
const MTUS = [1_400, 1_500] as const;
const ROUNDS = 2;
const COPY_SECONDS = 4;
const PINGS = 200;
const INTERVAL_SECONDS = 0.01;
/** The longest UDP datagram that a LAN carries in one packet: games of the LAN send it so. */
const UDP_BYTES = 1_472;
const UDP_BITS_PER_SECOND = 20e6;
const PATH = ["rate", "100mbit", "burst", "32kb", "limit", "128kb"];
const LOSS = "add rule ip bench out udp sport 443 numgen random mod 200 == 0 drop";

/** Figures of one party. */
interface Figures {
  readonly ping: number;
  readonly longPing: number;
  readonly down: number;
  readonly up: number;
  /** CPU of relay, gateway and client for each gigabyte of TCP towards the player, s. */
  readonly cpu: number;
  /** Lost of the UDP datagrams, %. */
  readonly udpLost: number;
  readonly narrow: number;
  readonly lossy: number;
}

/** Rows of both MTUs; the figure is that of 1500, held against 1400. */
export async function measureRoomMtu(): Promise<BenchRow[]> {
  const figures: Record<number, Figures[]> = { 1400: [], 1500: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const mtu of MTUS) figures[mtu].push(await play(mtu));
  }
  const row = (name: string, key: keyof Figures, unit: string, digits = 0): BenchRow => {
    const [usual, full] = MTUS.map((mtu) => median(figures[mtu].map((one) => one[key])));
    return {
      name,
      figure: `${full.toFixed(digits)} ${unit}`,
      peer: `${usual.toFixed(digits)} ${unit} (1400)`,
      ratio: usual === 0 ? "" : `${(full / usual).toFixed(2)}×`,
    };
  };
  return [
    { name: "a room's MTU: 1500 against 1400", figure: "" },
    row("ping of 56 bytes, median", "ping", "ms", 2),
    row("ping of 1472 bytes, median", "longPing", "ms", 2),
    row("TCP to the player", "down", "Mbit/s"),
    row("TCP from the player", "up", "Mbit/s"),
    row("CPU of all three programs, for TCP to the player", "cpu", "s/GB", 2),
    row("UDP of 1472 bytes from the player, lost", "udpLost", "%", 2),
    row("TCP to the player over 100 Mbit/s", "narrow", "Mbit/s", 1),
    row("the same, one packet of 200 lost", "lossy", "Mbit/s", 1),
  ];
}

async function play(mtu: number): Promise<Figures> {
  const party = await Party.open();
  try {
    const player = await party.addPlayer("player");
    const relay = await party.startRelay("--max-tap-mtu", `${mtu}`);
    const gateway = await party.startGateway();
    const client = await party.startClient(player, "--address", `${ADDRESS}/${PARTY.lanPrefix}`);
    await ping(player, 56); // what is new to the programs is compiled now
    const short = await ping(player, 56);
    const long = await ping(player, UDP_BYTES);
    await copy(party, player, ["--reverse"]);
    const pids = [relay, gateway, client].map(({ pid }) => pid);
    const used = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const before = used();
    const down = await copy(party, player, ["--reverse"]);
    const cpu = (used() - before) / (down.megabitsPerSecond * COPY_SECONDS / 8e3);
    const up = await copy(party, player, []);
    const udp = await copy(party, player, [
      ...["--udp", "--length", `${UDP_BYTES}`, "--bitrate", `${UDP_BITS_PER_SECOND}`],
    ]);
    await party.relay.run(["tc", "qdisc", "add", "dev", "pl0", "root", "tbf", ...PATH]);
    const narrow = await copy(party, player, ["--reverse"]);
    await party.relay.run(["nft", "add table ip bench"]);
    await party.relay.run([
      ...["nft", "add chain ip bench out { type filter hook output priority 0; }"],
    ]);
    await party.relay.run(["nft", LOSS]);
    const lossy = await copy(party, player, ["--reverse"]);
    return {
      ...{ ping: short, longPing: long, cpu },
      ...{ down: down.megabitsPerSecond, up: up.megabitsPerSecond },
      udpLost: 100 * udp.lostPackets / Math.max(1, udp.packets),
      ...{ narrow: narrow.megabitsPerSecond, lossy: lossy.megabitsPerSecond },
    };
  } finally {
    await party.close();
  }
}

/** The median of round trips to the LAN, ms. */
async function ping(from: Namespace, bytes: number): Promise<number> {
  const { stdout } = await from.run([
    ...["ping", "-c", `${PINGS}`, "-i", `${INTERVAL_SECONDS}`, "-W", "1", "-s", `${bytes}`],
    PARTY.lanAddress,
  ], { anyCode: true });
  return readPing(stdout).medianMs;
}

/** TCP from the player to the LAN, or as the options say. */
async function copy(
  party: Party,
  player: Namespace,
  options: readonly string[],
): Promise<IperfFigures> {
  const server = party.lan.spawn(["iperf3", "--server", "--one-off", "--forceflush"]);
  await server.waitForLine(/listening/i);
  const { stdout } = await player.run([
    ...["iperf3", "--client", PARTY.lanAddress, "--json", "--time", `${COPY_SECONDS}`],
    ...options,
  ], { anyCode: true });
  await server.stop();
  const figures = readIperf(stdout);
  if (figures.error !== undefined) throw new Error(`the copy failed: ${figures.error}`);
  return figures;
}
