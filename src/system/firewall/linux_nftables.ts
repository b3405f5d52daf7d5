/**
 * Rules of nftables, as its own program shows and takes them (nft(8), libnftables-json(5)).
 *
 * Where a packet has been accepted in one chain the next one of the same hook may drop it still: so the LAN is let in at
 * the head of each chain that sees what comes in. Our rules are known by their comment, whatever has become of their
 * numbers meanwhile.
 *
 * @module
 */
import {
  ask,
  type LanAccess,
  markOf,
  type Steps,
  UnknownRules,
  unknownRules,
} from "./linux_steps.ts";

/** What is shown of all rules. */
export interface NftRuleset {
  readonly chains: readonly NftChain[];
  readonly rules: readonly NftRule[];
}

/** A chain that the kernel calls for what comes in. */
export interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** Whether it refuses anything, be it in a chain that it calls. */
  readonly refuses: boolean;
}

/** A rule with a comment. */
export interface NftRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  readonly comment: string;
}

/** Tables of iptables in its newer form, which are no other's to change. */
const OF_IPTABLES = /^(filter|nat|mangle|raw|security)$/;
/** The table of firewalld, which is told in words of its own. */
const OF_FIREWALLD = "firewalld";
const FAMILIES: readonly string[] = ["inet", "ip", "ip6"];
/** Names as nft takes them (nft(8), "lexical conventions", and its scanner): `nixos-fw` is one. */
const IDENTIFIER = /^[A-Za-z_.][A-Za-z0-9/_.-]{0,127}$/;
const ALL_RULES = ["nft", "--json", "list", "ruleset"] as const;

/** What `nft --json list ruleset` prints; undefined: it is something else. */
export function parseRuleset(text: string): NftRuleset | undefined {
  let objects: Record<string, Record<string, unknown>>[];
  try {
    objects = JSON.parse(text).nftables;
  } catch {
    return undefined;
  }
  if (!Array.isArray(objects)) return undefined;
  const rules = objects.flatMap(({ rule }) => rule === undefined ? [] : [rule]);
  const refusingTables = new Set(rules.filter(refuses).map(tableOf));
  const refusingChains = new Set(rules.filter(refuses).map(chainOf));
  const calling = new Set(rules.filter(calls).map(chainOf));
  const chains = objects.flatMap(({ chain }): NftChain[] => {
    const { family, table, name, hook, policy } = chain ?? {};
    const key = chainOf({ family, table, chain: name });
    if (hook !== "input" || !FAMILIES.includes(String(family))) return [];
    return [{
      family: String(family),
      table: String(table),
      name: String(name),
      refuses: policy === "drop" || refusingChains.has(key) ||
        (calling.has(key) && refusingTables.has(tableOf(chain))),
    }];
  });
  return {
    chains,
    rules: rules.flatMap(({ family, table, chain, handle, comment }): NftRule[] =>
      typeof comment === "string" && typeof handle === "number"
        ? [{
          family: String(family),
          table: String(table),
          chain: String(chain),
          handle,
          comment,
        }]
        : []
    ),
  };
}

/** Chains that may keep something out, and are nftables' own. */
export function ownChains({ chains }: NftRuleset): NftChain[] {
  return chains.filter(({ family, table, name, refuses }) => {
    const isIptables = family !== "inet" && OF_IPTABLES.test(table) && name === "INPUT";
    return refuses && !isIptables && table !== OF_FIREWALLD;
  });
}

/** All rules; undefined: there are none, since there is no nft, or the kernel knows none of its rules. */
export function* readRuleset(): Steps<NftRuleset | UnknownRules | undefined> {
  const shown = yield* ask(...ALL_RULES);
  if (!shown.success) return unknownRules(shown);
  return parseRuleset(shown.output) ?? new UnknownRules("what nft shows of its rules is not whole");
}

/** Lets the LAN in at the head of a chain. Ends with what went wrong. */
export function* openChain(chain: NftChain, access: LanAccess): Steps<string | undefined> {
  const { family, table, name } = chain;
  if (![table, name].every((text) => IDENTIFIER.test(text))) return `odd name: ${table} ${name}`;
  const comment = `comment "${markOf(access.interfaceName)}"`;
  const rules = access.networks.flatMap((network) => {
    const isIpv6 = network.includes(":");
    if (family === (isIpv6 ? "ip" : "ip6")) return [];
    const source = `iifname "${access.interfaceName}" ${isIpv6 ? "ip6" : "ip"} saddr ${network}`;
    return [
      `tcp dport { ${access.ports.tcp.join(", ")} }`,
      `udp dport { ${access.ports.udp.join(", ")} }`,
      `${isIpv6 ? "icmpv6" : "icmp"} type echo-request`,
    ].map((what) => `insert rule ${family} ${table} ${name} ${source} ${what} accept ${comment}`);
  });
  if (rules.length === 0) return undefined;
  const { success, message } = yield* ask("nft", rules.join("; "));
  return success ? undefined : message;
}

/** Removes an adapter's rules wherever they stand. Ends with what went wrong. */
export function* closeChains(interfaceName: string): Steps<string | undefined> {
  const ruleset = yield* readRuleset();
  if (ruleset instanceof UnknownRules) return ruleset.why;
  if (ruleset === undefined) return undefined;
  const ours = ruleset.rules.filter(({ comment, table, chain }) =>
    comment === markOf(interfaceName) && [table, chain].every((text) => IDENTIFIER.test(text))
  );
  if (ours.length === 0) return undefined;
  const commands = ours.map(({ family, table, chain, handle }) =>
    `delete rule ${family} ${table} ${chain} handle ${handle}`
  );
  const { success, message } = yield* ask("nft", commands.join("; "));
  return success ? undefined : message;
}

function tableOf({ family, table }: Readonly<Record<string, unknown>>): string {
  return `${family} ${table}`;
}

function chainOf(rule: Readonly<Record<string, unknown>>): string {
  return `${tableOf(rule)} ${rule.chain}`;
}

/** Whether a rule drops or rejects something, be it by a verdict of a map. */
function refuses({ expr }: Readonly<Record<string, unknown>>): boolean {
  return /"(drop|reject|xt|vmap|queue)"/.test(JSON.stringify(expr ?? []));
}

/** Whether a rule goes on in other chains. */
function calls({ expr }: Readonly<Record<string, unknown>>): boolean {
  return /"(jump|goto|vmap)"/.test(JSON.stringify(expr ?? []));
}
