/** The table of msquic's changes (tools/msquic/UPSTREAM.md) and our patches tell of each other. */
import { assert, assertEquals } from "@std/assert";
import { PATCHES, TLS_PATCHES } from "../../../tools/build/native_library.ts";

const FOLDER = new URL("../../../tools/msquic/", import.meta.url);
const ROOT = new URL("../../../", import.meta.url);
/** The changes on `main` and on `release/2.5`, as far as they have been gone through. */
const ROWS_MIN = 129;

interface Row {
  readonly pullRequest: string;
  readonly commits: readonly string[];
  readonly mends: string;
  readonly ours: string;
}

const page = await Deno.readTextFile(new URL("UPSTREAM.md", FOLDER));
const rows: readonly Row[] = page.split("\n").flatMap((line) => {
  const cells = line.split("|").slice(1, -1).map((cell) => cell.trim());
  if (cells.length !== 5 || !/^\d+$/.test(cells[0])) return [];
  const [pullRequest, main, release, mends, ours] = cells;
  return [{ pullRequest, commits: [main, release], mends, ours }];
});

/** `0013` of `0013-always-a-path.patch`. */
const numberOf = (patch: string) => patch.slice(0, 4);
const patches = [...PATCHES, ...TLS_PATCHES];
const numbers = patches.map(numberOf);

/** A patch's head: all before its first file. */
async function headOf(patch: string): Promise<string> {
  const text = await Deno.readTextFile(new URL(`patches/${patch}`, FOLDER));
  return text.slice(0, text.indexOf("\n--- "));
}

/** The pull requests that a head names as its counterparts. */
function counterparts(head: string): string[] {
  const line = head.match(/^Upstream: pull requests? ((?:.|\n)*?)(?:\n[A-Z]|$)/m)?.[1] ?? "";
  return line.match(/\b\d{4}\b/g) ?? [];
}

Deno.test("each of upstream's changes has a patch of ours, or a reason why there is none", () => {
  assert(rows.length >= ROWS_MIN, `${rows.length} rows`);
  assertEquals(new Set(rows.map(({ pullRequest }) => pullRequest)).size, rows.length);
  for (const { pullRequest, commits, mends, ours } of rows) {
    assert(commits.some((commit) => /^[0-9a-f]{9}$/.test(commit)), `${pullRequest} has no commit`);
    assert(mends.length > 3, `${pullRequest} says nothing`);
    const reason = /^(no: |in 2\.5\.1-beta already|in our TLS file already|\d{4})/;
    assert(reason.test(ours), `${pullRequest}: ${ours}`);
  }
});

Deno.test("each patch that the table names is there", () => {
  const named = rows.flatMap(({ ours }) => ours.match(/\b00\d\d\b/g) ?? []);
  assert(named.length > 0);
  assertEquals(named.filter((number) => !numbers.includes(number)), []);
});

Deno.test("the table names each patch that says it has a counterpart", async () => {
  let found = 0;
  for (const patch of patches) {
    for (const pullRequest of counterparts(await headOf(patch))) {
      found++;
      const row = rows.find((row) => row.pullRequest === pullRequest);
      assert(row?.ours.includes(numberOf(patch)), `${patch} and ${pullRequest}: ${row?.ours}`);
    }
  }
  assert(found >= 17, `${found} counterparts`);
});

Deno.test("each patch is named on the page", () => {
  assertEquals(numbers.filter((number) => !new RegExp(`\\b${number}\\b`).test(page)), []);
});

Deno.test("each test that a patch names is there", async () => {
  for (const patch of patches) {
    for (const path of (await headOf(patch)).match(/\btests\/\S+_test\.ts/g) ?? []) {
      const { isFile } = await Deno.stat(new URL(path, ROOT));
      assert(isFile, `${patch}: ${path}`);
    }
  }
});

Deno.test("each test that docs/SILENCE.md names is there", async () => {
  const silence = await Deno.readTextFile(new URL("docs/SILENCE.md", ROOT));
  const paths = silence.match(/\btests\/[\w/]+_test\.ts/g) ?? [];
  assert(paths.length > 5);
  for (const path of paths) assert((await Deno.stat(new URL(path, ROOT))).isFile, path);
});
