/**
 * The Windows registry.
 *
 * @module
 */
export { RegistryKey } from "./windows.ts";
