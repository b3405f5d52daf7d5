/**
 * Programs of the system's that are asked to do something, and end then.
 *
 * @module
 */
export { queryCommand, queryCommandSync, runCommand, systemProgram } from "./command.ts";
export type { QueryCommand, QueryOutcome, RunCommand } from "./command.ts";
