/**
 * What this process may do: capabilities of Linux, an administrator's rights of Windows.
 *
 * @module
 */
export { Capability, hasCapability } from "./linux.ts";
export { isAdministrator } from "./windows.ts";
