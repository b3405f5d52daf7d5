/** From a host's name to addresses, as the system itself resolves it. */
export { ResolveError } from "./answers.ts";
export { getSocketAddresses } from "./linux.ts";
export { getSocketAddressesWindows } from "./windows.ts";
