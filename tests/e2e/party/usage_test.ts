/**
 * The command lines of the three executables: what is wrong is said in one line, with exit code 2 where
 * the command line is at fault and 1 where the world is.
 *
 * ```text
 *  ┌ namespace "usage" ─────────────────────────────────┐
 *  │ lo     each executable, one command line at a time │
 *  │ wire0 ── wire1                                     │
 *  └────────────────────────────────────────────────────┘
 * ```
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  allOptions,
  type OptionSpec,
  parseCommandLine,
  type ProgramSpec,
} from "../../../src/cli/options.ts";
import { CLIENT_PROGRAM } from "../../../src/cli/client_options.ts";
import { GATEWAY_PROGRAM } from "../../../src/cli/gateway_options.ts";
import { RELAY_PROGRAM } from "../../../src/cli/relay_options.ts";
import { VERSION } from "../../../src/cli/version.ts";
import { executablePath } from "../../../tools/build/executables.ts";
import { CertificateFiles } from "../../support/certificates.ts";
import { type CommandResult, type Namespace, NetworkLab } from "../../../tools/lab/netns.ts";

type Program = "relay" | "gateway" | "client";
const SPECS: Readonly<Record<Program, ProgramSpec>> = {
  relay: RELAY_PROGRAM,
  gateway: GATEWAY_PROGRAM,
  client: CLIENT_PROGRAM,
};
const PROGRAMS: readonly Program[] = ["relay", "gateway", "client"];

/** Command lines that run at a time. */
const PARALLEL = 3;
const TIMEOUT_MS = 20_000;

/** Values that are wrong for each option that checks its value. */
const BAD_VALUES: Readonly<Record<string, readonly string[]>> = {
  "listen": ["443/tcp", "70000/udp", "nonsense", "[::1]", "1.2.3:443"],
  "policy": ["closed"],
  "allow-room": ["ROOM", "ROOM=short", `bad room=${"A".repeat(43)}`, `ROOM=${"*".repeat(43)}`],
  "frame-log-max-mb": ["0", "100001", "1.5"],
  "frame-log-sample": ["0", "1000001", "all"],
  "status": ["localhost:9465", "9465/tcp", ":9465", "70000", "[::1]"],
  "reactors": ["0", "65", "all"],
  "reactor-port": ["0", "65536"],
  "public-host": ["relay:443", "two words", "1.2.3"],
  "max-tap-mtu": ["1279", "1501", "1400.5", "-1", "many"],
  "max-rooms": ["0", "100001", "0x10"],
  "max-peers-per-room": ["1", "1001"],
  "max-peers": ["1", "100001"],
  "max-peers-per-address": ["0"],
  "max-rooms-per-address": ["0"],
  "max-connections": ["1"],
  "max-handshakes-per-address": ["0"],
  "max-control-messages": ["9"],
  "max-broadcast-frames": ["-1"],
  "max-broadcast-kilobytes": ["1.5"],
  "max-unknown-frames": ["1000001"],
  "max-megabits": ["100001"],
  "max-room-deliveries": ["-1", "100000001"],
  "max-room-megabits": ["1000001"],
  "max-address-deliveries": ["1e3"],
  "max-address-megabits": ["0.5"],
  "burst-ms": ["0", "60001"],
  "redirect": ["ROOM", "ROOM=", "=relay:443", "bad room=relay:443", "ROOM=relay:99999"],
  "invite": ["lanparty", "room_B-ZsSYxJesVH8q-8fVGnFwD", "https://relay/", "A".repeat(43)],
  "relay": ["relay:0", "relay:65536", "two words:443", "[::1", "https://relay/"],
  "server-name": ["two words", "-", "a..b", "relay:443"],
  "relay-fingerprint": ["short", "*".repeat(43), "A".repeat(44)],
  "party": [" ", "A".repeat(33)],
  "room": ["two words", "ZIMMER_1", "ÄÖÜ", "A".repeat(33)],
  "room-key": ["short", "A".repeat(23), `${"A".repeat(21)}B`],
  "gateway-key": ["short"],
  "datagram-budget": ["607", "65536", "1e3"],
  "virtual-mac": ["01:00:5e:00:00:01", "00:11:22:33:44:55", "02:00:00:00:00", "02-00-00-00-00-51"],
  "tap-name": ["sixteen-letters-", "a/b", ".."],
  "allow-lan-network": ["10.0.0.1", "0.0.0.0/0", "8.0.0.0/7", "fe80::/64", "lan"],
  "address": ["10.0.0.1", "192.168.001.7/24", "10.0.0.1/33", "10.0.0.256/24", "fe80::1/64"],
  "allow-inbound-port": ["0", "65536", "445/tcp", "135-139"],
  "log-level": ["loud"],
  "log-format": ["xml"],
};

