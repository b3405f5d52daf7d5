/**
 * `lanparty-client reset` on Windows: takes back what stays when the client has ended.
 *
 * @module
 */
import { WindowsError } from "../../ffi/windows_kernel.ts";
import {
  AdapterError,
  applyMacSettings,
  madeDevices,
  markAdapter,
  NO_MAC_SETTINGS,
  readMacSettings,
  removeRootDevice,
} from "../../system/adapter/mod.ts";
import { JournalBusyError } from "../../system/journal/mod.ts";
import { removeLibraries } from "../../system/files/mod.ts";
import { isAdministrator } from "../../system/rights/mod.ts";
import { reasonOf, UserError } from "../../log/user_error.ts";
import { candidatesOf, isPartys, type KnownAdapter } from "./windows_adapter_choice.ts";
import { describeChange, undoAtRemoved, WindowsChanges } from "./windows_changes.ts";
import { isOfDevice, knownAdapters } from "./windows_driver.ts";

/**
 * Undoes what a killed client left behind, removes the adapter that the client has made, gives others that it has
 * taken over their own MACs back, and removes the library that it keeps among the programs.
 *
 * @param tapName one adapter; undefined: all of them
 * @param mac the player's, as far as it is known
 * @param say told of each thing that was done, in a line
 * @throws {UserError} something could not be taken back, or a client still runs
 */
export function resetWindows(
  tapName: string | undefined,
  mac: Uint8Array | undefined,
  say: (line: string) => void,
): void {
  if (!isAdministrator()) {
    throw new UserError("only an administrator can take the client's settings back");
  }
  const all = knownAdapters();
  const adapters = tapName === undefined ? all : candidatesOf(all, tapName);
  if (adapters.length === 0) say("This PC has no TAP adapter: there is no MAC to be taken back");
  const failures = adapters.flatMap((adapter) => {
    const isOurs = tapName !== undefined || isPartys(adapter, mac);
    return resetAdapter(adapter, isOurs, say);
  });
  if (tapName === undefined) {
    undoAtRemoved(all, journalEvents("an adapter that is gone", failures));
    failures.push(...removeUnfinished(all, say));
  }
  if (removeLibraries("msquic") > 0) say("The client's library was removed from Program Files");
  if (failures.length > 0) throw new UserError(failures.join("; "));
}

/** Devices that were made, and whose adapters never appeared. Returns what could not be taken back. */
function removeUnfinished(
  adapters: readonly KnownAdapter[],
  say: (line: string) => void,
): string[] {
  return madeDevices().flatMap((instanceId) => {
    if (adapters.some((adapter) => isOfDevice(adapter, instanceId))) return [];
    try {
      removeRootDevice(instanceId);
    } catch (error) {
      if (!(error instanceof WindowsError)) throw error;
      return [
        `the adapter that the client was about to make could not be removed (${error.message})`,
      ];
    }
    say("An adapter that the client had made, and that did not appear, is removed");
    return [];
  });
}

/** Returns what could not be taken back. */
function resetAdapter(
  adapter: KnownAdapter,
  isOurs: boolean,
  say: (line: string) => void,
): string[] {
  const failures: string[] = [];
  try {
    const events = journalEvents(`"${adapter.name}"`, failures);
    const changes = new WindowsChanges(adapter.guid, events);
    if (adapter.mark === "made" && adapter.instanceId !== undefined) {
      removeRootDevice(adapter.instanceId);
      say(`"${adapter.name}", which the client had made, is removed`);
    } else if (hasChanged(adapter)) {
      // The journal has just given it what its owner had there.
      say(`"${adapter.name}" has its own MAC again`);
    } else resetMac(adapter, isOurs, changes, say);
  } catch (error) {
    if (error instanceof JournalBusyError) {
      return [`"${adapter.name}" is in use: end the client (process ${error.pid}) first`];
    }
    if (!(error instanceof WindowsError) && !(error instanceof AdapterError)) throw error;
    const what = adapter.mark === "made"
      ? `"${adapter.name}" could not be removed (${error.message})`
      : `"${adapter.name}" could not be given its own MAC (${error.message})`;
    failures.push(`${what}: restart Windows, and try it again`);
  }
  return failures;
}

/** Adds what could not be undone to the failures. @param who the adapter */
function journalEvents(
  who: string,
  failures: string[],
): ConstructorParameters<typeof WindowsChanges>[1] {
  return {
    onFailure({ change, error }) {
      failures.push(`${who}: ${describeChange(change)} could not be undone (${reasonOf(error)})`);
    },
    onDamage(asidePath) {
      const what = "the record of what a killed client changed is damaged, and was put aside as";
      failures.push(`${who}: ${what} ${asidePath}`);
    },
  };
}

/** Whether the settings of an adapter's MAC are other ones since it was looked at. */
function hasChanged(adapter: KnownAdapter): boolean {
  const { NetworkAddress, MAC } = readMacSettings(adapter);
  return NetworkAddress !== adapter.macSettings.NetworkAddress || MAC !== adapter.macSettings.MAC;
}

function resetMac(
  adapter: KnownAdapter,
  isOurs: boolean,
  changes: WindowsChanges,
  say: (line: string) => void,
): void {
  const { name, instanceId = "", macSettings, mark } = adapter;
  const hasSetting = macSettings.NetworkAddress !== null || macSettings.MAC !== null;
  if (hasSetting && !isOurs) {
    say(`"${name}" keeps its MAC, which is not the client's (reset --tap "${name}" removes it)`);
    return;
  }
  if (hasSetting) {
    changes.restart(instanceId, () => applyMacSettings(adapter, NO_MAC_SETTINGS));
  }
  if (mark !== undefined) markAdapter(adapter, undefined);
  say(`"${name}" has its own MAC${hasSetting ? " again" : ""}`);
}
