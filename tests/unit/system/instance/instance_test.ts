import { assertEquals, assertThrows } from "@std/assert";
import { claimInstance, InstanceBusyError } from "../../../../src/system/instance/instance.ts";
import { identifyProcess } from "../../../../src/system/process/identity.ts";

const IMPORT_MAP = new URL("../../../../src/import_map.json", import.meta.url).pathname;

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

Deno.test("of processes that start at the same moment one gets it", async () => {
  const folder = Deno.makeTempDirSync();
  const module = new URL("../../../../src/system/instance/instance.ts", import.meta.url).href;
  const program = `${folder}/claim.ts`;
  Deno.writeTextFileSync(
    program,
    `import { claimInstance } from "${module}";
const at = Number(Deno.args[0]);
while (Date.now() < at);
try { claimInstance("${folder}/instance"); console.log("has it"); } catch (error) { console.log(error.name); }
await Deno.stdin.read(new Uint8Array(1));`,
  );
  const at = `${Date.now() + 1_500}`;
  const starts = [1, 2, 3, 4].map(() =>
    new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--allow-all",
        "--no-lock",
        `--import-map=${IMPORT_MAP}`,
        program,
        at,
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn()
  );
  const said: string[] = [];
  for (const child of starts) {
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    said.push((await reader.read()).value?.trim() ?? "");
    await reader.cancel();
  }
  for (const child of starts) {
    await child.stdin.close();
    await child.status;
  }
  assertEquals(said.sort(), [
    "InstanceBusyError",
    "InstanceBusyError",
    "InstanceBusyError",
    "has it",
  ]);
  Deno.removeSync(folder, { recursive: true });
});
