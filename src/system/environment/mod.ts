/**
 * The environment of this process: as C libraries see it, and without its secrets; and which C library it is.
 *
 * @module
 */
export { EMPTY_FILE, setCVariable } from "./c_environment.ts";
export { hideSecrets, takeSecret } from "./secrets.ts";
export { glibcVersion } from "./linux.ts";
