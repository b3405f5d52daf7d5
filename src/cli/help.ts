/** The help of a program, from the list of its options. */
import { allOptions, type CommandSpec, type ProgramSpec } from "./options.ts";

function helpOfCommand({ name, words, summary }: CommandSpec): string[] {
  return wrap(`  ${name}${words === undefined ? "" : ` ${words}`}`, summary);
}

/** The help text, 80 columns wide where the words allow it. */
export function formatHelp(program: ProgramSpec): string {
  const { commands = [] } = program;
  const command = commands.length === 0 ? "" : " [command]";
  const lines = [program.summary, "", `Usage: ${program.name}${command} [options]`, ""];
  if (commands.length > 0) {
    lines.push("Commands:", ...commands.flatMap(helpOfCommand));
    lines.push("");
  }
  lines.push("Options:");
  for (const spec of allOptions(program)) {
    const notes = [
      spec.required ? "required" : "",
      spec.repeatable ? "may be repeated" : "",
      spec.default === undefined ? "" : `default ${spec.default}`,
    ].filter((note) => note !== "");
    const names = spec.alias === undefined ? spec.name : `${spec.name}, --${spec.alias}`;
    const head = `  --${names}${spec.value === undefined ? "" : ` ${spec.value}`}`;
    const tail = spec.help + (notes.length === 0 ? "" : ` (${notes.join(", ")})`);
    lines.push(...wrap(head, tail));
  }
  lines.push("", program.examples.length === 1 ? "Example:" : "Examples:");
  lines.push(...program.examples.map((example) => `  ${example}`), "");
  lines.push("Exit codes: 0 ended as asked, 1 failed, 2 wrong usage.");
  return lines.join("\n");
}

const HELP_COLUMN = 32;
const HELP_WIDTH = 100;

function wrap(head: string, text: string): string[] {
  const lines: string[] = [];
  let line = head.length < HELP_COLUMN - 1 ? head.padEnd(HELP_COLUMN) : head;
  if (line === head) {
    lines.push(line);
    line = " ".repeat(HELP_COLUMN);
  }
  for (const word of text.split(" ")) {
    if (line.length + word.length > HELP_WIDTH) {
      lines.push(line.trimEnd());
      line = " ".repeat(HELP_COLUMN);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
