/**
 * `docs/SENTENCES.md`: what the programs say of how they are doing, and which tests provoke it.
 *
 * A test names a sentence by asking for it: `saying("lan/good", …)` and the other functions of
 * tests/support/sentences.ts, with the key as it stands. What is compared with them must be the program's own.
 */
import { listFiles } from "../build/cache.ts";
import type { Sentence } from "../../src/observe/sentences.ts";
import { allSentences, SENTENCE_AREAS, type SentenceArea } from "./sentence_areas.ts";

const ROOT = new URL("../../", import.meta.url);

/** A test's file: its path from the repository's root, and its text. */
export interface TestFile {
  readonly path: string;
  readonly text: string;
}

/** A place where a test names a sentence. */
export interface Naming {
  readonly key: string;
  readonly path: string;
  /** The name of the test that the place is in, or in front of all tests of its file. */
  readonly test: string | undefined;
}

const CALL = /\b(?:saying|sayingPattern|sentenceOf)\(\s*"([a-z0-9-]+\/[a-z0-9-]+)"/g;
const TEST = /\b(?:Deno\.test|[a-z]\w*Test)\(\s*(["`])((?:(?!\1).)+)\1/g;

/** The places of a file that name sentences. Comments name none. */
export function readNamings({ path, text }: TestFile): Naming[] {
  const code = text.replaceAll(/^\s*(?:\/\/|\*|\/\*).*$/gm, (line) => " ".repeat(line.length));
  const tests = [...code.matchAll(TEST)];
  return [...code.matchAll(CALL)].map((call) => ({
    key: call[1],
    path,
    test: tests.findLast(({ index }) => index < call.index)?.[2],
  }));
}

/** The tests of the repository. */
export async function readTestFiles(): Promise<TestFile[]> {
  const skipped = (path: string) => /\.\w+$/.test(path) && !path.endsWith(".ts");
  const paths = (await listFiles(new URL("tests", ROOT).pathname, skipped))
    .filter((path) => path.endsWith("_test.ts")).map((path) => `tests/${path}`).sort();
  return await Promise.all(paths.map(async (path) => ({
    path,
    text: await Deno.readTextFile(new URL(path, ROOT)),
  })));
}

/** The keys of sentences that no test names. */
export function findUnprovoked(files: readonly TestFile[]): string[] {
  const named = new Set(files.flatMap(readNamings).map(({ key }) => key));
  return allSentences().map(({ key }) => key).filter((key) => !named.has(key));
}

/** The document's text. */
export async function formatSentencesDocument(): Promise<string> {
  const namings = (await readTestFiles()).flatMap(readNamings);
  const areas = Object.entries<SentenceArea>(SENTENCE_AREAS);
  const count = allSentences().length;
  return `# What the programs say, and what shows it

Whether it works, and if not why: ${count} sentences, each a row of a table in the sources, with the tests that provoke
what it says and hold the program to it. In a sentence \`{name}\` stands for a value. A test fails when a sentence has no test.
${areas.map(([name, area]) => areaText(name, area, namings)).join("")}
This file is written by \`deno task docs\`.
`;
}

function areaText(
  name: string,
  { title, about, table }: SentenceArea,
  all: readonly Naming[],
): string {
  const rows = Object.entries(table).map(([key, sentence]) => {
    const namings = all.filter((naming) => naming.key === `${name}/${key}`);
    return `| \`${name}/${key}\` | ${textOf(sentence)} | ${
      namings.length === 0 ? "–" : links(namings)
    } |`;
  });
  return `
## ${title}

${about}

| key | what is said, and what to do | provoked by |
|---|---|---|
${rows.join("\n")}
`;
}

function textOf({ what, advice }: Sentence): string {
  return advice === undefined ? plain(what) : `${plain(what)} *${plain(advice)}*`;
}

/** Each test once, one below the other. */
function links(namings: readonly Naming[]): string {
  const texts = namings.map(({ path, test }) => {
    const file = path.replace(/^tests\//, "").replace(/_test\.ts$/, "");
    return `[${file}](../${path})${test === undefined ? "" : `: ${plain(test)}`}`;
  });
  return [...new Set(texts)].join("<br>");
}

/** A text that is nothing but text in a cell of a table. */
function plain(text: string): string {
  return text.replaceAll(/[|<>*_\\]/g, "\\$&");
}
