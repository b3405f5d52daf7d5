/** The table of what the client calls of Windows leaves nothing out. */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { pageOf, readWindowsCalls } from "../../../tools/docs/windows_calls.ts";
import { checksOf } from "../../../tools/docs/windows_checks.ts";
import { readSources } from "../house/source.ts";

Deno.test("every function has a page, and one that nobody placed is named", async () => {
  const { functions } = await readWindowsCalls();
  assert(functions.length > 60, `${functions.length}`);
  for (const entry of functions) assert(pageOf(entry).startsWith("https://learn.microsoft.com/"));
  const symbol = { parameters: [], result: "void" } as const;
  assertThrows(
    () => pageOf({ dll: "kernel32.dll", name: "Beep", symbol }),
    Error,
    "which header is Beep of kernel32.dll documented under?",
  );
});

Deno.test("every library that is opened on Windows stands in the table", async () => {
  const { functions } = await readWindowsCalls();
  const dlls = new Set(functions.map(({ dll }) => dll));
  const opened = new Set<string>();
  for (const { text } of readSources(["src"])) {
    for (const [, dll] of text.matchAll(/systemDll\("(\w+\.dll)"\)/g)) opened.add(dll);
  }
  assert(opened.size > 8);
  assertEquals([...opened].filter((dll) => !dlls.has(dll)), []);
});

Deno.test("of each function that a fake has it is said how its calls are checked", async () => {
  const checks = await checksOf(["SetIpInterfaceEntry", "IsUserAnAdmin"]);
  assertMatch(checks.get("SetIpInterfaceEntry")!, /^`client_test`$/);
  assertMatch(checks.get("IsUserAnAdmin")!, /start_test/);
  await assertRejects(() => checksOf(["Beep"]), Error, "which test shows the call of Beep?");
});
