/** Each sentence has a key of the one form, says something of its own, and is provoked by a test. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { fillSentence, sentenceLine } from "../../../src/observe/sentences.ts";
import { allSentences } from "../../../tools/docs/sentence_areas.ts";
import { findUnprovoked, readNamings, readTestFiles } from "../../../tools/docs/sentences.ts";

Deno.test("each sentence of the tables is named by a test that provokes it", async () => {
  assertEquals(findUnprovoked(await readTestFiles()), []);
});

Deno.test("keys have one form, sentences end like sentences, and no two say the same", () => {
  const seen = new Set<string>();
  for (const { key, sentence } of allSentences()) {
    assertMatch(key, /^[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*$/);
    for (const text of [sentence.what, ...sentence.advice === undefined ? [] : [sentence.advice]]) {
      assertMatch(text, /^[A-Z{/].*[.!?…]$/, key);
    }
    const line = sentenceLine(sentence);
    assert(!seen.has(line), `${key}: said under another key, too`);
    seen.add(line);
  }
});

Deno.test("values take their places, each wherever it is named, and a missing one is a mistake", () => {
  const sentence = { what: "{who} has {what}.", advice: "Ask {who}." };
  assertEquals(
    fillSentence(sentence, { who: "Ann {what}", what: "it" }),
    { what: "Ann {what} has it.", advice: "Ask Ann {what}." },
  );
  assertThrows(() => fillSentence(sentence, { who: "Ann" }), RangeError, "{what}");
});

Deno.test("a test that names a sentence is found by the name that it has", () => {
  const [name, pattern] = ["saying", "sayingPattern"];
  const text = `
const ABOVE = ${name}("lan/looking");
Deno.test("one", () => { ${name}("lan/good", { address }); });
// ${name}("lan/commented");
  partyTest(
    "another",
    () => ${pattern}("lan/outside"),
  );
`;
  assertEquals(readNamings({ path: "tests/x_test.ts", text }), [
    { key: "lan/looking", path: "tests/x_test.ts", test: undefined },
    { key: "lan/good", path: "tests/x_test.ts", test: "one" },
    { key: "lan/outside", path: "tests/x_test.ts", test: "another" },
  ]);
});
