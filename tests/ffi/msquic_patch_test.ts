/** Our patches to msquic do what their heads say, and msquic would not do it without them. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { runTool, withMsquicProgram } from "../support/msquic_program.ts";

const TIMERS = new URL("./timer_wheel.c", import.meta.url).pathname;
const PROGRAM = new URL("./ack_blocks.c", import.meta.url).pathname;

/** Frames as numbers (largest, first block, then gap and block in turn), and what a decoder must say. */
const FRAMES: readonly { frame: string; name: string; expected: string }[] = [
  { name: "one packet", frame: "10 0", expected: "ok 10+1" },
  { name: "first block down to zero", frame: "10 10", expected: "ok 0+11" },
  { name: "first block below zero", frame: "10 11", expected: "invalid" },
  { name: "packet zero alone", frame: "0 0", expected: "ok 0+1" },
  { name: "first block below zero from zero", frame: "0 1", expected: "invalid" },
  { name: "second block inside", frame: "10 3 0 4", expected: "ok 1+5 7+4" },
  { name: "second block down to zero", frame: "10 3 0 5", expected: "ok 0+6 7+4" },
  { name: "second block below zero by one", frame: "10 3 0 6", expected: "invalid" },
  { name: "second block far below zero", frame: "10 3 0 4611686018427387903", expected: "invalid" },
  { name: "gap down to zero", frame: "10 3 5 0", expected: "ok 0+1 7+4" },
  { name: "gap down to zero, block below", frame: "10 3 5 1", expected: "invalid" },
  { name: "gap below zero", frame: "10 3 6 0", expected: "invalid" },
  { name: "third block down to zero", frame: "20 3 0 4 1 8", expected: "ok 0+9 11+5 17+4" },
  { name: "third block below zero by one", frame: "20 3 0 4 1 9", expected: "invalid" },
];

/** Those that only the patch makes invalid. */
const PATCHED = /^(second block (far )?below|gap down to zero, block|third block below)/;

/** Decodes all frames by the decoder, with the patch or without it. */
function decodeAll(without?: string): Promise<string[]> {
  const core = ["frame.c", "range.c"];
  return withMsquicProgram(
    { program: PROGRAM, core, ...(without === undefined ? {} : { without }) },
    async (path) => {
      const input = FRAMES.map(({ frame }) => `${frame}\n`).join("");
      return (await runTool(path, [], input)).trimEnd().split("\n");
    },
  );
}

Deno.test("an ACK block that reaches below packet number zero is an invalid frame", async () => {
  const results = await decodeAll();
  for (const [index, { name, expected }] of FRAMES.entries()) {
    assertEquals(results[index], expected, name);
  }
});

Deno.test("without the patch such a block is taken, and wraps around", async () => {
  const results = await decodeAll("0001-ack-block-bounds.patch");
  for (const [index, { name, expected }] of FRAMES.entries()) {
    if (PATCHED.test(name)) assertEquals(results[index]?.startsWith("ok "), true, name);
    else assertEquals(results[index], expected, name);
  }
  assertEquals(FRAMES.filter(({ name }) => PATCHED.test(name)).length, 4);
});

/** Plays the timers of so many connections; what an update takes, ns. */
function playTimers(connections: number, without?: string): Promise<number> {
  return withMsquicProgram(
    { program: TIMERS, core: ["timer_wheel.c"], ...(without === undefined ? {} : { without }) },
    async (path) => {
      const [verdict, ns] = (await runTool(path, [`${connections}`, "200000"])).trim().split(" ");
      assertEquals(verdict, "ok");
      return Number(ns);
    },
  );
}

Deno.test("timers expire in time, whatever is set, moved and taken out, at little cost for many", async () => {
  const few = await playTimers(50);
  const many = await playTimers(4_000);
  assertLess(many / few, 20, `${many} ns for each update of 4000, ${few} ns of 50`);
  // The two differ by a hundred times, so that no noise of the machine makes them alike.
  const before = await playTimers(4_000, "0009-timers-in-a-heap.patch");
  assertGreater(before / many, 3, `${before} ns before, ${many} ns now`);
});
