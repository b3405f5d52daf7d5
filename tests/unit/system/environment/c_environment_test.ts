/** What is overwritten of a process's first environment. `tests/e2e/party/secret_environment_test.ts` looks at real ones. */
import { assertEquals } from "@std/assert";
import { wipeValues } from "../../../../src/system/environment/linux.ts";

Deno.test("only the values of secrets go, whatever stands around them", () => {
  const isSecret = (name: string) => name === "KEY";
  const cases: [string, string][] = [
    ["KEY=abc\0", "KEY=...\0"],
    ["A=1\0KEY=abc\0B=KEY=x\0", "A=1\0KEY=...\0B=KEY=x\0"],
    ["KEY=a=b\0KEY=", "KEY=...\0KEY="],
    ["KEY\0=KEY\0\0KEY=abc", "KEY\0=KEY\0\0KEY=..."],
    ["", ""],
    ["XKEY=abc\0key=abc\0", "XKEY=abc\0key=abc\0"],
  ];
  for (const [before, after] of cases) {
    const block = new TextEncoder().encode(before);
    wipeValues(block, isSecret);
    assertEquals(new TextDecoder().decode(block), after.replaceAll(".", "\0"));
  }
});
