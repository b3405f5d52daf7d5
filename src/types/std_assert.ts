/**
 * `@std/assert`, as far as this project uses it, with types of our own.
 *
 * The npm package holds the same code without its declarations; where JSR can be reached, mapping
 * `@std/assert` to `jsr:@std/assert` in `src/import_map.json` replaces this file.
 */
import * as untyped from "npm:deno-std@1.4.0/assert/mod.js";

type Class<T> = abstract new (...args: never[]) => T;

/** The functions of the package that are used here, with their declarations. */
interface StandardAssertions {
  readonly AssertionError: new (message: string, options?: ErrorOptions) => Error;
  readonly assert: (condition: unknown, message?: string) => asserts condition;
  readonly assertEquals: <T>(actual: T, expected: T, message?: string) => void;
  readonly assertNotEquals: <T>(actual: T, expected: T, message?: string) => void;
  readonly assertStrictEquals: <T>(actual: unknown, expected: T, message?: string) => void;
  readonly assertExists: <T>(actual: T, message?: string) => asserts actual is NonNullable<T>;
  readonly assertGreater: (actual: number, expected: number, message?: string) => void;
  readonly assertGreaterOrEqual: (actual: number, expected: number, message?: string) => void;
  readonly assertLess: (actual: number, expected: number, message?: string) => void;
  readonly assertLessOrEqual: (actual: number, expected: number, message?: string) => void;
  readonly assertAlmostEquals: (
    actual: number,
    expected: number,
    tolerance?: number,
    message?: string,
  ) => void;
  readonly assertMatch: (actual: string, expected: RegExp, message?: string) => void;
  readonly assertNotMatch: (actual: string, expected: RegExp, message?: string) => void;
  readonly assertStringIncludes: (actual: string, expected: string, message?: string) => void;
  readonly assertArrayIncludes: <T>(
    actual: ArrayLike<T>,
    expected: ArrayLike<T>,
    message?: string,
  ) => void;
  readonly assertObjectMatch: (
    actual: object,
    expected: Record<PropertyKey, unknown>,
    message?: string,
  ) => void;
  readonly assertInstanceOf: <T>(
    actual: unknown,
    type: Class<T>,
    message?: string,
  ) => asserts actual is T;
  readonly assertThrows: <E extends Error = Error>(
    run: () => unknown,
    errorClass?: Class<E>,
    messageIncludes?: string,
    message?: string,
  ) => E;
  readonly assertRejects: <E extends Error = Error>(
    run: () => PromiseLike<unknown>,
    errorClass?: Class<E>,
    messageIncludes?: string,
    message?: string,
  ) => Promise<E>;
  readonly fail: (message?: string) => never;
}

type Assertion<Name extends keyof StandardAssertions> = StandardAssertions[Name];

const std: StandardAssertions = untyped;

/** The functions of the standard library's assert module, under their own names and with its semantics. */
export const AssertionError: Assertion<"AssertionError"> = std.AssertionError;
export const assert: Assertion<"assert"> = std.assert;
export const assertEquals: Assertion<"assertEquals"> = std.assertEquals;
export const assertNotEquals: Assertion<"assertNotEquals"> = std.assertNotEquals;
export const assertStrictEquals: Assertion<"assertStrictEquals"> = std.assertStrictEquals;
export const assertExists: Assertion<"assertExists"> = std.assertExists;
export const assertGreater: Assertion<"assertGreater"> = std.assertGreater;
export const assertGreaterOrEqual: Assertion<"assertGreaterOrEqual"> = std.assertGreaterOrEqual;
export const assertLess: Assertion<"assertLess"> = std.assertLess;
export const assertLessOrEqual: Assertion<"assertLessOrEqual"> = std.assertLessOrEqual;
export const assertAlmostEquals: Assertion<"assertAlmostEquals"> = std.assertAlmostEquals;
export const assertMatch: Assertion<"assertMatch"> = std.assertMatch;
export const assertNotMatch: Assertion<"assertNotMatch"> = std.assertNotMatch;
export const assertStringIncludes: Assertion<"assertStringIncludes"> = std.assertStringIncludes;
export const assertArrayIncludes: Assertion<"assertArrayIncludes"> = std.assertArrayIncludes;
export const assertObjectMatch: Assertion<"assertObjectMatch"> = std.assertObjectMatch;
export const assertInstanceOf: Assertion<"assertInstanceOf"> = std.assertInstanceOf;
export const assertThrows: Assertion<"assertThrows"> = std.assertThrows;
export const assertRejects: Assertion<"assertRejects"> = std.assertRejects;
export const fail: Assertion<"fail"> = std.fail;
