import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { CONFIG_BYTES_MAX, parseConfig, readConfigFile } from "../../../src/cli/config_file.ts";
import { allOptions, parseCommandLine, type ProgramSpec } from "../../../src/cli/options.ts";
import { CLIENT_PROGRAM } from "../../../src/cli/client_options.ts";
import { GATEWAY_PROGRAM } from "../../../src/cli/gateway_options.ts";
import { RELAY_PROGRAM } from "../../../src/cli/relay_options.ts";

const HASH = "N0cI__d3nV2Xnsh11W3SKG9tPPfsMXo7JWMqqyjsN7s";

/** What a text sets, as plain values. */
function read(text: string, program = RELAY_PROGRAM): Record<string, unknown> {
  const result = parseConfig(program, text);
  assert(result.ok, JSON.stringify(result));
  return Object.fromEntries(result.values);
}

function mistake(text: string, program = RELAY_PROGRAM): string {
  const result = parseConfig(program, text);
  assert(!result.ok, text);
  return `${result.line}: ${result.message}`;
}

Deno.test("config: values are texts, numbers, lists, switches and tables", () => {
  const text = `
listen = ["127.0.0.1:443", "[::1]:443"]
cert-name = "relay.example.org"
max-rooms = 50
max-tap-mtu = "1300"
allow-router-advertisements = true
redirect = ["ONE=relay:1"]
[allow-room]
PARTY = "${HASH}"
MOVING = ["${HASH}", "${HASH}"]
`;
  assertEquals(read(text), {
    "listen": ["127.0.0.1:443", "[::1]:443"],
    "cert-name": ["relay.example.org"],
    "max-rooms": ["50"],
    "max-tap-mtu": ["1300"],
    "allow-router-advertisements": true,
    "redirect": ["ONE=relay:1"],
    "allow-room": [`PARTY=${HASH}`, `MOVING=${HASH}`, `MOVING=${HASH}`],
  });
  assertEquals(read("# nothing\n"), {});
});

Deno.test("config: each option of each program is a key, but for what only a command line can say", () => {
  for (const program of [RELAY_PROGRAM, GATEWAY_PROGRAM, CLIENT_PROGRAM]) {
    for (const spec of allOptions(program)) {
      const value = spec.value === undefined ? "false" : "[[1]]";
      const found = parseConfig(program, `${spec.name} = ${value}`);
      if (["config", "help", "version"].includes(spec.name)) {
        assert(!found.ok && /there is no such key/.test(found.message), spec.name);
      } else if (spec.value === undefined) assert(found.ok, spec.name);
      else assert(!found.ok && found.message.startsWith(`${spec.name}: expected`), spec.name);
    }
  }
});

