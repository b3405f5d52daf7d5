/**
 * The executable `lanparty-client`.
 *
 * @module
 */
import { clipboardText } from "../system/clipboard/mod.ts";
import { UserError } from "../log/user_error.ts";
import { ownStateFolder, pathIn } from "../system/files/mod.ts";
import { runClient } from "../programs/client/program.ts";
import { runDoctor } from "../programs/client/doctor.ts";
import { loggerOf } from "../log/logging.ts";
import {
  needsRights,
  readStart,
  runWithRights,
  type Start,
} from "../programs/client/windows_elevation.ts";
import { keptMac } from "../programs/client/identity.ts";
import { resetLinux } from "../programs/client/linux_changes.ts";
import { resetWindows } from "../programs/client/windows_reset.ts";
import { ExitCode, runProgram } from "./main.ts";
import { findOption } from "./arguments.ts";
import { INVITE } from "./invite_options.ts";
import type { OptionValues } from "./options.ts";
import { askForArguments, hasOwnWindow, type WindowStart } from "./own_window.ts";
import { TERMINAL } from "./dialog.ts";
import { OPEN_LINK } from "../system/links/mod.ts";
import { joinAsRoot, needsRoot } from "../programs/client/linux_root.ts";
import {
  askAboutLink,
  isLinkStart,
  offerLinks,
  registerLink,
  unregisterLink,
} from "./link_start.ts";
import { checkRelayAccess } from "../programs/endpoint/relay_trust.ts";
import { sayGood } from "./common_options.ts";
import { CLIENT_PROGRAM, clientOptions } from "./client_options.ts";
import { keyOf, RELAY } from "./endpoint_options.ts";
import { VERSION } from "./version.ts";

/** A window would be gone before anybody has read what it shows. */
const CLOSE = "\nPress Enter to close this window.";

if (import.meta.main) await main(readStart(Deno.args));

async function main(start: Start): Promise<never> {
  const ownWindow = hasOwnWindow();
  const isLink = isLinkStart(start.args);
  const isAsked = start.args.length === 0 && (ownWindow || Deno.stdin.isTerminal());
  const { args } = isLink
    ? argsOf(askAboutLink(start.args, TERMINAL), true)
    : isAsked
    ? askPlayer(ownWindow)
    : start;
  if (isLink && Deno.build.os !== "windows" && needsRoot()) return await joinByLink(args);
  let isOver = false;
  let isReport = false;
  /** Runs here, or in a second start that has the rights which it takes. */
  const withRights = async (
    run: () => Promise<number>,
    inherited: () => readonly string[],
  ): Promise<number> => {
    if (!needsRights(start)) return await run();
    const code = await runWithRights([...args, ...inherited()], loggerOf("client"));
    isOver = true; // what there was to be read stood in the other window
    return code === ExitCode.done || code === ExitCode.usage ? code : ExitCode.failed;
  };
  return await runProgram(
    CLIENT_PROGRAM,
    args,
    (values) =>
      withRights(() => runClient(clientOptions(values)), () => whatIsInherited(values, args)),
    {
      "check-config": (values) => {
        checkRelayAccess(clientOptions(values));
        return sayGood();
      },
      doctor: (values) => {
        isReport = true;
        return doctor(values);
      },
      [OPEN_LINK]: () => {
        throw new UserError(`${OPEN_LINK} stands first: ${OPEN_LINK} -- LINK`, { usage: true });
      },
      "register-link": () => say(registerLink()),
      "unregister-link": () => say(unregisterLink()),
      reset: (values) => {
        isReport = true;
        return withRights(() => reset(values), () => []);
      },
    },
    (code) => {
      // A session that the player has ended needs no more words.
      if ((ownWindow || isLink) && !isOver && (isReport || code !== ExitCode.done)) {
        TERMINAL.ask(CLOSE);
      }
    },
  );
}

/** The arguments of a start without any; without answers the program ends here. */
function askPlayer(ownWindow: boolean): { readonly args: readonly string[] } {
  const stateFolder = ownFolder();
  const start = askForArguments(CLIENT_PROGRAM, {
    folder: Deno.execPath().replace(/[\\/][^\\/]*$/, ""),
    workingFolder: Deno.cwd(),
    partiesFolder: stateFolder === undefined ? undefined : pathIn(stateFolder, "parties"),
    clipboard: clipboardText(),
  }, TERMINAL);
  const isJoining = start.kind === "start" && start.args[0] !== "doctor";
  // Root's desktop, if there is one, is not the player's.
  if (isJoining && stateFolder !== undefined && Deno.uid() !== 0) offerLinks(stateFolder, TERMINAL);
  return argsOf(start, ownWindow);
}

/** The arguments of a start that the player has agreed to; else the program ends here. */
function argsOf(start: WindowStart, ownWindow: boolean): { readonly args: readonly string[] } {
  if (start.kind === "start") return start;
  if (start.kind === "refused") console.error(`${CLIENT_PROGRAM.name}: ${start.message}`);
  if (ownWindow) TERMINAL.ask(CLOSE);
  Deno.exit(start.kind === "refused" ? ExitCode.usage : ExitCode.done);
}

/** Joins with root's rights, in the terminal that a link has opened, and which is gone with this process. */
async function joinByLink([arg = ""]: readonly string[]): Promise<never> {
  let code: number = ExitCode.failed;
  try {
    code = await joinAsRoot(arg.slice(arg.indexOf("=") + 1));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`${CLIENT_PROGRAM.name}: ${error.message}`);
  }
  if (code !== ExitCode.done) TERMINAL.ask(CLOSE);
  Deno.exit(code);
}

/** The player's own state folder; undefined: without a home there is no place for it. */
function ownFolder(): string | undefined {
  try {
    return ownStateFolder("client");
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/**
 * What a second start would not have from this one: the player's folder (the administrator may be
 * somebody else), and a key or an invite in the environment.
 */
function whatIsInherited(values: OptionValues, args: readonly string[]): string[] {
  const key = values.text("room-key") === undefined && values.text("room-key-file") === undefined
    ? keyOf("room", values)
    : undefined;
  const invite = values.text("invite");
  const isTold = args.some((arg) => findOption([INVITE], arg) !== undefined);
  return [
    ...(values.text("state-dir") === undefined ? [`--state-dir=${ownStateFolder("client")}`] : []),
    ...(key === undefined ? [] : [`--room-key=${key}`]),
    ...(invite === undefined || isTold ? [] : [`--invite=${invite}`]),
  ];
}

function say(text: string): Promise<number> {
  console.log(text);
  return Promise.resolve(ExitCode.done);
}

async function doctor(values: OptionValues): Promise<number> {
  const report = await runDoctor({
    relays: values.allOf(RELAY).flat(),
    tapName: values.text("tap-name"),
    stateDir: values.text("state-dir"),
    agent: `${CLIENT_PROGRAM.name} ${VERSION}`,
  });
  console.log(report);
  return ExitCode.done;
}

function reset(values: OptionValues): Promise<number> {
  const tapName = values.text("tap-name");
  if (Deno.build.os === "windows") {
    const mac = keptMac(values.text("state-dir") ?? ownStateFolder("client"));
    resetWindows(tapName, mac, (line) => console.log(line));
  } else {
    console.log(resetLinux(values.text("state-dir")));
  }
  return Promise.resolve(ExitCode.done);
}
