/**
 * The firewalls of Linux that keep a LAN out of a player's PC, and how it is let in by one adapter:
 *
 * | who | how it is known | what is done |
 * |---|---|---|
 * | firewalld | it answers `firewall-cmd` | a zone that nobody uses gets the adapter, and rules: `linux_firewalld.ts` |
 * | ufw, iptables | rules in `INPUT`, or a policy | a chain of the adapter's own in front of them: `linux_iptables.ts` |
 * | nftables | chains for what comes in that refuse something | rules at the head of each: `linux_nftables.ts` |
 *
 * A PC may have several, and each has to let the LAN in. Nothing of it outlives a restart of the system, and all of it is in
 * the journal.
 *
 * @module
 */
import { type Change, type ChangeJournal, ForeignChangeError, type Undo } from "../journal/mod.ts";
import { isRecord } from "../journal/mod.ts";
import { type QueryCommand, queryCommand, queryCommandSync } from "../command/mod.ts";
import {
  asFirewalldChange,
  closeZone,
  type FirewalldChange,
  freeZone,
  isFirewalldRunning,
  openZone,
  rulesFor,
} from "./linux_firewalld.ts";
import {
  closeTable,
  type IptablesLook,
  type IptablesProgram,
  iptablesPrograms,
  lookAt,
  openTable,
} from "./linux_iptables.ts";
import { closeChains, type NftChain, openChain, ownChains, readRuleset } from "./linux_nftables.ts";
import {
  type FirewallName,
  type LanAccess,
  PLAIN_NAME,
  runSteps,
  runStepsNow,
  type Steps,
  UnknownRules,
} from "./linux_steps.ts";

/** What an adapter's access is in the journal; its data is the adapter's name, and what firewalld was told. */
export const LINUX_FIREWALL_CHANGE = "linux-firewall";

/** What has become of letting the LAN in. */
export interface LinuxOpening {
  /** Who had to let it in. */
  readonly firewalls: readonly FirewallName[];
  /** What went wrong with any of them. */
  readonly failures: readonly string[];
}

/** What a PC has that may keep something out. */
interface Found {
  readonly firewalld: boolean | UnknownRules;
  readonly tables: readonly IptablesLook[];
  readonly chains: readonly NftChain[] | UnknownRules;
}

/** How long a client that ends waits for firewalls' programs: what they have not done by then stays written down. */
export const CLOSE_TIMEOUT_MS = 5_000;

/** Programs that there are; others for tests. */
export interface LinuxFirewallParts {
  readonly query: QueryCommand;
  readonly programs: () => readonly IptablesProgram[];
  /** Instead of {@linkcode CLOSE_TIMEOUT_MS}. */
  readonly closeTimeoutMs?: number;
}

const REAL: LinuxFirewallParts = { query: queryCommand, programs: () => iptablesPrograms() };

/** One adapter's access. */
export class LinuxFirewall {
  readonly #interface: string;
  readonly #journal: ChangeJournal;
  readonly #parts: LinuxFirewallParts;
  #change: Change | undefined;
  #firewalld: FirewalldChange | undefined;
  /** What lets the LAN in goes no further. */
  readonly #end = new AbortController();
  /** One thing after the other. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(interfaceName: string, journal: ChangeJournal, parts: LinuxFirewallParts = REAL) {
    this.#interface = interfaceName;
    this.#journal = journal;
    this.#parts = parts;
  }

  /** Who may keep something out; needs root, without which nobody is found. */
  find(): Promise<FirewallName[]> {
    return this.#next(async () => namesOf(await this.#run(look(this.#parts.programs()))));
  }

  /** Lets the LAN in, in the place of what was let in before. */
  open(access: Omit<LanAccess, "interfaceName">): Promise<LinuxOpening> {
    return this.#next(async () => {
      const failed = await this.#close();
      if (failed !== undefined) return { firewalls: [], failures: [failed] };
      return await this.#open({ ...access, interfaceName: this.#interface });
    });
  }

  /**
   * Takes it back, for good: what is letting the LAN in at this moment is not gone on with. Resolves with what went
   * wrong, at the latest after {@linkcode CLOSE_TIMEOUT_MS}: it stays written down then.
   */
  async close(): Promise<string | undefined> {
    this.#end.abort();
    const timeoutMs = this.#parts.closeTimeoutMs ?? CLOSE_TIMEOUT_MS;
    let timer: number | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve("the firewall's programs do not answer"), timeoutMs);
    });
    try {
      return await Promise.race([this.#next(() => this.#close()), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #open(access: LanAccess): Promise<LinuxOpening> {
    if (!PLAIN_NAME.test(this.#interface)) {
      return { firewalls: [], failures: [`"${this.#interface}" is no plain name`] };
    }
    const found = await this.#run(look(this.#parts.programs()));
    const firewalls = namesOf(found);
    if (firewalls.length === 0) return { firewalls, failures: [] };
    const failures: (string | undefined)[] = [];
    if (found.firewalld === true) {
      const zone = await this.#run(freeZone());
      if (zone === undefined) failures.push("firewalld: none of its zones is free for the adapter");
      else this.#firewalld = { zone, rules: rulesFor(access) };
    }
    const zone = this.#firewalld;
    this.#change = this.#journal.record(LINUX_FIREWALL_CHANGE, {
      interface: this.#interface,
      ...(zone === undefined ? {} : { zone: zone.zone, rules: zone.rules }),
    });
    failures.push(...await this.#run(openAll(found, access, zone), this.#end.signal));
    return { firewalls, failures: failures.filter((failure) => failure !== undefined) };
  }

  async #close(): Promise<string | undefined> {
    const change = this.#change;
    if (change === undefined) return undefined;
    const failure = await this.#run(
      closeAll(this.#parts.programs(), this.#interface, this.#firewalld),
    );
    if (failure !== undefined) return failure;
    this.#change = undefined;
    this.#firewalld = undefined;
    this.#journal.forget(change);
    return undefined;
  }

  #run<Result>(steps: Steps<Result>, signal?: AbortSignal): Promise<Result> {
    return runSteps(steps, this.#parts.query, signal);
  }

  #next<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#work.then(work);
    this.#work = result.catch(() => {});
    return result;
  }
}

