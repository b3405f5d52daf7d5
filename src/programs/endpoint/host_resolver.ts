/** A relay's name to an address; each failure moves on to the name's next one. */
import { type QuicAddress, ResolveError, resolveHost } from "../../quic/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";

/** While a name is looked up, the runtime's own loop gets its turns often. */
const ATTEND_MS = 5_000;

/** See the module. */
export class HostResolver {
  /** Counts failed addresses: where in a name's list the next attempt begins. */
  private failures = 0;

  constructor(private readonly reactor: Reactor) {}

  /** The address just used did not answer: try the name's next one. */
  next(): void {
    this.failures++;
  }

  /** Resolves with undefined if the name has no address. */
  async resolve(host: string, port: number): Promise<QuicAddress | undefined> {
    this.reactor.attend(ATTEND_MS);
    try {
      const found = await resolveHost(host, port);
      return found[this.failures % found.length];
    } catch (error) {
      if (error instanceof ResolveError) return undefined;
      throw error;
    }
  }
}
