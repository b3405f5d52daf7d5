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

/** That a firewall could not be looked at: what it has is not known. */
export class UnknownRules {
  /** @param why for people */
  constructor(readonly why: string) {}
}

/**
 * What programs say where there cannot be rules of ours: the kernel has none of the kind, they are not ours to see, or the
 * program cannot show them (an old one, or nft without JSON), so that none were made.
 */
const NO_SUCH_RULES =
  /not supported|not permitted|permission denied|does not exist|incompatible|option|not compiled/i;

/** What a look means that failed; undefined: there are no such rules. */
export function unknownRules({ silence, message }: QueryOutcome): UnknownRules | undefined {
  const isNone = silence === "missing" || (silence === undefined && NO_SUCH_RULES.test(message));
  return isNone ? undefined : new UnknownRules(message);
}

/** Steps were not gone on with. */
export class StepsEndedError extends Error {
  override readonly name = "StepsEndedError";
}

/** A command of these words. */
export function* ask(...words: readonly string[]): Steps<QueryOutcome> {
  return yield { words };
}

/**
 * Goes on with other things while a command runs.
 *
 * @param signal ends it after the command that runs
 * @throws {StepsEndedError} so it was ended
 */
export async function runSteps<Result>(
  steps: Steps<Result>,
  query: QueryCommand,
  signal?: AbortSignal,
): Promise<Result> {
  let step = steps.next();
  while (!step.done) {
    if (signal?.aborted) throw new StepsEndedError("it is not wanted any more");
    step = steps.next(await query(step.value.words, step.value.input));
  }
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