/** Takes back what a killed client has left. @throws {ForeignChangeError} it is none of ours */
export function undoLinuxFirewall(
  query: (words: readonly string[]) => ReturnType<typeof queryCommandSync> = queryCommandSync,
  programs: () => readonly IptablesProgram[] = iptablesPrograms,
): Undo {
  return (data) => {
    const name = isRecord(data) ? data.interface : undefined;
    const firewalld = isRecord(data) && data.zone !== undefined
      ? asFirewalldChange(data.zone, data.rules)
      : undefined;
    const isForeign = !isRecord(data) || typeof name !== "string" || !PLAIN_NAME.test(name) ||
      (data.zone !== undefined && firewalld === undefined);
    if (isForeign) {
      throw new ForeignChangeError(`no access of ours by a firewall is ${JSON.stringify(data)}`);
    }
    const failure = runStepsNow(closeAll(programs(), name, firewalld), query);
    if (failure !== undefined) throw new Error(failure);
  };
}

/** What a system has that may keep packets out which come in unasked, by names and by chains of nftables'. */
export interface InboundFirewalls {
  readonly firewalls: readonly FirewallName[];
  readonly chains: readonly {
    readonly family: string;
    readonly table: string;
    readonly name: string;
  }[];
}

/** Looks for {@linkcode InboundFirewalls}, and changes nothing; needs root, without which none is found. */
export async function findInboundFirewalls(
  { query, programs }: LinuxFirewallParts = REAL,
): Promise<InboundFirewalls> {
  const found = await runSteps(look(programs()), query);
  return {
    firewalls: namesOf(found),
    chains: found.chains instanceof UnknownRules ? [] : found.chains,
  };
}

function* look(programs: readonly IptablesProgram[]): Steps<Found> {
  const ruleset = yield* readRuleset();
  const firewalld = yield* isFirewalldRunning();
  const tables: IptablesLook[] = [];
  for (const program of programs) {
    const table = yield* lookAt(program);
    // Those of firewalld's older form are told in its words.
    if (table?.refuses && !(firewalld !== false && table.isFirewallds)) tables.push(table);
  }
  if (ruleset instanceof UnknownRules) return { firewalld, tables, chains: ruleset };
  return { firewalld, tables, chains: ruleset === undefined ? [] : ownChains(ruleset) };
}

/** Who keeps something out, or may: one that could not be looked at is named, too. */
function namesOf({ firewalld, tables, chains }: Found): FirewallName[] {
  const names: FirewallName[] = firewalld === false ? [] : ["firewalld"];
  for (const { isUfws } of tables) names.push(isUfws ? "ufw" : "iptables");
  if (chains instanceof UnknownRules || chains.length > 0) names.push("nftables");
  return [...new Set(names)];
}

function* openAll(
  { firewalld, tables, chains }: Found,
  access: LanAccess,
  zone: FirewalldChange | undefined,
): Steps<(string | undefined)[]> {
  const failures: (string | undefined)[] = [];
  const note = (who: FirewallName, failure: string | undefined) =>
    failures.push(failure === undefined ? undefined : `${who}: ${failure}`);
  if (firewalld instanceof UnknownRules) note("firewalld", firewalld.why);
  if (zone !== undefined) note("firewalld", yield* openZone(zone, access.interfaceName));
  for (const { program, isUfws } of tables) {
    note(isUfws ? "ufw" : "iptables", yield* openTable(program, access));
  }
  if (chains instanceof UnknownRules) note("nftables", chains.why);
  else for (const chain of chains) note("nftables", yield* openChain(chain, access));
  return failures;
}

/** Ends with the first thing that went wrong; the others are done all the same. */
function* closeAll(
  programs: readonly IptablesProgram[],
  interfaceName: string,
  zone: FirewalldChange | undefined,
): Steps<string | undefined> {
  const failures: (string | undefined)[] = [];
  if (zone !== undefined) failures.push(yield* closeZone(zone, interfaceName));
  for (const program of programs) failures.push(yield* closeTable(program, interfaceName));
  failures.push(yield* closeChains(interfaceName));
  return failures.find((failure) => failure !== undefined);
}
