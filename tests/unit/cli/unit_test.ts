/** `lanparty-relay unit`: the text. systemd itself judges it in `tests/integration/programs/units_test.ts`. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OptionValues, parseCommandLine } from "../../../src/cli/options.ts";
import { RELAY_PROGRAM } from "../../../src/cli/relay_options.ts";
import { formatRelayUnit } from "../../../src/programs/relay/unit.ts";
import { relayUnitOf } from "../../../src/cli/relay_unit.ts";
import type { UnitText } from "../../../src/cli/unit_command.ts";
import { formatGatewayUnit } from "../../../src/programs/gateway/unit.ts";
import { isHiddenFromService, quoteForUnit } from "../../../src/programs/common/systemd_unit.ts";

/** The unit for a command line that was given in a folder. */
function unitOf(
  executable: string,
  args: readonly string[],
  folder: string,
  values: OptionValues = new OptionValues(),
): UnitText {
  return relayUnitOf({ executable, args, folder, values });
}

/** A line of the unit that begins so. */
function lineOf(text: string, start: string): string {
  return text.split("\n").find((line) => line.startsWith(start))!.slice(start.length);
}

Deno.test("words are quoted so that systemd takes them as they are", () => {
  const cases: readonly [string, string][] = [
    ["443/udp", "443/udp"],
    ["[::1]:443", "[::1]:443"],
    ["a b", '"a b"'],
    ["50%", "50%%"],
    ["$HOME", "$$HOME"],
    ['say "no"\\', '"say \\"no\\"\\\\"'],
    ["two\nlines", '"two\\nlines"'],
    ["", '""'],
    ["ä", '"ä"'],
  ];
  for (const [word, quoted] of cases) assertEquals(quoteForUnit(word), quoted);
});

Deno.test("the unit starts this executable with these options, paths made absolute", () => {
  const args = ["--listen", "443/udp", "--cert", "a.pem", "--key=/etc/b.pem", "--frame-log=x y"];
  const { text, notes } = unitOf("/usr/local/bin/lanparty-relay", args, "/srv/relay");
  assertEquals(
    lineOf(text, "ExecStart="),
    '/usr/local/bin/lanparty-relay --listen 443/udp "--frame-log=/srv/relay/x y"',
  );
  // Root's files are handed to the service, which finds them by itself.
  assertStringIncludes(
    text,
    "\nLoadCredential=cert:/srv/relay/a.pem\nLoadCredential=key:/etc/b.pem\nExecReload=",
  );
  // What certbot's hook has put into the service's own folder may change while it runs.
  const own = ["cert", "key"].map((name) => `--${name}=/var/lib/lanparty-relay/${name}.pem`);
  const kept = unitOf("/bin/r", own, "/").text;
  assertEquals(lineOf(kept, "ExecStart="), `/bin/r ${own.join(" ")}`);
  assertEquals(kept.includes("\nLoadCredential="), false);
  assertEquals(notes, []);
});

Deno.test("an option behind other words is found in the unit, too, however it is written", () => {
  const args = [
    "--allow-vlan",
    "--dev-cert-der-out",
    "out.der",
    "--cert=a.pem",
    "--key",
    "--b.pem",
  ];
  const { text } = unitOf("/bin/r", args, "/srv");
  assertEquals(
    lineOf(text, "ExecStart="),
    "/bin/r --allow-vlan --dev-cert-der-out /srv/out.der",
  );
  assertStringIncludes(text, "LoadCredential=cert:/srv/a.pem\nLoadCredential=key:/srv/--b.pem\n");
});

