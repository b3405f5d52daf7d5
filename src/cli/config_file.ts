/**
 * Configuration files: TOML, with a key for every option of the command line.
 *
 * ```toml
 * listen = ["443/udp"]
 * policy = "listed"
 * max-rooms = 50
 * allow-router-advertisements = true
 *
 * [allow-room]
 * PARTY = "N0cI__d3nV2Xnsh11W3SKG9tPPfsMXo7JWMqqyjsN7s"
 * ```
 *
 * A value may be written as text or, where it is one, as a number; what may be given several times is a
 * list; pairs are a table. What the command line says has precedence.
 *
 * @module
 */
import { reasonOf } from "../log/user_error.ts";
import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { whyReadByOthers } from "../system/files/mod.ts";
import { cleanText } from "../proto/clean_text.ts";
import { nearestName, quoted } from "./arguments.ts";
import { allOptions, type OptionSpec, type ProgramSpec, wrongValue } from "./options.ts";
import { TomlLines } from "./toml_lines.ts";

/** A longer file is no configuration. */
export const CONFIG_BYTES_MAX = 65_536;

/** Options that make no sense in a file. */
const COMMAND_LINE_ONLY: readonly string[] = ["config", "help", "version"];

/** The options that a file sets, as texts or switches. */
export type ConfigValues = ReadonlyMap<string, readonly string[] | boolean>;

/** What a file says, or the line of its first mistake and what is wrong there. */
export type ConfigResult =
  | { readonly ok: true; readonly values: ConfigValues }
  | { readonly ok: false; readonly line: number; readonly message: string };

/** Reads the text of a configuration file of a program. */
export function parseConfig(program: ProgramSpec, text: string): ConfigResult {
  const specs = allOptions(program).filter(({ name }) => !COMMAND_LINE_ONLY.includes(name));
  let table: unknown;
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [first] = error.message.split("\n");
    const message = cleanText(first.replace(/^Invalid TOML document: /, ""));
    const isPath = text.split("\n")[error.line - 1]?.includes("\\") ?? false;
    return { ok: false, line: error.line, message: isPath ? `${message}; ${PATHS}` : message };
  }
  const result = schemaOf(specs).safeParse(table);
  if (!result.success) return firstMistake(specs, text, result.error);
  const values = new Map<string, readonly string[] | boolean>();
  for (const [name, value] of Object.entries(result.data)) {
    if (value !== undefined) values.set(name, value);
  }
  return { ok: true, values };
}

function schemaOf(specs: readonly OptionSpec[]) {
  return z.strictObject(
    Object.fromEntries(specs.map((spec) => [spec.name, optionSchema(spec).optional()])),
  );
}

/** How Windows' paths are written: \t and \n of "C:\temp\new" would be taken for a tab and a new line. */
const PATHS = "write a path with backslashes in single quotes: 'C:\\folder\\file'";

const SCALAR = z.union([z.string(), z.number()], "expected text or a number");
const LIST = z.union([z.string(), z.number(), z.array(SCALAR)], "expected text or a list of texts");
const TABLE = z.union(
  [z.string(), z.number(), z.array(SCALAR), z.record(z.string(), LIST)],
  "expected a table or a list of texts",
);

/** A value of one option: a switch, or a list of texts that pass the option's own check. */
function optionSchema(spec: OptionSpec): z.ZodType<readonly string[] | boolean> {
  if (spec.value === undefined) return z.boolean("expected true or false");
  const shape: z.ZodType<ConfigValue> = spec.pairs ? TABLE : spec.repeatable ? LIST : SCALAR;
  return shape.superRefine((value, context) => {
    for (const { path, text } of textsOf(value)) {
      const isPath = spec.value === "FILE" || spec.value === "DIR";
      const message = isPath && /\p{Cc}/u.test(text)
        ? `a control character is in it; ${PATHS}`
        : wrongValue(spec, text);
      if (message !== undefined) context.addIssue({ code: "custom", path, message });
    }
  }).transform((value) => textsOf(value).map(({ text }) => text));
}

type ConfigValue = string | number | ConfigValue[] | { [key: string]: ConfigValue };

/** A value as texts, and where in it each of them is; `KEY = "VALUE"` is the text `KEY=VALUE`. */
function textsOf(value: ConfigValue): { readonly path: string[]; readonly text: string }[] {
  if (Array.isArray(value)) return value.map((one) => ({ path: [], text: String(one) }));
  if (typeof value !== "object") return [{ path: [], text: String(value) }];
  return Object.entries(value).flatMap(([key, one]) =>
    textsOf(one).map(({ text }) => ({ path: [key], text: `${key}=${text}` }))
  );
}

function firstMistake(
  specs: readonly OptionSpec[],
  text: string,
  error: z.ZodError,
): Extract<ConfigResult, { ok: false }> {
  const mistakes = error.issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") {
      const path = issue.path.map(String);
      return [{ path, message: `${path.map(quoted).join(".")}: ${issue.message}` }];
    }
    return issue.keys.map((key) => ({ path: [key], message: unknownKey(specs, key) }));
  });
  const lines = new TomlLines(text);
  const located = mistakes.map(({ path, message }) => ({ line: lines.lineOf(path), message }));
  const [first] = located.sort((a, b) => a.line - b.line);
  return { ok: false, ...first };
}

function unknownKey(specs: readonly OptionSpec[], key: string): string {
  const near = nearestName(specs.map(({ name }) => name), key.replaceAll("_", "-"));
  return `${quoted(key)}: there is no such key` +
    (near === undefined ? "" : `; did you mean ${near}?`);
}

/** Reads a configuration file: what it sets, or `FILE:LINE: what is wrong` in one line. */
export function readConfigFile(program: ProgramSpec, file: string): ConfigValues | string {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(file);
  } catch (error) {
    return `--config ${file} cannot be read: ${reasonOf(error)}`;
  }
  if (bytes.length > CONFIG_BYTES_MAX) return `${file} is longer than ${CONFIG_BYTES_MAX} bytes`;
  const result = parseConfig(program, new TextDecoder().decode(bytes));
  if (!result.ok) return `${file}:${result.line}: ${result.message}`;
  const secret = program.options.find(({ name, secret }) => secret && result.values.has(name));
  if (secret === undefined) return result.values;
  const why = whyReadByOthers(file);
  return why === undefined ? result.values : `${file} sets ${secret.name}, but ${why}`;
}
