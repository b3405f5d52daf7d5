import { assertEquals, assertThrows } from "@std/assert";
import { claimInstance, InstanceBusyError } from "../../src/os/instance.ts";
import { identifyProcess } from "../../src/os/process_identity.ts";

Deno.test("what a running process has is refused; what a dead one left is taken over", async () => {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/instance`;
  const other = new Deno.Command("sleep", { args: ["60"] }).spawn();
  try {
    const owner = identifyProcess(other.pid)!;
    Deno.writeTextFileSync(path, JSON.stringify(owner));
    const error = assertThrows(() => claimInstance(path), InstanceBusyError);
    assertEquals(error.pid, other.pid);
    // The same number, but another process.
    const startTicks = owner.startTicks + 1;
    Deno.writeTextFileSync(path, JSON.stringify({ ...owner, startTicks }));
    claimInstance(path)();
    Deno.writeTextFileSync(path, JSON.stringify(owner));
  } finally {
    other.kill("SIGKILL");
    await other.status;
  }
  const release = claimInstance(path);
  assertEquals(JSON.parse(Deno.readTextFileSync(path)).pid, Deno.pid);
  assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
  release();
  assertEquals([...Deno.readDirSync(folder)], []);
  Deno.removeSync(folder);
});

Deno.test("a damaged file names nobody", () => {
  const path = Deno.makeTempFileSync();
  for (const text of ["", "{", "null", "7", '{"pid":"1","startTicks":0}', "\xff"]) {
    Deno.writeTextFileSync(path, text);
    claimInstance(path)();
  }
});
