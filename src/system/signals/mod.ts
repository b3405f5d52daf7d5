/**
 * How Windows ends a program: its window, log-off, shutdown.
 *
 * @module
 */
export { SESSION_END_INTERVAL_MS, SessionEnd } from "./windows_session_end.ts";
export { onConsoleClosed, withoutCtrlC } from "./windows_console.ts";
