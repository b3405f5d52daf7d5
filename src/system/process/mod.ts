/**
 * Processes: identity, their end with their parent, programs of the system's, arguments, pipes.
 *
 * @module
 */
export { pauseBlocking } from "./blocking_pause.ts";
export {
  identifyProcess,
  isHidden,
  isOfEarlierBoot,
  isRunning,
  parseIdentity,
} from "./identity.ts";
export type { ProcessIdentity } from "./identity.ts";
export { LineChannel } from "./linux_line_channel.ts";
export { dieWithParent } from "./linux_parent_death.ts";
export { runBriefly, shellExecute } from "./windows.ts";
export type { BriefRun } from "./windows.ts";
export { commandLine } from "./windows_command_line.ts";