/** What is said of a secret that is none: not what was given. */
const SECRET_SAYS: Readonly<Record<string, string>> = {
  "invite": "an invite begins with lanparty1",
  "room-key": "--room-key: this is no key",
  "gateway-key": "--gateway-key: this is no key",
};

/** Options with which each program would start. */
const NEEDED: Readonly<Record<Program, Readonly<Record<string, string>>>> = {
  relay: { listen: "127.0.0.1:4433" },
  gateway: { relay: "192.0.2.1", room: "PARTY", interface: "wire0" },
  client: { relay: "192.0.2.1", room: "PARTY" },
};

/** Runs command lines in a namespace of their own. */
class CommandLines implements AsyncDisposable {
  #commands = 0;

  private constructor(readonly lab: NetworkLab, readonly namespace: Namespace) {}

  static async open(): Promise<CommandLines> {
    const lab = await NetworkLab.open();
    const namespace = await lab.namespace("usage");
    await lab.veth({ namespace, name: "wire0" }, { namespace, name: "wire1" });
    return new CommandLines(lab, namespace);
  }

  /** For state and other files; removed at the end. */
  get folder(): string {
    return this.lab.folder;
  }

  /**
   * The needed options of a program, but for those that are given otherwise, and a state folder of its
   * own: a folder is used by one process at a time, and several programs run at once.
   */
  command(program: Program, args: readonly string[], without?: string): string[] {
    const given = args.map((arg) => arg.split("=")[0]);
    // An invite says what the needed options say, and does not go with them.
    const isInvited = given.some((name) => name.startsWith("--invite"));
    const needed = Object.entries(isInvited ? {} : NEEDED[program])
      .filter(([name]) => name !== without && !given.includes(`--${name}`))
      .flatMap(([name, value]) => [`--${name}`, value]);
    const state = given.includes("--state-dir")
      ? []
      : ["--state-dir", `${this.folder}/state-${++this.#commands}`];
    return [executablePath(program), ...needed, ...state, ...args];
  }

  run(command: readonly string[]): Promise<CommandResult> {
    return this.namespace.run(command, { anyCode: true, timeoutMs: TIMEOUT_MS });
  }

  /** Runs a program that must fail: the line that says why. */
  async failure(program: Program, code: number, ...args: string[]): Promise<string> {
    const result = await this.run(this.command(program, args));
    return assertFailure(result, code, [program, ...args].join(" "));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.close();
  }
}

