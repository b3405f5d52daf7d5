/**
 * Options of more than one program.
 *
 * @module
 */
import { parseStatusAddress, type StatusAddress } from "../serve/status_address.ts";
import { type CommandSpec, expecting, type OptionSpec } from "./options.ts";

/** The folder of what is kept. */
export const STATE_DIR: OptionSpec = {
  name: "state-dir",
  value: "DIR",
  help: "where state is kept; by default what systemd gives, else a folder of the user's",
};

/** The file of the frame log. */
export const FRAME_LOG: OptionSpec = {
  name: "frame-log",
  value: "FILE",
  help: "write one JSON line for every frame to FILE (for finding faults: it costs speed)",
};

/** Where status pages are served. @param help what there is to be seen */
export function statusOption(help: string): OptionSpec<StatusAddress> {
  return {
    name: "status",
    value: "ADDRESS",
    help,
    parse: expecting("PORT, ADDRESS:PORT or [ADDRESS]:PORT", parseStatusAddress),
  };
}

/** Looks at options as a start would, and changes nothing. */
export const CHECK_CONFIG: CommandSpec = {
  name: "check-config",
  summary: "say whether the options, and those of --config, are good",
};

/** Prints what `check-config` says where nothing is wrong. @param notes what its reader should know all the same */
export function sayGood(notes: readonly string[] = []): Promise<number> {
  console.log("The configuration is good.");
  for (const note of notes) console.error(`note: ${note}`);
  return Promise.resolve(0);
}
