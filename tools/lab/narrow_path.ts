/**
 * A player behind a path whose packet size can be set, and changes while a party is played:
 *
 * ```
 *   relay             far               near              player
 *  ┌──────────┐      ┌──────────┐ size ┌──────────┐      ┌──────────────┐
 *  │     far ─┼──────┼ wan  lan ┼──────┼ wan  lan ┼──────┼─ wan0        │
 *  └──────────┘ 1500 └──────────┘      └──────────┘ 1500 └──────────────┘
 * ```
 *
 * Two routers, so that neither end sees the size at an interface of its own. Both families.
 */
import type { Namespace } from "./netns.ts";
import { PARTY, type Party } from "./party.ts";

/** IPv4, IPv6. */
export type PathFamily = 4 | 6;

const RELAY = { 4: "10.122.0.2", 6: "fd00:122::2" } as const;

const SILENCE = `table inet quiet {
  chain out {
    type filter hook output priority 0;
    icmp type destination-unreachable drop
    icmpv6 type packet-too-big drop
  }
}
`;

/** See the module. */
export class NarrowPath {
  private constructor(
    readonly player: Namespace,
    readonly far: Namespace,
    readonly near: Namespace,
  ) {}

  /** Puts a player of this name behind a path of 1500 bytes. */
  static async make(party: Party, name: string): Promise<NarrowPath> {
    const { lab, relay } = party;
    const far = await lab.namespace("far", { forwarding: true });
    const near = await lab.namespace("near", { forwarding: true });
    const player = await lab.namespace(name, { resolvConf: PARTY.resolvConf });
    const join = async (net: number, left: [Namespace, string], right: [Namespace, string]) => {
      const [a, b] = [left, right].map(([namespace, interfaceName], index) => ({
        namespace,
        name: interfaceName,
        addresses: [`10.${net}.0.${index + 1}/24`, `fd00:${net}::${index + 1}/64`],
      }));
      await lab.veth(a, b);
    };
    await join(122, [far, "wan"], [relay, "far"]);
    await join(121, [near, "wan"], [far, "lan"]);
    await join(120, [player, "wan0"], [near, "lan"]);
    const route = async (from: Namespace, to: string, net: number, host: number) => {
      await from.ip(
        "route",
        "add",
        to === "" ? "default" : `10.${to}/16`,
        "via",
        `10.${net}.0.${host}`,
      );
      // deno-fmt-ignore
      await from.ip("-6", "route", "add", to === "" ? "default" : `fd00:${parseInt(to)}::/64`,
        "via", `fd00:${net}::${host}`);
    };
    await route(player, "", 120, 2);
    await route(near, "", 121, 2);
    await route(far, "120.0.0", 121, 1);
    await route(relay, "120.0.0", 122, 1);
    return new NarrowPath(player, far, near);
  }

  /** The relay's address as the player has it. */
  static host(family: PathFamily): string {
    return RELAY[family];
  }

  /** The same with its port. */
  static relay(family: PathFamily): string {
    const host = NarrowPath.host(family);
    return `${family === 4 ? host : `[${host}]`}:${PARTY.relayPort}`;
  }

  /** Sets the longest IP packet that goes between the routers, both ways. */
  async setPacketBytes(bytes: number): Promise<void> {
    await this.near.ip("link", "set", "wan", "mtu", `${bytes}`);
    await this.far.ip("link", "set", "lan", "mtu", `${bytes}`);
  }

  /** From now on the routers say nothing of packets that they drop. */
  async silence(): Promise<void> {
    for (const router of [this.near, this.far]) {
      await router.run(["nft", "-f", "-"], { input: SILENCE });
    }
  }
}
