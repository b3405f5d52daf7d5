import { assertEquals, assertMatch } from "@std/assert";
import { formatCommandHelp, formatHelp } from "../../../src/cli/help.ts";
import {
  allOptions,
  integerBetween,
  oneOf,
  type OptionSpec,
  OptionValues,
  parseCommandLine,
  type ProgramSpec,
} from "../../../src/cli/options.ts";
import { parseRedirect } from "../../../src/cli/relay_options.ts";
import { CLIENT_PROGRAM, wrongTapName } from "../../../src/cli/client_options.ts";
import { GATEWAY_PROGRAM } from "../../../src/cli/gateway_options.ts";
import { RELAY_PROGRAM } from "../../../src/cli/relay_options.ts";

const PROGRAM: ProgramSpec = {
  name: "example",
  summary: "example shows options.",
  examples: ["example --need it"],
  options: [
    { name: "need", value: "WHAT", required: true, help: "what is needed" },
    { name: "often", value: "WHAT", repeatable: true, help: "as often as one likes" },
    { name: "no-thanks", help: "a flag" },
  ],
};

function usageMessage(...args: string[]): string {
  const parsed = parseCommandLine(PROGRAM, args);
  return parsed.kind === "usage-error" ? parsed.message : parsed.kind;
}

Deno.test("options are read: required, repeated, flags, defaults", () => {
  const parsed = parseCommandLine(
    PROGRAM,
    ["--need", "a", "--often=b", "--often", "c", "--no-thanks"],
  );
  if (parsed.kind !== "run") throw new Error(parsed.kind);
  assertEquals(parsed.values.required("need"), "a");
  assertEquals(parsed.values.list("often"), ["b", "c"]);
  assertEquals(parsed.values.flag("no-thanks"), true);
  assertEquals(parsed.values.required("log-level"), "info");
});

Deno.test("a wrong command line is one message that names the program and its help", () => {
  const table: [string[], RegExp][] = [
    [[], /--need WHAT is missing/],
    [["--need"], /--need needs a value: --need WHAT/],
    [["--need="], /--need needs a value: --need WHAT/],
    [["--need", "a", "--need", "b"], /--need is given 2 times/],
    [["--need", "a", "--often"], /--often needs a value/],
    [["--nee", "a"], /unknown option "--nee"; did you mean --need\?/],
    [["--need", "a", "-x"], /unknown option "-x"/],
    [["--need", "a", "stray"], /unexpected argument "stray"/],
    [["--need", "a", "--", "stray"], /unexpected argument "stray"/],
    [["--need", "a", "--log-level", "loud"], /--log-level "loud": expected one of error,/],
  ];
  for (const [args, expected] of table) {
    const message = usageMessage(...args);
    assertMatch(message, expected);
    assertMatch(message, /^example: [^\n]+ \(see example --help\)$/);
  }
});

Deno.test("a value may begin with a dash, but an option of the program is no value", () => {
  for (const args of [["--need", "-abc"], ["--need=-abc"]]) {
    const parsed = parseCommandLine(PROGRAM, args);
    if (parsed.kind !== "run") throw new Error(JSON.stringify(parsed));
    assertEquals(parsed.values.required("need"), "-abc");
  }
  assertMatch(usageMessage("--need", ""), /--need needs a value/);
  assertMatch(usageMessage("--need", "--often", "b"), /--need needs a value/);
  assertMatch(usageMessage("--need", "--", "b"), /--need needs a value/);
  assertEquals(usageMessage("--need", "--help"), "help");
});

Deno.test("a flag with a value is refused, whatever the value says", () => {
  for (const value of ["", "yes", "no", "true", "false", "0"]) {
    assertMatch(usageMessage("--need", "a", `--no-thanks=${value}`), /--no-thanks takes no value/);
    assertMatch(usageMessage(`--help=${value}`), /--help takes no value/);
  }
});

Deno.test("help and version come before what is wrong", () => {
  assertEquals(usageMessage("--help"), "help");
  assertEquals(usageMessage("-h", "--nonsense"), "help");
  assertEquals(usageMessage("--version"), "version");
});

Deno.test("the help of each program names every option, and no line is too long", () => {
  for (const program of [RELAY_PROGRAM, GATEWAY_PROGRAM, CLIENT_PROGRAM]) {
    const help = formatHelp(program);
    for (const { name } of allOptions(program)) assertMatch(help, new RegExp(`^  --${name}`, "m"));
    const lines = help.split("\n").filter((line) => !program.examples.includes(line.trim()));
    assertEquals(lines.filter((line) => line.length > 100), []);
  }
});

