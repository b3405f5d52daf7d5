import { assertEquals } from "@std/assert";
import {
  nearestName,
  type OptionShape,
  parseArguments,
  quoted,
} from "../../../src/cli/arguments.ts";

const OPTIONS: readonly OptionShape[] = [
  { name: "room", value: "CODE" },
  { name: "room-key", value: "KEY" },
  { name: "allow-room", value: "ROOM", repeatable: true },
  { name: "tap-name", alias: "tap", value: "NAME" },
  { name: "help", letter: "h" },
  { name: "no-dhcp" },
];

/** Values, switches, words and mistakes of a command line that is split at its spaces. */
function parse(line: string) {
  const { values, switches, words, mistakes } = parseArguments(
    OPTIONS,
    line === "" ? [] : line.split(" "),
  );
  return { values: Object.fromEntries(values), switches: [...switches], words, mistakes };
}

const NOTHING = { values: {}, switches: [], words: [], mistakes: [] };

Deno.test("values, switches and words are taken apart, in whatever order they come", () => {
  const table: [string, Partial<ReturnType<typeof parse>>][] = [
    ["", {}],
    ["--room PARTY", { values: { room: ["PARTY"] } }],
    ["--room=PARTY", { values: { room: ["PARTY"] } }],
    ["--room-key=a=b==", { values: { "room-key": ["a=b=="] } }],
    ["--allow-room A --allow-room=B", { values: { "allow-room": ["A", "B"] } }],
    ["--tap a", { values: { "tap-name": ["a"] } }],
    ["--tap=a", { values: { "tap-name": ["a"] } }],
    ["-h", { switches: ["help"] }],
    ["--no-dhcp --help --no-dhcp", { switches: ["no-dhcp", "help"] }],
    ["kick 3 --room A now", { values: { room: ["A"] }, words: ["kick", "3", "now"] }],
    ["- a", { words: ["-", "a"] }],
    ["--no-dhcp -- --room -h --", { switches: ["no-dhcp"], words: ["--room", "-h", "--"] }],
  ];
  for (const [line, expected] of table) {
    assertEquals(parse(line), { ...NOTHING, ...expected }, line);
  }
});

Deno.test("a value may begin with dashes, but an option of the table is none", () => {
  for (const value of ["-abc", "--abc", "-", "-h2", "--help2"]) {
    assertEquals(parse(`--room ${value}`), { ...NOTHING, values: { room: [value] } }, value);
    assertEquals(parse(`--room=${value}`), { ...NOTHING, values: { room: [value] } }, value);
  }
  const missing = ["--room needs a value: --room CODE"];
  for (const option of ["--help", "-h"]) {
    const expected = { ...NOTHING, values: { room: [""] }, switches: ["help"], mistakes: missing };
    assertEquals(parse(`--room ${option}`), expected, option);
  }
  for (const line of ["--room", "--room=", "--room --", "--room --tap=x", "--room --no-dhcp=1"]) {
    assertEquals(parse(line).mistakes[0], missing[0], line);
  }
});

Deno.test("what is wrong is said, the first thing first", () => {
  const table: [string, string[]][] = [
    ["--no-dhcp=no", ["--no-dhcp takes no value"]],
    ["--help=", ["--help takes no value"]],
    ["--room a --room b", ["--room is given 2 times"]],
    ["--tap a --tap-name=b", ["--tap-name is given 2 times"]],
    ["-x", ['unknown option "-x"']],
    ["-h=1", ["--help takes no value"]],
    ["---room a", ['unknown option "---room"; did you mean --room?']],
    ["--=a", ['unknown option "--"']],
    ["--romm a --nonsense", [
      'unknown option "--romm"; did you mean --room?',
      'unknown option "--nonsense"',
    ]],
    ["--no-dhpc", ['unknown option "--no-dhpc"; did you mean --no-dhcp?']],
    ["--room_key=secret", ['unknown option "--room_key"; did you mean --room-key?']],
    ["--allow", ['unknown option "--allow"; did you mean --allow-room?']],
  ];
  for (const [line, mistakes] of table) assertEquals(parse(line).mistakes, mistakes, line);
});

Deno.test("the name that was meant is the nearest, and none where nothing is near", () => {
  const names = ["relay", "relay-fingerprint", "room", "name", "mtu"];
  const table: [string, string | undefined][] = [
    ["relay-f", "relay-fingerprint"],
    ["relay-host", "relay"],
    ["re", "relay"],
    ["fingerprint", undefined],
    ["rleay", "relay"],
    ["nmae", "name"],
    ["relayfingerprint", "relay-fingerprint"],
    ["relay_fingreprint", "relay-fingerprint"],
    ["elay-fingerprint", "relay-fingerprint"],
    ["mut", "mtu"],
    ["umt", undefined],
    ["xy", undefined],
    ["", undefined],
    ["x".repeat(100_000), undefined],
  ];
  for (const [given, expected] of table) assertEquals(nearestName(names, given), expected, given);
});

Deno.test("what is quoted is short and cannot paint over the terminal", () => {
  assertEquals(quoted("a\x1b[2Jb\nc"), "a[2Jbc");
  assertEquals(quoted("x".repeat(81)), `${"x".repeat(80)} …`);
  assertEquals(parse("--\x1b[31mroom").mistakes, ['unknown option "--[31mroom"']);
});
