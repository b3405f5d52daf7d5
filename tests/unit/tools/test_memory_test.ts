/** Tests that take too much memory are ended, with all that they have started. */
import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import { findLargest } from "../../../tools/test/memory.ts";
import { ProcessGroup } from "../../../tools/test/process_group.ts";
import { runTests } from "../../../tools/test/run_tests.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const ignore = Deno.build.os !== "linux";
/** More than a `deno test` has by itself, as its bound is. */
const HELD_MB = 400;
const BOUND_MB = 300;
/** Holds so much in a program that a program has started: `tail` keeps what has no line's end. */
const HOLDING = `(head -c ${HELD_MB}M /dev/zero; sleep 600) | tail -n 1`;

Deno.test({
  name: "the process with most memory is found in a group, not beyond it",
  ignore,
  async fn() {
    const group = new ProcessGroup("sh", { args: ["-c", HOLDING], stdout: "null" });
    const other = new ProcessGroup("sleep", { args: ["600"] });
    try {
      await eventually("it holds so much", () => {
        return (findLargest(group.child.pid)?.megabytes ?? 0) >= HELD_MB;
      });
      assertEquals(findLargest(group.child.pid)?.name, "tail");
      assertGreater(HELD_MB, findLargest(other.child.pid)?.megabytes ?? HELD_MB);
    } finally {
      for (const each of [group, other]) {
        each.kill("SIGKILL");
        await each.child.status;
      }
    }
    await eventually("nobody is left", () => findLargest(group.child.pid) === undefined);
  },
});

Deno.test({
  name: "tests that take more memory than they may are killed, and it is said which and why",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "lanparty-memory-" });
    const file = `${folder}/greedy_test.ts`;
    const text = `Deno.test("greedy", async () => {
      await new Deno.Command("sh", { args: ["-c", ${JSON.stringify(HOLDING)}] }).output();
    });`;
    await Deno.writeTextFile(file, text);
    try {
      const { counts, failures } = await runTests({
        ...{ title: file, files: [file], filter: undefined, env: {}, isPure: false },
        ...{ timeoutMs: 600_000, memoryMbMax: BOUND_MB, isShownAtOnce: false },
      });
      assertEquals(counts, { passed: 0, failed: 1, ignored: 0 });
      assertEquals(failures.map(({ place }) => place), [file]);
      assertMatch(
        failures[0].text,
        /^its process \d+ \(tail\) had \d+ MB in memory, of 300 MB at most$/,
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
