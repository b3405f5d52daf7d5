/** What the kernel says of a process, from /proc (proc(5)). */

const USER_TICKS_FIELD = 13;
const SYSTEM_TICKS_FIELD = 14;
/** USER_HZ, the unit of the times in /proc/PID/stat: the same on every Linux of this architecture. */
const TICKS_PER_SECOND = 100;

/** CPU time of all threads of a process so far, user and system. */
export function cpuSeconds(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The command's name, in parentheses, may hold spaces; the state is the field behind it.
  const fields = ["", "", ...text.slice(text.lastIndexOf(")") + 2).split(" ")];
  return (Number(fields[USER_TICKS_FIELD]) + Number(fields[SYSTEM_TICKS_FIELD])) /
    TICKS_PER_SECOND;
}

/** Memory of a process that is in RAM, in bytes. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  if (found === null) throw new Error(`/proc/${pid}/status has no VmRSS`);
  return Number(found[1]) * 1024;
}
