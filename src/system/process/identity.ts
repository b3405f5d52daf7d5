/**
 * Which process a process id means: ids are used again, so an id is only good together with the
 * time at which its process started.
 *
 * @module
 */

import { isProcessHidden, processStartMs } from "./windows.ts";

/** A process of this system. */
export interface ProcessIdentity {
  readonly pid: number;
  /**
   * Start time in clock ticks since the system started (field 22 of /proc/PID/stat); on Windows in
   * milliseconds since 1601.
   */
  readonly startTicks: number;
  /** On Linux: since which start of the system (/proc/sys/kernel/random/boot_id, random(4)). */
  readonly bootId?: string;
}

/** Fields of /proc/PID/stat from the state on: the start time is the 22nd of all (proc(5)). */
export const START_TIME_INDEX = 19;

/** The identity of a running process, or `undefined` if there is none of that id. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (Deno.build.os === "windows") {
    const startTicks = processStartMs(pid);
    return startTicks === undefined ? undefined : { pid, startTicks };
  }
  const fields = readStatFields(pid);
  if (fields === undefined || fields[0] === "Z") return undefined;
  const startTicks = Number(fields[START_TIME_INDEX]);
  const bootId = currentBootId();
  return { pid, startTicks, ...(bootId === undefined ? {} : { bootId }) };
}

/** Whether that very process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return !isOfEarlierBoot(identity) &&
    identifyProcess(identity.pid)?.startTicks === identity.startTicks;
}

/**
 * Whether there is a process of that id of which no more can be told: on Windows one of another user,
 * such as the administrator whose password was given for it.
 */
export function isHidden({ pid }: ProcessIdentity): boolean {
  return Deno.build.os === "windows" && isProcessHidden(pid);
}

/** Whether the system was started anew since that process ran; false where that is not known. */
export function isOfEarlierBoot({ bootId }: ProcessIdentity): boolean {
  const now = currentBootId();
  return bootId !== undefined && now !== undefined && bootId !== now;
}

/** A process from what a file says of it; undefined: it says nothing of use. */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, startTicks, bootId } = value as Record<string, unknown>;
  if (!Number.isInteger(pid) || !Number.isInteger(startTicks)) return undefined;
  const identity = { pid: pid as number, startTicks: startTicks as number };
  return typeof bootId === "string" ? { ...identity, bootId } : identity;
}

function currentBootId(): string | undefined {
  try {
    return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    return undefined; // Windows: a start time says it all
  }
}

/** What /proc/PID/stat says, from the state on (proc(5)); undefined: there is no such process. Linux only. */
export function readStatFields(pid: number): string[] | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name, in brackets, may itself contain spaces and brackets.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
