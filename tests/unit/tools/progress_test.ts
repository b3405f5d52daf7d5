import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type ProgressSink, say, step } from "../../../tools/build/progress.ts";

function recorder(terminal: boolean): { sink: ProgressSink; written: string[] } {
  const written: string[] = [];
  // "‹" stands for what goes back to the line's start and clears it.
  const write = (text: string) => written.push(text.replace("\r\x1b[K", "‹"));
  return { sink: { terminal, write }, written };
}

Deno.test("without a terminal a step is a line at its start and one at its end", async () => {
  const { sink, written } = recorder(false);
  assertEquals(await step("building", () => Promise.resolve(42), sink), 42);
  assertEquals(written.length, 2);
  assertEquals(written[0], "… building\n");
  assertMatch(written[1] ?? "", /^✓ building \d+\.\d s\n$/);
});

Deno.test("a step that fails is marked, and its error goes on", async () => {
  const { sink, written } = recorder(false);
  await assertRejects(
    () => step("building", () => Promise.reject(new Error("no")), sink),
    Error,
    "no",
  );
  assertMatch(written.at(-1) ?? "", /^✗ building/);
});

Deno.test("on a terminal the line is drawn again with a percentage that never falls", async () => {
  const { sink, written } = recorder(true);
  await step("building", async (progress) => {
    progress.fraction(0.5);
    progress.fraction(0.25);
    progress.detail("core");
    await new Promise((resolve) => setTimeout(resolve, 300));
    progress.fraction(7);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }, sink);
  assertMatch(written[0] ?? "", /^‹. building 50 % \d\.\d s \(core\)$/);
  assertMatch(written.at(-2) ?? "", / 100 % /);
  assertMatch(written.at(-1) ?? "", /^‹✓ building \d\.\d s \(core\)\n$/);
});

Deno.test("a line of its own ends with a line break", () => {
  const { sink, written } = recorder(true);
  say("done", sink);
  assertEquals(written, ["done\n"]);
});