Deno.test("the relay's options stand in groups, and no group's is missing", () => {
  const { groups = [], options } = RELAY_PROGRAM;
  assertEquals(groups.map(({ title }) => title), [
    "Where it listens, and who it is (nothing has to be given)",
    "Who may join, and what they may send",
    "Limits",
    "To look at it",
    "Several cores",
  ]);
  assertEquals(groups.flatMap((group) => group.options), options);
  const titles = formatHelp(RELAY_PROGRAM).split("\n").filter((line) => /^\w.*:$/.test(line));
  assertEquals(titles, [
    ...["Commands:", ...groups.map(({ title }) => `${title}:`)],
    ...["Of all programs:", "Examples:"],
  ]);
});

Deno.test("a command's help is its own: its words, its options, and no other", () => {
  for (const program of [RELAY_PROGRAM, GATEWAY_PROGRAM, CLIENT_PROGRAM]) {
    for (const command of program.commands ?? []) {
      const parsed = parseCommandLine(program, [command.name, "--help", "--nonsense"]);
      assertEquals(parsed, { kind: "help", command });
      const help = formatCommandHelp(program, command);
      const shown = Array.from(help.matchAll(/^ {2}--([\w-]+)/gm), ([, name]) => name);
      const own = command.options === undefined
        ? []
        : allOptions({ ...program, options: command.options }).map(({ name }) => name);
      assertEquals(shown, own, command.name);
      for (const { text } of command.words ?? []) {
        assertMatch(help, new RegExp(`^ {2}${text.replaceAll("|", "\\|")} `, "m"));
      }
      assertEquals(help.split("\n").filter((line) => line.length > 100), []);
    }
  }
});

Deno.test("a command is the first word, in whatever order options stand", () => {
  const ctl = (...args: string[]) => {
    const parsed = parseCommandLine(RELAY_PROGRAM, args);
    if (parsed.kind !== "run") return parsed;
    const { command, words, rest, values } = parsed;
    return { command, words, rest, stateDir: values.text("state-dir") };
  };
  const expected = { command: "ctl", words: ["peers", "PARTY"], stateDir: "ctl" };
  for (
    const args of [
      ["ctl", "peers", "PARTY", "--state-dir", "ctl"],
      ["ctl", "--state-dir", "ctl", "peers", "PARTY"],
      ["ctl", "peers", "--state-dir=ctl", "PARTY"],
      ["--state-dir", "ctl", "ctl", "peers", "PARTY"],
    ]
  ) {
    const at = args.indexOf("ctl") + (args[0].startsWith("-") ? 1 : 0);
    assertEquals(ctl(...args), { ...expected, rest: args.toSpliced(at, 1) });
  }
  assertEquals(ctl("ctl", "--policy", "open"), {
    kind: "usage-error",
    message: 'lanparty-relay: unknown option "--policy" (see lanparty-relay ctl --help)',
  });
  // Behind -- stands no command, and a value is none.
  assertEquals(ctl("--", "ctl"), {
    kind: "usage-error",
    message: 'lanparty-relay: unexpected argument "ctl" (see lanparty-relay --help)',
  });
  assertEquals(ctl("--state-dir", "ctl"), {
    ...{ command: undefined, words: undefined, rest: undefined, stateDir: "ctl" },
  });
});

Deno.test("redirects are read as written", () => {
  assertEquals(parseRedirect("party=Relay.example:4433"), [
    "PARTY",
    { relay: "Relay.example:4433" },
  ]);
  for (const text of ["party", "=a:1", "party=", "a b=c:1", "party=c:99999"]) {
    assertEquals(parseRedirect(text), undefined);
  }
});

Deno.test("an option's other name is as good as its own", () => {
  const base = ["--relay", "relay", "--room", "PARTY"];
  for (const given of [["--tap", "tap7"], ["--tap=tap7"], ["--tap-name", "tap7"]]) {
    const parsed = parseCommandLine(CLIENT_PROGRAM, [...base, ...given]);
    if (parsed.kind !== "run") throw new Error(JSON.stringify(parsed));
    assertEquals(parsed.values.text("tap-name"), "tap7");
  }
  const twice = parseCommandLine(CLIENT_PROGRAM, [...base, "--tap", "a", "--tap-name", "b"]);
  assertMatch(twice.kind === "usage-error" ? twice.message : "", /--tap-name is given 2 times/);
});

