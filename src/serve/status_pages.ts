/**
 * What a relay serves over HTTP: `/metrics`, `/healthz`, `/api/rooms`, and a page that shows it live.
 *
 * @module
 */
import { type Answer, LivePages, type ViewSource } from "./live_pages.ts";
import { healthText } from "../observe/host_findings.ts";
import { formatMetrics, METRICS_TYPE } from "./metrics.ts";
import { PAGE_HTML, PAGE_STYLE } from "./page.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import { relayFindings } from "./relay_findings.ts";
import type { RelayView } from "./relay_view.ts";

export { FRESH_MS } from "./live_pages.ts";

/** What the pages are made from. */
export type StatusSource = ViewSource<RelayView>;

/** The live answers by path. */
const LIVE: Readonly<Record<string, (view: RelayView) => Answer>> = {
  "/metrics": (view) => ({ type: METRICS_TYPE, body: formatMetrics(view) }),
  "/api/rooms": (view) => {
    const body = JSON.stringify({ ...view, findings: relayFindings(view) });
    return { type: "application/json", body: `${body}\n` };
  },
  "/healthz": (view) => {
    const health = healthText(relayFindings(view));
    const status = health === "ok" ? 200 : 503;
    return { type: "text/plain; charset=utf-8", body: `${health}\n`, status };
  },
};

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
