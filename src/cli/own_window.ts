/**
 * A program that was double-clicked: it has a window of its own and no arguments. It takes a file
 * `lanparty.toml` beside it, or asks for what it must know, and leaves the player the time to read
 * what it said.
 */
import { consoleProcessCount } from "../ffi/windows_process.ts";
import { writeFileAtomic } from "../os/files.ts";
import { cleanText, isolated } from "../proto/clean_text.ts";
import { readConfigFile } from "./config_file.ts";
import { type OptionSpec, type ProgramSpec, wrongValue } from "./options.ts";

/** The file that is looked for beside the program. */
export const CONFIG_NAME = "lanparty.toml";

/** A question that is answered wrongly this often is given up. */
const ANSWERS_MAX = 5;
const SHOWN_MAX = 80;

const REPORT = "show a report of this PC for a friend who knows networks";

/** How one talks with the player. */
export interface Dialog {
  say(text: string): void;
  /** The answer without spaces around it; undefined: there will be no answer any more. */
  ask(question: string): string | undefined;
}

/** What the player is asked for: options of the client, in plain words. */
const QUESTIONS: readonly { readonly option: string; readonly text: string }[] = [
  { option: "relay", text: "The relay's address, such as relay.example.org:" },
  { option: "relay-fingerprint", text: "Its fingerprint (Enter, if your host gave you none):" },
  { option: "room", text: "The room's code:" },
  { option: "room-key", text: "The room's key (Enter, if there is none):" },
];

/** Whether this process has a window for itself, which closes when it ends. */
export function hasOwnWindow(): boolean {
  return Deno.build.os === "windows" && Deno.stdin.isTerminal() && consoleProcessCount() === 1;
}

/** The window's player. */
export const WINDOW: Dialog = {
  say: (text) => console.log(text),
  ask: (question) => prompt(question)?.trim(),
};

/**
 * The arguments of a start without any.
 *
 * @param folder where the program lies
 * @returns undefined: the player gave up
 */
export function askForArguments(
  program: ProgramSpec,
  folder: string,
  dialog: Dialog,
): readonly string[] | undefined {
  const file = `${folder}\\${CONFIG_NAME}`;
  const kept = isThere(file) ? confirmFile(program, file, dialog) : "other";
  if (kept === undefined) return undefined;
  if (kept === "in") return ["--config", file];
  if (kept === "report") return ["doctor"];
  dialog.say(program.summary);
  dialog.say("Your host has told you how to get in. (More can be set: see --help.)");
  dialog.say(`(d: ${REPORT})\n`);
  const answers = new Map<string, string>();
  for (const { option, text } of QUESTIONS) {
    const spec = program.options.find(({ name }) => name === option)!;
    const answer = askFor(spec, text, dialog);
    if (answer === undefined) return undefined;
    if (option === "relay" && answer === "d") return ["doctor"]; // "d:443" is a relay of that name
    if (answer !== "") answers.set(option, answer);
  }
  const inbound = dialog.ask("May the LAN reach games that you host on this PC? [y/N]");
  const switches = inbound !== undefined && /^y/i.test(inbound) ? ["allow-inbound"] : [];
  const keep = dialog.ask("Keep these answers for the next time? [Y/n]");
  if (keep !== undefined && !/^n/i.test(keep)) saveAnswers(file, answers, switches, dialog);
  return [
    ...[...answers].flatMap(([option, answer]) => [`--${option}`, answer]),
    ...switches.map((name) => `--${name}`),
  ];
}

/**
 * A file may have come with a download: the player sees where it leads before it is followed.
 *
 * @returns `other`: what it says is not to be used; `report`: a doctor's is wanted instead; undefined:
 *   the player gave up
 */
function confirmFile(
  program: ProgramSpec,
  file: string,
  dialog: Dialog,
): "in" | "other" | "report" | undefined {
  const config = readConfigFile(program, file);
  if (typeof config === "string") return "in"; // what is wrong with it is said as with any file
  const text = (name: string) => {
    const value = config.get(name);
    return Array.isArray(value) ? isolated(cleanText(value[0], SHOWN_MAX)) : "(none given)";
  };
  dialog.say(`${CONFIG_NAME} says: room ${text("room")} on the relay ${text("relay")}.`);
  dialog.say(`(n: ask me anew; d: ${REPORT})`);
  const answer = dialog.ask("Press Enter to go in:");
  if (answer === undefined) return undefined;
  return /^n/i.test(answer) ? "other" : /^d/i.test(answer) ? "report" : "in";
}

function askFor(spec: OptionSpec, text: string, dialog: Dialog): string | undefined {
  for (let attempt = 0; attempt < ANSWERS_MAX; attempt++) {
    const answer = dialog.ask(text);
    if (answer === undefined || (answer === "" && spec.required !== true)) return answer;
    const wrong = wrongValue(spec, answer);
    if (wrong === undefined) return answer;
    dialog.say(`  ${wrong}`);
  }
  dialog.say("  Ask your host what to answer, and start the program again.");
  return undefined;
}

function saveAnswers(
  file: string,
  answers: ReadonlyMap<string, string>,
  switches: readonly string[],
  dialog: Dialog,
): void {
  const lines = [
    ...[...answers].map(([option, answer]) => `${option} = ${JSON.stringify(answer)}\n`),
    ...switches.map((name) => `${name} = true\n`),
  ];
  try {
    writeFileAtomic(file, new TextEncoder().encode(lines.join("")), 0o600);
    dialog.say(`Kept in ${file}.\n`);
  } catch (error) {
    dialog.say(`${file} cannot be written: ${error instanceof Error ? error.message : error}\n`);
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
