import { assert, assertEquals, assertMatch } from "@std/assert";
import { PAGE_HTML, PAGE_STYLE } from "../../../src/serve/page.ts";
import { PAGE_SCRIPT } from "../../../src/serve/page_script.ts";
import type { RelayView } from "../../../src/serve/relay_view.ts";
import {
  isLoopback,
  isTrustedHost,
  parseStatusAddress,
} from "../../../src/serve/status_address.ts";
import { FRESH_MS, StatusPages } from "../../../src/serve/status_pages.ts";
import { makeView, VIEW_UNIX_MS } from "./view.ts";
import { dropFindings } from "../../../src/observe/drop_findings.ts";
import { saying, sentenceOf } from "../../support/sentences.ts";

/** Pages of a relay that counts how often it is looked at. */
class Source {
  nowMs = 0;
  views = 0;
  next: Partial<RelayView> = {};
  readonly pages = new StatusPages(this);

  now(): number {
    return this.nowMs;
  }

  view(): RelayView {
    this.views++;
    return makeView(this.next);
  }

  ask(path: string, init: RequestInit = {}, host = "127.0.0.1:9465"): Response {
    return this.pages.handle(
      new Request(`http://${host}${path}`, { ...init, headers: { host, ...init.headers } }),
    );
  }
}

Deno.test("a port alone is served on loopback, an address where it says", () => {
  const cases: readonly [string, string | undefined][] = [
    ["9465", "127.0.0.1 9465"],
    ["0", "127.0.0.1 0"],
    ["192.0.2.1:80", "192.0.2.1 80"],
    ["0.0.0.0:80", "0.0.0.0 80"],
    ["[::1]:80", "::1 80"],
    ...["", ":80", "*:80", "80/udp", "80/tcp", "localhost:80", "65536", "[::1]", "1.2.3:4"]
      .map((text): [string, undefined] => [text, undefined]),
  ];
  for (const [text, expected] of cases) {
    const address = parseStatusAddress(text);
    assertEquals(address && `${address.host} ${address.port}`, expected, text);
  }
  assertEquals(["127.0.0.1", "127.9.9.9", "::1"].map(isLoopback), [true, true, true]);
  assertEquals(["0.0.0.0", "::", "128.0.0.1", "127.example"].map(isLoopback), Array(4).fill(false));
});

Deno.test("only numeric addresses and localhost are answered, so that no name can be bent to here", () => {
  for (
    const host of [
      "127.0.0.1",
      "127.0.0.1:80",
      "[::1]",
      "[fe80::1]:80",
      "localhost:9465",
      "LOCALHOST",
    ]
  ) {
    assert(isTrustedHost(host), host);
  }
  const strangers = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "",
    "1.2.3",
    "::1",
  ];
  for (const host of [...strangers, "localhost:80:80", "[evil]", "a@127.0.0.1"]) {
    assert(!isTrustedHost(host), host);
  }
  assert(!isTrustedHost(null));
  const source = new Source();
  assertEquals(source.ask("/api/rooms", {}, "evil.example").status, 421);
  assertEquals(source.views, 0);
});

Deno.test("each path has its type, and none may be framed, sniffed or kept", async () => {
  const source = new Source();
  const types: Readonly<Record<string, string>> = {
    "/": "text/html; charset=utf-8",
    "/page.css": "text/css; charset=utf-8",
    "/page.js": "text/javascript; charset=utf-8",
    "/metrics": "text/plain; version=0.0.4; charset=utf-8",
    "/api/rooms": "application/json",
    "/healthz": "text/plain; charset=utf-8",
  };
  for (const [path, type] of Object.entries(types)) {
    const response = source.ask(path);
    assertEquals([response.status, response.headers.get("content-type")], [200, type], path);
    assertMatch(response.headers.get("content-security-policy")!, /default-src 'none'/);
    assertMatch(response.headers.get("content-security-policy")!, /frame-ancestors 'none'/);
    assertEquals(response.headers.get("cache-control"), "no-store");
    assertEquals(response.headers.get("access-control-allow-origin"), null);
    const head = source.ask(path, { method: "HEAD" });
    assertEquals([head.status, await head.text()], [200, ""]);
  }
  assertEquals(
    await source.ask("/api/rooms").json(),
    JSON.parse(JSON.stringify({ ...makeView(), findings: [] })),
  );
});

