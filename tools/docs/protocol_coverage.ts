/** `docs/PROTOCOL-COVERAGE.md`: which code does, and which test shows, what PROTOCOL.md requires. */
import { listFiles } from "../build/cache.ts";
import { readSections, type Section } from "./protocol_document.ts";
import { type Coverage, coverageOf, type QuotingFile } from "./protocol_quotations.ts";

const ROOT = new URL("../../", import.meta.url);

/** How much of a requirement the report shows, in characters. */
const TEXT_LENGTH_MAX = 170;

/** The files that may quote: all of `src`, and the tests themselves. */
export async function readQuotingFiles(): Promise<QuotingFile[]> {
  const skipped = (path: string) => /\.\w+$/.test(path) && !path.endsWith(".ts");
  const paths = [
    ...(await listFiles(new URL("src", ROOT).pathname, skipped)).map((path) => `src/${path}`),
    ...(await listFiles(new URL("tests", ROOT).pathname, skipped)).map((path) => `tests/${path}`)
      .filter((path) => path.endsWith("_test.ts")),
  ];
  return await Promise.all(paths.map(async (path) => ({
    path,
    text: await Deno.readTextFile(new URL(path, ROOT)),
  })));
}

/** The protocol's document, in sections. */
export async function readProtocol(): Promise<Section[]> {
  return readSections(await Deno.readTextFile(new URL("src/proto/PROTOCOL.md", ROOT)));
}

/** The report's text. */
export async function formatProtocolCoverage(): Promise<string> {
  const sections = await readProtocol();
  const coverage = coverageOf(sections, await readQuotingFiles());
  const own = (number: string) => coverage.filter(({ section }) => section === number);
  const parts = sections.filter(({ number }) => own(number).length > 0);
  return `# What of PROTOCOL.md is quoted

[PROTOCOL.md](../src/proto/PROTOCOL.md) says what relays and endpoints have to do. Here is, for each of its requirements, the
code that does it and the test that shows it, as they quote it themselves: a comment \`//= PROTOCOL.md 9.1\`, and below it the
words behind \`//#\`. A test fails when a quotation is no longer in the document, so whoever changes a sentence is led to the
code and to the test that must change with it.

A requirement is a row of a table, or a sentence that says *must*, *should*, *may*, *never*, *only* and the like, of sections 3
to 12; it counts where it is quoted, or a part of it. Where nothing is quoted there may be code and a test none the less:
nobody has said yet where.

| section | requirements | with code | with a test | with both |
|---|---|---|---|---|
${parts.map(({ number, title }) => countRow(`${number} ${title}`, own(number))).join("\n")}
${countRow("**all**", coverage)}
${parts.map((part) => sectionTable(part, own(part.number))).join("")}
This file is written by \`deno task docs\`.
`;
}

function countRow(name: string, rows: readonly Coverage[]): string {
  const coded = rows.filter(({ code }) => code.length > 0);
  const tested = rows.filter(({ tests }) => tests.length > 0);
  const both = coded.filter(({ tests }) => tests.length > 0);
  return `| ${name} | ${rows.length} | ${coded.length} | ${tested.length} | ${both.length} |`;
}

function sectionTable({ number, title }: Section, rows: readonly Coverage[]): string {
  return `
## ${number} ${title}

| requirement | code | test |
|---|---|---|
${
    rows.map(({ text, code, tests }) =>
      `| ${plain(text)} | ${code.map(link).join(", ") || "–"} | ${
        tests.map(link).join(", ") || "–"
      } |`
    ).join("\n")
  }
`;
}

/** A requirement's words without marks, in one cell, cut where they go on for long. */
function plain(text: string): string {
  const words = text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("**", "")
    .replaceAll(/^\| *| *\|$/g, "").replaceAll(/ *\| *(\| *)*/g, " · ").replaceAll(
      /[<>*]/g,
      "\\$&",
    );
  if (words.length <= TEXT_LENGTH_MAX) return words;
  const cut = words.slice(0, words.lastIndexOf(" ", TEXT_LENGTH_MAX));
  // An odd number of backticks would make code of all that follows.
  return (cut.split("`").length % 2 === 0 ? `${cut}\`` : cut) + " …";
}

function link(path: string): string {
  const name = path.replace(/^(src|tests)\//, "").replace(/(_test)?\.ts$/, "");
  return `[${name}](../${path})`;
}
