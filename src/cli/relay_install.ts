/**
 * The commands `install` and `uninstall` of `lanparty-relay`.
 *
 * @module
 */
import {
  installedArgs,
  requireSystemd,
  thisMachine,
  uninstall,
} from "../programs/common/install.ts";
import { programPath } from "../programs/common/install_plan.ts";
import {
  installRelayService,
  keptByRelay,
  purgeRelay,
  RELAY_SERVICE,
} from "../programs/relay/install.ts";
import { keptText } from "../programs/relay/install_text.ts";
import { RELAY_STATE_FOLDER } from "../programs/relay/unit.ts";
import { findCredential } from "../system/files/mod.ts";
import { LinuxServices } from "../system/units/mod.ts";
import { UserError } from "../log/user_error.ts";
import { readConfigFile } from "./config_file.ts";
import { type OptionValues, parseCommandLine } from "./options.ts";
import { PURGE, RELAY_PROGRAM, relayOptions } from "./relay_options.ts";
import { relayUnitOf } from "./relay_unit.ts";
import { absoluteArgs, sayNotes } from "./unit_command.ts";

/**
 * Makes a service of this program.
 *
 * @param args the command line without the command; empty: as it was installed before
 * @throws {UserError} something is wrong with it, or in the way
 */
export async function installRelay(
  values: OptionValues,
  args: readonly string[],
): Promise<number> {
  const place = thisMachine(new LinuxServices());
  requireSystemd(place.services, "lanparty-relay install");
  const before = installedArgs(place.services, RELAY_SERVICE.program) ?? [];
  const isSame = args.length === 0 && before.length > 0;
  const words = isSame ? before : absoluteArgs(RELAY_PROGRAM, args, Deno.cwd());
  const settings = isSame ? settingsOf(words) : values;
  const unitOf = (executable: string) =>
    relayUnitOf({ executable, args: words, folder: "/", values: settings });
  // What it refuses is refused before anything is made.
  const { notes } = unitOf(programPath(RELAY_SERVICE.program));
  if (isSame) console.error(`Installing with the options of before: ${words.join(" ")}`);
  sayNotes(notes);
  console.log(
    await installRelayService(place, {
      options: relayOptions(settings),
      args: words,
      unitOf: (executable) => unitOf(executable).text,
    }),
  );
  return 0;
}

/** @throws {UserError} this version does not know the options of before */
function settingsOf(args: readonly string[]): OptionValues {
  const parsed = parseCommandLine(RELAY_PROGRAM, args, readConfigFile, findCredential);
  if (parsed.kind === "run") return parsed.values;
  const why = parsed.kind === "usage-error" ? `: ${parsed.message}` : "";
  throw new UserError(`the options of before are no good any more, so give new ones${why}`);
}

/** Takes it away. @throws {UserError} it was made by somebody else, or cannot be taken away */
export async function uninstallRelay(values: OptionValues): Promise<number> {
  const place = thisMachine(new LinuxServices());
  requireSystemd(place.services, "lanparty-relay uninstall");
  const isRemoved = await uninstall(place, RELAY_SERVICE);
  console.log(isRemoved ? "The relay is ended and removed." : "There is no relay to remove.");
  const isPurged = values.flag(PURGE.name);
  const text = keptText(keptByRelay(), RELAY_STATE_FOLDER, isPurged);
  if (isPurged) await purgeRelay();
  if (text !== undefined) console.log(text);
  return 0;
}
