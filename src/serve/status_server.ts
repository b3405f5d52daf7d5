/** The HTTP server of the status pages, on the runtime's own loop. */
import type { StatusAddress } from "./status_address.ts";
import type { StatusPages } from "./status_pages.ts";

/** A server that runs. */
export class StatusServer {
  private constructor(private readonly server: Deno.HttpServer<Deno.NetAddr>) {}

  /**
   * Begins to serve.
   *
   * @param prepare called with each request: gives the runtime's loop the time for the answer, or gets
   * what the answer is made from
   * @throws {Deno.errors.AddrInUse | Deno.errors.AddrNotAvailable | Deno.errors.PermissionDenied}
   */
  static open(
    address: StatusAddress,
    pages: StatusPages,
    prepare: () => void | Promise<void>,
  ): StatusServer {
    const server = Deno.serve({
      hostname: address.host,
      port: address.port,
      onListen: () => {},
      onError: () => new Response("That went wrong.\n", { status: 500 }),
    }, async (request) => {
      await prepare();
      return pages.handle(request);
    });
    return new StatusServer(server);
  }

  /** Where it is served, with the port that was chosen. */
  get address(): StatusAddress {
    return { host: this.server.addr.hostname, port: this.server.addr.port };
  }

  /** Stops at once; answers that are on their way are cut off. */
  close(): void {
    void this.server.shutdown();
  }
}
