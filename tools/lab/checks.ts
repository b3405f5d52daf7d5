/** The demo's checks: each tries one thing with real tools and returns a row. */
import type { Namespace } from "./netns.ts";
import { CommandError, ProcessError } from "./process.ts";
import { PARTY } from "./party.ts";
import { isBound } from "./sockets.ts";
import { eventually } from "./wait.ts";
import { readIperf, readPing } from "./figures.ts";
import type { Row } from "./table.ts";

/** The two ends of the party, and where each finds the other. */
export interface Ends {
  readonly lan: Namespace;
  readonly player: Namespace;
  /** The player's address in the LAN. */
  readonly playerAddress: string;
}

const PINGS = 100;
const TEXT = "is there a game?";
const BROADCAST_PORT = 27_015;
const MULTICAST_PORT = 27_016;
const MULTICAST_GROUP = "239.255.27.15";
const IPERF_SECONDS = 3;
/** The largest UDP payload of an unfragmented packet on Ethernet. */
const FULL_PAYLOAD_BYTES = 1472;
/** Where nothing comes through, each ping and each iperf3 is given up after this time. */
const FIRST_PINGS_MAX_S = 3;
const PING_MAX_S = 10;
const IPERF_MAX_MS = 20_000;
const SEEN_CHARACTERS_MAX = 60;

/** A check's row; where a program that it uses fails, that is what was seen. */
async function rowOf(check: string, look: () => Promise<Omit<Row, "check">>): Promise<Row> {
  try {
    return { check, ...await look() };
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof ProcessError)) throw error;
    // "ip netns exec NAME", with which everything begins here, says nothing.
    const [line] = error.message.replace(/^ip netns exec \S+ /, "").split("\n");
    return { check, seen: line.slice(0, SEEN_CHARACTERS_MAX), ok: false };
  }
}

/** The lease came from the LAN's server, and the player's own routes and name servers are untouched. */
export async function checkLease(ends: Ends, leases: string): Promise<Row[]> {
  const routes = await ends.player.ip("route", "show", "default");
  const resolvConf = (await ends.player.run(["cat", "/etc/resolv.conf"])).stdout;
  const default4 = routes.trim().split("\n");
  return [
    {
      check: "DHCP lease from the LAN's server",
      seen: ends.playerAddress,
      ok: leases.includes(ends.playerAddress),
    },
    {
      check: "player keeps its own default route",
      seen: routes.trim().replace(/\s+/g, " "),
      ok: default4.length === 1 && default4[0].includes("dev wan0"),
    },
    {
      check: "player keeps its own resolv.conf",
      seen: resolvConf.trim(),
      ok: resolvConf === PARTY.resolvConf,
    },
  ];
}

