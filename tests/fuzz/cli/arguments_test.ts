/** Whatever stands on a command line, nothing of it is lost, and what was written is what is read. */
import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { type OptionShape, parseArguments } from "../../../src/cli/arguments.ts";
import { parseCommandLine } from "../../../src/cli/options.ts";
import { CLIENT_PROGRAM } from "../../../src/cli/client_options.ts";
import { GATEWAY_PROGRAM } from "../../../src/cli/gateway_options.ts";
import { RELAY_PROGRAM } from "../../../src/cli/relay_options.ts";

const OPTIONS: readonly OptionShape[] = [
  { name: "one", value: "TEXT" },
  { name: "many", alias: "lots", value: "TEXT", repeatable: true },
  { name: "on", letter: "o" },
];

const SNIPPETS = [
  "--one",
  "--many",
  "--lots",
  "--on",
  "-o",
  "--",
  "-",
  "",
  "=",
  "--one=",
  "--on=x",
];
const anyArgument = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(...SNIPPETS),
  fc.tuple(fc.constantFrom(...SNIPPETS), fc.string()).map((parts) => parts.join("")),
);

/** How many of the arguments a parse accounts for. */
function accounted(args: readonly string[]): number {
  const { values, switches, words, mistakes } = parseArguments(OPTIONS, args);
  return [...values.values()].flat().length + switches.size + words.length + mistakes.length;
}

Deno.test("any command line is taken apart, and each argument of it counts somewhere", () => {
  fc.assert(fc.property(fc.array(anyArgument, { maxLength: 12 }), (args) => {
    const { values, switches, words } = parseArguments(OPTIONS, args);
    assert([...values.keys()].every((name) => ["one", "many"].includes(name)));
    assert([...switches].every((name) => name === "on"));
    for (const word of words) assert(args.includes(word));
    const once = args.filter((arg) => arg !== "--" && arg !== "--on" && arg !== "-o");
    // A value takes up to two arguments.
    assert(accounted(args) * 2 >= once.length, JSON.stringify(args));
  }));
});

Deno.test("what was written is what is read, in both ways to write it, and none of it is a mistake", () => {
  const isFree = (text: string) =>
    text !== "" && text !== "--" && !/^(--(one|many|lots|on)|-o)(=|$)/.test(text);
  const text = fc.string({ unit: "binary" }).filter(isFree);
  const word = text.filter((value) => !value.startsWith("-"));
  const part = fc.oneof(
    fc.record({ kind: fc.constant("value" as const), text, joined: fc.boolean() }),
    fc.record({ kind: fc.constant("switch" as const), text: fc.constantFrom("--on", "-o") }),
    fc.record({ kind: fc.constant("word" as const), text: word }),
  );
  const rest = fc.option(fc.array(fc.string({ unit: "binary" })), { nil: undefined });
  fc.assert(fc.property(fc.array(part), rest, (parts, behind) => {
    const args = parts.flatMap((one) => {
      if (one.kind !== "value") return [one.text];
      return one.joined ? [`--many=${one.text}`] : ["--lots", one.text];
    });
    const textsOf = (kind: string) =>
      parts.filter((one) => one.kind === kind).map((one) => one.text);
    const parsed = parseArguments(
      OPTIONS,
      behind === undefined ? args : [...args, "--", ...behind],
    );
    assertEquals(parsed.mistakes, []);
    assertEquals(parsed.values.get("many") ?? [], textsOf("value"));
    assertEquals(parsed.switches.size, Math.min(1, textsOf("switch").length));
    assertEquals(parsed.words, [...textsOf("word"), ...behind ?? []]);
  }));
});

Deno.test("each program answers any command line with values, help, or one line of what is wrong", () => {
  for (const program of [RELAY_PROGRAM, GATEWAY_PROGRAM, CLIENT_PROGRAM]) {
    const names = program.options.map(({ name }) => `--${name}`);
    const commands = (program.commands ?? []).map(({ name }) => name);
    const argument = fc.oneof(
      fc.constantFrom(...names, ...commands, "--help", "--version", "--", "1", "PARTY"),
      fc.string({ unit: "binary" }),
    );
    fc.assert(fc.property(fc.array(argument, { maxLength: 8 }), (args) => {
      const parsed = parseCommandLine(program, args);
      if (parsed.kind !== "usage-error") return;
      assert(parsed.message.startsWith(`${program.name}: `));
      assert(!/\p{Cc}/u.test(parsed.message), JSON.stringify(parsed.message));
    }));
  }
});
