/** Programs of the system's that are asked to do something: what they say, and that none holds the client up. */
import { assertEquals } from "@std/assert";
import {
  queryCommand,
  queryCommandSync,
  runCommand,
} from "../../../../src/system/command/command.ts";

Deno.test("a program's end and the last line of its error output are told", async () => {
  assertEquals((await runCommand(["sh", "-c", "cat >&2"], "one\ntwo\n")).message, "two");
  const failed = await runCommand(["sh", "-c", "echo no >&2; exit 3"]);
  assertEquals(failed, { success: false, message: "no" });
  const silent = await runCommand(["false"]);
  assertEquals(silent, { success: false, message: "it ended with code 1" });
  const none = await runCommand(["lanparty-no-such-program"]);
  const message = "there is no lanparty-no-such-program";
  assertEquals(none, { success: false, message, silence: "missing" });
});

Deno.test("a program that does not end is killed, and told from one that has failed", () => {
  const stuck = queryCommandSync(["sh", "-c", "echo something; exec sleep 600"], 100);
  const message = "sh did not end";
  assertEquals(stuck, { success: false, message, silence: "stuck", output: "" });
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

Deno.test("what a program prints comes whole, and is told from what it complains of", async () => {
  const script = "seq 100000; echo oops >&2; exit $1";
  const wanted = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join("");
  for (const [code, success] of [["0", true], ["3", false]] as const) {
    const words = ["sh", "-c", script, "sh", code];
    for (const outcome of [await queryCommand(words), queryCommandSync(words)]) {
      assertEquals([outcome.success, outcome.message], [success, "oops"]);
      assertEquals(outcome.output === wanted, true);
    }
  }
  assertEquals((await queryCommand(["cat"], "text")).output, "text");
  const message = "there is no lanparty-no-such-program";
  const none = { success: false, message, silence: "missing", output: "" } as const;
  assertEquals(await queryCommand(["lanparty-no-such-program"]), none);
  assertEquals(queryCommandSync(["lanparty-no-such-program"]), none);
});
