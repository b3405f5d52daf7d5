/** Programs of Linux' firewalls, by what they print. */
import type { IptablesProgram } from "../../src/system/firewall/linux_iptables.ts";
import { LINUX_FIREWALL_CHANGE } from "../../src/system/firewall/mod.ts";
import { ChangeJournal } from "../../src/system/journal/mod.ts";

/** The adapter of these tests. */
export const NAME = "lanparty0";
const NETWORKS = ["10.77.0.0/24", "fe80::/64"];
/** Ports of it. */
export const RANGES = [
  "1-21",
  "24-134",
  "136",
  "140-444",
  "446-514",
  "516-592",
  "594-630",
  "632-65535",
];
/** What is let in by it. */
export const ACCESS = { networks: NETWORKS, ports: { tcp: RANGES, udp: ["1-65535"] } };
/** One program of iptables. */
export const IPTABLES: IptablesProgram = { name: "iptables-nft", isIpv6: false };

type Answer = string | { readonly failure: string; readonly silence?: { silence: "stuck" } };

/** A program that does not end. */
export const STUCK = { failure: "it did not end", silence: { silence: "stuck" } } as const;

/** Programs that say what a table has for them, by the longest beginning; others are not there. */
export class Programs {
  readonly asked: string[] = [];
  readonly inputs: string[] = [];

  constructor(readonly answers: Record<string, Answer>) {}

  now(words: readonly string[], input = "") {
    const line = words.join(" ");
    this.asked.push(line);
    if (input !== "") this.inputs.push(input);
    const known = Object.keys(this.answers).filter((start) => line.startsWith(start))
      .sort((a, b) => b.length - a.length)[0];
    const answer: Answer = known === undefined
      ? { failure: `there is no ${words[0]}` }
      : this.answers[known];
    if (typeof answer === "string") return { success: true, message: "", output: answer };
    const silence = known === undefined ? { silence: "missing" as const } : answer.silence ?? {};
    return { success: false, message: answer.failure, output: "", ...silence };
  }

  query = (words: readonly string[], input?: string) => Promise.resolve(this.now(words, input));

  /** What was done, without what was only asked. */
  get done(): string[] {
    return this.asked.filter((line) => !/ -S | --(json|state|get-)/.test(line));
  }
}

/** A journal of changes in a folder of its own. */
export async function withJournal(
  work: (open: () => ChangeJournal) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-firewall-" });
  try {
    await work(() =>
      ChangeJournal.open(`${folder}/journal.json`, { [LINUX_FIREWALL_CHANGE]: () => {} })
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A chain, as nft shows it. */
export function chain(family: string, table: string, name: string, more: object = {}) {
  return {
    chain: { family, table, name, type: "filter", hook: "input", policy: "accept", ...more },
  };
}

/** A rule. */
export function rule(
  family: string,
  table: string,
  chain: string,
  handle: number,
  expr: unknown[],
  comment?: string,
) {
  return {
    rule: { family, table, chain, handle, expr, ...(comment === undefined ? {} : { comment }) },
  };
}

/** All that nft shows. */
export function ruleset(...objects: object[]): string {
  return JSON.stringify({ nftables: [{ metainfo: { json_schema_version: 1 } }, ...objects] });
}

/** What a rule does. */
export const DROP = [{ drop: null }];
/** A firewall of nftables'. */
export const OWN = ruleset(
  { table: { family: "inet", name: "fw", handle: 1 } },
  chain("inet", "fw", "input", { policy: "drop" }),
  chain("inet", "fw", "out", { hook: "output", policy: "drop" }),
);

/** What a firewalld says. */
export const FIREWALLD = {
  "firewall-cmd --state": "running\n",
  "firewall-cmd --get-zones": "block dmz drop external home internal public trusted work\n",
  "firewall-cmd --get-active-zones":
    "block\n  interfaces: eth1\npublic (default)\n  interfaces: eth0\n",
  "firewall-cmd --get-default-zone": "public\n",
  "firewall-cmd --zone=": "",
};
