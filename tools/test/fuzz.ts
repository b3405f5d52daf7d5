/**
 * `deno task fuzz`: runs the fuzzers for longer than the tests do, each for a minute or as long as is said. An input
 * that finds a fault is kept, and it says where.
 *
 * usage: deno task fuzz [--seconds N] [NAME…]
 */
import { runTool } from "../build/build.ts";
import { cacheFolder } from "../build/cache.ts";
import { corpusFolder, ensureFuzzer, FUZZERS } from "../build/fuzzers.ts";
import { ensurePrerequisites, FUZZING, NATIVE_LIBRARY } from "../build/prerequisites.ts";
import { say } from "../build/progress.ts";
import { readToolArguments } from "../build/tool_arguments.ts";

const SECONDS = 60;
const SECONDS_MAX = 86_400;
const USAGE = "usage: deno task fuzz [--seconds N] [NAME…]\n" +
  `names: ${FUZZERS.map(({ name }) => name).join(" ")}`;

async function main(): Promise<number> {
  const options = [{ name: "seconds", value: "N" }];
  const found = readToolArguments({ usage: USAGE, options, takesWords: true }, Deno.args);
  if (found === undefined) return 2;
  const names = found.words;
  const seconds = Number(found.values.get("seconds")?.at(-1) ?? SECONDS);
  const isKnown = names.every((name) => FUZZERS.some((fuzzer) => fuzzer.name === name));
  if (!isKnown || !Number.isInteger(seconds) || seconds < 1 || seconds > SECONDS_MAX) {
    console.error(USAGE);
    return 2;
  }
  await ensurePrerequisites([...NATIVE_LIBRARY, ...FUZZING]);
  const wanted = FUZZERS.filter(({ name }) => names.length === 0 || names.includes(name));
  let failed = 0;
  for (const fuzzer of wanted) {
    say(`\n── ${fuzzer.name}, ${seconds} s ──`);
    const folder = `${cacheFolder()}/fuzz/${fuzzer.name}`;
    await Deno.mkdir(`${folder}/corpus`, { recursive: true });
    const { success } = await new Deno.Command(await ensureFuzzer(fuzzer), {
      args: [
        ...[`-max_total_time=${seconds}`, "-max_len=1500", "-print_final_stats=1", "-verbosity=0"],
        ...[`-artifact_prefix=${folder}/`, `${folder}/corpus`, corpusFolder(fuzzer)],
      ],
      stdin: "null",
    }).output().then((output) => {
      say(new TextDecoder().decode(output.stderr).trimEnd());
      return output;
    });
    if (success) continue;
    failed++;
    say(`✗ ${fuzzer.name} has found a fault; the input is in ${folder}`);
  }
  say(`\n${wanted.length - failed} of ${wanted.length} fuzzers found nothing`);
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) await runTool(main);
