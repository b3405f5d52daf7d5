/**
 * Which of a PC's TAP adapters the client takes.
 *
 * @module
 */
import { LinkError } from "../../link/device.ts";
import type { TapAdapter } from "../../link/tap_windows_adapters.ts";
import { equalMacs } from "../../proto/mac.ts";
import { UserError } from "../../log/user_error.ts";

/** An adapter that is not in use, and the MAC that it has. */
export interface FreeAdapter {
  readonly adapter: TapAdapter;
  readonly mac: Uint8Array;
}

/**
 * The adapters that may be used, in the order in which they are tried.
 *
 * @param tapName the one that is asked for, in whatever case; undefined: any
 * @throws {UserError} there is none
 */
export function candidatesOf(
  adapters: readonly TapAdapter[],
  tapName: string | undefined,
): readonly TapAdapter[] {
  if (tapName === undefined) return adapters;
  const named = adapters.filter(({ name }) => name.toLowerCase() === tapName.toLowerCase());
  if (named.length > 0) return named;
  const names = adapters.map(({ name }) => `"${name}"`).join(", ");
  throw new UserError(`there is no TAP adapter "${tapName}"; this PC has ${names || "none"}`);
}

/**
 * An adapter that can be opened: the one that has the player's MAC already, so that Windows knows the
 * network again, or else the first one.
 *
 * @param wanted the player's MAC
 * @param readMac the MAC that an adapter has now; throws a `LinkError` where it is not free
 * @throws {UserError} none is free
 */
export function chooseAdapter(
  candidates: readonly TapAdapter[],
  wanted: Uint8Array,
  readMac: (adapter: TapAdapter) => Uint8Array,
): FreeAdapter {
  const failures: string[] = [];
  const free = candidates.flatMap((adapter) => {
    try {
      return [{ adapter, mac: readMac(adapter) }];
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      failures.push(error.message);
      return [];
    }
  });
  if (free.length === 0) throw new UserError(failures.join("; "));
  return free.find(({ mac }) => equalMacs(mac, 0, wanted, 0)) ?? free[0];
}
