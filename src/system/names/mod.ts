/**
 * The name servers of an interface, by whatever looks after the system's.
 *
 * @module
 */
export { LinkNames, RESOLVCONF_CHANGE, undoResolvconf } from "./link_names.ts";
export { RESOLVER_CHANGE, undoResolver } from "./resolver_file.ts";
