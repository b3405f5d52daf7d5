/**
 * A program that was double-clicked: it has a window of its own and no arguments. It takes a file
 * `lanparty.toml` or an invite beside it, or asks for what it must know, and leaves the player the time to
 * read what it said.
 *
 * @module
 */
import { reasonOf } from "../log/user_error.ts";
import { consoleProcessCount } from "../system/console/mod.ts";
import { isFile, OWNER_ONLY_MODE, pathIn, writeFileAtomic } from "../system/files/mod.ts";
import { cleanText, isolated } from "../proto/clean_text.ts";
import { type ConfigValues, readConfigFile } from "./config_file.ts";
import { allOptions, type OptionSpec, type ProgramSpec, wrongValue } from "./options.ts";
import { INBOUND_QUESTION } from "./client_options.ts";
import { formatEndpointAddress } from "../control/address.ts";
import { looksLikeInvite, readInvite } from "../control/invite.ts";
import { goodInvite, partyOf } from "./invite_options.ts";
import { type Dialog, isYes } from "./dialog.ts";
import { findInvites, type FoundInvite, keepInvite } from "./party_files.ts";
import { Unfit } from "./unfit.ts";

/** The file that is looked for beside the program. */
export const CONFIG_NAME = "lanparty.toml";

/** A question that is answered wrongly this often is given up. */
const ANSWERS_MAX = 5;
const SHOWN_MAX = 80;

const REPORT = "show a report of this PC for a friend who knows networks";

/** What the player is asked for: options of the client, in plain words. */
const QUESTIONS: readonly { readonly option: string; readonly text: string }[] = [
  {
    option: "relay",
    text: "Paste your invite, which begins with lanparty1 (or type the relay's address):",
  },
  { option: "relay-fingerprint", text: "Its fingerprint (Enter, if your host gave you none):" },
  { option: "room", text: "The room's code:" },
  { option: "room-key", text: "The room's key (Enter, if there is none):" },
];

/** Whether this process has a window for itself, which closes when it ends. */
export function hasOwnWindow(): boolean {
  return Deno.build.os === "windows" && Deno.stdin.isTerminal() && consoleProcessCount() === 1;
}

/** What comes of a start without arguments. */
export type WindowStart =
  | { readonly kind: "start"; readonly args: readonly string[] }
  /** The player closed the window, or had no answer. */
  | { readonly kind: "given-up" }
  /** The file beside the program is not to be used: why, in one line. */
  | { readonly kind: "refused"; readonly message: string };

const GIVEN_UP: WindowStart = { kind: "given-up" };
const REPORT_START: WindowStart = { kind: "start", args: ["doctor"] };

/** Where a program starts. */
export interface Surroundings {
  /** Where the program lies. */
  readonly folder: string;
  /** Where a double click or a console has started it. */
  readonly workingFolder?: string;
  /** Where the invites of parties are kept; absent: nowhere. */
  readonly partiesFolder?: string | undefined;
  /** What is on the clipboard. */
  readonly clipboard?: string | undefined;
}

/** The arguments of a start without any. */
export function askForArguments(
  program: ProgramSpec,
  surroundings: Surroundings,
  dialog: Dialog,
): WindowStart {
  const { folder } = surroundings;
  const file = pathIn(folder, CONFIG_NAME);
  const kept = (isFile(file) ? confirmFile(program, file, dialog) : undefined) ??
    chooseInvite(surroundings, dialog);
  if (kept !== undefined) return kept;
  dialog.say(program.summary);
  dialog.say("Your host has sent you an invite. (More can be set: see --help.)");
  dialog.say(`(d: ${REPORT})\n`);
  const answers = new Map<string, string>();
  for (const { option, text } of QUESTIONS) {
    const spec = program.options.find(({ name }) => name === option);
    if (spec === undefined) throw new Error(`a question about --${option}, which there is not`);
    const answer = askFor(spec, text, dialog);
    if (answer === undefined) return GIVEN_UP;
    if (option === "relay" && looksLikeInvite(answer)) {
      return startInvited(answer, surroundings, dialog);
    }
    if (option === "relay" && answer === "d") return REPORT_START; // "d:443" is a relay of that name
    if (answer !== "") answers.set(option, answer);
  }
  const switches = isYes(dialog.ask(`${INBOUND_QUESTION} [y/N]`)) ? ["allow-inbound"] : [];
  const keep = dialog.ask("Keep these answers for the next time? [Y/n]");
  if (keep !== undefined && !/^n/i.test(keep)) saveAnswers(file, answers, switches, dialog);
  const args = [
    ...[...answers].flatMap(([option, answer]) => [`--${option}`, answer]),
    ...switches.map((name) => `--${name}`),
  ];
  return { kind: "start", args };
}

