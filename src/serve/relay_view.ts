/**
 * A relay as those see it who look from outside: values only, made by whoever runs the relay.
 *
 * @module
 */
import type { Stats } from "../control/messages.ts";
import type { TrafficSnapshot } from "../observe/counters.ts";
import type { DropFinding } from "../observe/drop_findings.ts";
import type { LostDatagrams } from "../observe/receive_buffer.ts";

/** One peer in a room. */
export interface PeerView {
  readonly peerId: number;
  readonly role: "client" | "gateway";
  /** Clients only. */
  readonly mac?: string;
  readonly name?: string;
  readonly agent?: string;
  /** The remote address with its port. */
  readonly address: string;
  /** ms since 1970. */
  readonly joinedUnixMs: number;
  readonly rttMs: number;
  readonly maxDatagramBytes: number;
  readonly datagramBudget: number;
  /** Bytes that wait to be sent to the peer. */
  readonly queuedBytes: number;
  /** What the relay did with the peer's frames: "received" came from it, "sent" went to it. */
  readonly traffic: TrafficSnapshot;
  /** The last that the peer said of itself. */
  readonly stats?: Stats;
}

/** One room. */
export interface RoomView {
  /** The code that its players know. */
  readonly room: string;
  /** Tells it from other rooms of the same code. */
  readonly id: string;
  /** Where it lives, if there are several workers. */
  readonly reactor?: number;
  readonly locked: boolean;
  readonly tapMtu: number;
  /** ms since 1970. */
  readonly openedUnixMs: number;
  readonly gatewayPresent: boolean;
  readonly peers: readonly PeerView[];
}

/** What the relay did rarely: totals since its start. */
export interface TallyView {
  readonly handshakes: number;
  readonly handshakesRefused: number;
  readonly connectionsRefused: number;
  readonly joins: number;
  readonly redirects: number;
  readonly rejects: Readonly<Record<string, number>>;
  readonly disconnects: Readonly<Record<string, number>>;
  /** Peers that were removed, by whom. */
  readonly removals: Readonly<Record<string, number>>;
}

/** How late the loop comes round that carries the frames. */
export interface LoopView {
  readonly turns: number;
  /** Upper ends of the lag's ranges in seconds, rising. */
  readonly lagBoundsSeconds: readonly number[];
  /** Turns in each range, and at the end those beyond the last. */
  readonly lagCounts: readonly number[];
  readonly lagSumSeconds: number;
}

/** One of several workers. */
export interface WorkerView {
  /** From 0. */
  readonly reactor: number;
  /** Whether it answers. */
  readonly up: boolean;
  /** How often it was started again. */
  readonly restarts: number;
  /** UDP ports, one for each listener. */
  readonly ports: readonly number[];
  /** What it did itself since its last start, but for its rooms; absent while it is not up. */
  readonly own?: Omit<RelayView, "rooms" | "reactors">;
}

/** All of a relay; of several workers the sum, each since its last start. */
export interface RelayView {
  readonly version: string;
  /** The time of this view, ms since 1970. */
  readonly unixMs: number;
  readonly uptimeMs: number;
  /** Whether it lets nobody in any more and ends when it is empty. */
  readonly draining: boolean;
  /** Connections, joined to a room or not. */
  readonly connections: number;
  /** Bans in force, by who made them. */
  readonly bans: { readonly operator: number; readonly host: number };
  /** The one that new connections get; of several workers', the one that ends first. */
  readonly certificate: {
    /** ms since 1970. */
    readonly expiresUnixMs: number;
    /** What is wrong with its dates; absent: nothing. */
    readonly finding?: string;
  };
  /** MACs that are kept for players who have left. */
  readonly reservedMacs: number;
  readonly slots: { readonly total: number; readonly free: number };
  /** Totals of all peers that are and were. */
  readonly traffic: TrafficSnapshot;
  /** What dropped frames of late mean, where that is known. */
  readonly dropsOfLate: readonly DropFinding[];
  /** Datagrams that were not read in time; of several workers the sum, and the least that may wait. */
  readonly lostDatagrams: LostDatagrams;
  readonly tallies: TallyView;
  readonly loop: LoopView;
  readonly rooms: readonly RoomView[];
  /** Only if there are several. */
  readonly reactors?: readonly WorkerView[];
}
