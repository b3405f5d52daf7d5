/**
 * A relay's name to an address; each failure moves on to the name's next one.
 *
 * @module
 */
import type { TransportFailure } from "../../endpoint/outcomes.ts";
import { type QuicAddress, ResolveCode, ResolveError, resolveHost } from "../../quic/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";

/** While a name is looked up, the runtime's own loop gets its turns often. */
const ATTEND_MS = 5_000;

/** An address to try, and whether the host has addresses of IPv6 alone; or why there is none. */
export type Resolved =
  | { readonly address: QuicAddress; readonly onlyIpv6: boolean }
  | { readonly failure: TransportFailure };

/** The name may be right: nobody could say so. */
const UNANSWERED: readonly number[] = [
  ResolveCode.EAI_AGAIN,
  ResolveCode.EAI_FAIL,
  ResolveCode.EAI_SYSTEM,
];
/** The same on Windows: `WSATRY_AGAIN` and `WSANO_RECOVERY`. */
const UNANSWERED_WINDOWS: readonly number[] = [11_002, 11_003];

/** See the module. */
export class HostResolver {
  /** Counts failed addresses: where in a name's list the next attempt begins. */
  #failures = 0;
  readonly #reactor: Reactor;

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  /** The address just used did not answer: try the name's next one. */
  next(): void {
    this.#failures++;
  }

  /** Looks a host up; never rejects for what the network does. */
  async resolve(host: string, port: number): Promise<Resolved> {
    this.#reactor.attend(ATTEND_MS);
    try {
      const found = await resolveHost(host, port);
      return {
        address: found[this.#failures % found.length],
        onlyIpv6: found.every((address) => address.host.includes(":")),
      };
    } catch (error) {
      if (!(error instanceof ResolveError)) throw error;
      const codes = Deno.build.os === "windows" ? UNANSWERED_WINDOWS : UNANSWERED;
      return { failure: codes.includes(error.code) ? "noNameServer" : "unresolved" };
    }
  }
}