/**
 * Offers the invites that lie about. Whoever put them there, the player sees where each of them leads.
 *
 * @returns undefined: there is none, or the player wants another one
 */
function chooseInvite(surroundings: Surroundings, dialog: Dialog): WindowStart | undefined {
  const { folder, workingFolder, partiesFolder, clipboard } = surroundings;
  const folders = [folder, workingFolder, partiesFolder].filter((one) => one !== undefined);
  const { good, bad } = findInvites(folders, clipboard);
  for (const line of bad) dialog.say(line);
  if (good.length === 0) return undefined;
  const [only] = good;
  if (good.length === 1) {
    dialog.say(`There is an invite to ${partyOf(only.invite)} (${only.where}).`);
  } else {
    dialog.say("There are several invites:");
    good.forEach(({ invite, where }, at) =>
      dialog.say(`  ${at + 1}: ${partyOf(invite)} (${where})`)
    );
  }
  dialog.say(`(n: another one; d: ${REPORT})`);
  const question = good.length === 1
    ? "Press Enter to go in:"
    : `Which one? (1 to ${good.length}):`;
  for (let attempt = 0; attempt < ANSWERS_MAX; attempt++) {
    const answer = dialog.ask(question);
    if (answer === undefined) return GIVEN_UP;
    if (/^n/i.test(answer)) return undefined;
    if (/^d/i.test(answer)) return reportAbout(good.length === 1 ? relaysOf(only) : undefined);
    if (looksLikeInvite(answer)) {
      const wrong = wrongInvite(answer);
      if (wrong === undefined) return startInvited(answer, surroundings, dialog);
      dialog.say(`  ${wrong}`);
      continue;
    }
    const chosen = good.length === 1 && answer === "" ? only : good[Number(answer || "0") - 1];
    if (chosen !== undefined) return startInvited(chosen.text, surroundings, dialog);
  }
  return GIVEN_UP;
}

function relaysOf({ invite }: FoundInvite): readonly string[] {
  return invite.relays.map(formatEndpointAddress);
}

/** Goes in, and keeps the invite for the next time. */
function startInvited(text: string, { partiesFolder }: Surroundings, dialog: Dialog): WindowStart {
  const read = readInvite(text);
  if (read.ok && partiesFolder !== undefined) {
    dialog.say(keepInvite(partiesFolder, read.invite, read.text));
  }
  return { kind: "start", args: [`--invite=${read.ok ? read.text : text}`] };
}

/**
 * A file may have come with a download, and the program that reads it has an administrator's rights: so
 * the player sees where it leads before it is followed, says yes to each thing that it would open, and
 * nothing else of it counts. What was agreed to are the arguments: the file is not read again.
 *
 * @returns undefined: what it says is not wanted
 */
function confirmFile(program: ProgramSpec, file: string, dialog: Dialog): WindowStart | undefined {
  const config = readConfigFile(program, file);
  if (typeof config === "string") return { kind: "refused", message: config };
  const specs = allOptions(program).filter(({ name }) => config.has(name));
  const refused = specs.find((spec) => besideOf(spec) === "refused");
  if (refused !== undefined) {
    const why = isPath(refused) ? "may not name files and folders" : "may not set that";
    const message =
      `${CONFIG_NAME} sets ${refused.name}: a file that lies beside the program ${why}. ` +
      `Take that line out, or start the program in a console, with --config ${CONFIG_NAME}`;
    return { kind: "refused", message };
  }
  const text = (name: string) => {
    const value = config.get(name);
    return Array.isArray(value) ? isolated(cleanText(value.join(", "), SHOWN_MAX)) : "(none given)";
  };
  const [line] = [config.get("invite") ?? []].flat();
  const invite = typeof line === "string" ? goodInvite(line) : undefined;
  const party = invite === undefined || invite instanceof Unfit
    ? `room ${text("room")} on the relay ${text("relay")}`
    : partyOf(invite);
  dialog.say(`${CONFIG_NAME} says: ${party}.`);
  dialog.say(`(n: ask me anew; d: ${REPORT})`);
  const answer = dialog.ask("Press Enter to go in:");
  if (answer === undefined) return GIVEN_UP;
  if (/^n/i.test(answer)) return undefined;
  if (/^d/i.test(answer)) return reportAbout(config.get("relay"));
  return startWith(specs, config, dialog);
}

