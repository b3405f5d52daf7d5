/**
 * Pages over HTTP whose answers are values made at once from a view, so nobody can keep the program busy by
 * reading slowly, and a view is used again for a while, so nobody can by asking often.
 *
 * @module
 */
import { isTrustedHost } from "./status_address.ts";

/** How long an answer is used again. */
export const FRESH_MS = 250;

/** What pages are made from. */
export interface ViewSource<View> {
  /** Monotonic time, ms. */
  now(): number;
  view(): View;
}

/** What a path is answered with. */
export interface Answer {
  readonly type: string;
  readonly body: string;
  readonly status?: number;
}

/** The answers by path: live ones are made from the view. */
export interface Routes<View> {
  readonly live: Readonly<Record<string, (view: View) => Answer>>;
  readonly fixed: Readonly<Record<string, Answer>>;
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

/** Answers requests about one program. */
export class LivePages<View> {
  readonly #cache = new Map<string, { readonly untilMs: number; readonly answer: Answer }>();
  #view: { readonly untilMs: number; readonly value: View } | undefined;
  readonly #source: ViewSource<View>;
  readonly #routes: Routes<View>;

  constructor(
    source: ViewSource<View>,
    routes: Routes<View>,
  ) {
    this.#source = source;
    this.#routes = routes;
  }

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
    const { fixed } = this.#routes;
    const answer = Object.hasOwn(fixed, pathname) ? fixed[pathname] : this.#live(pathname);
    if (answer === undefined) return say(404, "There is no such page.");
    const body = request.method === "HEAD" ? null : answer.body;
    const headers = { ...HEADERS, "content-type": answer.type };
    return new Response(body, { status: answer.status ?? 200, headers });
  }

  #live(path: string): Answer | undefined {
    const { live } = this.#routes;
    if (!Object.hasOwn(live, path)) return undefined;
    const nowMs = this.#source.now();
    const cached = this.#cache.get(path);
    if (cached !== undefined && nowMs < cached.untilMs) return cached.answer;
    if (this.#view === undefined || nowMs >= this.#view.untilMs) {
      this.#view = { untilMs: nowMs + FRESH_MS, value: this.#source.view() };
    }
    const answer = live[path](this.#view.value);
    this.#cache.set(path, { untilMs: this.#view.untilMs, answer });
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
