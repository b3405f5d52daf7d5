/** Programs that a test has started end with it, when it does not end by itself. */
import { assertEquals } from "@std/assert";
import { ProcessGroup } from "../../../tools/test/process_group.ts";
import { eventually } from "../../../tools/lab/wait.ts";

/** Whether a process runs: one that nobody has asked about yet when it ended does not. */
function isAlive(pid: string): boolean {
  try {
    return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

Deno.test("a signal reaches a process and what it has started, and nobody where all have ended", async () => {
  const group = new ProcessGroup("sh", {
    args: ["-c", "(sleep 600; true) & echo $!; wait"],
    stdout: "piped",
  });
  const reader = group.child.stdout.getReader();
  const { value } = await reader.read();
  const pid = new TextDecoder().decode(value).trim();
  assertEquals(isAlive(pid), true);
  group.kill("SIGKILL");
  assertEquals((await group.child.status).signal, "SIGKILL");
  await eventually("what it has started is gone", () => !isAlive(pid));
  await reader.cancel();
  group.kill("SIGKILL");
});
