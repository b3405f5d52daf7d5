/**
 * Shows what a gateway does: over HTTP, and as a live line in a terminal.
 *
 * @module
 */
import type { StatusAddress } from "../../serve/status_address.ts";
import { GatewayPages } from "../../serve/gateway_pages.ts";
import type { GatewayView } from "../../serve/gateway_view.ts";
import type { Reactor, Task } from "../../reactor/mod.ts";
import { formatGatewayLine } from "./line.ts";
import { canShowLiveLine, type Logger, showLiveLine } from "../../log/logging.ts";
import { ATTENTION_MS, servePages } from "../common/serve_pages.ts";

const LINE_INTERVAL_MS = 1_000;

/**
 * Serves a gateway's status, and shows it in a terminal, until the returned function is called.
 *
 * @param address undefined: it is not served
 * @throws {UserError} it cannot be served there
 */
export function showGatewayStatus(
  address: StatusAddress | undefined,
  reactor: Reactor,
  view: () => GatewayView,
  logger: Logger,
): () => void {
  const server = address === undefined ? undefined : servePages({
    address,
    pages: new GatewayPages({ now: () => reactor.now(), view }),
    prepare: () => reactor.attend(ATTENTION_MS),
    what: "the room and its players",
  }, logger);
  if (canShowLiveLine()) reactor.addTask(new LiveLine(view));
  return () => {
    server?.close();
    showLiveLine("");
  };
}

class LiveLine implements Task {
  #dueMs = -Infinity;
  readonly #view: () => GatewayView;

  constructor(view: () => GatewayView) {
    this.#view = view;
  }

  work(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    this.#dueMs = nowMs + LINE_INTERVAL_MS;
    showLiveLine(formatGatewayLine(this.#view()));
    return false;
  }

  nextDeadlineMs(): number {
    return this.#dueMs;
  }
}