Deno.test("the unit's limits follow from the relay's own", () => {
  const limitsOf = (...args: string[]) => {
    const parsed = parseCommandLine(RELAY_PROGRAM, ["unit", ...args]);
    assert(parsed.kind === "run");
    const { text } = unitOf("/usr/local/bin/lanparty-relay", args, "/", parsed.values);
    return [lineOf(text, "MemoryMax="), lineOf(text, "TasksMax=")];
  };
  // 256 MiB, 324 KiB for each of 8,192 connections, 292 KiB more for each of 4,096 peers.
  assertEquals(limitsOf(), ["4016M", "64"]);
  assertEquals(limitsOf("--reactors", "4"), ["16320M", "320"]);
  assertEquals(limitsOf("--max-connections", "1000", "--max-peers", "500"), ["715M", "64"]);
  assertEquals(limitsOf("--max-peers", "100000"), ["5184M", "64"]);
  assertEquals(limitsOf("--max-peers-per-room", "1000"), ["7760M", "64"]);
  assertEquals(lineOf(formatRelayUnit("/bin/true", []), "MemoryMax="), "4016M");
});

Deno.test("a service that fails is started again without an end, but not for a wrong command line", () => {
  for (const text of [formatRelayUnit("/bin/true", []), formatGatewayUnit("/bin/true", [])]) {
    const sections = new Map(
      text.split(/^\[(?=\w+\]$)/m).map((part) => {
        const [name, ...lines] = part.split("\n");
        return [name, lines] as const;
      }),
    );
    assert(sections.get("Unit]")!.includes("StartLimitIntervalSec=0"));
    for (const line of ["Restart=on-failure", "RestartSec=2", "RestartPreventExitStatus=2"]) {
      assert(sections.get("Service]")!.includes(line), line);
    }
  }
});

Deno.test("what the sandbox hides is named", () => {
  const { notes } = unitOf("/home/ann/lanparty-relay", ["--frame-log", "f.log"], "/home/ann");
  assertEquals(notes.length, 2);
  assertStringIncludes(notes[0], "/home/ann/lanparty-relay");
  assertStringIncludes(notes[1], "/home/ann/f.log");
  for (const path of ["/tmp/x", "/var/tmp/x", "/run/user/0/x"]) assert(isHiddenFromService(path));
  for (const path of ["/homes/x", "/usr/bin/x", "/var/lib/x"]) assert(!isHiddenFromService(path));
});

Deno.test("the deploy hook comes out of the unit as a shell script", async () => {
  const text = formatRelayUnit("/bin/true", []);
  const extract = lineOf(text, "#   lanparty-relay unit | ").replace(/ > .*/, "");
  const script = await pipe(["sh", "-c", extract], text);
  assert(script.startsWith("#!/bin/sh\nset -eu\n"), script);
  assertEquals(await pipe(["sh", "-n"], script), "");
  assert(script.trimEnd().endsWith("systemctl try-reload-or-restart lanparty-relay.service"));
});

Deno.test("the deploy hook puts the pair where the service reads it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-hook-" });
  try {
    const [lineage, state] = [`${folder}/live`, `${folder}/state`];
    await Deno.mkdir(lineage);
    for (const name of ["fullchain", "privkey"]) {
      await Deno.writeTextFile(`${lineage}/${name}.pem`, name);
    }
    const script = formatRelayUnit("/bin/true", []).split("\n")
      .filter((line) => line.startsWith("#| ")).map((line) => line.slice(3)).join("\n")
      .replace("folder=/var/lib/lanparty-relay", `folder=${state}`)
      .replace("systemctl", "echo");
    for (let time = 0; time < 2; time++) {
      const said = await pipe(["env", `RENEWED_LINEAGE=${lineage}`, "sh", "-c", script], "");
      assertEquals(said, "try-reload-or-restart lanparty-relay.service\n");
    }
    const entries = [...Deno.readDirSync(state)].map(({ name }) => name).sort();
    assertEquals(entries, ["fullchain.pem", "privkey.pem"]);
    const { mode } = await Deno.stat(`${state}/privkey.pem`);
    assertEquals([mode! & 0o777, await Deno.readTextFile(`${state}/privkey.pem`)], [
      0o400,
      "privkey",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** What a command makes of a text. */
async function pipe(command: readonly string[], input: string): Promise<string> {
  const child = new Deno.Command(command[0], {
    args: command.slice(1),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout } = await child.output();
  assertEquals(code, 0, command.join(" "));
  return new TextDecoder().decode(stdout);
}
