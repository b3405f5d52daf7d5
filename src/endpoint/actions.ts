/**
 * What an endpoint session is told at its start, and what it asks of its shell.
 *
 * @module
 */

import type { HostAnswer } from "../control/host_messages.ts";
import type { LeaveReason, Welcome } from "../control/messages.ts";
import type { TrafficSnapshot } from "../observe/counters.ts";
import type { ReportedDiagnostics } from "../observe/diagnostics.ts";
import type { FailurePlace, TransportFailure } from "../observe/relay_reach.ts";
import type { CertificateProblem, StatusEvent } from "../observe/status.ts";
import type { PeerIdentity } from "./peers.ts";
import type { RandomBytes } from "./random.ts";
import type { TokenKey, TokenStore } from "./token_store.ts";

/** A relay, and how it proves itself. */
export interface RelayTarget {
  /** Name or address. */
  readonly host: string;
  /** UDP port. */
  readonly port: number;
  /** The name that its certificate must carry, and that TLS asks for. */
  readonly serverName: string;
  /** Pin: base64url SHA-256 of its public key (SPKI). Takes the place of any other check. */
  readonly fingerprint?: string;
}

/** What an endpoint says and does in all its sessions. */
export interface SessionOptions {
  readonly role: "client" | "gateway";
  /** Ways to the relay, the best first; one at least. */
  readonly relays: readonly { readonly host: string; readonly port: number }[];
  /** Absent: the relay's host. */
  readonly serverName?: string | undefined;
  readonly fingerprint?: string | undefined;
  /** Canonical room code. */
  readonly room: string;
  /** Canonical MAC, clients only. */
  readonly mac?: string | undefined;
  readonly name?: string | undefined;
  /** Program and version. */
  readonly agent: string;
  /** Caps what is advertised and used, in bytes of one datagram. */
  readonly datagramBudget?: number | undefined;
  /** Where the MAC is kept, for people. */
  readonly identityFile?: string | undefined;
  readonly roomKey?: string | undefined;
  readonly gatewayKey?: string | undefined;
  /** Tokens of earlier sessions; new ones are entered here, and announced by `saveToken`. */
  readonly tokens?: TokenStore | undefined;
}

/** What a session is handed of the world. */
export interface SessionSurroundings {
  readonly random: RandomBytes;
  /**
   * The traffic totals so far and a client's diagnostics, asked for when a session begins and each
   * time before stats are sent. Absent: stats tell no traffic.
   */
  readonly statistics?: () => StatisticsSource;
  /** What this machine's clock shows in so many ms, for people. */
  readonly clockText?: (inMs: number) => string;
}

/** Totals of the program's life; the session subtracts what was there when it began. */
export interface StatisticsSource {
  readonly traffic: TrafficSnapshot;
  readonly diagnostics?: ReportedDiagnostics;
}

/** How a connection ended, as the shell saw it. */
export interface ClosedReason {
  /** The application error code with which the relay closed it. */
  readonly errorCode?: number | undefined;
  /** What the transport says, if it was not closed by the relay. */
  readonly transport?: TransportFailure | undefined;
  /** Where that was met; absent: at the relay's own name. */
  readonly place?: FailurePlace | undefined;
  /** What exactly is wrong with the relay's certificate, if that was the reason. */
  readonly certificateProblem?: CertificateProblem | undefined;
  /** Details, for people who look closer. */
  readonly message?: string | undefined;
}

/**
 * What the shell does for a session, in order. There is one connection at a time: between
 * `connect` and `handleClosed`. Events of a connection are not handed in after the next `connect`.
 */
export type EndpointAction =
  /** Open a connection, to the first of these that answers; nothing may be sent before its certificate is accepted. */
  | { readonly type: "connect"; readonly targets: readonly RelayTarget[] }
  /** Send on the control stream, which is opened by the first of these. */
  | { readonly type: "send"; readonly bytes: Uint8Array }
  /** Finish our side of the control stream (FIN). */
  | { readonly type: "finish" }
  /** Close the connection; `handleClosed` follows when it is gone. */
  | { readonly type: "close"; readonly errorCode: number }
  /** The room is entered: frames may flow. */
  | { readonly type: "joined"; readonly welcome: Welcome; readonly relay: RelayTarget }
  /** The TAP's MTU from now on: after the first `joined`, and whenever it changes. */
  | { readonly type: "mtu"; readonly tapMtu: number }
  /** The room is left: no frames until the next `joined`. */
  | { readonly type: "left"; readonly reason: string; readonly final: boolean }
  /** `known`: it was in the room before our own connection broke. */
  | { readonly type: "peerJoined"; readonly peer: PeerIdentity; readonly known: boolean }
  | { readonly type: "peerLeft"; readonly peer: PeerIdentity; readonly reason: LeaveReason }
  /** The relay answers a gateway's request. */
  | { readonly type: "hostAnswer"; readonly answer: HostAnswer }
  /** Write the token store: it has a new token. */
  | { readonly type: "saveToken"; readonly key: TokenKey; readonly token: string }
  | { readonly type: "status"; readonly event: StatusEvent }
  /** It is over; nothing follows. `told`: a status event has said the same before. */
  | {
    readonly type: "ended";
    readonly exitCode: 0 | 1;
    readonly message: string;
    readonly told: boolean;
  };
