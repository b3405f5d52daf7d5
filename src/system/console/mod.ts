/** The console that a program runs in on Windows. */
export { consoleProcessCount, isConsoleMarked } from "./windows.ts";
