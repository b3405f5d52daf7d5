import { assertEquals } from "@std/assert";
import { TOLD_TEXTS_MAX, ToldTexts } from "../../../src/observe/told_texts.ts";

Deno.test("told texts: each is new once", () => {
  const told = new ToldTexts();
  assertEquals(["a", "b", "a", "b", "a"].map((text) => told.isNew(text)), [
    ...[true, true],
    ...[false, false, false],
  ]);
});

Deno.test("told texts: no more are remembered than so many, and the first is forgotten first", () => {
  const told = new ToldTexts();
  for (let i = 0; i < TOLD_TEXTS_MAX; i++) told.isNew(`${i}`);
  assertEquals([told.isNew("0"), told.isNew("one more"), told.isNew("1")], [false, true, false]);
  assertEquals([told.isNew("0"), told.isNew("one more")], [true, false]);
});
