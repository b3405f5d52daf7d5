/** What docs/MISTAKES.md says is printed stands in the sources, and each row's tests are there. */
import { assert } from "@std/assert";
import { MISTAKES } from "../../../tools/docs/mistakes.ts";

const ROOT = new URL("../../../", import.meta.url);

/** A source's texts as they are printed: what is put together with `+` is one. */
async function textsOf(path: string): Promise<string> {
  const code = await Deno.readTextFile(new URL(path, ROOT));
  return code.replaceAll(/["`]\s*\+\s*["`]/g, "");
}

Deno.test("what is printed stands in the source that is named, but for its values", async () => {
  for (const one of MISTAKES) {
    if ("sentence" in one || one.told.startsWith("(")) continue;
    const text = await textsOf(`src/${one.source}`);
    for (const part of one.told.split(/\{\w+\}/).map((part) => part.trim())) {
      assert(text.includes(part), `${one.mistake}: ${one.source} has no "${part}"`);
    }
  }
});

Deno.test("each row's tests are there", async () => {
  for (const one of MISTAKES) {
    if ("sentence" in one) continue;
    assert(one.tests.length > 0, one.mistake);
    for (const [file, name] of one.tests) {
      const text = await Deno.readTextFile(new URL(`tests/${file}_test.ts`, ROOT));
      assert(text.includes(name), `${one.mistake}: ${file} has no test "${name}"`);
    }
  }
});
