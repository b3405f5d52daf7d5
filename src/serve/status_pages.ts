/**
 * What a relay serves over HTTP: `/metrics`, `/healthz`, `/api/rooms`, and a page that shows it live.
 *
 * @module
 */
import { type Answer, LivePages, type ViewSource } from "./live_pages.ts";
import { formatMetrics, METRICS_TYPE } from "./metrics.ts";
import { PAGE_HTML, PAGE_STYLE } from "./page.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import type { RelayView } from "./relay_view.ts";

export { FRESH_MS } from "./live_pages.ts";

/** What the pages are made from. */
export type StatusSource = ViewSource<RelayView>;

/** The live answers by path. */
const LIVE: Readonly<Record<string, (view: RelayView) => Answer>> = {
  "/metrics": (view) => ({ type: METRICS_TYPE, body: formatMetrics(view) }),
  "/api/rooms": (view) => ({ type: "application/json", body: `${JSON.stringify(view)}\n` }),
  "/healthz": (view) => {
    const health = healthOf(view);
    const status = health === "ok" ? 200 : 503;
    return { type: "text/plain; charset=utf-8", body: `${health}\n`, status };
  },
};

function healthOf({ draining, reactors = [], certificate, unixMs }: RelayView): string {
  if (draining) return "draining";
  if (certificate.expiresUnixMs < unixMs) return "the certificate has expired";
  const down = reactors.filter(({ up }) => !up).map(({ reactor }) => `reactor ${reactor} is down`);
  return down.length === 0 ? "ok" : down.join(", ");
}

/** The parts of the page by path. */
const FIXED: Readonly<Record<string, Answer>> = {
  "/": { type: "text/html; charset=utf-8", body: PAGE_HTML },
  "/page.css": { type: "text/css; charset=utf-8", body: PAGE_STYLE },
  "/page.js": { type: "text/javascript; charset=utf-8", body: PAGE_SCRIPT },
};

/** Answers requests about one relay. */
export class StatusPages extends LivePages<RelayView> {
  constructor(source: StatusSource) {
    super(source, { live: LIVE, fixed: FIXED });
  }
}
