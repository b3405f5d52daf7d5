/**
 * `@std/cli`, as far as this project uses it, with types of our own: see `std_assert.ts`.
 */
import * as untyped from "npm:deno-std@1.4.0/cli/parse_args.js";

/** The options of `parseArgs` that this project uses. */
export interface ParseArgsOptions {
  readonly string?: readonly string[];
  readonly boolean?: readonly string[];
  readonly negatable?: readonly string[];
  readonly collect?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
  readonly default?: Readonly<Record<string, unknown>>;
  /** Called for each option that is not declared; `false` leaves it out of the result. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What `parseArgs` returns: `_` are the positional arguments. */
export interface ParsedArgs {
  readonly _: (string | number)[];
  readonly [option: string]: unknown;
}

type ParseArgs = (args: readonly string[], options?: ParseArgsOptions) => ParsedArgs;

const std: { readonly parseArgs: ParseArgs } = untyped;

/** Takes a command line apart: options by name, and what is none of them. */
export const parseArgs: ParseArgs = std.parseArgs;