/** A report that also says which ways to the relay are open. */
function reportAbout(relay: ReturnType<ConfigValues["get"]>): WindowStart {
  const ways = Array.isArray(relay) ? relay.map((text) => `--relay=${text}`) : [];
  return { kind: "start", args: ["doctor", ...ways] };
}

/** Asks for each thing that is not obeyed unasked. */
function startWith(
  specs: readonly OptionSpec[],
  config: ConfigValues,
  dialog: Dialog,
): WindowStart {
  const args: string[] = [];
  const wishes: { readonly question: string; readonly arg: string }[] = [];
  for (const spec of specs) {
    const beside = besideOf(spec);
    const value = config.get(spec.name);
    if (value === undefined || value === false || beside === "refused") continue;
    for (const text of value === true ? [undefined] : value) {
      const arg = text === undefined ? `--${spec.name}` : `--${spec.name}=${text}`;
      if (beside === "obeyed") args.push(arg);
      else wishes.push({ question: fillIn(beside.ask, text), arg });
    }
  }
  if (wishes.length > WISHES_MAX) {
    const message =
      `${CONFIG_NAME} wants to open ${wishes.length} things, which is too much to ask for`;
    return { kind: "refused", message };
  }
  if (wishes.length > 0) {
    dialog.say(`${CONFIG_NAME} wants more. Say yes only to what your host has told you of.`);
  }
  for (const { question, arg } of wishes) {
    const answer = dialog.ask(`${question} [y/N]`);
    if (answer === undefined) return GIVEN_UP;
    if (isYes(answer)) args.push(arg);
  }
  return { kind: "start", args };
}

/** What is asked at most: who is asked on and on says yes in the end. */
const WISHES_MAX = 12;

/** What a file beside the program does with an option. */
export function besideOf(spec: OptionSpec): "obeyed" | { readonly ask: string } | "refused" {
  if (isPath(spec)) return "refused";
  if (spec.beside !== undefined) return spec.beside;
  if (!spec.name.startsWith("allow-")) return "refused";
  const value = spec.value === undefined ? "" : " {}";
  return { ask: `May ${CONFIG_NAME} set ${spec.name}${value} (${spec.help})?` };
}

function isPath({ value }: OptionSpec): boolean {
  return value === "FILE" || value === "DIR";
}

function fillIn(question: string, value: string | undefined): string {
  return value === undefined
    ? question
    : question.replace("{}", () => isolated(cleanText(value, SHOWN_MAX)));
}

function askFor(spec: OptionSpec, text: string, dialog: Dialog): string | undefined {
  let earlier = "";
  for (let attempt = 0; attempt < ANSWERS_MAX; attempt++) {
    const line = dialog.ask(text);
    if (line === undefined || (line === "" && spec.required !== true)) return line;
    // Each line of a mail that was pasted is an answer: those of an invite belong together.
    const isMore = earlier !== "" && !/[.:]/.test(line);
    const answer = isMore ? `${earlier}\n${line}` : line;
    const isInvite = spec.name === "relay" && looksLikeInvite(answer);
    earlier = isInvite ? answer : "";
    const wrong = isInvite ? wrongInvite(answer) : wrongValue(spec, answer);
    if (wrong === undefined) return answer;
    dialog.say(`  ${wrong}`);
  }
  dialog.say("  Ask your host what to answer, and start the program again.");
  return undefined;
}

function wrongInvite(text: string): string | undefined {
  const invite = goodInvite(text);
  return invite instanceof Unfit ? invite.why : undefined;
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
    writeFileAtomic(file, new TextEncoder().encode(lines.join("")), OWNER_ONLY_MODE);
    dialog.say(`Kept in ${file}.\n`);
  } catch (error) {
    dialog.say(`${file} cannot be written: ${reasonOf(error)}\n`);
  }
}
