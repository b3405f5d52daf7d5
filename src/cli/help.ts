/**
 * The help of a program and of its commands, from the list of its options.
 *
 * @module
 */
import {
  allOptions,
  type CommandSpec,
  COMMON_OPTIONS,
  type OptionSpec,
  type ProgramSpec,
} from "./options.ts";

/** The help text, 80 columns wide where the words allow it. */
export function formatHelp(program: ProgramSpec): string {
  const { commands = [], groups } = program;
  const command = commands.length === 0 ? "" : " [command]";
  const lines = [program.summary, "", `Usage: ${program.name}${command} [options]`, ""];
  if (commands.length > 0) {
    lines.push("Commands:", ...commands.flatMap(helpOfCommand));
    if (commands.some(({ options }) => options !== undefined)) {
      lines.push("", `Each has a help of its own: ${program.name} COMMAND --help`);
    }
    lines.push("");
  }
  if (groups === undefined) lines.push("Options:", ...allOptions(program).flatMap(helpOfOption));
  else {
    for (const { title, options } of groups) {
      lines.push(`${title}:`, ...options.flatMap(helpOfOption), "");
    }
    lines.push("Of all programs:", ...COMMON_OPTIONS.flatMap(helpOfOption));
  }
  lines.push("", program.examples.length === 1 ? "Example:" : "Examples:");
  lines.push(...program.examples.map((example) => `  ${example}`), "");
  lines.push(EXIT_CODES);
  return lines.join("\n");
}

/** The help text of one command. */
export function formatCommandHelp(program: ProgramSpec, command: CommandSpec): string {
  const { name, summary, words, options } = command;
  const usage = `Usage: ${program.name} ${name}${words === undefined ? "" : " WORDS"} [options]`;
  const lines = [...wrap("", `${program.name} ${name}: ${summary}.`, 0), "", usage, ""];
  if (words !== undefined) {
    lines.push("Words:", ...words.flatMap(({ text, help }) => wrap(`  ${text}`, help)), "");
  }
  if (options === undefined) {
    lines.push(`It takes the options of the program: see ${program.name} --help.`);
  } else lines.push("Options:", ...allOptions({ ...program, options }).flatMap(helpOfOption));
  return [...lines, "", EXIT_CODES].join("\n");
}

const EXIT_CODES = "Exit codes: 0 ended as asked, 1 failed, 2 wrong usage.";

function helpOfCommand({ name, words, summary }: CommandSpec): string[] {
  return wrap(`  ${name}${words === undefined ? "" : " WORDS"}`, summary);
}

function helpOfOption(spec: OptionSpec): string[] {
  const notes = [
    spec.required
      ? spec.unless === undefined ? "required" : `required without --${spec.unless}`
      : "",
    spec.repeatable ? "may be repeated" : "",
    spec.default === undefined ? "" : `default ${spec.default}`,
  ].filter((note) => note !== "");
  const names = spec.alias === undefined ? spec.name : `${spec.name}, --${spec.alias}`;
  const head = `  --${names}${spec.value === undefined ? "" : ` ${spec.value}`}`;
  const tail = spec.help + (notes.length === 0 ? "" : ` (${notes.join(", ")})`);
  return wrap(head, tail);
}

const HELP_COLUMN = 32;
const HELP_WIDTH = 100;

/** A head, and a text in the column behind it. */
function wrap(head: string, text: string, column = HELP_COLUMN): string[] {
  const lines: string[] = [];
  let line = head;
  if (head.length < column - 1) line = head.padEnd(column);
  else if (head !== "") {
    lines.push(head);
    line = " ".repeat(column);
  }
  for (const word of text.split(" ")) {
    if (line.length + word.length > HELP_WIDTH) {
      lines.push(line.trimEnd());
      line = " ".repeat(column);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
