/** Programs in a terminal of their own: what is written to them is typed there. */

/**
 * The command that runs another one in a terminal (script(1)). `exec`, since a shell that stays in between would die of
 * a Ctrl-C and take the terminal along.
 */
export function inTerminal(command: readonly string[]): string[] {
  const line = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  return [
    "env",
    "SHELL=/bin/sh",
    "script",
    "--quiet",
    "--return",
    "--command",
    `exec ${line}`,
    "/dev/null",
  ];
}