Deno.test("a certificate that has expired is no good health, and the page says what is wrong with its dates", async () => {
  const source = new Source();
  const finding = "The certificate expired on 2026-11-20.";
  const health = async (expiresUnixMs: number) => {
    source.next = { certificate: { expiresUnixMs, finding } };
    source.nowMs += FRESH_MS + 1;
    const response = source.ask("/healthz");
    return [response.status, await response.text()];
  };
  assertEquals(await health(VIEW_UNIX_MS), [200, "ok\n"]);
  assertEquals(await health(VIEW_UNIX_MS - 1), [
    503,
    `${finding}\n`,
  ]);
  const { findings } = await source.ask("/api/rooms").json();
  assertEquals(findings, [{ key: "certificate", weight: "stops", what: finding }]);
  // The page is given the sentence; the browser's tests see it there.
  assertMatch(PAGE_HTML, /<section id="findings"/);
  assertMatch(PAGE_SCRIPT, /fill\("findings", view\.findings/);
});

Deno.test("nothing can be changed, and what is not there is not found", () => {
  const source = new Source();
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    const response = source.ask("/metrics", { method });
    assertEquals([response.status, response.headers.get("allow")], [405, "GET, HEAD"]);
  }
  for (const path of ["/x", "/metrics/", "//", "/toString", "/__proto__"]) {
    assertEquals(source.ask(path).status, 404, path);
  }
  for (const [name, value] of [["content-length", "9"], ["transfer-encoding", "chunked"]]) {
    assertEquals(source.ask("/metrics", { headers: { [name]: value } }).status, 400, name);
  }
  assertEquals(source.views, 0);
});

Deno.test("who asks often gets the same answer, who asks later a new one", async () => {
  const source = new Source();
  for (let i = 0; i < 1_000; i++) {
    source.nowMs = (i / 1_000) * FRESH_MS;
    source.ask("/metrics");
    source.ask("/api/rooms");
  }
  assertEquals(source.views, 1);
  source.next = { connections: 99 };
  assertEquals((await source.ask("/api/rooms").json()).connections, 3);
  source.nowMs = FRESH_MS;
  assertEquals((await source.ask("/api/rooms").json()).connections, 99);
});

Deno.test("a relay that lets nobody in any more is not healthy", async () => {
  const source = new Source();
  assertEquals([source.ask("/healthz").status, await source.ask("/healthz").text()], [200, "ok\n"]);
  source.next = { draining: true };
  source.nowMs = FRESH_MS;
  const response = source.ask("/healthz");
  assertEquals([response.status, await response.text()], [503, `${saying("operator/draining")}\n`]);
});

Deno.test("what many drops mean is a finding, and no bad health", async () => {
  const source = new Source();
  source.next = { dropsOfLate: dropFindings("relay", { "queue-late": 1_000 }, 0) };
  assertEquals(await source.ask("/healthz").text(), "ok\n");
  const { findings } = await source.ask("/api/rooms").json();
  const { what, advice } = sentenceOf("drops/relay-queue-late", { frames: "1000 frames" });
  assertEquals(findings, [{ key: "relay-queue-late", weight: "disturbs", what, advice }]);
});

Deno.test("datagrams that nobody read in time are a finding, and no bad health", async () => {
  const source = new Source();
  source.next = { lostDatagrams: { count: 100, grantedBytes: 8_388_608 } };
  assertEquals(await source.ask("/healthz").text(), "ok\n");
  const { findings } = await source.ask("/api/rooms").json();
  const sentence = sentenceOf("buffer/full", { count: "100", size: "8.0 MiB" });
  assertEquals(findings, [{ key: "datagrams-lost", weight: "disturbs", ...sentence }]);
});

Deno.test("a relay of which a reactor does not answer is not healthy", async () => {
  const source = new Source();
  const reactors = [0, 1, 2].map((reactor) => ({
    reactor,
    up: reactor === 1,
    restarts: 0,
    ports: [443 + reactor],
  }));
  source.next = { reactors };
  const response = source.ask("/healthz");
  assertEquals(response.status, 503);
  const down = ["0", "2"].map((reactor) => saying("operator/reactor-down", { reactor }));
  assertEquals(await response.text(), `${down.join("\n")}\n`);
  const metrics = await source.ask("/metrics").text();
  assertMatch(metrics, /^lanparty_findings\{weight="stops"\} 2$/m);
});

Deno.test("the page fetches nothing from elsewhere and takes texts of peers as texts", () => {
  for (const text of [PAGE_HTML, PAGE_STYLE, PAGE_SCRIPT]) {
    const places = [...text.matchAll(/https?:\/\/[^"'\s]+/g)].map(([place]) => place);
    assertEquals(places.filter((place) => place !== "http://www.w3.org/2000/svg"), []);
    assert(!/innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|@import|url\(/.test(text));
  }
  assert(!/<script>|<style|\son\w+=|style="/.test(PAGE_HTML), "the policy lets nothing inline run");
  assertMatch(PAGE_HTML, /name="viewport" content="width=device-width/);
  new Function(PAGE_SCRIPT); // it can be parsed
});
