/**
 * `@std/assert`, as far as this project uses it, with types of our own.
 *
 * The npm package holds the same code without its declarations; where JSR can be reached, mapping
 * `@std/assert` to `jsr:@std/assert` in `src/import_map.json` replaces this file.
 */
// deno-lint-ignore-file no-explicit-any
import * as raw from "npm:deno-std@1.4.0/assert/mod.js";
const std = raw as any;

export const AssertionError: new (message: string, options?: ErrorOptions) => Error =
  std.AssertionError;
export const assert: (condition: unknown, message?: string) => asserts condition = std.assert;
export const assertEquals: <T>(actual: T, expected: T, message?: string) => void = std.assertEquals;
export const assertNotEquals: <T>(actual: T, expected: T, message?: string) => void =
  std.assertNotEquals;
export const assertStrictEquals: <T>(actual: unknown, expected: T, message?: string) => void =
  std.assertStrictEquals;
export const assertExists: <T>(
  actual: T,
  message?: string,
) => asserts actual is NonNullable<T> = std.assertExists;
export const assertGreater: (actual: number, expected: number, message?: string) => void =
  std.assertGreater;
export const assertGreaterOrEqual: (actual: number, expected: number, message?: string) => void =
  std.assertGreaterOrEqual;
export const assertLess: (actual: number, expected: number, message?: string) => void =
  std.assertLess;
export const assertLessOrEqual: (actual: number, expected: number, message?: string) => void =
  std.assertLessOrEqual;
export const assertAlmostEquals: (
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
) => void = std.assertAlmostEquals;
export const assertMatch: (actual: string, expected: RegExp, message?: string) => void =
  std.assertMatch;
export const assertNotMatch: (actual: string, expected: RegExp, message?: string) => void =
  std.assertNotMatch;
export const assertStringIncludes: (actual: string, expected: string, message?: string) => void =
  std.assertStringIncludes;
export const assertArrayIncludes: <T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  message?: string,
) => void = std.assertArrayIncludes;
export const assertObjectMatch: (
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  message?: string,
) => void = std.assertObjectMatch;
export const assertInstanceOf: <T>(
  actual: unknown,
  type: abstract new (...args: any[]) => T,
  message?: string,
) => asserts actual is T = std.assertInstanceOf;
export const assertThrows: <E extends Error = Error>(
  run: () => unknown,
  errorClass?: abstract new (...args: any[]) => E,
  messageIncludes?: string,
  message?: string,
) => E = std.assertThrows;
export const assertRejects: <E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  errorClass?: abstract new (...args: any[]) => E,
  messageIncludes?: string,
  message?: string,
) => Promise<E> = std.assertRejects;
export const fail: (message?: string) => never = std.fail;
