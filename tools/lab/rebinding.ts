/** A home's router that forgets a mapping: what a player sends comes from another port of it from then on (NAT rebinding). */
import type { Namespace } from "./netns.ts";

const TABLE = "rebinding";
/** No port that Linux gives a socket by itself. */
const OTHER_PORT = 20_443;

/**
 * From now on the one socket of a namespace that sends to a UDP port (IPv4) is another port of it outside, and what comes
 * to the one before is lost.
 *
 * @returns takes it back
 */
export async function rebind(
  namespace: Namespace,
  interfaceName: string,
  port: number,
): Promise<() => Promise<void>> {
  const { stdout } = await namespace.run(["ss", "-Huan", `dport = :${port}`]);
  const own = /:(\d+) +\S+:\d+\s*$/m.exec(stdout)?.[1];
  if (own === undefined) throw new Error(`no socket sends to UDP ${port}: ${stdout}`);
  const input = `table ip ${TABLE} {
    chain out {
      type filter hook output priority raw
      oifname "${interfaceName}" udp dport ${port} udp sport ${own} notrack udp sport set ${OTHER_PORT}
    }
    chain in {
      type filter hook prerouting priority raw
      iifname "${interfaceName}" udp sport ${port} udp dport ${own} drop
      iifname "${interfaceName}" udp sport ${port} udp dport ${OTHER_PORT} notrack udp dport set ${own}
    }
  }`;
  await namespace.run(["nft", "-f", "-"], { input });
  return async () => void await namespace.run(["nft", "delete", "table", "ip", TABLE]);
}
