import { assertEquals, AssertionError } from "@std/assert";

/** What a comparison that fails says. */
function complaint(actual: unknown, expected: unknown): string {
  try {
    assertEquals(actual, expected);
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
    throw error;
  }
  throw new Error("they are the same");
}

Deno.test("of short values all is shown, with the lines that differ", () => {
  const said = complaint([1, 2, 3], [1, 4, 3]);
  assertEquals([/^\+ +2,$/m, /^- +4,$/m].map((line) => line.test(said)), [true, true]);
});

Deno.test("of long values the first lines that differ are shown, for little memory", () => {
  const frames = (last: number) =>
    Array.from({ length: 25 }, (_, index) => new Uint8Array(1_400).fill(index === 24 ? last : 7));
  const said = complaint(frames(8), frames(9));
  assertEquals(said.split("\n").length < 60, true);
  assertEquals(/^ +8,$[^]+\nexpected:\n[^]+^ +9,$/m.test(said), true);
  assertEquals(/^350\d\d lines, expected were 350\d\d; from line 336\d\d on:/.test(said), true);
  assertEquals(complaint(frames(8), []).includes("expected were 1;"), true);
});