/** Round trips from one end to an address of the other. */
export function checkPing(check: string, from: Namespace, target: string): Promise<Row> {
  return rowOf(check, async () => {
    const ping = async (count: number, intervalS: number, maxS: number) => {
      const times = ["-c", `${count}`, "-i", `${intervalS}`, "-W", "2", "-w", `${maxS}`];
      return (await from.run(["ping", ...times, target], { anyCode: true })).stdout;
    };
    await ping(5, 0.05, FIRST_PINGS_MAX_S);
    const { received, medianMs, p99Ms } = readPing(await ping(PINGS, 0.02, PING_MAX_S));
    const figures = received === 0
      ? ""
      : `, median ${medianMs.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
    return { seen: `${received}/${PINGS}${figures}`, ok: received === PINGS };
  });
}

/** One text by 255.255.255.255 from each end to the other. */
export async function checkBroadcast(ends: Ends): Promise<Row[]> {
  const target = `UDP4-DATAGRAM:255.255.255.255:${BROADCAST_PORT},broadcast`;
  const receiver = `UDP4-RECVFROM:${BROADCAST_PORT}`;
  return [
    await checkText(
      "limited broadcast, player to LAN",
      { from: ends.player, to: ends.lan },
      BROADCAST_PORT,
      { send: `${target},bind=${ends.playerAddress}`, receive: receiver },
    ),
    await checkText(
      "limited broadcast, LAN to player",
      { from: ends.lan, to: ends.player },
      BROADCAST_PORT,
      { send: `${target},bind=${PARTY.lanAddress}`, receive: receiver },
    ),
  ];
}

/** One text by multicast from each end to the other. */
export async function checkMulticast(ends: Ends): Promise<Row[]> {
  const send = (address: string) =>
    `UDP4-DATAGRAM:${MULTICAST_GROUP}:${MULTICAST_PORT},bind=${address},ip-multicast-if=${address}`;
  const receive = (address: string) =>
    `UDP4-RECVFROM:${MULTICAST_PORT},ip-add-membership=${MULTICAST_GROUP}:${address}`;
  return [
    await checkText(
      "multicast, player to LAN",
      { from: ends.player, to: ends.lan },
      MULTICAST_PORT,
      { send: send(ends.playerAddress), receive: receive(PARTY.lanAddress) },
    ),
    await checkText(
      "multicast, LAN to player",
      { from: ends.lan, to: ends.player },
      MULTICAST_PORT,
      { send: send(PARTY.lanAddress), receive: receive(ends.playerAddress) },
    ),
  ];
}

function checkText(
  check: string,
  namespaces: { from: Namespace; to: Namespace },
  port: number,
  addresses: { send: string; receive: string },
): Promise<Row> {
  return rowOf(check, async () => {
    const { from, to } = namespaces;
    const listener = to.spawn(["socat", "-u", addresses.receive, "STDOUT"]);
    await eventually("it listens", async () => !listener.running || await isBound(to, "udp", port));
    await from.run(["socat", "-u", "STDIN", addresses.send], { input: TEXT });
    await listener.waitExit(3_000).catch(() => undefined);
    await listener.stop();
    const ok = listener.stdout === TEXT;
    return { seen: ok ? `"${listener.stdout}"` : "nothing came", ok };
  });
}

/** TCP one way by iperf3, offloads as they are. */
export function checkTcp(check: string, ends: Ends, toPlayer: boolean): Promise<Row> {
  return rowOf(check, async () => {
    const figures = await iperf(ends, [
      ...["--time", `${IPERF_SECONDS}`],
      ...(toPlayer ? ["--reverse"] : []),
    ]);
    return {
      seen: figures.error ?? `${figures.megabitsPerSecond.toFixed(0)} Mbit/s`,
      ok: figures.error === undefined && figures.megabitsPerSecond > 1,
    };
  });
}

/** UDP with full payloads one way: nothing may be lost. */
export function checkFullPayloads(
  check: string,
  ends: Ends,
  toPlayer: boolean,
): Promise<Row> {
  return rowOf(check, async () => {
    const figures = await iperf(ends, [
      ...["--udp", "--length", `${FULL_PAYLOAD_BYTES}`, "--bitrate", "5M", "--time", "2"],
      ...(toPlayer ? ["--reverse"] : []),
    ]);
    return {
      seen: figures.error ?? `${figures.packets} sent, ${figures.lostPackets} lost`,
      ok: figures.error === undefined && figures.packets > 500 && figures.lostPackets === 0,
    };
  });
}

async function iperf(ends: Ends, options: readonly string[]) {
  const server = ends.lan.spawn(["iperf3", "--server", "--one-off", "--forceflush"]);
  await server.waitForLine(/listening/i);
  const command = ["iperf3", "--client", PARTY.lanAddress, "--json", ...options];
  try {
    const limits = { anyCode: true, timeoutMs: IPERF_MAX_MS };
    return readIperf((await ends.player.run(command, limits)).stdout);
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    return { ...readIperf("{}"), error: `iperf3 did not end within ${IPERF_MAX_MS / 1000} s` };
  } finally {
    await server.stop();
  }
}

/** The player's link-local IPv6 address is reached from the LAN. */
export async function checkLinkLocal(ends: Ends): Promise<Row> {
  const addresses = await ends.player.addressesOf(PARTY.tap);
  const address = addresses.find((entry) => entry.startsWith("fe80:"))?.split("/")[0];
  const check = "IPv6 link-local ping, LAN to player";
  if (address === undefined) return { check, seen: "the adapter has no such address", ok: false };
  return await checkPing(check, ends.lan, `${address}%${PARTY.lanInterface}`);
}

/** Past the tunnel there is no way between LAN and player, in either direction. */
export function checkSeparation(ends: Ends): Promise<Row> {
  return rowOf("only the tunnel connects them", async () => {
    const reaches = async (from: Namespace, ...target: string[]) => {
      const command = ["ping", "-c", "1", "-W", "1", ...target];
      return (await from.run(command, { anyCode: true })).code === 0;
    };
    const ways = [
      await reaches(ends.lan, PARTY.playerWanAddress)
        ? ["the LAN reaches the player's uplink"]
        : [],
      await reaches(ends.player, "-I", "wan0", PARTY.lanAddress)
        ? ["the player's uplink leads to the LAN"]
        : [],
    ].flat();
    return { seen: ways.join(", ") || "no other way", ok: ways.length === 0 };
  });
}
