/**
 * A program and all that it starts: helpers and scripts may outlive it, and go on with its work. A program
 * that is started `detached` leads a session of its own (setsid(2)); what it starts belongs to that for as
 * long as it lives, except for a service that makes itself one, which is to stay. The kernel gives the
 * leader's process id to nobody else while the session has a member. Linux only.
 *
 * @module
 */

import { pauseBlocking } from "./blocking_pause.ts";
import { killProcess, type ProcessIdentity, readStatFields, START_TIME_INDEX } from "./identity.ts";

/** Fields of /proc/PID/stat from the state on (proc(5)). */
const SESSION_INDEX = 3;
const POLL_MS = 10;
/** One that does not end when it is killed is stuck in the kernel: it is not waited for any longer. */
const KILL_MAX_MS = 2_000;

/** The processes that a session has now, also when its leader has ended. */
export function sessionMembers(session: number): ProcessIdentity[] {
  const members: ProcessIdentity[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const fields = readStatFields(Number(name));
    if (fields === undefined || fields[0] === "Z" || fields[0] === "X") continue;
    if (Number(fields[SESSION_INDEX]) !== session) continue;
    members.push({ pid: Number(name), startTicks: Number(fields[START_TIME_INDEX]) });
  }
  return members;
}

/** Waits until a session has no member; those that it has after `graceMs` are killed. */
export async function endSession(session: number, graceMs: number): Promise<void> {
  const killMs = performance.now() + graceMs;
  while (!endStep(session, killMs)) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/** Kills all members of a session and waits for their end, while nothing else of this program runs. */
export function endSessionBlocking(session: number): void {
  const killMs = performance.now();
  while (!endStep(session, killMs)) pauseBlocking(POLL_MS);
}

/** Whether there is nothing more to wait for. One look is not enough: a member may start another. */
function endStep(session: number, killMs: number): boolean {
  const members = sessionMembers(session);
  if (members.length === 0) return true;
  const nowMs = performance.now();
  if (nowMs >= killMs) members.forEach(kill);
  return nowMs > killMs + KILL_MAX_MS;
}

function kill(member: ProcessIdentity): void {
  try {
    killProcess(member);
  } catch {
    // One of another user: it may not be killed, only waited for.
  }
}
