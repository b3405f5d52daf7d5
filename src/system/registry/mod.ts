/**
 * The Windows registry.
 *
 * @module
 */
export { RegistryKey } from "./registry.ts";
