/**
 * The HTTP server of the status pages, on the runtime's own loop: one request for each connection.
 *
 * The runtime has a server, but one that keeps as many connections as want to come, for as long as they
 * like: on a machine with other users they would take all of the relay's files. This one keeps few, and
 * none for long.
 *
 * @module
 */
import { closeQuietly, takeConnections, writeAll } from "./connections.ts";
import type { StatusAddress } from "./status_address.ts";

/** Answers requests. */
export interface Pages {
  handle(request: Request): Response;
}

/** Connections at a time; the oldest gives way to one more. */
export const CONNECTIONS_MAX = 64;
/** From the connection's first moment to the answer's last byte. */
const PATIENCE_MS = 10_000;
/** A longer head of a request is none. */
const HEAD_BYTES_MAX = 16_384;
const CHUNK_BYTES = 4_096;
const HEAD_END = "\r\n\r\n";

/** A server that runs. */
export class StatusServer {
  readonly #guests = new Set<Deno.TcpConn>();
  #open = true;
  readonly #listener: Deno.TcpListener;
  readonly #pages: Pages;
  readonly #prepare: () => void | Promise<void>;

  private constructor(
    listener: Deno.TcpListener,
    pages: Pages,
    prepare: () => void | Promise<void>,
  ) {
    this.#listener = listener;
    this.#pages = pages;
    this.#prepare = prepare;
  }

  /**
   * Begins to serve.
   *
   * @param prepare called with each request: gives the runtime's loop the time for the answer, or gets
   * what the answer is made from
   * @throws {Deno.errors.AddrInUse | Deno.errors.AddrNotAvailable | Deno.errors.PermissionDenied}
   */
  static open(
    address: StatusAddress,
    pages: Pages,
    prepare: () => void | Promise<void>,
  ): StatusServer {
    const listener = Deno.listen({ hostname: address.host, port: address.port });
    const server = new StatusServer(listener, pages, prepare);
    const take = (guest: Deno.TcpConn) => void server.#serve(guest);
    const makeRoom = () => server.#dismiss(server.#guests.size >> 1);
    void takeConnections(listener, () => server.#open, take, makeRoom);
    return server;
  }

  /** Where it is served, with the port that was chosen. */
  get address(): StatusAddress {
    const { hostname, port } = this.#listener.addr as Deno.NetAddr;
    return { host: hostname, port };
  }

  /** Stops at once; answers that are on their way are cut off. */
  close(): void {
    this.#open = false;
    closeQuietly(this.#listener);
    for (const guest of this.#guests) closeQuietly(guest);
  }

  /** Closes so many connections, the oldest first. */
  #dismiss(count: number): void {
    for (const guest of [...this.#guests].slice(0, Math.max(0, count))) {
      this.#guests.delete(guest);
      closeQuietly(guest);
    }
  }

  async #serve(guest: Deno.TcpConn): Promise<void> {
    this.#dismiss(this.#guests.size + 1 - CONNECTIONS_MAX);
    this.#guests.add(guest);
    const timer = setTimeout(() => closeQuietly(guest), PATIENCE_MS);
    try {
      const head = await readHead(guest);
      if (head !== undefined) {
        await this.#prepare();
        await writeAll(guest, await this.#answer(head));
      }
      await guest.closeWrite();
    } catch {
      // Whoever asked has gone, was too slow, or had to give way.
    } finally {
      clearTimeout(timer);
      this.#guests.delete(guest);
      closeQuietly(guest);
    }
  }

  async #answer(head: string): Promise<Uint8Array> {
    const request = parseHead(head);
    const response = this.#respond(request);
    const body = new TextEncoder().encode(await response.text());
    const lines = [`HTTP/1.1 ${response.status} ${REASONS[response.status] ?? "Other"}`];
    response.headers.set("connection", "close");
    for (const [name, value] of response.headers) lines.push(`${name}: ${value}`);
    lines.push(`date: ${new Date().toUTCString()}`);
    if (request?.method !== "HEAD") lines.push(`content-length: ${body.length}`);
    const text = new TextEncoder().encode(lines.join("\r\n") + HEAD_END);
    const bytes = new Uint8Array(text.length + body.length);
    bytes.set(text);
    bytes.set(body, text.length);
    return bytes;
  }

  /** A page that fails must not keep its reader waiting. */
  #respond(request: Request | undefined): Response {
    if (request === undefined) return new Response("That is no request.\n", { status: 400 });
    try {
      return this.#pages.handle(request);
    } catch {
      return new Response("That went wrong.\n", { status: 500 });
    }
  }
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  421: "Misdirected Request",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** Reads up to the empty line; undefined if none comes within so many bytes, or before the end. */
async function readHead(guest: Deno.Conn): Promise<string | undefined> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  // Every byte is a character of its own: what is no ASCII is found wrong later.
  const decoder = new TextDecoder("latin1");
  for (let head = ""; head.length <= HEAD_BYTES_MAX;) {
    const length = await guest.read(chunk);
    if (length === null) return undefined;
    const from = Math.max(0, head.length - HEAD_END.length);
    head += decoder.decode(chunk.subarray(0, length), { stream: true });
    const end = head.indexOf(HEAD_END, from);
    if (end >= 0) return head.slice(0, end);
  }
  return undefined;
}

/** A request's head (RFC 9112, sections 3 and 5), without its end; undefined if it is none. */
export function parseHead(head: string): Request | undefined {
  const [first, ...fields] = head.split("\r\n");
  const line = /^([A-Z]{1,20}) (\/[\x21-\x7e]{0,2000}) HTTP\/1\.[01]$/.exec(first);
  if (line === null) return undefined;
  const [, method, target] = line;
  try {
    const headers = new Headers();
    for (const field of fields) {
      const colon = field.indexOf(":");
      if (colon < 1) return undefined;
      headers.append(field.slice(0, colon), field.slice(colon + 1).trim());
    }
    // The path alone decides: `//host/path` is a path here.
    return new Request(new URL(`http://localhost${target}`), { method, headers });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}
