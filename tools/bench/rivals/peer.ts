/** What a program must say of itself to be measured beside others. */
import type { Place, Scene } from "./scene.ts";

/** A program of a peer. */
export interface PeerProgram {
  readonly place: Place;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One who is measured. */
export interface Peer {
  readonly name: string;
  /** Version, cipher, shape: one line. */
  readonly about: string;
  /** Whether ours are held against it: a user-space tunnel for the LAN's traffic, with encryption. */
  readonly isRival: boolean;
  /** The players' adapter. */
  readonly adapter: string;
  /** What the adapters' MTU is set to; undefined: what the program has chosen. */
  readonly mtu?: number;
  /** How the gateway joins the LAN: the kernel bridges its adapter and the LAN's port, or the program sees to it. */
  readonly gateway: "bridge" | "own";
  /** Whether the adapters are there before the programs. */
  readonly adaptersFirst: boolean;
  /** Makes keys and files, before any clock runs. */
  readonly prepare?: (scene: Scene) => Promise<void>;
  /** What to start, in this order, all at once. */
  readonly programs: (scene: Scene) => readonly PeerProgram[];
  /** What has to be set once the programs of these places have been started. */
  readonly configure?: (scene: Scene, places: readonly Place[]) => Promise<void>;
}

/** The gateway's adapter where the kernel bridges it. */
export const GATEWAY_ADAPTER = "tap0";

/**
 * For a gateway that cannot bridge: it routes between the LAN and its end of the tunnel, and answers ARP for those
 * on the other side, so that nobody has to be told.
 */
export function routeAtGateway(adapter: string, players: readonly string[]): string {
  return [
    ...[adapter, "lanp"].flatMap((name) => [
      `sysctl -qw net.ipv4.conf.${name}.proxy_arp=1 net.ipv4.conf.${name}.forwarding=1`,
      `sysctl -qw net.ipv4.neigh.${name}.proxy_delay=0`,
    ]),
    `ip addr replace 10.77.0.1/24 dev lanp`,
    `ip link set ${adapter} up`,
    ...players.map((address) => `ip route replace ${address}/32 dev ${adapter}`),
  ].join("\n");
}
