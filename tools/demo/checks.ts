/** The demo's checks: each tries one thing with real tools and returns a row. */
import type { Namespace } from "../../tests/support/netns.ts";
import { PARTY } from "../../tests/support/party.ts";
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
export async function checkPing(check: string, from: Namespace, target: string): Promise<Row> {
  await from.run(["ping", "-c", "5", "-i", "0.05", "-W", "2", target], { anyCode: true });
  const { stdout } = await from.run(
    ["ping", "-c", `${PINGS}`, "-i", "0.02", "-W", "2", target],
    { anyCode: true, timeoutMs: 30_000 },
  );
  const { received, medianMs, p99Ms } = readPing(stdout);
  return {
    check,
    seen: `${received}/${PINGS}, median ${medianMs.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
    ok: received === PINGS,
  };
}

/** One text by 255.255.255.255 from each end to the other. */
export async function checkBroadcast(ends: Ends): Promise<Row[]> {
  const target = `UDP4-DATAGRAM:255.255.255.255:${BROADCAST_PORT},broadcast`;
  const receiver = `UDP4-RECVFROM:${BROADCAST_PORT}`;
  return [
    await checkText(
      "limited broadcast, player to LAN",
      { from: ends.player, to: ends.lan },
      { send: `${target},bind=${ends.playerAddress}`, receive: receiver },
    ),
    await checkText(
      "limited broadcast, LAN to player",
      { from: ends.lan, to: ends.player },
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
      { send: send(ends.playerAddress), receive: receive(PARTY.lanAddress) },
    ),
    await checkText(
      "multicast, LAN to player",
      { from: ends.lan, to: ends.player },
      { send: send(PARTY.lanAddress), receive: receive(ends.playerAddress) },
    ),
  ];
}

async function checkText(
  check: string,
  namespaces: { from: Namespace; to: Namespace },
  addresses: { send: string; receive: string },
): Promise<Row> {
  const listener = namespaces.to.spawn(["socat", "-u", addresses.receive, "STDOUT"]);
  await pause(200);
  await namespaces.from.run(["socat", "-u", "STDIN", addresses.send], { input: TEXT });
  await listener.waitExit(3_000).catch(() => undefined);
  await listener.stop();
  const ok = listener.stdout === TEXT;
  return { check, seen: ok ? `"${listener.stdout}"` : "nothing came", ok };
}

/** TCP one way by iperf3, offloads as they are. */
export async function checkTcp(check: string, ends: Ends, toPlayer: boolean): Promise<Row> {
  const figures = await iperf(ends, [
    ...["--time", `${IPERF_SECONDS}`],
    ...(toPlayer ? ["--reverse"] : []),
  ]);
  return {
    check,
    seen: figures.error ?? `${figures.megabitsPerSecond.toFixed(0)} Mbit/s`,
    ok: figures.error === undefined && figures.megabitsPerSecond > 1,
  };
}

/** UDP with full payloads one way: nothing may be lost. */
export async function checkFullPayloads(
  check: string,
  ends: Ends,
  toPlayer: boolean,
): Promise<Row> {
  const figures = await iperf(ends, [
    ...["--udp", "--length", `${FULL_PAYLOAD_BYTES}`, "--bitrate", "5M", "--time", "2"],
    ...(toPlayer ? ["--reverse"] : []),
  ]);
  return {
    check,
    seen: figures.error ?? `${figures.packets} sent, ${figures.lostPackets} lost`,
    ok: figures.error === undefined && figures.packets > 500 && figures.lostPackets === 0,
  };
}

async function iperf(ends: Ends, options: readonly string[]) {
  const server = ends.lan.spawn(["iperf3", "--server", "--one-off", "--forceflush"]);
  await server.waitForLine(/listening/i);
  const command = ["iperf3", "--client", PARTY.lanAddress, "--json", ...options];
  const { stdout } = await ends.player.run(command, { anyCode: true, timeoutMs: 30_000 });
  await server.stop();
  return readIperf(stdout);
}

/** The player's link-local IPv6 address is reached from the LAN. */
export async function checkLinkLocal(ends: Ends): Promise<Row> {
  const addresses = await ends.player.addressesOf(PARTY.tap);
  const address = addresses.find((entry) => entry.startsWith("fe80:"))?.split("/")[0];
  const check = "IPv6 link-local ping, LAN to player";
  if (address === undefined) return { check, seen: "the adapter has no such address", ok: false };
  return await checkPing(check, ends.lan, `${address}%${PARTY.lanInterface}`);
}

/** Without the tunnel there is no way between LAN and player. */
export async function checkSeparation(ends: Ends): Promise<Row> {
  const { code } = await ends.lan.run(
    ["ping", "-c", "1", "-W", "1", PARTY.playerWanAddress],
    { anyCode: true },
  );
  return {
    check: "only the tunnel connects them",
    seen: code === 0 ? "the LAN reaches the player's uplink" : "no other way",
    ok: code !== 0,
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
