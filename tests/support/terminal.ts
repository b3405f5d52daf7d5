/** Programs in a terminal of their own: what is written to them is typed there. */

/** How a terminal is made. */
export interface TerminalOptions {
  /** A command of the shell's that is run before, to set the terminal up. */
  readonly before?: string;
  /** Where all that is shown goes, too, byte by byte. */
  readonly log?: string;
}

/**
 * The command line that runs a program in a terminal.
 *
 * The shell in between gives its place to the program: one that stayed would die of Ctrl-C before it, with a code of
 * its own.
 */
export function inTerminal(
  command: readonly string[],
  { before, log = "/dev/null" }: TerminalOptions = {},
): string[] {
  const line = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const whole = `${before === undefined ? "" : `${before}; `}exec ${line}`;
  return [
    "env",
    "SHELL=/bin/sh",
    "script",
    "--quiet",
    "--flush",
    "--return",
    "--command",
    whole,
    log,
  ];
}
