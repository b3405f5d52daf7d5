/**
 * Programs of the system's that are asked to do something, and end then.
 *
 * @module
 */
export { runCommand, systemProgram } from "./command.ts";
export type { RunCommand } from "./command.ts";
