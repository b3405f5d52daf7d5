/**
 * From a host's name to addresses, as the system itself resolves it.
 *
 * @module
 */
export { ResolveError } from "./answers.ts";
export { getSocketAddresses } from "./resolver.ts";
export type { ResolveOptions } from "./answers.ts";
