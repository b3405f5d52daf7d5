/**
 * Which process a process id means: ids are used again, so an id is only good together with the
 * time at which its process started.
 *
 * @module
 */

import { processStartTicks, readBootId } from "./linux.ts";
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

/** What a system tells of its processes. */
interface ProcessTable {
  /** When a process was started, as {@linkcode ProcessIdentity.startTicks}; undefined: there is none of that id. */
  startTicks(pid: number): number | undefined;
  /** Whether there is one of that id of which no more can be told. */
  isHidden(pid: number): boolean;
  /** See {@linkcode ProcessIdentity.bootId}; undefined: a start time says it all, or it is not told. */
  bootId(): string | undefined;
}

const TABLE: ProcessTable = Deno.build.os === "windows"
  ? { startTicks: processStartMs, isHidden: isProcessHidden, bootId: () => undefined }
  : { startTicks: processStartTicks, isHidden: () => false, bootId: readBootId };

/** The identity of a running process, or `undefined` if there is none of that id. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startTicks = TABLE.startTicks(pid);
  if (startTicks === undefined) return undefined;
  const bootId = TABLE.bootId();
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
  return TABLE.isHidden(pid);
}

/** Whether the system was started anew since that process ran; false where that is not known. */
export function isOfEarlierBoot({ bootId }: ProcessIdentity): boolean {
  const now = TABLE.bootId();
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
