/** The round trip through the whole chain, against a veth between the same two hosts' kernels. */
import { PARTY, Party } from "../lab/party.ts";
import type { Namespace } from "../lab/netns.ts";
import { percentile } from "../lab/figures.ts";
import { type BenchRow, median } from "./table.ts";

const PINGS = 300;
const INTERVAL_SECONDS = 0.01;
/** The first round warms everything up and does not count. */
const ROUNDS = 4;
const PLAYER_ADDRESS = "10.77.0.50";
const PLAIN_ADDRESS = "10.97.0.1";
const EXTRA_MAX_MS = 0.6;

/** A party of the compiled executables: LAN – gateway – relay – client, and a veth LAN – player. */
export async function measureChain(): Promise<BenchRow[]> {
  const party = await Party.open();
  try {
    const player = await party.addPlayer("player");
    await party.lab.veth(
      { namespace: party.lan, name: "plain0", addresses: [`${PLAIN_ADDRESS}/24`] },
      { namespace: player, name: "plain0", addresses: ["10.97.0.2/24"] },
    );
    await party.startRelay();
    await party.startGateway();
    await party.startClient(player, "--address", `${PLAYER_ADDRESS}/${PARTY.lanPrefix}`);
    const chain: number[][] = [];
    const plain: number[][] = [];
    for (let round = 0; round < ROUNDS; round++) {
      chain.push(await ping(player, PARTY.lanAddress));
      plain.push(await ping(player, PLAIN_ADDRESS));
    }
    return rowsOf(chain.slice(1), plain.slice(1));
  } finally {
    await party.close();
  }
}

/** Round trips in ms. */
async function ping(from: Namespace, target: string): Promise<number[]> {
  const { stdout } = await from.run(
    ["ping", "-c", `${PINGS}`, "-i", `${INTERVAL_SECONDS}`, "-W", "1", target],
    { anyCode: true },
  );
  return [...stdout.matchAll(/ time=([0-9.]+) ms/g)].map((match) => Number(match[1]));
}

function rowsOf(chain: number[][], plain: number[][]): BenchRow[] {
  const all = chain.flat();
  const lost = chain.length * PINGS - all.length;
  const figure = median(chain.map((times) => percentile(times, 0.5)));
  const peer = median(plain.map((times) => percentile(times, 0.5)));
  return [{
    name: "echo round trip LAN – player, median",
    figure: `${figure.toFixed(2)} ms`,
    peer: `${peer.toFixed(2)} ms (veth)`,
    ratio: `+${(figure - peer).toFixed(2)} ms`,
    goal: `≤ +${EXTRA_MAX_MS} ms`,
    ok: figure - peer <= EXTRA_MAX_MS,
  }, {
    name: "echo round trip LAN – player, p99",
    figure: `${percentile(all, 0.99).toFixed(2)} ms`,
    peer: `${percentile(plain.flat(), 0.99).toFixed(2)} ms (veth)`,
    ratio: `${lost} lost`,
  }];
}
