/**
 * `lanparty-client reset` on Windows: takes back what stays when the client has ended.
 *
 * @module
 */
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { findTapAdapters, type TapAdapter } from "../../link/tap_windows_adapters.ts";
import { AdapterError, adapterMacSetting, resetAdapterMac } from "../../system/adapter/mod.ts";
import { JournalBusyError } from "../../system/journal/mod.ts";
import { removeLibraries } from "../../system/files/mod.ts";
import { isAdministrator } from "../../system/rights/mod.ts";
import { UserError } from "../../log/user_error.ts";
import { candidatesOf } from "./windows_adapter_choice.ts";
import { WindowsChanges } from "./windows_changes.ts";

/**
 * Undoes what a killed client left behind, gives the adapters their own MACs back, and removes the
 * library that the client keeps among the programs.
 *
 * @param tapName one adapter; undefined: all of them
 * @param say told of each thing that was done, in a line
 * @throws {UserError} something could not be taken back, or a client still runs
 */
export function resetWindows(tapName: string | undefined, say: (line: string) => void): void {
  if (!isAdministrator()) {
    throw new UserError("only an administrator can take the client's settings back");
  }
  const adapters = candidatesOf(findTapAdapters(), tapName);
  if (adapters.length === 0) say("This PC has no TAP adapter: there is no MAC to be taken back");
  const failures = adapters.flatMap((adapter) => resetAdapter(adapter, say));
  if (removeLibraries("msquic") > 0) say("The client's library was removed from Program Files");
  if (failures.length > 0) throw new UserError(failures.join("; "));
}

/** Returns what could not be taken back. */
function resetAdapter(adapter: TapAdapter, say: (line: string) => void): string[] {
  const failures: string[] = [];
  try {
    const changes = new WindowsChanges(adapter.guid, {
      onFailure({ change, error }) {
        const why = error instanceof Error ? error.message : String(error);
        failures.push(`"${adapter.name}": ${change.kind} could not be undone (${why})`);
      },
      onDamage(asidePath) {
        const what = "the record of what a killed client changed is damaged, and was put aside as";
        failures.push(`"${adapter.name}": ${what} ${asidePath}`);
      },
    });
    if (adapterMacSetting(adapter) === undefined) {
      say(`"${adapter.name}" has its own MAC`);
      return failures;
    }
    changes.restart(adapter.instanceId ?? "", () => resetAdapterMac(adapter));
    say(`"${adapter.name}" has its own MAC again`);
  } catch (error) {
    if (error instanceof JournalBusyError) {
      return [`"${adapter.name}" is in use: end the client (process ${error.pid}) first`];
    }
    if (!(error instanceof WindowsError) && !(error instanceof AdapterError)) throw error;
    const what = `"${adapter.name}" could not be given its own MAC (${error.message})`;
    failures.push(`${what}: restart Windows, and try it again`);
  }
  return failures;
}
