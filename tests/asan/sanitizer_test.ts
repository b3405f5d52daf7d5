/** The sanitizers of this level are at work: in a library that the runtime loads, a fault is found. */
import { assertEquals, assertMatch } from "@std/assert";
import { msquicLibrary } from "../../tools/lab/native.ts";

/** A function that reads memory after it was given back, and one that does not. */
const SOURCE = `
#include <stdlib.h>
int use(int late) {
  volatile char* bytes = malloc(100);
  bytes[7] = 1;
  if (late) free((void*)bytes);
  int value = bytes[7];
  if (!late) free((void*)bytes);
  return value;
}`;

/** Loads the library in a runtime of its own, and calls the function. */
async function callInRuntime(library: string, late: number, reports: string) {
  const program = `const { symbols } = Deno.dlopen(${JSON.stringify(library)},
    { use: { parameters: ["i32"], result: "i32" } });
    Deno.exit(symbols.use(${late}) === 1 ? 0 : 3);`;
  const options = Deno.env.get("ASAN_OPTIONS") ?? "";
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    env: { ASAN_OPTIONS: options.replace(/:log_path=.*$/, `:log_path=${reports}/own`) },
    stdout: "null",
    stderr: "null",
  }).output();
  return code;
}

Deno.test("memory that is used after its end is found in a library that the runtime loads", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-asan-" });
  try {
    await Deno.writeTextFile(`${folder}/use.c`, SOURCE);
    const { success } = await new Deno.Command("gcc", {
      args: ["-shared", "-fPIC", "-O0", "-fsanitize=address", "-o", "use.so", "use.c"],
      cwd: folder,
    }).output();
    assertEquals(success, true);
    assertEquals(await callInRuntime(`${folder}/use.so`, 0, folder), 0);
    assertEquals(await callInRuntime(`${folder}/use.so`, 1, folder), 1);
    const [report] = (await Array.fromAsync(Deno.readDir(folder)))
      .filter(({ name }) => name.startsWith("own"));
    assertMatch(await Deno.readTextFile(`${folder}/${report.name}`), /heap-use-after-free/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("msquic is the one with sanitizers", async () => {
  const library = await Deno.readFile(await msquicLibrary());
  const text = new TextDecoder("latin1").decode(library);
  assertEquals(text.includes("__asan_report_load8"), true);
});
