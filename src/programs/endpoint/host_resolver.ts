/**
 * A relay's name to an address; each failure moves on to the name's next one.
 *
 * @module
 */
import type { TransportFailure } from "../../observe/relay_reach.ts";
import { type QuicAddress, ResolveCode, ResolveError, resolveHost } from "../../quic/mod.ts";
import type { Reactor } from "../../reactor/mod.ts";

/** While a name is looked up, the runtime's own loop gets its turns often. */
const ATTEND_MS = 5_000;

/** An address to try, or why there is none. */
export type Resolved =
  | { readonly address: QuicAddress }
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
      return { address: found[this.#failures % found.length] };
    } catch (error) {
      if (!(error instanceof ResolveError)) throw error;
      const codes = Deno.build.os === "windows" ? UNANSWERED_WINDOWS : UNANSWERED;
      if (codes.includes(error.code)) return { failure: "noNameServer" };
      return { failure: await withoutFamily(host, port) };
    }
  }
}

/** Why a name has no address of the kinds that this PC has: perhaps it has one of another kind. */
async function withoutFamily(host: string, port: number): Promise<TransportFailure> {
  try {
    const [{ family }] = await resolveHost(host, port, { ofAnyFamily: true });
    return family === "ipv6" ? "noIpv6" : "noIpv4";
  } catch (error) {
    if (!(error instanceof ResolveError)) throw error;
    return "unresolved";
  }
}
