/**
 * A relay's name to its addresses.
 *
 * @module
 */
import type { TransportFailure } from "../../observe/relay_reach.ts";
import { type QuicAddress, ResolveCode, ResolveError, resolveHost } from "../../quic/mod.ts";

/** The addresses of a host, in the order of the system's resolver, or why there are none. */
export type Resolved =
  | { readonly addresses: readonly QuicAddress[] }
  | { readonly failure: TransportFailure };

/** The name may be right: nobody could say so. */
const UNANSWERED: readonly number[] = [
  ResolveCode.EAI_AGAIN,
  ResolveCode.EAI_FAIL,
  ResolveCode.EAI_SYSTEM,
];
/** The same on Windows: `WSATRY_AGAIN` and `WSANO_RECOVERY`. */
const UNANSWERED_WINDOWS: readonly number[] = [11_002, 11_003];

/** Looks a host up; never rejects for what the network does. */
export async function lookUpHost(host: string, port: number): Promise<Resolved> {
  try {
    return { addresses: await resolveHost(host, port) };
  } catch (error) {
    if (!(error instanceof ResolveError)) throw error;
    const codes = Deno.build.os === "windows" ? UNANSWERED_WINDOWS : UNANSWERED;
    if (codes.includes(error.code)) return { failure: "noNameServer" };
    return { failure: await withoutFamily(host, port) };
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
