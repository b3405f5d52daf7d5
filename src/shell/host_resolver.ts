/** A relay's name to an address, without holding the reactor up; each failure moves on to the next one. */
import { lookup } from "node:dns/promises";
import { parseAddress, type QuicAddress } from "../quic/mod.ts";
import type { Reactor } from "../reactor/mod.ts";

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

  /** Resolves with undefined if the name has no address. Never rejects for that. */
  async resolve(host: string, port: number): Promise<QuicAddress | undefined> {
    const literal = parseAddress(host, port);
    if (literal !== undefined) return literal;
    this.reactor.attend(ATTEND_MS);
    try {
      const found = await lookup(host, { all: true });
      if (found.length === 0) return undefined;
      return parseAddress(found[this.failures % found.length].address, port);
    } catch {
      return undefined;
    }
  }
}
