/**
 * Programs that a firewall keeps from being reached, whatever else it lets in: a rule that blocks wins over all
 * others. Windows makes two of them for a game when its question "allow this app?" is cancelled, and does not ask
 * again.
 *
 * @module
 */

/** A firewall's rule for a program. */
export interface ProgramAccessRule {
  readonly name: string;
  /** The program's file. */
  readonly program: string;
  readonly isEnabled: boolean;
  readonly isInbound: boolean;
  /** Whether it keeps out; else it lets in. */
  readonly isBlocking: boolean;
  /** The kinds of networks that it is for, such as `public`. */
  readonly kinds: readonly string[];
}

/** A program that cannot be reached. */
export interface BlockedProgram {
  /** As the rule calls it. */
  readonly name: string;
  /** Its file. */
  readonly program: string;
}

/**
 * Those of which a rule keeps everybody away.
 *
 * @param kind what the party's network is taken for
 */
export function blockedPrograms(
  rules: readonly ProgramAccessRule[],
  kind: string,
): BlockedProgram[] {
  const found = new Map<string, BlockedProgram>();
  for (const { name, program, isEnabled, isInbound, isBlocking, kinds } of rules) {
    if (!isEnabled || !isInbound || !isBlocking || !kinds.includes(kind)) continue;
    // One rule for TCP, and another one for UDP.
    const key = program.toLowerCase();
    if (!found.has(key)) found.set(key, { name, program });
  }
  return [...found.values()].sort((one, other) => one.name.localeCompare(other.name));
}
