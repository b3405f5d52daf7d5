/**
 * What systemd is told of the program.
 *
 * @module
 */
export { monotonicUs, ServiceNotifier } from "./linux.ts";
