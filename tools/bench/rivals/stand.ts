/** One peer that is up: its programs in the networks, and what is asked of them. */
import { BuildError } from "../../build/cache.ts";
import type { LabProcess } from "../../lab/netns.ts";
import { pause } from "../../lab/wait.ts";
import { GATEWAY_ADAPTER, type Peer } from "./peer.ts";
import { type Place, SCENE, Scene } from "./scene.ts";

const FIRST_PING_MS = 40_000;
/** A program that says goodbye gets so long for it. */
const STOP_GRACE_MS = 12_000;
const PLAYERS: readonly Place[] = ["client", "second"];
/** Whose CPU and memory counts: the second player is there for one part only. */
const COUNTED: readonly Place[] = ["relay", "gateway", "client"];

/** See the module. */
export class Stand implements AsyncDisposable {
  readonly #processes: { readonly place: Place; readonly process: LabProcess }[] = [];

  private constructor(readonly peer: Peer, readonly scene: Scene) {}

  /** Makes the networks, and what the peer needs before it is started. */
  static async open(peer: Peer): Promise<Stand> {
    const scene = await Scene.open();
    try {
      const { bridge, lanPort } = SCENE;
      if (peer.gateway === "bridge") {
        await scene.at("gateway").bridge(bridge);
        await scene.at("gateway").ip("link", "set", lanPort, "master", bridge);
      }
      if (peer.adaptersFirst) {
        const add = (place: Place, name: string) =>
          scene.at(place).ip("tuntap", "add", name, "mode", "tap");
        if (peer.gateway === "bridge") await add("gateway", GATEWAY_ADAPTER);
        for (const place of PLAYERS) await add(place, peer.adapter);
      }
      await peer.prepare?.(scene);
      return new Stand(peer, scene);
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts the programs of some places, and joins their adapters. */
  async start(places: readonly Place[] = COUNTED): Promise<void> {
    const { peer, scene } = this;
    for (const { place, command, env } of peer.programs(scene)) {
      if (!places.includes(place)) continue;
      const process = scene.at(place).spawn(command, { cwd: scene.folder, ...(env && { env }) });
      this.#processes.push({ place, process });
    }
    await peer.configure?.(scene, places);
    await Promise.all(places.map((place) => this.#joinAdapter(place)));
  }

  async #joinAdapter(place: Place): Promise<void> {
    const { peer: { adapter, gateway, mtu }, scene } = this;
    const withMtu = mtu === undefined ? "" : `mtu ${mtu}`;
    if (place === "gateway" && gateway === "bridge") {
      await scene.untilInterface(place, GATEWAY_ADAPTER);
      const set = `ip link set ${GATEWAY_ADAPTER}`;
      await scene.shell(place, `${set} master ${SCENE.bridge} ${withMtu}\n${set} up`);
    }
    if (!PLAYERS.includes(place)) return;
    await scene.untilInterface(place, adapter);
    const address = place === "client" ? SCENE.clientAddress : SCENE.secondAddress;
    await scene.shell(
      place,
      // A question for a neighbour that is lost at the start is asked again soon.
      `sysctl -qw net.ipv4.neigh.${adapter}.retrans_time_ms=50
      ${mtu === undefined ? "" : `ip link set ${adapter} ${withMtu}`}
      ip addr replace ${address}/${SCENE.prefix} dev ${adapter}
      ip link set ${adapter} up`,
    );
  }

  /** Waits for the first ping from a player to the LAN. */
  async untilPing(place: Place): Promise<void> {
    const deadline = performance.now() + FIRST_PING_MS;
    const ping = ["ping", "-n", "-c", "1", "-W", "0.2", SCENE.lanAddress];
    while (performance.now() < deadline) {
      const { code } = await this.scene.at(place).run(ping, { anyCode: true });
      if (code === 0) return;
      this.#requireRunning();
      await pause(10);
    }
    throw new BuildError(`no ping within ${FIRST_PING_MS / 1000} s`);
  }

  #requireRunning(): void {
    const ended = this.#processes.find(({ process }) => !process.running);
    if (ended === undefined) return;
    const { place, process } = ended;
    const last = `${process.stdout}${process.stderr}`.trim().split("\n").slice(-3).join(" / ");
    throw new BuildError(`${place}: ${process.command[0]} has ended: ${last}`);
  }

  /** Ends the programs of a place. */
  async stop(place: Place): Promise<void> {
    const stopped = this.#processes.filter((one) => one.place === place);
    await Promise.all(stopped.map(({ process }) => process.stop(STOP_GRACE_MS)));
    for (const one of stopped) this.#processes.splice(this.#processes.indexOf(one), 1);
    await this.scene.at(place).ip("neigh", "flush", "all");
  }

  /** The programs of some places; by default those whose CPU time and memory count. */
  async processIds(places: readonly Place[] = COUNTED): Promise<number[]> {
    const ids = await Promise.all(places.map((place) => this.scene.at(place).processIds()));
    return ids.flat();
  }

  /** Ends everything and removes every trace. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.scene[Symbol.asyncDispose]();
  }
}
