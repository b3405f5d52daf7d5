/**
 * Linux' processes, as proc(5) shows them.
 *
 * @module
 */

/** Fields of /proc/PID/stat from the state on: the start time is the 22nd of all. */
export const START_TIME_INDEX = 19;

/** When a process was started, in clock ticks since the system was; undefined: there is none of that id. */
export function processStartTicks(pid: number): number | undefined {
  const fields = readStatFields(pid);
  return fields === undefined || fields[0] === "Z" ? undefined : Number(fields[START_TIME_INDEX]);
}

/** Which start of the system this is (random(4)); undefined where that is not told. */
export function readBootId(): string | undefined {
  try {
    return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    return undefined;
  }
}

/** What /proc/PID/stat says, from the state on; undefined: there is no such process. */
export function readStatFields(pid: number): string[] | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name, in brackets, may itself contain spaces and brackets.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
