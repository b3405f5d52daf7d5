/** The Windows registry. */
export { RegistryKey } from "./registry.ts";
