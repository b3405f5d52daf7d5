/** Programs of the system's that are asked to do something: what they say, and that none holds the client up. */
import { assertEquals } from "@std/assert";
import { runCommand } from "../../../../src/system/command/command.ts";

Deno.test("a program's end and the last line of its error output are told", async () => {
  assertEquals((await runCommand(["sh", "-c", "cat >&2"], "one\ntwo\n")).message, "two");
  const failed = await runCommand(["sh", "-c", "echo no >&2; exit 3"]);
  assertEquals(failed, { success: false, message: "no" });
  const silent = await runCommand(["false"]);
  assertEquals(silent, { success: false, message: "it ended with code 1" });
  const none = await runCommand(["lanparty-no-such-program"]);
  assertEquals(none, { success: false, message: "there is no lanparty-no-such-program" });
});

Deno.test("a child that a program leaves behind, and that holds its output open, is not waited for", async () => {
  // It ends when this test's own file is gone.
  const folder = await Deno.makeTempDir();
  const left = `while [ -e ${folder} ]; do sleep 0.05; done`;
  try {
    const outcome = await runCommand(["sh", "-c", `echo first >&2; (${left}) & exit 0`]);
    assertEquals(outcome, { success: true, message: "first" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