/** One line says what is wrong, and it is the last; what comes before it is no failure. */
function assertFailure({ code, stdout, stderr }: CommandResult, wanted: number, what: string) {
  assertEquals({ what, code, stdout }, { what, code: wanted, stdout: "" }, stderr);
  const lines = stderr.replace(/\n$/, "").split("\n");
  const last = lines.pop()!;
  // What the runtime adds to the system's own words is for programmers.
  assert(!/\(os error|: [a-z]+ '\//.test(stderr), stderr);
  if (wanted === 1) assertMatch(last, /^\d\d:\d\d:\d\d error: /, what);
  else assertEquals(lines, [], what);
  for (const line of lines) assertMatch(line, /^\d\d:\d\d:\d\d (?!error: )\S/, what);
  return last;
}

/** Runs tasks, a few at a time. */
async function runAll(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < tasks.length) await tasks[next++]();
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** A wrong use of an option: the arguments, an option that is left out, and what the message must hold. */
interface WrongUse {
  readonly args: string[];
  readonly without?: string;
  readonly says: string;
}

/** All that can be wrong with one option. */
function wrongUses(spec: OptionSpec): WrongUse[] {
  const option = `--${spec.name}`;
  if (spec.value === undefined) {
    return [{ args: [`${option}=no`], says: `${option} takes no value` }];
  }
  const bad = (BAD_VALUES[spec.name] ?? []).map((value) => {
    const says = spec.secret ? SECRET_SAYS[spec.name] : `${option} "${value}": expected`;
    return { args: [option, value], says };
  });
  return [
    ...bad,
    { args: [option], says: `${option} needs a value` },
    ...(spec.repeatable
      ? []
      : [{ args: [option, "a", option, "b"], says: `${option} is given 2 times` }]),
    ...(spec.required ? [{ args: [], without: spec.name, says: `${option} ${spec.value}` }] : []),
  ];
}

for (const program of PROGRAMS) {
  Deno.test(`lanparty-${program}: every wrong use of every option is one line and exit code 2`, async () => {
    await using lines = await CommandLines.open();
    const options = allOptions(SPECS[program]);
    for (const { name, parse } of options) {
      assertEquals(parse !== undefined, BAD_VALUES[name] !== undefined, `bad values of --${name}`);
    }
    const tasks = options.map((spec) => async () => {
      const [first, ...others] = wrongUses(spec);
      const command = lines.command(program, first.args, first.without);
      const result = await lines.run(command);
      assertFailure(result, 2, first.args.join(" "));
      assertStringIncludes(result.stderr, first.says);
      assertStringIncludes(result.stderr, `(see lanparty-${program} --help)`);
      // A start takes its time: what else can be wrong is told by the same code in this process.
      for (const { args, without, says } of others) {
        const [, ...rest] = lines.command(program, args, without);
        const parsed = parseCommandLine(SPECS[program], rest);
        assertStringIncludes(parsed.kind === "usage-error" ? parsed.message : parsed.kind, says);
      }
    });
    await runAll(tasks);
    const stray = await lines.failure(program, 2, "stray");
    assertStringIncludes(stray, 'unexpected argument "stray"');
    assertStringIncludes(await lines.failure(program, 2, "--nonsense"), "--nonsense");
    assertStringIncludes(await lines.failure(program, 2, "-x"), '"-x"');
  });
}

Deno.test("help names every option and ends with 0; so does the version", async () => {
  await using lines = await CommandLines.open();
  for (const program of PROGRAMS) {
    for (const word of ["--help", "-h"]) {
      const help = await lines.run([executablePath(program), word, "--nonsense"]);
      assertEquals([help.code, help.stderr], [0, ""]);
      for (const { name } of allOptions(SPECS[program])) {
        assertMatch(help.stdout, RegExp(`--${name}\\b`));
      }
      assertMatch(help.stdout, /Exit codes: 0 .*, 1 .*, 2 /);
    }
    const version = await lines.run([executablePath(program), "--version"]);
    assertEquals(version, { code: 0, stdout: `lanparty-${program} ${VERSION}\n`, stderr: "" });
  }
});

Deno.test("check-config says of each program whether its options are good, and starts nothing", async () => {
  await using lines = await CommandLines.open();
  const config = `${lines.folder}/lanparty.toml`;
  const texts: Readonly<Record<Program, readonly [good: string, bad: string, says: RegExp]>> = {
    relay: ["", 'cert = "missing.pem"\n', /--cert and --key belong together/],
    gateway: ["", 'gateway-key-file = "/missing"\n', /--gateway-key-file \/missing cannot be read/],
    client: [
      "",
      'relay-ca-cert = "/missing"\n',
      /--relay-ca-cert \/missing: there is no such file/,
    ],
  };
  for (const program of PROGRAMS) {
    const needed = Object.entries(NEEDED[program])
      .map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`).join("");
    const [good, bad, says] = texts[program];
    const check = async (text: string) => {
      await Deno.writeTextFile(config, needed + text);
      return await lines.run([executablePath(program), "check-config", "--config", config]);
    };
    assertEquals(await check(good), {
      code: 0,
      stdout: "The configuration is good.\n",
      stderr: "",
    });
    const wrong = await check(bad);
    assertEquals([wrong.code === 0, wrong.stdout], [false, ""]);
    assertMatch(wrong.stderr, says);
  }
});

Deno.test("files and folders that cannot be used are one line and exit code 1", async () => {
  await using lines = await CommandLines.open();
  const { folder } = lines;
  const certificates = await CertificateFiles.make(folder);
  const [one, other] = [await certificates.issue(), await certificates.issue()];
  const garbage = `${folder}/garbage`;
  await Deno.writeTextFile(garbage, "no certificate\n");
  const missing = `${folder}/missing/file`;
  const mac = ["--virtual-mac", "02:00:00:00:00:51"];
  const table: [Program, string[], RegExp][] = [
    [
      "relay",
      ["--cert", missing, "--key", one.keyFile],
      /--cert .*missing.*: there is no such file/,
    ],
    ["relay", ["--cert", one.certificateFile, "--key", missing], /--key .*: there is no such file/],
    ["relay", ["--cert", folder, "--key", one.keyFile], /--cert .*[Ii]s a directory/],
    ["relay", ["--cert", garbage, "--key", one.keyFile], /holds no certificate in PEM form/],
    [
      "relay",
      ["--cert", one.certificateFile, "--key", garbage],
      /holds no private key in PEM form/,
    ],
    ["relay", ["--cert", one.certificateFile, "--key", other.keyFile], /cannot be used together/],
    ["relay", ["--state-dir", garbage], /state folder .*garbage cannot be made/],
    ["relay", ["--state-dir", "/proc"], /state folder \/proc cannot be used/],
    ["relay", ["--dev-cert-der-out", missing], /--dev-cert-der-out .* cannot be written/],
    ["relay", ["--frame-log", missing], /--frame-log .* cannot be written/],
    ["gateway", ["--relay-ca-cert", missing], /--relay-ca-cert .*: there is no such file/],
    ["gateway", ["--relay-ca-cert", garbage], /it holds no certificate in PEM or DER/],
    ["gateway", ["--state-dir", `${garbage}/below`], /state folder .* cannot be made/],
    ["gateway", ["--frame-log", folder], /--frame-log .* cannot be written/],
    ["client", [...mac, "--relay-ca-cert", folder], /--relay-ca-cert .*[Ii]s a directory/],
    ["client", [...mac, "--relay-ca-cert", garbage], /it holds no certificate in PEM or DER/],
    ["client", [...mac, "--state-dir", garbage], /state folder .* cannot be made/],
    ["client", ["--state-dir", "/proc"], /identity file \/proc\/.* cannot be used/],
    ["client", [...mac, "--frame-log", missing], /--frame-log .* cannot be written/],
  ];
  await runAll(table.map(([program, args, says]) => async () => {
    assertMatch(await lines.failure(program, 1, ...args), says);
  }));
  const store = async (path: string, says: RegExp) => {
    const named = ["env", `SSL_CERT_FILE=${path}`, ...lines.command("client", mac)];
    assertMatch(assertFailure(await lines.run(named), 1, path), says);
  };
  await store(garbage, /garbage, this system's list of trusted CAs, cannot be used; pin the relay/);
  await store(missing, /SSL_CERT_FILE names ".*missing\/file", which is no file/);
  await store(`${garbage}/below`, /SSL_CERT_FILE names ".*below", which is no file/);
  const alone = await lines.failure("relay", 2, "--cert", one.certificateFile);
  assertStringIncludes(alone, "--cert and --key belong together");
});

Deno.test("interfaces that cannot be bridged, and rights that are missing, are one line and 1", async () => {
  await using lines = await CommandLines.open();
  const gateway = (name: string) => lines.failure("gateway", 1, "--interface", name);
  assertStringIncludes(await gateway("nope0"), 'there is no interface "nope0"');
  assertStringIncludes(await gateway("lo"), "is the loopback interface");
  assertStringIncludes(await gateway("far-too-long-a-name"), "cannot be an interface name");
  const without = async (rights: string, command: string[], says: RegExp) => {
    const result = await lines.run(["setpriv", `--bounding-set=${rights}`, ...command]);
    assertFailure(result, 1, command.join(" "));
    assertMatch(result.stderr, says);
  };
  await without("-net_raw", lines.command("gateway", []), /needs root or CAP_NET_RAW/);
  await without(
    "-net_admin",
    lines.command("client", []),
    /needs the right CAP_NET_ADMIN, .* --cap-add NET_ADMIN/,
  );
  const privileged = lines.command("relay", ["--listen", "127.0.0.1:443"]);
  await without("-net_bind_service", privileged, /CAP_NET_BIND_SERVICE/);
});

Deno.test("ports and addresses that cannot be listened on are one line and exit code 1", async () => {
  await using lines = await CommandLines.open();
  const relay = lines.namespace.spawn(
    lines.command("relay", ["--listen", "127.0.0.1:4433", "--listen", "[::1]:4434"]),
  );
  await relay.waitForLine(/Listening address=\[::1\]:4434/);
  const stranger = lines.namespace.spawn(["socat", "-u", "UDP4-RECVFROM:4435,fork", "STDOUT"]);
  await lines.namespace.run(["sh", "-c", "until grep -q :1153 /proc/net/udp; do sleep 0.05; done"]);
  const listen = (...addresses: string[]) =>
    lines.failure("relay", 1, ...addresses.flatMap((address) => ["--listen", address]));
  assertMatch(await listen("127.0.0.1:4433"), /127\.0\.0\.1:4433: another program uses this port/);
  assertMatch(await listen("4433/udp"), /4433\/udp: another program uses this port/);
  assertMatch(await listen("[::1]:4434"), /another program uses this port/);
  assertMatch(await listen("4435/udp"), /4435\/udp: another program uses this port/);
  assertMatch(await listen("127.0.0.1:4436", "4435/udp"), /4435\/udp: another program/);
  assertMatch(await listen("4437/udp", "4437/udp"), /4437\/udp: it is given twice/);
  assertMatch(await listen("192.0.2.1:4438"), /this machine has no such address/);
  assertMatch(await listen("[2001:db8::1]:4438"), /this machine has no such address/);
  assert(stranger.running && relay.running);
  assertEquals(await relay.stop(), 0);
});

Deno.test("the log: text for people, one JSON object a line, and as much as is asked for", async () => {
  await using lines = await CommandLines.open();
  const output = async (...args: string[]) => {
    const relay = lines.namespace.spawn(
      lines.command("relay", ["--listen", "127.0.0.1:0", ...args]),
    );
    // Its control socket comes after all else: from then on it hears signals.
    await lines.namespace.run(["sh", "-c", `until [ -n "$(ss -Hlx)" ]; do sleep 0.05; done`]);
    assertEquals(await relay.stop(), 0);
    assertEquals(relay.stdout, "");
    return relay.stderr.trim().split("\n").filter((line) => line !== "");
  };
  const text = await output();
  // What strangers may do comes first of all.
  assertMatch(text[0], /^\d\d:\d\d:\d\d Everybody may open rooms .* policy=keyed$/);
  const listening = /^\d\d:\d\d:\d\d Listening address=127\.0\.0\.1:\d+$/;
  assertEquals(text.filter((line) => listening.test(line)).length, 1);
  for (const line of text) assertMatch(line, /^\d\d:\d\d:\d\d \S/);
  const json = (await output("--log-format", "json")).map((line) => JSON.parse(line));
  assertEquals(json.length, text.length);
  for (const record of json) {
    assertEquals(record.level, "INFO");
    assertEquals(record.logger, "lanparty.relay");
    assertEquals(Number.isNaN(Date.parse(record["@timestamp"])), false);
  }
  assertEquals(json[0].policy, "keyed");
  const [{ address }] = json.filter(({ message }) => message === "Listening");
  assertMatch(address, /^127\.0\.0\.1:\d+$/);
  assertEquals(await output("--log-level", "error"), []);
  const failed = await lines.run(
    lines.command("relay", ["--log-format", "json", "--cert", "/nope", "--key", "/nope"]),
  );
  assertEquals(failed.code, 1);
  assertEquals(JSON.parse(failed.stderr).level, "ERROR");
});