Deno.test("config: a mistake is told with its line and its key", () => {
  const rows: [string, RegExp][] = [
    ["max-rooms = 0", /^1: max-rooms: "0": expected a whole number/],
    ["\n# x\n\nmax-rooms = 0 # y\npolicy = 'open'", /^4: max-rooms/],
    ["max-rooms = 5\npolicy = 'closed'", /^2: policy: "closed": expected one of open, keyed/],
    ["policy = 'closed'\nmax-rooms = 0", /^1: policy/],
    ["max-rooms = 0\npolicy = 'closed'", /^1: max-rooms/],
    ["max-rooms = [1]", /^1: max-rooms: expected text or a number/],
    ["max-rooms = true", /^1: max-rooms: expected/],
    ["max-rooms = 1.5", /^1: max-rooms: "1.5"/],
    ["max-rooms = inf", /^1: max-rooms/],
    ["max-rooms = 1979-05-27", /^1: max-rooms: expected/],
    ["allow-router-advertisements = 'yes'", /^1: allow-router-advertisements: expected true or/],
    ["policy = ''", /^1: policy: needs a value/],
    ["x = 1", /^1: x: there is no such key$/],
    ["\nmax_rooms = 1", /^2: max_rooms: there is no such key; did you mean max-rooms\?/],
    ["[limits]\nmax-rooms = 1", /^1: limits: there is no such key/],
    ["listen = [\n  '443/udp',\n  'nonsense',\n]", /^1: listen: "nonsense": expected/],
    [`[allow-room]\nA = '${HASH}'\n\nB = 'x'`, /^4: allow-room.B: "B=x": expected ROOM=HASH/],
    [`[allow-room]\n"bad room" = '${HASH}'`, /^2: allow-room.bad room:/],
    [`[allow-room]\nA = 7.5`, /^2: allow-room/],
    // What looks like the key inside a text of several lines is not taken for it.
    ["cert-name = '''\nmax-rooms = 3\n'''\nmax-rooms = 0", /^4: max-rooms/],
    ["max-rooms = 5\nmax-rooms = 6", /^2: /],
    ['policy = "open', /^1: /],
    ["max-rooms = 5\n\n= 6", /^3: /],
    ["__proto__ = 1", /^1: __proto__: there is no such key/],
    ["constructor = 1", /^1: constructor: there is no such key/],
    // Statements are told apart by their ends, whatever stands in texts, lists and comments.
    [`cert-name = ["a]", '''\n'x' ]\n'''] # ]\nx = 1`, /^4: x: there is/],
    [`cert-name = ["a]", """\n"x" ]\n\\\\""""] # ]\nx = 1`, /^4: x: there is/],
    ["cert-name = 'a#' # [\r\nx = 1", /^2: x: there is/],
    ["listen = [ # '''\n  '443/udp', # ]\n]\n\nx = 1", /^5: x: there is/],
    ["allow-room = { A = 'x' }", /^1: allow-room.A: /],
    [`allow-room.A = '${HASH}'\nallow-room.B = 'x'`, /^2: allow-room.B: /],
    [`max-rooms = 5\n[allow-room]\nA = '${HASH}'\n[x.y]\nz = 1`, /^4: x: there is/],
    ["[[x]]\ny = 1\n[[x]]\ny = 2", /^1: x: there is/],
    ["listen = ['443/udp',\n 5, true]", /^1: listen: expected/],
  ];
  for (const [text, expected] of rows) assertMatch(mistake(text), expected, text);
});

Deno.test("config: a mistake among very many is found without reading the file again for each", () => {
  const lines = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => `${line(i)}\n`).join("");
  const rows: [string, RegExp][] = [
    [lines(7_000, (i) => `k${i}=1`), /^1: k0: there is no such key$/],
    [`max-rooms = 5\n${lines(5_000, (i) => `k${i} = 1`)}`, /^2: k0/],
    [`[allow-room]\n${lines(5_000, (i) => `K${i} = 'x'`)}`, /^2: allow-room.K0/],
    [`listen = [\n${lines(9_000, () => "'x',")}]`, /^1: listen/],
    [lines(3_000, (i) => `[a.b${i}]\nc = 1`), /^1: a/],
    [`${"x.".repeat(30_000)}y = 1`, /^1: x/],
  ];
  for (const [text, expected] of rows) {
    assert(text.length <= CONFIG_BYTES_MAX);
    assertMatch(mistake(text), expected, text.slice(0, 40));
  }
});

Deno.test("config: a Windows path in the wrong quotes is told how it is written", () => {
  const how = "write a path with backslashes in single quotes: 'C:\\folder\\file'";
  const table = [
    ['relay = "x"\nrelay-ca-cert = "C:\\my\\relay.der"', `2: unrecognised escape sequence; ${how}`],
    [
      'relay-ca-cert = "C:\\temp\\new.der"',
      `1: relay-ca-cert: a control character is in it; ${how}`,
    ],
  ];
  for (const [text, wanted] of table) assertEquals(mistake(text, CLIENT_PROGRAM), wanted);
  const right = read("relay-ca-cert = 'C:\\temp\\new.der'", CLIENT_PROGRAM);
  assertEquals(right, { "relay-ca-cert": ["C:\\temp\\new.der"] });
});

Deno.test("config: a key that is wrong is not quoted", () => {
  const text = mistake("room-key = 'my-secret-but-mistyped'", CLIENT_PROGRAM);
  assertEquals(text, "1: room-key: this is no key: check its last character");
});

