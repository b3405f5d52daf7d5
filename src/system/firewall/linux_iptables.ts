/**
 * Rules of iptables and ip6tables, in their newer form (over nftables) and in the older one (iptables(8),
 * iptables-extensions(8)), and so of ufw, which is made of them.
 *
 * The LAN is let in by a chain of the adapter's own, which comes first of all: who is accepted there has passed the table.
 *
 * @module
 */
import { systemProgram } from "../command/mod.ts";
import { ask, type LanAccess, type Steps, unknownRules } from "./linux_steps.ts";

/** A program of one form and family. */
export interface IptablesProgram {
  readonly name: string;
  readonly isIpv6: boolean;
}

/** What is known of one, when it has been asked. */
export interface IptablesLook {
  readonly program: IptablesProgram;
  /** Whether something may be kept out: so it is, too, where that could not be seen. */
  readonly refuses: boolean;
  readonly isUfws: boolean;
  /** Of a firewalld that makes its rules in this way. */
  readonly isFirewallds: boolean;
}

/** Tables of the older form that the kernel has; who asks for one makes it. */
const OLD_TABLES = ["/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"] as const;
/** Ranges of one rule: it takes 15 ports, and a range counts for two. */
const RANGES_MAX = 7;
const CHAIN_PREFIX = "lanparty-";
const WAIT = "--wait=2";
/** What it says of a chain that is not there. */
const NO_CHAIN = /No chain/;

/** Programs that there are, of which each sees other rules. */
export function iptablesPrograms(
  isThere: (name: string) => boolean = (name) => systemProgram(name) !== undefined,
  hasOldTable: (isIpv6: boolean) => boolean = hasOldFilter,
): IptablesProgram[] {
  return [false, true].flatMap((isIpv6) => {
    const base = isIpv6 ? "ip6tables" : "iptables";
    const forms = [`${base}-nft`, ...(hasOldTable(isIpv6) ? [`${base}-legacy`] : [])];
    const found = forms.filter(isThere);
    const names = found.length > 0 ? found : [base].filter(isThere);
    return names.map((name) => ({ name, isIpv6 }));
  });
}

function hasOldFilter(isIpv6: boolean): boolean {
  try {
    return Deno.readTextFileSync(OLD_TABLES[Number(isIpv6)]).split("\n").includes("filter");
  } catch {
    return false;
  }
}

/** Looks at one; undefined: it has no rules. */
export function* lookAt(program: IptablesProgram): Steps<IptablesLook | undefined> {
  const shown = yield* ask(program.name, WAIT, "-S", "INPUT");
  if (!shown.success) {
    if (NO_CHAIN.test(shown.message) || unknownRules(shown) === undefined) return undefined;
    return { program, refuses: true, isUfws: false, isFirewallds: false };
  }
  const lines = shown.output.split("\n").filter((line) => /^-[AP] INPUT /.test(line));
  return {
    program,
    refuses: lines.some((line) => line !== "-P INPUT ACCEPT" && !isOurs(line)),
    isUfws: lines.some((line) => /-j ufw6?-/.test(line)),
    isFirewallds: lines.some((line) => line.includes("-j INPUT_ZONES")),
  };
}

function isOurs(line: string): boolean {
  return line.includes(`-j ${CHAIN_PREFIX}`);
}

/** Lets the LAN in. Ends with what went wrong. */
export function* openTable(
  { name, isIpv6 }: IptablesProgram,
  access: LanAccess,
): Steps<string | undefined> {
  const chain = chainOf(access.interfaceName);
  const networks = access.networks.filter((network) => network.includes(":") === isIpv6);
  if (networks.length === 0) return undefined;
  const echo = isIpv6 ? "icmpv6 --icmpv6-type echo-request" : "icmp --icmp-type echo-request";
  const rules = networks.flatMap((network) =>
    [
      ...portMatches("tcp", access.ports.tcp),
      ...portMatches("udp", access.ports.udp),
      echo,
    ].map((what) => `-A ${chain} -s ${network} -p ${what} -j ACCEPT\n`)
  );
  const input = `*filter\n:${chain} - [0:0]\n${rules.join("")}` +
    `-I INPUT 1 -i ${access.interfaceName} -j ${chain}\nCOMMIT\n`;
  const { success, message } = yield { words: [`${name}-restore`, "--noflush", WAIT], input };
  return success ? undefined : message;
}

function portMatches(protocol: "tcp" | "udp", ranges: readonly string[]): string[] {
  const rules: string[] = [];
  for (let at = 0; at < ranges.length; at += RANGES_MAX) {
    const ports = ranges.slice(at, at + RANGES_MAX).join(",").replaceAll("-", ":");
    rules.push(`${protocol} -m multiport --dports ${ports}`);
  }
  return rules;
}

/** Removes an adapter's chain; one that is not there is removed already. Ends with what went wrong. */
export function* closeTable(
  { name }: IptablesProgram,
  interfaceName: string,
): Steps<string | undefined> {
  const chain = chainOf(interfaceName);
  const shown = yield* ask(name, WAIT, "-S", chain);
  if (!shown.success) {
    return NO_CHAIN.test(shown.message) ? undefined : unknownRules(shown)?.why;
  }
  yield* ask(name, WAIT, "-D", "INPUT", "-i", interfaceName, "-j", chain);
  yield* ask(name, WAIT, "-F", chain);
  const removed = yield* ask(name, WAIT, "-X", chain);
  return removed.success ? undefined : removed.message;
}

function chainOf(interfaceName: string): string {
  return `${CHAIN_PREFIX}${interfaceName}`;
}
