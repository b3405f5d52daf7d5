/** How much memory the processes of a group have, as Linux says it in /proc. */

const PID = /^\d+$/;
const KILOBYTES_PER_MEGABYTE = 1_024;

/** A process and what it has in memory. */
export interface LargeProcess {
  readonly pid: number;
  /** Of its program, 15 characters at most. */
  readonly name: string;
  readonly megabytes: number;
}

/** The process with most memory among those of a group; undefined: there is none, or no /proc. */
export function findLargest(group: number): LargeProcess | undefined {
  let largest: LargeProcess | undefined;
  for (const pid of listPids()) {
    const found = look(pid, group);
    if (found !== undefined && found.megabytes > (largest?.megabytes ?? 0)) largest = found;
  }
  return largest;
}

function listPids(): string[] {
  try {
    return [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) => PID.test(name));
  } catch {
    return [];
  }
}

function look(pid: string, group: number): LargeProcess | undefined {
  try {
    // Behind the name, in which anything may stand: state, parent, group.
    const [, name, pgrp] = /^\d+ \((.*)\) \S \d+ (\d+) /s
      .exec(Deno.readTextFileSync(`/proc/${pid}/stat`)) ?? [];
    if (Number(pgrp) !== group) return undefined;
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m
      .exec(Deno.readTextFileSync(`/proc/${pid}/status`)) ?? [];
    if (kilobytes === undefined) return undefined;
    const megabytes = Math.round(Number(kilobytes) / KILOBYTES_PER_MEGABYTE);
    return { pid: Number(pid), name, megabytes };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
