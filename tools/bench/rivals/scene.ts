/**
 * The networks in which each peer is measured:
 *
 * ```
 *   lan               gateway               relay                  client
 *  ┌──────────┐      ┌─────────────────┐   ┌────────────────┐     ┌─────────────────┐
 *  │  lan0   ─┼──────┼─ lanp   tunnel  │   │ lo 198.51.100.1│     │  tap0 10.77.0.20│
 *  │10.77.0.10│      │           wan0 ─┼───┼─ rg         rc─┼─────┼─ wan0           │
 *  └──────────┘      └─────────────────┘   │             r2─┼─┐   └─────────────────┘
 *                                          └────────────────┘ └── second player, alike
 * ```
 *
 * The relay's namespace does not forward IP: only the tunnel joins LAN and players.
 */
import { BuildError } from "../../build/cache.ts";
import { type Namespace, NetworkLab } from "../../lab/netns.ts";

/** Addresses and names that everybody uses. */
export const SCENE = {
  lanAddress: "10.77.0.10",
  clientAddress: "10.77.0.20",
  secondAddress: "10.77.0.21",
  prefix: 24,
  relayAddress: "198.51.100.1",
  lanPort: "lanp",
  wan: "wan0",
  bridge: "br0",
} as const;

/** Where a program runs. */
export type Place = "lan" | "gateway" | "relay" | "client" | "second";

/** The network of each place that is joined to the relay: 10.200.NUMBER.0/24, and the relay's interface to it. */
const WAYS = [
  { place: "gateway", number: 1, relayEnd: "rg" },
  { place: "client", number: 2, relayEnd: "rc" },
  { place: "second", number: 3, relayEnd: "r2" },
] as const;

/** See the module. */
export class Scene implements AsyncDisposable {
  private constructor(readonly lab: NetworkLab) {}

  /** Makes the namespaces and links; leaves nothing if it fails. */
  static async open(): Promise<Scene> {
    const lab = await NetworkLab.open();
    try {
      const scene = new Scene(lab);
      for (const place of ["lan", "gateway", "relay", "client", "second"]) {
        await lab.namespace(place, { ipv6: false });
      }
      await scene.#makeLinks();
      return scene;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  async #makeLinks(): Promise<void> {
    const { lab } = this;
    const relay = this.at("relay");
    await lab.veth(
      {
        namespace: this.at("lan"),
        name: "lan0",
        addresses: [`${SCENE.lanAddress}/${SCENE.prefix}`],
      },
      { namespace: this.at("gateway"), name: SCENE.lanPort },
    );
    await relay.ip("addr", "add", `${SCENE.relayAddress}/32`, "dev", "lo");
    for (const { place, number, relayEnd } of WAYS) {
      const namespace = this.at(place);
      const net = `10.200.${number}`;
      await lab.veth(
        { namespace, name: SCENE.wan, addresses: [`${net}.2/24`] },
        { namespace: relay, name: relayEnd, addresses: [`${net}.1/24`] },
      );
      // deno-fmt-ignore
      await relay.ip("route", "change", `${net}.0/24`, "dev", relayEnd, "src", SCENE.relayAddress);
      await namespace.ip("route", "add", "default", "via", `${net}.1`);
    }
    const ping = ["ping", "-c", "1", "-W", "0.5"];
    const around = await this.at("client").run([...ping, "10.200.1.2"], { anyCode: true });
    if (around.code === 0) throw new BuildError("there is a way around the relay");
  }

  /** The namespace of a place. */
  at(place: Place): Namespace {
    return this.lab.get(place);
  }

  /** A folder for files of the peer's programs. */
  get folder(): string {
    return this.lab.folder;
  }

  /** Runs lines of the shell at a place; what it printed. */
  async shell(place: Place, lines: string): Promise<string> {
    return (await this.at(place).run(["sh", "-ec", lines])).stdout;
  }

  /** Waits until an interface is there. */
  async untilInterface(place: Place, name: string): Promise<void> {
    const found =
      `for i in $(seq 500); do [ -e /sys/class/net/${name} ] && exit 0; sleep 0.02; done; exit 1`;
    const { code } = await this.at(place).run(["sh", "-c", found], { anyCode: true });
    if (code !== 0) throw new BuildError(`${place}: no interface ${name} within 10 s`);
  }

  /** Ends all programs and removes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.close();
  }
}
