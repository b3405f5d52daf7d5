/**
 * The MAC of a Windows adapter: it is written down, and the adapter restarted, since its driver reads it then.
 *
 * @module
 */
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { LinkError } from "../../link/device.ts";
import { TapWindowsDevice } from "../../link/tap_windows.ts";
import type { TapAdapter } from "../../link/tap_windows_adapters.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { UserError } from "../../log/user_error.ts";
import { statusLine } from "../../observe/status.ts";
import { equalMacs, formatMac } from "../../proto/mac.ts";
import {
  AdapterError,
  macSettingsOf,
  markAdapter,
  WindowsInterface,
} from "../../system/adapter/mod.ts";
import { pauseBlocking } from "../../system/process/mod.ts";
import { keepsMac, type KnownAdapter } from "./windows_adapter_choice.ts";
import type { WindowsChanges } from "./windows_changes.ts";

/** An adapter that restarts is back within this time; how often is looked. */
const RESTART_MAX_MS = 10_000;
const RESTART_STEP_MS = 100;

/** See the module. */
export class AdapterMac {
  readonly #adapter: KnownAdapter;
  readonly #mac: Uint8Array;
  readonly #changes: WindowsChanges;
  readonly #logger: Logger;
  /** Whether the adapter may keep the player's MAC when the client ends. */
  readonly #isKept: boolean;
  /** Whether it has had the player's. */
  #isGiven = false;

  /** From now on the adapter is the party's, if it is nobody else's. */
  constructor(adapter: KnownAdapter, mac: Uint8Array, changes: WindowsChanges, logger: Logger) {
    this.#adapter = adapter;
    this.#mac = mac;
    this.#changes = changes;
    this.#logger = logger;
    this.#isKept = keepsMac(adapter, mac);
    if (this.#isKept && adapter.mark === undefined) this.#mark();
  }

  /**
   * Gives it the player's, if it has another one.
   *
   * @param now what it has
   * @throws {UserError} the adapter does not take it
   */
  ensure(now: Uint8Array): void {
    const { name } = this.#adapter;
    const isRight = equalMacs(now, 0, this.#mac, 0);
    if (!isRight && this.#isGiven) {
      // It was restarted with another one, or its driver installed anew.
      const event = { type: "adapterRestored", name, trait: "mac" } as const;
      const { level, text } = statusLine(event);
      logText(this.#logger, level, text, { event: event.type });
    }
    if (!isRight) this.#give(name);
    this.#isGiven = true;
  }

  #give(name: string): void {
    const text = formatMac(this.#mac);
    const giving = `Giving the adapter "${name}" the MAC ${text} …`;
    logText(this.#logger, this.#isGiven ? "debug" : "info", giving);
    const why = this.#change();
    if (why === undefined) return;
    throw new UserError(
      `the adapter "${name}" did not take the MAC ${text} (${why}): set it in Device ` +
        `Manager, under the adapter's advanced properties, "MAC Address", as ` +
        `${text.replaceAll(":", "").toUpperCase()}`,
    );
  }

  /** Where that cannot be written down it is the party's by its name. */
  #mark(): void {
    try {
      markAdapter(this.#adapter, "taken");
    } catch (error) {
      if (!(error instanceof WindowsError) && !(error instanceof AdapterError)) throw error;
      logText(this.#logger, "debug", `The adapter could not be marked: ${error.message}`);
    }
  }

  /** Writes the MAC, restarts the adapter and waits until it is back with it; else says why not. */
  #change(): string | undefined {
    const adapter = this.#adapter;
    if (adapter.instanceId === undefined) return "its device has no instance id";
    try {
      this.#changes.giveMac(adapter, macSettingsOf(this.#mac), this.#isKept);
    } catch (error) {
      if (!(error instanceof WindowsError) && !(error instanceof AdapterError)) throw error;
      return error.message;
    }
    return waitUntil(() => {
      const now = TapWindowsDevice.readMac(adapter);
      if (WindowsInterface.find(adapter.guid).settings().length === 0) {
        return "Windows' IP did not take it up";
      }
      return equalMacs(now, 0, this.#mac, 0) ? undefined : `it has ${formatMac(now)}`;
    });
  }
}

/** Waits until an adapter that was started can be opened; what is wrong with it is said later. */
export function waitForAdapter(adapter: TapAdapter): void {
  waitUntil(() => {
    TapWindowsDevice.readMac(adapter);
    return undefined;
  });
}

/** Looks until nothing is wrong any more; returns what still is when the time is over. */
function waitUntil(look: () => string | undefined): string | undefined {
  let why: string | undefined = "it did not come back";
  // A look may itself take seconds, where the driver does not answer.
  const endMs = performance.now() + RESTART_MAX_MS;
  do {
    try {
      why = look();
      if (why === undefined) return undefined;
    } catch (error) {
      if (!(error instanceof LinkError) && !(error instanceof WindowsError)) throw error;
      why = error.message;
    }
    pauseBlocking(RESTART_STEP_MS);
  } while (performance.now() < endMs);
  return why;
}
