/** Firewalls of namespaces (nftables): what a network on the way, or a PC's own, does not let through. */
import type { Namespace } from "./netns.ts";

const TABLE = "lab";

/**
 * Adds a rule, such as `udp dport 443 drop`, to a namespace's firewall.
 *
 * @param hook where packets are looked at: `input`, `forward` or `output`
 * @returns takes it back
 */
export async function filterPackets(
  namespace: Namespace,
  hook: "input" | "forward" | "output",
  rule: string,
): Promise<() => Promise<void>> {
  const rules =
    `table inet ${TABLE} {\nchain one {\ntype filter hook ${hook} priority 0;\n${rule}\n}\n}\n`;
  await namespace.run(["nft", "-f", "-"], { input: rules });
  return async () => void await namespace.run(["nft", "delete", "table", "inet", TABLE]);
}
