/** Where a program's time goes: perf's samples, each counted for one stage of a frame's way. */

/** The stages, in the order of the table. */
export const STAGES = [
  "kernel: frames from the adapter (`readv`)",
  "kernel: frames to the adapter (`writev`)",
  "kernel: frames to the LAN (`sendmmsg`)",
  "kernel: packets in (`recvmmsg`)",
  "kernel: packets out (`sendmsg`)",
  "kernel: waiting and waking up (`epoll_wait`)",
  "kernel: the rest",
  "msquic and its TLS",
  "JavaScript",
  "runtime: V8 and Deno",
  "runtime: its other threads",
  "libc and the clock",
] as const;
export type Stage = typeof STAGES[number];

const CALLS: Readonly<Record<string, Stage>> = {
  readv: STAGES[0],
  writev: STAGES[1],
  sendmmsg: STAGES[2],
  recvmmsg: STAGES[3],
  recvmsg: STAGES[3],
  sendmsg: STAGES[4],
  epoll_wait: STAGES[5],
  epoll_pwait2: STAGES[5],
};

/** A line of a call chain: address, symbol, and what it is in. */
const FRAME = /^\s+[0-9a-f]+ (.*?) \((.*)\)$/;
const HEAD = /^(.*?)\s+(\d+)\/(\d+)\s*$/;
const SYSTEM_CALL = /^(?:__x64_sys_|__do_sys_|__sys_|___sys_|do_)([a-z0-9_]+)$/;

function isKernel(place: string): boolean {
  return /^\[(kernel|guest\.kernel)|\.ko\b|vmlinux|^\[(?!vdso|anon|heap|stack|unknown)[a-z0-9_]+\]$/
    .test(place);
}

/** The stage of one sample. `frames` is its chain, the innermost first. */
export function stageOf(
  frames: readonly { readonly symbol: string; readonly place: string }[],
  isMainThread: boolean,
): Stage {
  if (!isMainThread) return "runtime: its other threads";
  const [{ place }] = frames;
  if (isKernel(place)) {
    for (const { symbol } of frames) {
      const call = SYSTEM_CALL.exec(symbol.replace(/\+0x[0-9a-f]+$/, ""))?.[1];
      if (call !== undefined && call in CALLS) return CALLS[call];
    }
    return "kernel: the rest";
  }
  if (/libmsquic/.test(place)) return "msquic and its TLS";
  if (/\[vdso\]|\/libc[.-]/.test(place)) return "libc and the clock";
  return /anon|\[JIT\]|perf-\d+\.map|unknown/.test(place) ? "JavaScript" : "runtime: V8 and Deno";
}

/**
 * Counts the samples of processes by stage.
 *
 * @param script what `perf script -F comm,pid,tid,ip,sym,dso` prints
 * @returns by process id
 */
export function countStages(
  script: string,
  pids: readonly number[],
): Map<number, Map<Stage, number>> {
  const counts = new Map(pids.map((pid) => [pid, new Map<Stage, number>()]));
  for (const sample of script.split(/\n\s*\n/)) {
    const [head, ...lines] = sample.trim().split("\n");
    const [, , pid, tid] = HEAD.exec(head) ?? [];
    const stages = counts.get(Number(pid));
    const frames = lines.flatMap((line) => {
      const [, symbol, place] = FRAME.exec(` ${line.trim()}`) ?? [];
      return place === undefined ? [] : [{ symbol, place }];
    });
    if (stages === undefined || frames.length === 0) continue;
    const stage = stageOf(frames, pid === tid);
    stages.set(stage, (stages.get(stage) ?? 0) + 1);
  }
  return counts;
}
