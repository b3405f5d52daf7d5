/**
 * Which TAP-Windows6 adapters this PC has, as the registry knows them.
 *
 * @module
 */

import { findWindowsAdapters, type WindowsAdapter } from "./windows_adapters.ts";

/** What the driver calls itself: installed by its own package, or by hand. */
const COMPONENT_IDS = ["tap0901", "root\\tap0901"];

/** A TAP adapter. */
export type TapAdapter = WindowsAdapter;

/** Whether an adapter is one of TAP-Windows6. */
export function isTapAdapter({ componentId }: WindowsAdapter): boolean {
  return COMPONENT_IDS.includes(componentId);
}

/** All TAP adapters, in the registry's order. */
export function findTapAdapters(): TapAdapter[] {
  return findWindowsAdapters().filter(isTapAdapter);
}
