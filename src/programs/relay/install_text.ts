/**
 * What whoever has installed a relay is told: the line for the party's host, and what may keep players out.
 *
 * @module
 */
import {
  formatEndpointAddress,
  type ListenAddress,
  RELAY_WAYS_MAX,
} from "../../control/address.ts";
import { isUnspecified, parseIpAddress } from "../../proto/ip.ts";
import { isPublicHost } from "../../proto/ip_blocks.ts";
import type { InboundFirewalls } from "../../system/firewall/mod.ts";

/** What the line for the host is made of. */
export interface RelayPlace {
  readonly listen: readonly ListenAddress[];
  /** By which players reach the machine, where that is known. */
  readonly publicHost: string | undefined;
  /** Of the machine's interfaces. */
  readonly addresses: readonly string[];
  /** undefined: a CA vouches for the relay, or is said to. */
  readonly fingerprint: string | undefined;
}

/** Stands in the line where no public address is known. */
const UNKNOWN_HOST = "NAME";

/** The command for the party's host, and what must be done to it. */
export function hostLine(
  place: RelayPlace,
): { readonly text: string; readonly isHostKnown: boolean } {
  const known = waysOf(place);
  const ways = known.length > 0 ? known : place.listen.map(({ port }) => `${UNKNOWN_HOST}:${port}`);
  const words = [...[...new Set(ways)].slice(0, RELAY_WAYS_MAX), place.fingerprint];
  const relay = words.filter((word) => word !== undefined).join();
  return { text: `lanparty-gateway host --relay ${relay}`, isHostKnown: known.length > 0 };
}

/** Ways to the relay from anywhere, as far as the machine's own addresses tell. */
function waysOf({ listen, publicHost, addresses }: RelayPlace): string[] {
  const open = publicAddresses(addresses);
  return listen.flatMap(({ family, address, port }) => {
    const own = address === undefined ? undefined : parseIpAddress(address);
    const isOne = own !== undefined && !isUnspecified(own);
    const hosts = publicHost !== undefined
      ? [publicHost]
      : isOne
      ? [address ?? ""].filter(isPublicHost)
      : open.filter((host) => family === "any" || (family === "ipv6") === host.includes(":"));
    return hosts.map((host) => formatEndpointAddress({ host, port }));
  });
}

/**
 * One address of each IP version that means something everywhere: of IPv6 the shortest, since those that change by
 * themselves (RFC 8981) are long.
 */
function publicAddresses(addresses: readonly string[]): string[] {
  const open = addresses.filter(isPublicHost);
  const ipv4 = open.find((host) => !host.includes(":"));
  const [ipv6] = open.filter((host) => host.includes(":")).sort((a, b) => a.length - b.length);
  return [ipv4, ipv6].filter((host) => host !== undefined);
}

/** What may keep players out, and the commands that let them in. */
export function firewallText(
  { firewalls, chains }: InboundFirewalls,
  ports: readonly number[],
): string {
  const names = ports.join(" and ");
  const cloud =
    `Where a provider or a router has a firewall in front of this machine, UDP port ${names} must be ` +
    "open there, too.";
  if (firewalls.length === 0) return cloud;
  const commands = firewalls.flatMap((firewall): string[] => {
    switch (firewall) {
      case "ufw":
        return ports.map((port) => `ufw allow ${port}/udp`);
      case "firewalld": {
        const words = ports.map((port) => `--add-port=${port}/udp`).join(" ");
        return [`firewall-cmd --permanent ${words} && firewall-cmd --reload`];
      }
      case "iptables":
        return ports.flatMap((port) =>
          ["iptables", "ip6tables"].map((program) =>
            `${program} -I INPUT -p udp --dport ${port} -j ACCEPT`
          )
        );
      case "nftables":
        return chains.map(({ family, table, name }) =>
          `nft insert rule ${family} ${table} ${name} udp dport '{ ${ports.join(", ")} }' accept`
        );
    }
  });
  const isUnread = firewalls.includes("nftables") && chains.length === 0;
  const isLasting = firewalls.every((firewall) =>
    firewall === "ufw" || firewall === "firewalld" || (firewall === "nftables" && isUnread)
  );
  return [
    `This machine's firewall (${firewalls.join(", ")}) may keep players out.${
      commands.length === 0 ? "" : ` To open UDP port ${names}:`
    }`,
    ...commands.map((command) => `  ${command}`),
    ...isUnread
      ? [
        "The rules of nftables could not be read: see what nft list ruleset shows, and let UDP port " +
        `${names} in.`,
      ]
      : [],
    ...isLasting
      ? []
      : ["Put that into the firewall's own file, too: it is gone when this machine restarts."],
    cloud,
  ].join("\n");
}

/** What a service has in its state folder: the key of its certificate, something else, or there is none. */
export type KeptState = "key" | "state" | "nothing";

/** What becomes of it when the service goes; undefined: there is nothing to be said. */
export function keptText(
  kept: KeptState,
  stateDir: string,
  isPurged: boolean,
): string | undefined {
  switch (kept) {
    case "key":
      return isPurged
        ? "Its certificate and key are removed, too."
        : `Its certificate and key stay in ${stateDir}: installed again it has the same fingerprint.`;
    case "state":
      return isPurged
        ? `What it has kept in ${stateDir} is removed, too.`
        : `What it has kept stays in ${stateDir}.`;
    case "nothing":
      return undefined;
  }
}
