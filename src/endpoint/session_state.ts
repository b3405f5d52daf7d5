/**
 * The states of an endpoint's session, and how long it may be in them.
 *
 * ```
 *             connected          settled           welcome
 * connecting ───────────> settling ─────> greeting ───────> joined
 *     ^                      │               │                │
 *     │ due                  └───────────────┴────────────────┘
 *     │                         refused, ended, broken, leave()
 *  waiting <── closed ── closing <── peer closed or 1 s ── finishing
 *                           └──────────────> ended
 * ```
 *
 * @module
 */

/** A handshake takes no longer; the transport's own limit should be shorter. */
export const CONNECT_TIMEOUT_MS = 15_000;
/** A relay answers a hello within this time. */
export const WELCOME_TIMEOUT_MS = 10_000;
/** After our last message the relay has this long to close the connection. */
export const FINISH_TIMEOUT_MS = 1000;
/** A connection that we closed is gone after this time, whatever the transport says. */
export const CLOSE_TIMEOUT_MS = 500;

/** Where a session is; see the drawing above. */
export type SessionState =
  | "idle"
  | "connecting"
  | "settling"
  | "greeting"
  | "joined"
  | "finishing"
  | "closing"
  | "waiting"
  | "ended";