Deno.test("an adapter's name is free text on Windows, and an interface's name elsewhere", () => {
  const table: [string, boolean, boolean][] = [
    ["lanparty0", true, true],
    ["LAN-Verbindung* 10", false, true],
    ["Réseau de la fête n° 2 (TAP)", false, true],
    ["", false, false],
    ["..", false, true],
    ["a\tb", false, false],
    ["x".repeat(256), false, false],
  ];
  for (const [name, onLinux, onWindows] of table) {
    assertEquals(wrongTapName(name, "linux") === undefined, onLinux, name);
    assertEquals(wrongTapName(name, "windows") === undefined, onWindows, name);
  }
});

Deno.test("no example keeps state or a key where every user of a machine can write", async () => {
  const shared = /(^|[\s'"=])\/(tmp|var\/tmp|dev\/shm)\b/m;
  const texts = [RELAY_PROGRAM, GATEWAY_PROGRAM, CLIENT_PROGRAM].map(formatHelp);
  const manual = ["PLAYERS", "HOSTS", "RELAY", "CONFIGURATION", "TROUBLESHOOTING", "LOAD"];
  for (const page of ["README.md", ...manual.map((name) => `docs/${name}.md`)]) {
    texts.push(await Deno.readTextFile(new URL(`../../../${page}`, import.meta.url)));
  }
  for (const text of texts) assertEquals(shared.exec(text)?.[0], undefined);
  assertMatch("--state-dir /tmp/relay", shared);
});

Deno.test("what systemd gives is used where the command line gives nothing, before the file", () => {
  const program: ProgramSpec = {
    ...PROGRAM,
    options: [
      { name: "key", value: "KEY", secret: true, help: "" },
      { name: "key-file", value: "FILE", credential: "key", help: "" },
      { name: "cert", value: "FILE", credential: "cert", help: "" },
    ],
  };
  const given = ["key", "config"];
  const read: string[] = [];
  const values = (config: Record<string, string[]>, ...args: string[]) => {
    const parsed = parseCommandLine(program, args, (_, file) => {
      read.push(file);
      return new Map(Object.entries(config));
    }, (name) => given.includes(name) ? `/run/${name}` : undefined);
    if (parsed.kind !== "run") throw new Error(parsed.kind);
    return ["key", "key-file", "cert"].map((name) => parsed.values.text(name));
  };
  assertEquals(values({}), [undefined, "/run/key", undefined]);
  assertEquals(values({ "key-file": ["/a"], "cert": ["/b"] }), [undefined, "/run/key", "/b"]);
  // A key in the file gives way as well: two would be one too many.
  assertEquals(values({ "key": ["k"] }), [undefined, "/run/key", undefined]);
  assertEquals(values({}, "--key", "k"), ["k", undefined, undefined]);
  assertEquals(values({}, "--key-file", "/c"), [undefined, "/c", undefined]);
  assertEquals(new Set(read), new Set(["/run/config"]));
  values({}, "--config", "/d");
  assertEquals(read.at(-1), "/d");
});

Deno.test("an option carries what its text means, also when it is handed to another process", () => {
  const level: OptionSpec<number> = {
    name: "level",
    value: "N",
    default: "3",
    help: "",
    parse: integerBetween(1, 9),
  };
  const often: OptionSpec<string> = {
    name: "often",
    value: "WORD",
    repeatable: true,
    help: "",
    parse: oneOf("a", "b"),
  };
  const program: ProgramSpec = { ...PROGRAM, options: [level, often] };
  const read = (...args: string[]) => {
    const parsed = parseCommandLine(program, args);
    if (parsed.kind !== "run") throw new Error(JSON.stringify(parsed));
    return parsed.values;
  };
  assertEquals([read().of(level), read("--level", "7").requiredOf(level)], [3, 7]);
  assertEquals(read("--often", "b", "--often", "a").allOf(often), ["b", "a"]);
  assertEquals([read().of(often), read().allOf(often)], [undefined, []]);
  const again = OptionValues.fromRecord(program, read("--level", "7", "--often", "b").toRecord());
  assertEquals([again.of(level), again.text("level"), again.allOf(often)], [7, "7", ["b"]]);
});

Deno.test("an address that some readers take for octal is refused before anything is done", () => {
  const base = ["--relay", "relay.example", "--room", "PARTY"];
  for (const address of ["192.168.001.7/24", "192.168.1.7/024", "192.168.1.7", "fd00::7/64"]) {
    const parsed = parseCommandLine(CLIENT_PROGRAM, [...base, "--address", address]);
    assertMatch(
      parsed.kind === "usage-error" ? parsed.message : parsed.kind,
      /--address "[^"]+": expected an IPv4 address like 192\.168\.1\.77\/24/,
    );
  }
});
