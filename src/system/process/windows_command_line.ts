/**
 * A Windows command line: one text, which each program takes apart itself, by the rules of
 * `CommandLineToArgvW` ("Parsing C command-line arguments" in Microsoft's documentation).
 *
 * @module
 */

/** The text that is taken apart into these arguments again. */
export function commandLine(args: readonly string[]): string {
  return args.map(quoted).join(" ");
}

/**
 * An argument in quotation marks where it needs them. Backslashes count only in front of a quotation
 * mark: there each is doubled, and the mark gets one of its own.
 */
function quoted(argument: string): string {
  if (argument.includes("\0")) throw new TypeError("an argument cannot contain a zero character");
  if (/^[^\s"]+$/.test(argument)) return argument;
  const inside = argument.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1");
  return `"${inside}"`;
}
