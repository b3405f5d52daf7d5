import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { chooseCacheFolder } from "../../../tools/build/cache.ts";
import {
  CommandError,
  findCommand,
  findWorking,
  Log,
  outputOf,
  readLines,
  run,
  searchPath,
} from "../../../tools/build/process.ts";

/** Runs a test with a log in a cache of its own; returns what the log holds. */
async function withLog(work: (log: Log) => Promise<void>): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-log-" });
  chooseCacheFolder(folder);
  const log = await Log.open("test");
  try {
    await work(log);
    return await Deno.readTextFile(log.path);
  } finally {
    log.close();
    chooseCacheFolder(undefined);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a command's output goes line by line to the log and to the caller", async () => {
  const lines: string[] = [];
  const text = await withLog(async (log) => {
    await run(log, ["sh", "-c", "echo one; printf two; echo $THREE"], {
      env: { THREE: "three" },
      onLine: (line) => lines.push(line),
    });
  });
  assertEquals(lines, ["one", "twothree"]);
  assertStringIncludes(text, "$ sh -c");
  assertStringIncludes(text, "\none\ntwothree\n");
});

Deno.test("a command that fails says how, with its last lines and the log's path", async () => {
  await withLog(async (log) => {
    const fail = () => run(log, ["sh", "-c", "seq 1 100; echo oops >&2; exit 3"]);
    const error = await assertRejects(fail, CommandError, "failed with code 3") as CommandError;
    assertStringIncludes(error.message, "\n  100\n");
    assertStringIncludes(error.message, "\n  oops\n");
    assertEquals(error.message.includes("\n  50\n"), false);
    assertStringIncludes(error.message, log.path);
  });
});

Deno.test("a command that is not there is named", async () => {
  await withLog(async (log) => {
    await assertRejects(() => run(log, ["no-such-command-here"]), CommandError, "no such command");
  });
});

Deno.test("a command that takes too long is ended", async () => {
  await withLog(async (log) => {
    const hang = () => run(log, ["sleep", "60"], { timeoutMs: 100 });
    await assertRejects(hang, CommandError, "was ended by SIGKILL");
  });
});

Deno.test("logs make room for new ones", async () => {
  await withLog(async (log) => {
    const folder = log.path.slice(0, log.path.lastIndexOf("/"));
    for (let index = 10; index < 70; index++) {
      await Deno.writeTextFile(`${folder}/2000-${index}.log`, "");
    }
    (await Log.open("next")).close();
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assertEquals(names.length, 40);
    assertEquals(names.includes("2000-69.log"), true);
    assertEquals(names.includes("2000-10.log"), false);
  });
});

Deno.test("lines are told apart however the stream is cut", async () => {
  const cut = async (...chunks: string[]) => {
    const lines: string[] = [];
    const bytes = chunks.map((chunk) => new TextEncoder().encode(chunk));
    await readLines(ReadableStream.from(bytes), (line) => lines.push(line));
    return lines;
  };
  assertEquals(await cut("a\nb", "c\n", "d"), ["a", "bc", "d"]);
  assertEquals(await cut("10 %\r20 %\r\nend\n"), ["10 %", "20 %", "end"]);
  assertEquals(await cut(), []);
});

Deno.test("system folders stand behind the search path, each once", () => {
  assertEquals(searchPath("/usr/bin:/bin"), "/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
  assertEquals(searchPath("/sbin::/bin"), "/sbin:/bin:/usr/local/sbin:/usr/sbin");
});

Deno.test("a stand-in that does not work is passed over for a command that does", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-path-" });
  try {
    for (const [name, code] of [["broken", 1], ["working", 0]] as const) {
      await Deno.mkdir(`${folder}/${name}`);
      await Deno.writeTextFile(`${folder}/${name}/lanparty-tool`, `#!/bin/sh\nexit ${code}\n`, {
        mode: 0o755,
      });
    }
    await Deno.writeTextFile(`${folder}/lanparty-tool`, "", { mode: 0o644 });
    const path = searchPath(`${folder}:${folder}/broken:${folder}/working`);
    assertEquals(await findCommand("lanparty-tool", path), `${folder}/broken/lanparty-tool`);
    assertEquals(await findWorking("lanparty-tool", [], path), `${folder}/working/lanparty-tool`);
    assertEquals(await findWorking("no-such-command-here", []), undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the output of a command that fails is undefined", async () => {
  assertEquals(await outputOf(["sh", "-c", "echo yes"]), "yes\n");
  assertEquals(await outputOf(["sh", "-c", "echo no; exit 1"]), undefined);
  assertEquals(await outputOf(["no-such-command-here"]), undefined);
});
