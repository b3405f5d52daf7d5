import { assertEquals } from "@std/assert";
import {
  missingPackages,
  NATIVE_LIBRARY,
  NETWORK_PLAY,
  type Prerequisite,
} from "../../../tools/build/prerequisites.ts";

const here = new URL(import.meta.url).pathname;

Deno.test("what is there is not missing, by command, by file and by trying it", async () => {
  const met: Prerequisite[] = [
    { debianPackage: "a", commands: ["sh"] },
    { debianPackage: "b", commands: ["no-such-command-here", "sh"] },
    { debianPackage: "c", file: here },
    { debianPackage: "d", works: ["sh", "-c", "exit 0"] },
  ];
  assertEquals(await missingPackages(met), []);
});

Deno.test("what is not there is missing, each package once and in order", async () => {
  const unmet: Prerequisite[] = [
    { debianPackage: "d", works: ["sh", "-c", "exit 1"] },
    { debianPackage: "a", commands: ["no-such-command-here"] },
    { debianPackage: "d", commands: ["no-such-command-here"] },
    { debianPackage: "c", file: `${here}.none` },
    // One condition of two that is not met is enough.
    { debianPackage: "e", commands: ["sh"], file: `${here}.none` },
  ];
  assertEquals(await missingPackages(unmet), ["d", "a", "c", "e"]);
});

Deno.test("every prerequisite has a way to be found, and a package that brings it", () => {
  for (const { debianPackage, commands, file, works } of [...NATIVE_LIBRARY, ...NETWORK_PLAY]) {
    assertEquals(/^[a-z0-9][a-z0-9+.-]+$/.test(debianPackage), true, debianPackage);
    assertEquals([commands, file, works].some((way) => way !== undefined), true, debianPackage);
  }
});
