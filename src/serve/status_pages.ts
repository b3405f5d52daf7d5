/**
 * What is served over HTTP: `/metrics`, `/healthz`, `/api/rooms`, and a page that shows it live. Answers
 * are values made at once from a view of the relay, so nobody can keep the relay busy by reading slowly,
 * and a view is used again for a while, so nobody can by asking often.
 */
import { formatMetrics, METRICS_TYPE } from "./metrics.ts";
import { PAGE_HTML, PAGE_STYLE } from "./page.ts";
import { PAGE_SCRIPT } from "./page_script.ts";
import type { RelayView } from "./relay_view.ts";
import { isTrustedHost } from "./status_address.ts";

/** How long an answer is used again. */
export const FRESH_MS = 250;

/** What the pages are made from. */
export interface StatusSource {
  /** Monotonic time, ms. */
  now(): number;
  view(): RelayView;
}

interface Answer {
  readonly type: string;
  readonly body: string;
  readonly status?: number;
}

const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

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

function healthOf({ draining, reactors = [] }: RelayView): string {
  if (draining) return "draining";
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
export class StatusPages {
  private readonly cache = new Map<string, { readonly untilMs: number; readonly answer: Answer }>();
  private view: { readonly untilMs: number; readonly value: RelayView } | undefined;

  constructor(private readonly source: StatusSource) {}

  /** Answers a request; its body, if it has one, is not read. */
  handle(request: Request): Response {
    if (!isTrustedHost(request.headers.get("host"))) {
      return say(421, "Ask by a numeric address, or by localhost.");
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return say(405, "There is nothing to change here.", { allow: "GET, HEAD" });
    }
    if (hasBody(request)) return say(400, "A question has no body.", { connection: "close" });
    const { pathname } = new URL(request.url);
    const answer = Object.hasOwn(FIXED, pathname) ? FIXED[pathname] : this.live(pathname);
    if (answer === undefined) return say(404, "There is no such page.");
    const body = request.method === "HEAD" ? null : answer.body;
    const headers = { ...HEADERS, "content-type": answer.type };
    return new Response(body, { status: answer.status ?? 200, headers });
  }

  private live(path: string): Answer | undefined {
    if (!Object.hasOwn(LIVE, path)) return undefined;
    const nowMs = this.source.now();
    const cached = this.cache.get(path);
    if (cached !== undefined && nowMs < cached.untilMs) return cached.answer;
    if (this.view === undefined || nowMs >= this.view.untilMs) {
      this.view = { untilMs: nowMs + FRESH_MS, value: this.source.view() };
    }
    const answer = LIVE[path](this.view.value);
    this.cache.set(path, { untilMs: this.view.untilMs, answer });
    return answer;
  }
}

/** Whether bytes follow the request's head; for GET the runtime does not show them. */
function hasBody({ headers }: Request): boolean {
  return headers.has("transfer-encoding") || Number(headers.get("content-length") ?? 0) !== 0;
}

function say(status: number, text: string, headers: Record<string, string> = {}): Response {
  const type = { "content-type": "text/plain; charset=utf-8" };
  return new Response(`${text}\n`, { status, headers: { ...HEADERS, ...type, ...headers } });
}
