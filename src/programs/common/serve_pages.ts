/**
 * Serves pages at the address of a command line's `--status`.
 *
 * @module
 */
import { formatEndpointAddress } from "../../control/address.ts";
import { isLoopback, type StatusAddress } from "../../serve/status_address.ts";
import { type Pages, StatusServer } from "../../serve/status_server.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { systemFailure } from "../../log/user_error.ts";

/** For so long after a request the runtime's loop gets its turn each ms: a few packets come and go. */
export const ATTENTION_MS = 50;

/** What is served, and where. */
export interface ServedPages {
  readonly address: StatusAddress;
  readonly pages: Pages;
  /** See {@linkcode StatusServer.open}. */
  readonly prepare: () => void | Promise<void>;
  /** What others could read there. */
  readonly what: string;
}

/**
 * Serves pages until the returned server is closed.
 *
 * @throws {UserError} it cannot be served there
 */
export function servePages(
  { address, pages, prepare, what }: ServedPages,
  logger: Logger,
): StatusServer {
  let server: StatusServer;
  try {
    server = StatusServer.open(address, pages, prepare);
  } catch (cause) {
    throw systemFailure(`--status ${formatEndpointAddress(address)} cannot be served`, cause);
  }
  logText(logger, "info", "Serving status", {
    url: `http://${formatEndpointAddress(server.address)}/`,
  });
  if (!isLoopback(server.address.host)) {
    logText(logger, "warning", `Others than this machine can read the status: ${what}`);
  }
  return server;
}
