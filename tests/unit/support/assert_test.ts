/** The assertions themselves: each of them holds where it should, and fails where it should. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";

/** The message with which an assertion fails; that it holds is an error of this test. */
function failure(run: () => void): string {
  try {
    run();
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
    throw error;
  }
  throw new Error(`it holds: ${run}`);
}

const EQUAL: readonly (readonly [unknown, unknown])[] = [
  [1, 1],
  [NaN, NaN],
  ["a", "a"],
  [undefined, undefined],
  [{ a: 1, b: [2, { c: 3 }] }, { b: [2, { c: 3 }], a: 1 }],
  [Uint8Array.of(1, 2), Uint8Array.of(0, 1, 2).subarray(1)],
  [new Map([["a", [1]]]), new Map([["a", [1]]])],
  [new Set([{ a: 1 }]), new Set([{ a: 1 }])],
  [/a/g, /a/g],
  [new Date(5), new Date(5)],
];

const DIFFERENT: readonly (readonly [unknown, unknown])[] = [
  [1, 2],
  [1, "1"],
  [null, undefined],
  [{ a: 1 }, { a: 1, b: undefined }],
  [[1, 2], [2, 1]],
  [[1], { 0: 1 }],
  [Uint8Array.of(1), Uint16Array.of(1)],
  [Uint8Array.of(1), Uint8Array.of(2)],
  [new Map([["a", 1]]), new Map([["a", 2]])],
  [new Set([1]), new Set([2])],
  [new (class A {})(), new (class B {})()],
  [new Error("a"), new Error("b")],
];

Deno.test("values are equal by what they are made of, and by nothing less", () => {
  for (const [a, b] of EQUAL) {
    assertEquals(a, b);
    failure(() => assertNotEquals(a, b));
  }
  for (const [a, b] of DIFFERENT) {
    assertNotEquals(a, b);
    failure(() => assertEquals(a, b));
  }
  const text = failure(() => assertEquals({ port: 1 }, { port: 2 }, "the port"));
  assert(/port: 1/.test(text) && /port: 2/.test(text) && text.endsWith(": the port"), text);
});

Deno.test("numbers and texts are compared as the names say", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(1, 1);
  assertLess(1, 2);
  assertLessOrEqual(1, 1);
  assertAlmostEquals(1, 1.5, 0.5);
  assertMatch("abc", /b/);
  assertNotMatch("abc", /d/);
  assertStringIncludes("abc", "bc");
  const failures = [
    () => assert(0),
    () => assertGreater(1, 1),
    () => assertGreaterOrEqual(1, 2),
    () => assertLess(1, 1),
    () => assertLessOrEqual(2, 1),
    () => assertLess(NaN, 1),
    () => assertGreaterOrEqual(NaN, 1),
    () => assertAlmostEquals(1, 1.6, 0.5),
    () => assertAlmostEquals(NaN, 1, 0.5),
    () => assertMatch("abc", /d/),
    () => assertNotMatch("abc", /b/),
    () => assertStringIncludes("abc", "d"),
  ];
  for (const run of failures) failure(run);
  assertEquals(failure(() => assert(false, "why")), "why");
});

Deno.test("errors are told apart by class and text, thrown ones from rejected ones", async () => {
  const fail = (error: unknown) => () => {
    throw error;
  };
  const error = new RangeError("too far");
  assertEquals(assertThrows(fail(error), RangeError, "far"), error);
  assertEquals(assertThrows(fail(error)), error);
  failure(() => assertThrows(() => {}));
  failure(() => assertThrows(fail(error), TypeError));
  failure(() => assertThrows(fail(error), RangeError, "near"));
  failure(() => assertThrows(fail("a text")));
  assertEquals(await assertRejects(() => Promise.reject(error), RangeError, "far"), error);
  const wrong = [
    () => assertRejects(() => Promise.resolve()),
    () => assertRejects(() => Promise.reject(error), TypeError),
    () => assertRejects(() => Promise.reject(error), RangeError, "near"),
    () => assertRejects(fail(error) as () => Promise<void>),
  ];
  for (const run of wrong) await assertRejects(run, AssertionError);
});

/** What a comparison that fails says. */
function said(actual: unknown, expected: unknown): string {
  return failure(() => assertEquals(actual, expected));
}

Deno.test("of short values all is shown, with the lines that differ", () => {
  const text = said([1, 2, 3], [1, 4, 3]);
  assertEquals([/^\+ +2,$/m, /^- +4,$/m].map((line) => line.test(text)), [true, true]);
});

Deno.test("of long values the first lines that differ are shown, for little memory", () => {
  const frames = (last: number) =>
    Array.from({ length: 25 }, (_, index) => new Uint8Array(1_400).fill(index === 24 ? last : 7));
  const text = said(frames(8), frames(9));
  assertEquals(text.split("\n").length < 60, true);
  assertEquals(/^ +8,$[^]+\nexpected:\n[^]+^ +9,$/m.test(text), true);
  assertEquals(/^350\d\d lines, expected were 350\d\d; from line 336\d\d on:/.test(text), true);
  assertEquals(said(frames(8), []).includes("expected were 1;"), true);
});
