/**
 * A DHCP client that asks for as much as Windows' own does, and shows what it was told: it stands in
 * for the DHCP client of a Windows PC whose IP stack is a namespace's.
 */
import type { Namespace } from "../../tools/lab/netns.ts";

/** A lease, as the client was given it. */
export interface Lease {
  readonly address: string;
  readonly prefixLength: number;
  readonly server: string;
  /** Whatever else it was told, by the names of busybox: `router`, `dns`, `staticroutes`, … */
  readonly told: ReadonlyMap<string, string>;
}

/**
 * What Windows asks for and a player must not be given, by option: the names that busybox gives them
 * (networking/udhcp/common.c).
 */
export const UNWANTED: ReadonlyMap<number, string> = new Map([
  [3, "router"],
  [6, "dns"],
  [33, "routes"],
  [121, "staticroutes"],
  [249, "msstaticroutes"],
  [252, "wpad"],
]);

const TIMEOUT_MS = 40_000;
/** It says everything that it was told, and takes the address alone. */
const SCRIPT = `#!/bin/sh
[ "$1" = bound ] || exit 0
env
exec ip addr add "$ip/$mask" brd + dev "$interface"
`;

/**
 * Leases an address for an interface, and gives it to it.
 *
 * @param folder for its script
 * @param attempts questions, one a second
 * @throws {CommandError} no server answers
 */
export async function leaseAddress(
  namespace: Namespace,
  interfaceName: string,
  folder: string,
  attempts = 20,
): Promise<Lease> {
  const script = `${folder}/lease-${namespace.name}`;
  await Deno.writeTextFile(script, SCRIPT, { mode: 0o700 });
  const { stdout } = await namespace.run([
    ...["udhcpc", "-f", "-q", "-n", "-i", interfaceName, "-s", script],
    ...["-t", `${attempts}`, "-T", "1", "-V", "MSFT 5.0", "-x", "hostname:PC"],
    ...[...UNWANTED.keys()].flatMap((option) => ["-O", `${option}`]),
  ], { timeoutMs: TIMEOUT_MS });
  const told = new Map(
    stdout.split("\n").map((line) => {
      const [name, ...rest] = line.split("=");
      return [name, rest.join("=")] as const;
    }),
  );
  return {
    address: told.get("ip")!,
    prefixLength: Number(told.get("mask")),
    server: told.get("serverid")!,
    told,
  };
}
