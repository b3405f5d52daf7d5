/**
 * What is to be seen of a gateway, as values.
 *
 * @module
 */
import type { TrafficSnapshot } from "../observe/counters.ts";
import type { HostFinding } from "../observe/host_findings.ts";
import type { LanState, LanTrouble } from "../observe/lan_link.ts";

/** A player of the room. */
export interface GatewayPlayerView {
  readonly peerId: number;
  readonly mac: string;
  readonly name?: string | undefined;
  /** False: a station of the LAN has its MAC, too. */
  readonly served: boolean;
  /** Whether it answers DHCP, which the relay drops. */
  readonly dhcpServer: boolean;
  /** What it sees of the LAN, by its own word. */
  readonly sees: PlayerSight;
}

/** `unknown`: it does not know yet, or has not said. */
export type PlayerSight = "unknown" | "good" | "no-address" | "nothing";

/** What went one way in the last second or so. */
export interface GatewayRateView {
  readonly framesPerSecond: number;
  readonly bitsPerSecond: number;
}

/** What keeps frames from being forwarded. */
export interface GatewayLoopView {
  /** How it showed. */
  readonly cause: "lan" | "room" | "bridged-player" | "gateway";
  /** The MAC that leads to the place. */
  readonly mac: string;
}

/** The LAN's interface. */
export interface GatewayLanView {
  readonly name: string;
  readonly index: number;
  readonly mac: string;
  readonly mtu: number;
  readonly state: LanState;
  /** The port at a bridge, if it has one. */
  readonly port?: string | undefined;
  /** What keeps players, or some of their frames, out of the LAN although it is there. */
  readonly troubles: readonly LanTrouble[];
  /** Frames and bytes of the interface, what the kernel dropped, and what it refused to send. */
  readonly counters: Readonly<Record<string, number>>;
}

/** A gateway at one moment. */
export interface GatewayView {
  readonly version: string;
  readonly unixMs: number;
  readonly uptimeMs: number;
  /** `HOST:PORT`. */
  readonly relay: string;
  /** Whether a room is joined, so that frames may flow. */
  readonly joined: boolean;
  readonly room: string;
  readonly peerId?: number;
  readonly tapMtu?: number;
  /** Round trip time to the relay; 0 while unknown. */
  readonly rttMs: number;
  readonly players: readonly GatewayPlayerView[];
  /** What keeps players out of the LAN, or disturbs them: what stops all comes first. */
  readonly findings: readonly HostFinding[];
  /** Set while nothing is forwarded since the LAN is reached twice. */
  readonly loop?: GatewayLoopView;
  readonly camRefreshes: number;
  /** Bytes that wait to be sent to the relay. */
  readonly queuedBytes: number;
  readonly traffic: TrafficSnapshot;
  readonly rates: { readonly toRoom: GatewayRateView; readonly toLan: GatewayRateView };
  readonly lan: GatewayLanView;
}