Deno.test("config: whatever a file holds, it is read or a line of it is blamed", () => {
  const word = fc.constantFrom(
    ...[
      "max-rooms",
      "listen",
      "allow-room",
      "=",
      " = ",
      "[",
      "]",
      "[[",
      "]]",
      "\n",
      "'",
      '"""',
      "#",
    ],
    ...["{", "}", ",", "1", "0x", "true", "1e400", "A", ".", "\u0000", "\r", "\\u12", "🎮", "''"],
  );
  const documents = fc.oneof(
    fc.array(word, { maxLength: 40 }).map((all) => all.join("")),
    fc.string(),
  );
  fc.assert(
    fc.property(documents, (text) => {
      const result = parseConfig(RELAY_PROGRAM, text);
      if (result.ok) return;
      const lines = text.split("\n").length;
      assert(result.line >= 1 && result.line <= lines, `line ${result.line} of ${lines}`);
      assert(!result.message.includes("\n") && result.message.length > 0);
    }),
    { numRuns: 2_000 },
  );
});

const PROGRAM: ProgramSpec = {
  name: "example",
  summary: "example reads files.",
  examples: [],
  options: [
    { name: "need", value: "WHAT", required: true, help: "what is needed" },
    { name: "often", value: "WHAT", repeatable: true, help: "as often as one likes" },
    { name: "size", value: "N", default: "7", help: "a size" },
    { name: "flag", help: "a flag" },
  ],
  commands: [
    { name: "check", summary: "look at the options" },
    { name: "bare", summary: "something else", options: [] },
  ],
};

Deno.test("config: the command line has precedence, then the file, then the default", () => {
  const file = new Map<string, readonly string[] | boolean>([
    ["need", ["file"]],
    ["often", ["file", "file"]],
    ["size", ["8"]],
    ["flag", true],
  ]);
  const run = (...args: string[]) => {
    const parsed = parseCommandLine(PROGRAM, args, (_, name) => name === "F" ? file : `no ${name}`);
    if (parsed.kind !== "run") return parsed.kind === "usage-error" ? parsed.message : parsed.kind;
    const { values } = parsed;
    return [values.text("need"), values.list("often"), values.text("size"), values.flag("flag")];
  };
  assertEquals(run("--need", "x"), ["x", [], "7", false]);
  assertEquals(run("--config", "F"), ["file", ["file", "file"], "8", true]);
  assertEquals(run("--config=F", "--size", "9", "--often", "x"), ["file", ["x"], "9", true]);
  assertMatch(String(run("--config", "G")), /^example: no G/);
  assertMatch(String(run("--need", "x", "--config")), /--config needs a value/);
  assertMatch(
    String(run("--need", "x", "--config", "F", "--config", "F")),
    /--config is given 2 times/,
  );
});

Deno.test("a command is the first word, with its own options or those of the program", () => {
  const run = (...args: string[]) => {
    const parsed = parseCommandLine(PROGRAM, args);
    return parsed.kind === "run" ? parsed.command : parsed.kind;
  };
  assertEquals(run("check", "--need", "x"), "check");
  assertEquals(run("check"), "usage-error");
  assertEquals(run("bare"), "bare");
  assertEquals(run("bare", "--need", "x"), "usage-error");
  assertEquals(run("bare", "--help"), "help");
  assertEquals(run("--need", "x", "check"), "check");
  assertEquals(run("--need", "x"), undefined);
});

Deno.test("config: a file that is not there or too long is one line", () => {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(file, "max-rooms = 9\n");
    assertEquals(readConfigFile(RELAY_PROGRAM, file), new Map([["max-rooms", ["9"]]]));
    Deno.writeTextFileSync(file, "\nmax-rooms = x\n");
    assertMatch(String(readConfigFile(RELAY_PROGRAM, file)), /:2: /);
    Deno.writeTextFileSync(file, "#".repeat(CONFIG_BYTES_MAX + 1));
    assertMatch(String(readConfigFile(RELAY_PROGRAM, file)), /is longer than 65536 bytes$/);
  } finally {
    Deno.removeSync(file);
  }
  assertMatch(String(readConfigFile(RELAY_PROGRAM, file)), /^--config .* cannot be read: /);
});
