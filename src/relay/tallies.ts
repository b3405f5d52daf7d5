/**
 * How often the relay did what it does rarely: for metrics and pages.
 *
 * @module
 */
import { type Remover, REMOVERS } from "../control/host_messages.ts";
import { DISCONNECT_CODES, type DisconnectCode } from "../control/messages.ts";
import { REJECT_CODES, type RejectCode } from "../control/messages.ts";

/** Totals since the relay started. */
export interface RelayTallies {
  /** Handshakes that were completed. */
  handshakes: number;
  /** Connections closed unheard: too many, of all or of their address. */
  connectionsRefused: number;
  /** Handshakes that were not begun: too many of their address. */
  handshakesRefused: number;
  /** Peers that have joined. */
  joins: number;
  redirects: number;
  readonly rejects: Record<RejectCode, number>;
  readonly disconnects: Record<DisconnectCode, number>;
  /** Peers that were removed, by whom. */
  readonly removals: Record<Remover, number>;
}

/** All zero. */
export function newTallies(): RelayTallies {
  return {
    handshakes: 0,
    connectionsRefused: 0,
    handshakesRefused: 0,
    joins: 0,
    redirects: 0,
    rejects: zeros(REJECT_CODES),
    disconnects: zeros(DISCONNECT_CODES),
    removals: zeros(REMOVERS),
  };
}

function zeros<Key extends string>(keys: readonly Key[]): Record<Key, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>;
}
