/** The command lines of the tools that `deno task` starts. */
import { type OptionShape, parseArguments, type ParsedArguments } from "../../src/cli/arguments.ts";

/** What a tool understands. */
export interface ToolCommandLine {
  /** Begins with "usage: ". */
  readonly usage: string;
  readonly options: readonly OptionShape[];
  /** Whether words may stand on it that belong to no option. */
  readonly takesWords?: boolean;
}

/** A tool's command line by its parts; undefined where it is wrong, which is said. */
export function readToolArguments(
  { usage, options, takesWords = false }: ToolCommandLine,
  args: readonly string[],
): ParsedArguments | undefined {
  // What stands behind `deno task build --` comes with these dashes.
  const found = parseArguments(options, args[0] === "--" ? args.slice(1) : args);
  const [mistake = takesWords ? undefined : strayOf(found)] = found.mistakes;
  if (mistake === undefined) return found;
  console.error(mistake);
  console.error(usage);
  return undefined;
}

function strayOf({ words }: ParsedArguments): string | undefined {
  return words.length === 0 ? undefined : `unexpected argument "${words[0]}"`;
}
