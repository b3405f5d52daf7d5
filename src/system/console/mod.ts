/**
 * The console that a program runs in on Windows.
 *
 * @module
 */
export { consoleProcessCount, isConsoleMarked } from "./windows.ts";
