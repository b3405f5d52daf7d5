/**
 * `deno task outages`: how long a player is without the LAN when the way to the relay dies, in network namespaces; and how long
 * a start takes when one of the ways is dead. A table in Markdown, as in docs/RELAY.md.
 *
 * ```text
 *   lan ── gateway ── relay ═══ player: 10.92.0.1 and fd00:92::1, UDP 443 and 8443
 * ```
 *
 * The LAN pings the player each 50 ms. Ways die by rules of the relay's firewall that drop, so that nobody is told.
 */
import { build, runTool } from "../build/build.ts";
import { NETWORK_PLAY, PACKET_FILTER } from "../build/prerequisites.ts";
import { readToolArguments } from "../build/tool_arguments.ts";
import type { LabProcess, Namespace } from "../lab/netns.ts";
import { filterPackets } from "../lab/packet_filter.ts";
import { PARTY, Party } from "../lab/party.ts";
import { rebind } from "../lab/rebinding.ts";
import { eventually, pause } from "../lab/wait.ts";

const NAME = "relay.test";
const SIX = "fd00:92::1";
const SECOND_PORT = 8443;
const ADDRESS = "10.77.0.50";
const ONE_WAY = [PARTY.relayAddressForPlayer];
const SMALL_BYTES = 84;
/** A room's MTU. */
const FULL_BYTES = 1400;
const NARROW_BYTES = 1280;
const ROUNDS = 3;
const PING_INTERVAL_S = 0.05;
const RECOVERY_MAX_MS = 45_000;
/** Before and behind what happens: the session is a stable one, and pings come again. */
const CALM_MS = 2_000;

/** One party, whose relay has two addresses and two ports. */
class Scene implements AsyncDisposable {
  private constructor(readonly party: Party, readonly player: Namespace) {}

  static async open(): Promise<Scene> {
    const party = await Party.open();
    const player = await party.addPlayer("alice");
    await player.ip("addr", "add", "fd00:92::2/64", "dev", "wan0", "nodad");
    await party.relay.ip("addr", "add", `${SIX}/64`, "dev", "pl0", "nodad");
    // Packets that are cut by the card would pass the rule on their length as one.
    await player.offloads("wan0", false);
    await party.relay.offloads("pl0", false);
    party.lab.setHosts(player, `${SIX} ${NAME}\n${PARTY.relayAddressForPlayer} ${NAME}\n`);
    const scene = new Scene(party, player);
    await scene.startRelay();
    await party.startGateway();
    return scene;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.party.close();
  }

  async startRelay(): Promise<void> {
    await this.party.startRelay("--listen", "443/udp", "--listen", `${SECOND_PORT}/udp`);
  }

  /** Starts a client that knows these ways, without a memory; how long it took to join. */
  async start(...relays: string[]): Promise<{ client: LabProcess; joinedMs: number }> {
    const beganMs = performance.now();
    const client = this.player.spawn(this.party.clientCommand(
      this.player,
      ...relays.flatMap((relay) => ["--relay", relay]),
      ...["--state-dir", `${this.party.folder}/${crypto.randomUUID()}`],
      ...["--address", `${ADDRESS}/24`],
    ));
    await client.waitForLine(/Joined the room/, RECOVERY_MAX_MS);
    return { client, joinedMs: performance.now() - beganMs };
  }

  /** Drops what comes from the player, until the returned function is called. */
  drop(rule: string): Promise<() => Promise<void>> {
    return filterPackets(this.party.relay, "input", `iifname pl0 ${rule} drop`);
  }

  /** The longest time without an answer of the player's around what happens, ms. @param bytes of each ping's packet */
  async outage(happens: () => Promise<void>, bytes: number): Promise<number> {
    const { lan } = this.party;
    await this.#reachable(bytes);
    const ping = ["ping", "-D", "-i", `${PING_INTERVAL_S}`, "-W", "1", "-s", `${bytes - 28}`];
    const answers = lan.spawn([...ping, ADDRESS]);
    await pause(CALM_MS);
    await happens();
    await this.#reachable(bytes);
    await pause(CALM_MS);
    answers.kill("SIGINT");
    await answers.exited;
    const times = [...answers.stdout.matchAll(/^\[(\d+\.\d+)\] \d+ bytes/gm)]
      .map(([, time]) => Number(time) * 1_000);
    return Math.max(...times.slice(1).map((time, index) => time - times[index]));
  }

  #reachable(bytes: number): Promise<void> {
    return eventually("the player is reached", async () => {
      const ping = ["ping", "-c", "1", "-W", "1", "-s", `${bytes - 28}`, ADDRESS];
      return (await this.party.lan.run(ping, { anyCode: true })).code === 0;
    }, RECOVERY_MAX_MS);
  }
}

/** One row: what is measured, and how, in ms. */
interface Row {
  readonly what: string;
  measure(scene: Scene): Promise<number>;
}

