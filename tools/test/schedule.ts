/** Which parts of a test run run beside each other. */

/** A part of a run: the tests of a file or of a level, or something that is made for others. */
export interface Job {
  readonly name: string;
  /** The names of jobs that must have ended well before. */
  readonly needs: readonly string[];
  /** Of jobs of one group only one runs at a time. */
  readonly group?: string;
  /** Whether it takes a lane; what is built for others does not, since they wait for it. */
  readonly takesLane: boolean;
  /** Nothing else runs beside it; such a job comes last. */
  readonly isAlone: boolean;
  /** Whether it ended well, as far as those are concerned that need it. */
  run(): Promise<boolean>;
}

/**
 * Runs all jobs, at most `lanes` that take one at a time, each as early as its place in the list and what it needs allow.
 *
 * @param ended no more are begun when it is aborted, and what is only made for others is not waited for
 * @returns those that were not run, since something that they need did not end well, or all was ended
 */
export async function runJobs(
  jobs: readonly Job[],
  lanes: number,
  ended: AbortSignal = new AbortController().signal,
): Promise<Job[]> {
  const waiting = [...jobs];
  const running = new Map<Job, Promise<void>>();
  const done = new Set<string>();
  const end = new Promise<void>((resolve) => ended.addEventListener("abort", () => resolve()));
  const start = (job: Job) => {
    waiting.splice(waiting.indexOf(job), 1);
    running.set(
      job,
      job.run().then((isWell) => {
        running.delete(job);
        if (isWell) done.add(job.name);
      }),
    );
  };
  for (;;) {
    while (!ended.aborted) {
      const next = nextJob(waiting, running, done, lanes);
      if (next === undefined) break;
      start(next);
    }
    const awaited = [...running].filter(([{ takesLane }]) => takesLane || !ended.aborted);
    if (awaited.length === 0) return waiting;
    const ends = awaited.map(([, job]) => job);
    await Promise.race(ended.aborted ? ends : [...ends, end]);
  }
}

function nextJob(
  waiting: readonly Job[],
  running: ReadonlyMap<Job, unknown>,
  done: ReadonlySet<string>,
  lanes: number,
): Job | undefined {
  const now = [...running.keys()];
  if (now.some(({ isAlone }) => isAlone)) return undefined;
  const isFull = now.filter(({ takesLane }) => takesLane).length >= lanes;
  const isFree = (group: string | undefined) =>
    group === undefined || now.every((job) => job.group !== group);
  const ready = waiting.filter(({ needs }) => needs.every((name) => done.has(name)));
  const fits = ({ group, takesLane }: Job) => isFree(group) && !(takesLane && isFull);
  return ready.find((job) => !job.isAlone && fits(job)) ??
    (now.length === 0 ? ready.find(({ isAlone }) => isAlone) : undefined);
}

/** The comment by which a test file says that it is to run alone, and why. */
const ALONE = /^\/\/ Runs alone: (\S.*)$/m;

/** Why a test file is to run alone; undefined: it may run beside others. */
export function whyAlone(text: string): string | undefined {
  return ALONE.exec(text)?.[1];
}
