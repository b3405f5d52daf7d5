/**
 * Fuzzers of what strangers' bytes meet in msquic, and of our patches against models of what they should do:
 * a fixed number of inputs from a fixed seed, on top of a corpus. Each finds a fault that is planted, so that it
 * is known to look where it should. `deno task fuzz` looks for longer.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { listFiles } from "../../tools/build/cache.ts";
import { corpusFolder, ensureFuzzer, type Fuzzer, FUZZERS } from "../../tools/build/fuzzers.ts";

/** Of a failure so many characters at the end are shown. */
const SHOWN_CHARACTERS = 4_000;

interface Run {
  readonly success: boolean;
  readonly text: string;
}

/** Runs a fuzzer over its corpus and on; what it finds out to be new goes to a folder that is gone afterwards. */
async function fuzz(path: string, fuzzer: Fuzzer): Promise<Run> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-fuzz-" });
  try {
    const { success, stderr } = await new Deno.Command(path, {
      args: [
        ...["-seed=1", `-runs=${fuzzer.runs}`, "-max_len=1500", "-timeout=300"],
        ...[`-artifact_prefix=${folder}/`, folder, corpusFolder(fuzzer)],
      ],
      cwd: folder,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    return { success, text: new TextDecoder().decode(stderr).slice(-SHOWN_CHARACTERS) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const fuzzer of FUZZERS) {
  Deno.test(`${fuzzer.name}: no input finds a fault, and one that is planted is found`, async () => {
    const { success, text } = await fuzz(await ensureFuzzer(fuzzer), fuzzer);
    assertEquals(success, true, text);
    assertMatch(text, new RegExp(`Done ${fuzzer.runs} runs`));
    for (const fault of [fuzzer.fault, fuzzer.secondFault].filter((fault) => fault !== undefined)) {
      const planted = await fuzz(await ensureFuzzer(fuzzer, fault), fuzzer);
      assertEquals(planted.success, false, planted.text);
      assertMatch(planted.text, /Test unit written to/);
    }
  });
}

Deno.test("each fuzzer has a corpus, and each corpus a fuzzer", async () => {
  const folder = corpusFolder(FUZZERS[0]).replace(/\/[^/]*$/, "");
  const files = await listFiles(folder);
  const found = new Set(files.map((path) => path.split("/")[0]));
  assertEquals([...found].sort(), FUZZERS.map(({ name }) => name).sort());
});