/** A start, with this rule at the relay. */
function atStart(what: string, rule: string | undefined, ...relays: string[]): Row {
  return {
    what,
    measure: async (scene) => {
      const clear = rule === undefined ? undefined : await scene.drop(rule);
      const { client, joinedMs } = await scene.start(...relays);
      await clear?.();
      await client.stop();
      return joinedMs;
    },
  };
}

/** Something that happens in a session; what it returns undoes it behind the measurement. */
function inSession(
  what: string,
  relays: readonly string[],
  happens: (scene: Scene) => Promise<(() => Promise<void>) | void>,
  bytes = SMALL_BYTES,
): Row {
  return {
    what,
    measure: async (scene) => {
      const { client } = await scene.start(...relays);
      const undo: (() => Promise<void>)[] = [];
      const gapMs = await scene.outage(async () => {
        undo.push(await happens(scene) ?? (() => Promise.resolve()));
      }, bytes);
      for (const one of undo) await one();
      await client.stop();
      return gapMs;
    },
  };
}

/** From now on the way to the relay carries no packet that is longer, in either direction, and nobody says so. */
async function narrow({ party, player }: Scene): Promise<() => Promise<void>> {
  const rule = (port: string) =>
    `udp ${port} ${PARTY.relayPort} meta length > ${NARROW_BYTES} drop`;
  const clear = [
    await filterPackets(party.relay, "input", `iifname pl0 ${rule("dport")}`),
    await filterPackets(player, "input", `iifname wan0 ${rule("sport")}`),
  ];
  return async () => {
    for (const one of clear) await one();
  };
}

/** The player's public port is another one from now on. @param plays he sends meanwhile, 20 times a second */
async function changePort({ player }: Scene, plays: boolean): Promise<() => Promise<void>> {
  const game = player.spawn(["ping", "-q", "-i", plays ? "0.05" : "3600", PARTY.lanAddress]);
  const clear = await rebind(player, "wan0", PARTY.relayPort);
  return async () => {
    game.kill("SIGINT");
    await game.exited;
    await clear();
  };
}

const SIX_DROPPED = "meta nfproto ipv6 udp dport 443";
const ROWS: readonly Row[] = [
  atStart("start, all ways good", undefined, NAME),
  atStart("start, IPv6 dead", SIX_DROPPED, NAME),
  atStart("start, UDP 443 shut, second port", "udp dport 443", NAME, `${NAME}:${SECOND_PORT}`),
  inSession("IPv6 dies in a session, IPv4 is there", [NAME], (scene) => scene.drop(SIX_DROPPED)),
  inSession(
    "UDP 443 dies in a session, second port",
    [`${PARTY.relayAddressForPlayer}`, `${PARTY.relayAddressForPlayer}:${SECOND_PORT}`],
    (scene) => scene.drop("udp dport 443"),
  ),
  inSession("the only way is dead for 5 s", ONE_WAY, async (scene) => {
    const clear = await scene.drop("udp dport 443");
    await pause(5_000);
    await clear();
  }),
  inSession("the path carries 1280 and no more: small frames", ONE_WAY, narrow),
  inSession("the same: full frames", ONE_WAY, narrow, FULL_BYTES),
  inSession("the player's public port changes (NAT) while he plays", ONE_WAY, (scene) => {
    return changePort(scene, true);
  }),
  inSession("the same; the player only listens", ONE_WAY, (scene) => changePort(scene, false)),
  inSession("the relay is restarted", [NAME], async (scene) => {
    await scene.party.relayProcess?.stop();
    await scene.startRelay();
  }),
  inSession("the relay is killed, and started again", [NAME], async (scene) => {
    scene.party.relayProcess?.kill("SIGKILL");
    await scene.party.relayProcess?.exited;
    await scene.startRelay();
  }),
];

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

const USAGE = "usage: deno task outages [--row TEXT]…";
const OPTIONS = [
  { name: "help", letter: "h" },
  { name: "row", value: "TEXT", repeatable: true },
];

async function main(): Promise<number> {
  const found = readToolArguments({ usage: USAGE, options: OPTIONS }, Deno.args);
  if (found === undefined) return 2;
  if (found.switches.has("help")) {
    console.log(USAGE);
    return 0;
  }
  await build([...NETWORK_PLAY, ...PACKET_FILTER]);
  await using scene = await Scene.open();
  console.log(`| what happens | shortest of ${ROUNDS} | longest |\n|---|---|---|`);
  const wanted = found.values.get("row");
  for (const row of ROWS) {
    if (wanted !== undefined && !wanted.some((text) => row.what.includes(text))) continue;
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await row.measure(scene));
    console.log(
      `| ${row.what} | ${seconds(Math.min(...times))} | ${seconds(Math.max(...times))} |`,
    );
  }
  return 0;
}

if (import.meta.main) await runTool(main);
