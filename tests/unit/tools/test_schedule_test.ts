import { assertEquals } from "@std/assert";
import { type Job, runJobs, whyAlone } from "../../../tools/test/schedule.ts";

/** Jobs that end when they are told to, and write down what becomes of them. */
class Play {
  readonly jobs: Job[] = [];
  readonly log: string[] = [];
  readonly #end = new Map<string, (isWell: boolean) => void>();

  add(name: string, job: Partial<Job> = {}): this {
    const run = () => {
      this.log.push(`+${name}`);
      return new Promise<boolean>((resolve) => this.#end.set(name, resolve));
    };
    this.jobs.push({ name, needs: [], takesLane: true, isAlone: false, run, ...job });
    return this;
  }

  /** Ends a job; resolves when all has happened that follows from it. */
  async end(name: string, isWell = true): Promise<string[]> {
    this.log.push(`-${name}`);
    this.#end.get(name)?.(isWell);
    // Behind all that waits for promises.
    await new Promise((resolve) => setTimeout(resolve));
    return this.log.splice(0);
  }
}

Deno.test("schedule: so many jobs run at a time, in their order", async () => {
  const play = new Play().add("a").add("b").add("c").add("d");
  const all = runJobs(play.jobs, 2);
  assertEquals(play.log.splice(0), ["+a", "+b"]);
  assertEquals(await play.end("b"), ["-b", "+c"]);
  assertEquals(await play.end("a"), ["-a", "+d"]);
  assertEquals([await play.end("c"), await play.end("d")], [["-c"], ["-d"]]);
  assertEquals(await all, []);
});

Deno.test("schedule: what needs another waits for it, and others do not", async () => {
  const play = new Play().add("types").add("build").add("wants", { needs: ["types", "build"] })
    .add("free", { needs: ["types"] });
  const all = runJobs(play.jobs, 2);
  assertEquals(await play.end("types"), ["+types", "+build", "-types", "+free"]);
  assertEquals(await play.end("free"), ["-free"]);
  assertEquals(await play.end("build"), ["-build", "+wants"]);
  await play.end("wants");
  assertEquals(await all, []);
});

Deno.test("schedule: what needs something that did not end well is not run, and is told", async () => {
  const play = new Play().add("build").add("wants", { needs: ["build"] })
    .add("later", { needs: ["wants"], isAlone: true }).add("free");
  const all = runJobs(play.jobs, 2);
  assertEquals(await play.end("build", false), ["+build", "+free", "-build"]);
  await play.end("free", false);
  assertEquals((await all).map(({ name }) => name), ["wants", "later"]);
});

Deno.test("schedule: of a group one runs at a time", async () => {
  const play = new Play().add("one", { group: "build" }).add("two", { group: "build" }).add("test")
    .add("pure", { group: "pure" });
  const all = runJobs(play.jobs, 3);
  assertEquals(play.log.splice(0), ["+one", "+test", "+pure"]);
  assertEquals(await play.end("test"), ["-test"]);
  assertEquals(await play.end("one"), ["-one", "+two"]);
  await play.end("two");
  await play.end("pure");
  await all;
});

Deno.test("schedule: what is built takes no lane from those that wait for it", async () => {
  const build = { group: "build", takesLane: false };
  const play = new Play().add("a").add("one", build).add("b").add("two", build).add("c");
  const all = runJobs(play.jobs, 2);
  assertEquals(play.log.splice(0), ["+a", "+one", "+b"]);
  assertEquals(await play.end("one"), ["-one", "+two"]);
  assertEquals(await play.end("b"), ["-b", "+c"]);
  for (const name of ["a", "two", "c"]) await play.end(name);
  await all;
});

Deno.test("schedule: what runs alone comes last, and nothing is beside it", async () => {
  const play = new Play().add("alone", { isAlone: true }).add("too", { isAlone: true }).add("a")
    .add("build", { takesLane: false }).add("b", { needs: ["build"] });
  const all = runJobs(play.jobs, 2);
  assertEquals(await play.end("a"), ["+a", "+build", "-a"]);
  assertEquals(await play.end("build"), ["-build", "+b"]);
  assertEquals(await play.end("b"), ["-b", "+alone"]);
  assertEquals(await play.end("alone"), ["-alone", "+too"]);
  await play.end("too");
  await all;
});

Deno.test("schedule: when all is ended nothing more is begun, and the rest is told", async () => {
  const end = new AbortController();
  const play = new Play().add("a").add("b").add("c").add("build", { takesLane: false }).add("d");
  const all = runJobs(play.jobs, 2, end.signal);
  end.abort();
  assertEquals(await play.end("a"), ["+a", "+b", "+build", "-a"]);
  assertEquals(await play.end("b", false), ["-b"]);
  // What is made for them goes on, for nobody.
  assertEquals((await all).map(({ name }) => name), ["c", "d"]);
  const building = runJobs(new Play().add("build", { takesLane: false }).jobs, 2, end.signal);
  assertEquals((await building).map(({ name }) => name), ["build"]);
});

Deno.test("schedule: who waits for what is made alone is let go when all is ended", async () => {
  const end = new AbortController();
  const play = new Play().add("build", { takesLane: false }).add("a", { needs: ["build"] });
  const all = runJobs(play.jobs, 2, end.signal);
  assertEquals(play.log.splice(0), ["+build"]);
  end.abort();
  assertEquals((await all).map(({ name }) => name), ["a"]);
});

Deno.test("a test file says by a comment that it runs alone, and why", () => {
  assertEquals(whyAlone('// Runs alone: it measures time\nimport "a";\n'), "it measures time");
  assertEquals(whyAlone("/** About a. */\n// Runs alone: b c\n"), "b c");
  for (
    const text of [
      "",
      "// Runs alone:\n",
      "  // Runs alone: why\n",
      "const a = 1; // Runs alone: b",
    ]
  ) {
    assertEquals(whyAlone(text), undefined, text);
  }
});
