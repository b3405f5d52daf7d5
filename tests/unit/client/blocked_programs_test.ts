/** Whom a cancelled question of Windows' firewall keeps out. */
import { assertEquals } from "@std/assert";
import { blockedPrograms, type ProgramAccessRule } from "../../../src/client/blocked_programs.ts";

function rule(name: string, others: Partial<ProgramAccessRule> = {}): ProgramAccessRule {
  return {
    name,
    program: `C:\\Games\\${name}.exe`,
    isEnabled: true,
    isInbound: true,
    isBlocking: true,
    kinds: ["public"],
    ...others,
  };
}

Deno.test("a program is kept out by a rule that is on, blocks what comes in, and is for the party's network", () => {
  const rules = [
    rule("doom"),
    rule("allowed", { isBlocking: false }),
    rule("off", { isEnabled: false }),
    rule("out", { isInbound: false }),
    rule("home", { kinds: ["private", "domain"] }),
    rule("everywhere", { kinds: ["public", "private", "domain"] }),
  ];
  const names = (kind: string) => blockedPrograms(rules, kind).map(({ name }) => name);
  assertEquals(names("public"), ["doom", "everywhere"]);
  assertEquals(names("private"), ["everywhere", "home"]);
});

Deno.test("a program has a rule for each protocol, and is told once", () => {
  const twice = [rule("quake"), rule("Quake (UDP)", { program: "c:\\games\\QUAKE.EXE" })];
  assertEquals(blockedPrograms(twice, "public"), [
    { name: "quake", program: "C:\\Games\\quake.exe" },
  ]);
});
