/**
 * `@std/assert` for the tests (`src/import_map.json`): those functions of Deno's assert module that they use, with
 * its semantics, made of the runtime's `node:assert` and `node:util`. Deno's own module is on JSR alone.
 */
import {
  AssertionError as NodeAssertionError,
  deepStrictEqual,
  notDeepStrictEqual,
} from "node:assert";
import { inspect, type InspectOptions, isDeepStrictEqual } from "node:util";

/** Of both values. */
const COMPARED_LINES_MAX = 2_000;
const SHOWN_LINES = 20;
/** As `node:assert` has it. */
const WHOLE: InspectOptions = {
  ...{ compact: false, depth: 1_000, sorted: true, getters: true, customInspect: false },
  ...{ maxArrayLength: Infinity, maxStringLength: Infinity, breakLength: Infinity },
};

type Class<T> = abstract new (...args: never[]) => T;

/** Something is not as a test expects it. */
export class AssertionError extends NodeAssertionError {
  constructor(message: string) {
    super({ message });
  }
}

function failBecause(what: string, message?: string): never {
  throw new AssertionError(message === undefined ? what : `${what}: ${message}`);
}

function shown(value: unknown): string {
  return Deno.inspect(value, { depth: 6 });
}

/** The condition holds. */
export function assert(
  condition: unknown,
  message = "the condition does not hold",
): asserts condition {
  if (!condition) failBecause(message);
}

/** Both are the same by their values, deeply: prototypes, keys and elements. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  if (!isDeepStrictEqual(actual, expected)) failBecause(difference(actual, expected), message);
}

/**
 * How two values differ: as `node:assert` shows it, whose memory grows by the square of their lines (21 GB for 35,000),
 * or, where they have many, the first lines that do.
 */
function difference(actual: unknown, expected: unknown): string {
  const [these, those] = [actual, expected].map((value) => inspect(value, WHOLE).split("\n"));
  if (these.length + those.length <= COMPARED_LINES_MAX) {
    try {
      deepStrictEqual(actual, expected);
    } catch (error) {
      if (error instanceof NodeAssertionError) return error.message;
      throw error;
    }
  }
  const at = these.findIndex((line, index) => line !== those[index]);
  const from = at < 0 ? these.length : at;
  const part = (lines: readonly string[]) => lines.slice(from, from + SHOWN_LINES).join("\n");
  return `${these.length} lines, expected were ${those.length}; from line ${from + 1} on:\n` +
    `${part(these)}\nexpected:\n${part(those)}`;
}

/** Both differ in some value. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  try {
    notDeepStrictEqual(actual, expected);
  } catch (error) {
    if (!(error instanceof NodeAssertionError)) throw error;
    failBecause(`expected something else than ${shown(expected)}`, message);
  }
}

/** `actual` > `expected` */
export function assertGreater(actual: number, expected: number, message?: string): void {
  if (!(actual > expected)) failBecause(`expected ${actual} > ${expected}`, message);
}

/** `actual` ≥ `expected` */
export function assertGreaterOrEqual(actual: number, expected: number, message?: string): void {
  if (!(actual >= expected)) failBecause(`expected ${actual} ≥ ${expected}`, message);
}

/** `actual` < `expected` */
export function assertLess(actual: number, expected: number, message?: string): void {
  if (!(actual < expected)) failBecause(`expected ${actual} < ${expected}`, message);
}

/** `actual` ≤ `expected` */
export function assertLessOrEqual(actual: number, expected: number, message?: string): void {
  if (!(actual <= expected)) failBecause(`expected ${actual} ≤ ${expected}`, message);
}

/** Both are the same to within `tolerance`. */
export function assertAlmostEquals(actual: number, expected: number, tolerance: number): void {
  const isNear = Math.abs(actual - expected) <= tolerance;
  if (!isNear) failBecause(`expected ${actual} to be ${expected} ± ${tolerance}`);
}

/** The text has the pattern in it. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  if (actual.search(expected) < 0) {
    failBecause(`expected ${shown(actual)} to match ${expected}`, message);
  }
}

/** The text does not have the pattern in it. */
export function assertNotMatch(actual: string, expected: RegExp, message?: string): void {
  if (actual.search(expected) >= 0) {
    failBecause(`expected ${shown(actual)} not to match ${expected}`, message);
  }
}

/** The text has the other one in it. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) {
    failBecause(`expected ${shown(actual)} to have ${shown(expected)} in it`, message);
  }
}

/** Throws an error of the class, with the text in its message. Returns it. */
export function assertThrows<E extends Error = Error>(
  run: () => unknown,
  errorClass?: Class<E>,
  messageIncludes?: string,
  message?: string,
): E {
  try {
    run();
  } catch (error) {
    return expectedError(error, errorClass, messageIncludes, message);
  }
  return failBecause("nothing was thrown", message);
}

/** Returns a promise that is rejected with an error of the class, with the text in its message. Resolves with it. */
export async function assertRejects<E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  errorClass?: Class<E>,
  messageIncludes?: string,
  message?: string,
): Promise<E> {
  let promise: PromiseLike<unknown>;
  try {
    promise = run();
  } catch (error) {
    return failBecause(`it threw instead of rejecting: ${shown(error)}`, message);
  }
  try {
    await promise;
  } catch (error) {
    return expectedError(error, errorClass, messageIncludes, message);
  }
  return failBecause("it was not rejected", message);
}

function expectedError<E extends Error>(
  error: unknown,
  errorClass: Class<E> | undefined,
  messageIncludes: string | undefined,
  message: string | undefined,
): E {
  if (!(error instanceof (errorClass ?? Error))) {
    return failBecause(`expected ${errorClass?.name ?? "Error"}, not ${shown(error)}`, message);
  }
  if (messageIncludes !== undefined && !error.message.includes(messageIncludes)) {
    return failBecause(
      `expected ${shown(error.message)} to have ${shown(messageIncludes)} in it`,
      message,
    );
  }
  return error as E;
}
