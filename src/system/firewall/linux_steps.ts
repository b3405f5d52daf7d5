/**
 * What is done with the programs of Linux' firewalls, one after the other, as generators: they say which command comes
 * next and are told what became of it. So a client that plays waits for none of them, and one that starts does, with the
 * same steps.
 *
 * @module
 */
import { type QueryCommand, queryCommandSync, type QueryOutcome } from "../command/mod.ts";

/** A command, and text for its standard input; a text is for those who need not do it at once. */
export interface FirewallCommand {
  readonly words: readonly string[];
  readonly input?: string;
}

/** Steps that end with a result. */
export type Steps<Result> = Generator<FirewallCommand, Result, QueryOutcome>;

/** A firewall of Linux that a PC may have, by the name that people know. */
export type FirewallName = "firewalld" | "ufw" | "nftables" | "iptables";

/** Whom the LAN is let in by, from where, and to what. */
export interface LanAccess {
  readonly interfaceName: string;
  /** Networks such as `10.77.0.0/24` and `fe80::/64`. */
  readonly networks: readonly string[];
  /** Ranges of ports such as `1-21` and `136`. */
  readonly ports: { readonly tcp: readonly string[]; readonly udp: readonly string[] };
}

/** Names of interfaces that mean in each firewall's language what they say. */
export const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/;

/** How a rule of ours is known, in whichever firewall it stands. */
export function markOf(interfaceName: string): string {
  return `lanparty-client ${interfaceName}`;
}

/** A command of these words. */
export function* ask(...words: readonly string[]): Steps<QueryOutcome> {
  return yield { words };
}

/** Goes on with other things while a command runs. */
export async function runSteps<Result>(
  steps: Steps<Result>,
  query: QueryCommand,
): Promise<Result> {
  let step = steps.next();
  while (!step.done) step = steps.next(await query(step.value.words, step.value.input));
  return step.value;
}

/** Waits for each command. */
export function runStepsNow<Result>(
  steps: Steps<Result>,
  query: (words: readonly string[]) => QueryOutcome = queryCommandSync,
): Result {
  let step = steps.next();
  while (!step.done) step = steps.next(query(step.value.words));
  return step.value;
}
