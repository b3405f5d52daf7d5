/**
 * What the client changes on a Linux PC and takes back: at its end, or, if it was killed, at its next start or by
 * `lanparty-client reset`.
 *
 * @module
 */
import { type Logger, loggerOf } from "../../log/logging.ts";
import { UserError } from "../../log/user_error.ts";
import { exists, ownStateFolder } from "../../system/files/mod.ts";
import { LINUX_FIREWALL_CHANGE, undoLinuxFirewall } from "../../system/firewall/mod.ts";
import type { ChangeJournal } from "../../system/journal/mod.ts";
import { MANAGER_FILE_CHANGE, undoManagerFile } from "../../system/managers/mod.ts";
import {
  RESOLVCONF_CHANGE,
  RESOLVER_CHANGE,
  undoResolvconf,
  undoResolver,
} from "../../system/names/mod.ts";
import { Capability, hasCapability } from "../../system/rights/mod.ts";
import { openStateDir } from "../common/state_dir.ts";
import { openStateJournal } from "../common/state_journal.ts";
import { HOST_ROUTE, undoHostRoute } from "./linux_host_routes.ts";

const JOURNAL_FILE = "lanparty-client-journal.json";
/** What a restart of the system undoes: routes, rules of firewalls, and files below /run. */
const FLEETING = [
  ...[HOST_ROUTE, MANAGER_FILE_CHANGE, RESOLVCONF_CHANGE, LINUX_FIREWALL_CHANGE],
] as const;

/**
 * Opens the journal of a state folder, and undoes what a killed client left behind.
 *
 * @param onTrouble told that something was not undone, which the log says
 * @throws {UserError} a client that runs has the folder, or others could have written the journal
 */
export function openLinuxJournal(
  stateDir: string,
  logger: Logger,
  onTrouble?: () => void,
): ChangeJournal {
  const undoers = {
    [HOST_ROUTE]: undoHostRoute(),
    [RESOLVER_CHANGE]: undoResolver(),
    [RESOLVCONF_CHANGE]: undoResolvconf,
    [MANAGER_FILE_CHANGE]: undoManagerFile,
    [LINUX_FIREWALL_CHANGE]: undoLinuxFirewall(),
  };
  return openStateJournal(`${stateDir}/${JOURNAL_FILE}`, undoers, FLEETING, logger, onTrouble);
}

/**
 * Takes back what a killed client has left behind.
 *
 * @param wantedDir the state folder that the player has named
 * @returns what was done, in a line
 * @throws {UserError} not all could be taken back, or a client still runs
 */
export function resetLinux(wantedDir: string | undefined): string {
  if (!exists(`${wantedDir ?? ownStateFolder("client")}/${JOURNAL_FILE}`)) {
    return "There is nothing to take back: the client leaves something behind only when it is killed.";
  }
  if (!hasCapability(Capability.netAdmin)) {
    throw new UserError("only root can take back what the client has changed: start it as root");
  }
  let isAllUndone = true;
  openLinuxJournal(openStateDir("client", wantedDir), loggerOf("client"), () => {
    isAllUndone = false;
  });
  if (isAllUndone) return "What a killed client had left behind is taken back.";
  throw new UserError("not all that a killed client has left behind could be taken back");
}
