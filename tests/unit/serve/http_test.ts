/** Heads of HTTP requests: what is one, and what is none. */
import { assertEquals } from "@std/assert";
import { parseHead } from "../../../src/serve/status_server.ts";

Deno.test("a request's head is read", () => {
  const request = parseHead("GET /metrics?a=b HTTP/1.1\r\nHost: 127.0.0.1:9465\r\nX-Empty:");
  assertEquals(request?.method, "GET");
  assertEquals(new URL(request!.url).pathname, "/metrics");
  assertEquals(request?.headers.get("host"), "127.0.0.1:9465");
  assertEquals(parseHead("HEAD / HTTP/1.0")?.method, "HEAD");
  // Not a host of its own: the path alone decides.
  assertEquals(new URL(parseHead("GET //evil.example/x HTTP/1.1")!.url).hostname, "localhost");
});

Deno.test("what is no request's head is none", () => {
  const heads = [
    "",
    "GET /",
    "GET / HTTP/2.0",
    "get / HTTP/1.1",
    "GET http://relay/ HTTP/1.1",
    "GET  / HTTP/1.1",
    "GET /a b HTTP/1.1",
    "GET /\u00e9 HTTP/1.1",
    "TRACE / HTTP/1.1",
    `GET /${"a".repeat(2_001)} HTTP/1.1`,
    "GET / HTTP/1.1\r\nno colon",
    "GET / HTTP/1.1\r\n: no name",
    "GET / HTTP/1.1\r\nbad name: x",
    "GET / HTTP/1.1\r\nfolded: x\r\n y",
    "GET / HTTP/1.1\r\nzero: \0",
  ];
  for (const head of heads) assertEquals(parseHead(head), undefined, head);
});
