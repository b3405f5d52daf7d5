/** Everybody who can be measured, by name. */
import { BuildError, exists } from "../../build/cache.ts";
import { n2nHead, openvpn, tinc, tinc11, vpncloud } from "./bridging_peers.ts";
import { rawtun } from "./our_peers.ts";
import type { Peer } from "./peer.ts";
import { n2n, wireguardGo } from "./routing_peers.ts";

/** What this project's own build is called. */
export const OURS = "ours";

/** A folder with rivals that no registry has, built by hand. */
export const HOME_VARIABLE = "PB_HOME";

/** Rivals of fixed versions that are fetched. */
const FETCHED: ReadonlyMap<string, () => Promise<Peer>> = new Map([
  ["tinc", tinc],
  ["n2n", n2n],
  ["vpncloud", vpncloud],
  ["openvpn", openvpn],
  ["wireguard-go", wireguardGo],
  ["rawtun", rawtun],
]);

/** Rivals that are measured where somebody has built them, and the file by which that is seen. */
const BUILT_BY_HAND: ReadonlyMap<string, readonly [string, (home: string) => Promise<Peer>]> =
  new Map(
    [
      ["tinc11", ["tinc/b/src/tincd", tinc11]],
      ["n2n-head", ["n2n/edge", n2nHead]],
    ],
  );

/** All names, in the table's order. */
export const PEER_NAMES: readonly string[] = [
  OURS,
  ...BUILT_BY_HAND.keys(),
  ...FETCHED.keys(),
];

/**
 * The rivals among those that are wanted, fetched and built; without a choice, all that are to be had.
 *
 * @throws {BuildError} one was asked for by name and is not there
 */
export async function findRivals(wanted: readonly string[] | undefined): Promise<Peer[]> {
  const home = Deno.env.get(HOME_VARIABLE);
  const peers: Peer[] = [];
  for (const [name, [file, make]] of BUILT_BY_HAND) {
    const isThere = home !== undefined && await exists(`${home}/${file}`);
    if (wanted?.includes(name) && !isThere) {
      throw new BuildError(
        `${name}: build it by hand, and let ${HOME_VARIABLE} name a folder that has ${file}`,
      );
    }
    if (isThere && (wanted?.includes(name) ?? true)) peers.push(await make(home));
  }
  for (const [name, make] of FETCHED) {
    if (wanted?.includes(name) ?? true) peers.push(await make());
  }
  return peers;
}
