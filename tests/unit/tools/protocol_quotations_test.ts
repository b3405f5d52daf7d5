/** Quotations of PROTOCOL.md say what the document says; and the tool finds those that do not. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { readProtocol, readQuotingFiles } from "../../../tools/docs/protocol_coverage.ts";
import { readSections } from "../../../tools/docs/protocol_document.ts";
import {
  coverageOf,
  findQuotation,
  type QuotingFile,
  readQuotations,
} from "../../../tools/docs/protocol_quotations.ts";

const DOCUMENT = `# The document

## 3. Pieces

A relay must
forward them. Why is said below.

- Readers may wait: never
  for long.
- Nothing else.

| field | type |
|---|---|
| \`a\` | count |
| | *in pieces* |
| \`b\` | text |

\`\`\`
it must not be read
\`\`\`

### 3.1 Ends

A relay must
forward them, too.

## 13. Constants

Nobody must read this.
`;

const SECTIONS = readSections(DOCUMENT);

function quoting(path: string, ...lines: string[]): QuotingFile {
  return {
    path,
    text: `const a = 1;\n${lines.map((line) => `  ${line}\n`).join("")}const b = 2;\n`,
  };
}

Deno.test("each quotation in the sources is the document's", async () => {
  const sections = await readProtocol();
  const quotations = (await readQuotingFiles()).flatMap(readQuotations);
  assert(quotations.length > 150, `${quotations.length}`);
  for (const quotation of quotations) findQuotation(quotation, sections);
});

Deno.test("sentences that require something and rows of tables are requirements", () => {
  const found = SECTIONS.flatMap(({ requirements }) => requirements);
  assertEquals(found.map(({ section, text }) => `${section}: ${text}`), [
    "3: A relay must forward them.",
    "3: Readers may wait: never for long.",
    "3: | `a` | count |",
    "3: | `b` | text |",
    "3.1: A relay must forward them, too.",
  ]);
});

Deno.test("a requirement is covered by who quotes it or a part of it, in its own section", () => {
  const coverage = coverageOf(SECTIONS, [
    quoting("src/a.ts", "//= PROTOCOL.md 3", "//# A relay must", "//# forward them."),
    quoting("src/b.ts", "//= PROTOCOL.md 3", "//# never for long. […] | `b` |"),
    quoting("tests/c_test.ts", "//= PROTOCOL.md 3.1", "//# A relay must forward them, too."),
  ]);
  assertEquals(coverage.map(({ code, tests }) => [...code, ...tests]), [
    ["src/a.ts"],
    ["src/b.ts"],
    ["src/b.ts"],
    ["src/b.ts"],
    ["tests/c_test.ts"],
  ]);
});

Deno.test("a quotation that the document does not have, or has twice, is found, with its line", () => {
  const table: [string[], string][] = [
    [
      ["//= PROTOCOL.md 3", "//# A relay should"],
      "src/a.ts:2: PROTOCOL.md 3 does not say: A relay should",
    ],
    [
      ["//= PROTOCOL.md 3", "//# A relay […] them, too"],
      "src/a.ts:2: PROTOCOL.md 3 does not say: them, too",
    ],
    [["//= PROTOCOL.md 3", "//# | `"], "src/a.ts:2: PROTOCOL.md 3 says it twice: | `"],
    [["//= PROTOCOL.md 4", "//# A relay"], "src/a.ts:2: PROTOCOL.md has no section 4"],
    [["//= PROTOCOL.md 3"], "src/a.ts:2: nothing is quoted"],
    [["//= RFC 9000", "//# QUIC"], "src/a.ts:2: //= PROTOCOL.md SECTION, not RFC 9000"],
    [["//# A relay"], "src/a.ts:2: of which section is this?"],
  ];
  for (const [lines, message] of table) {
    assertThrows(() => coverageOf(SECTIONS, [quoting("src/a.ts", ...lines)]), Error, message);
  }
});
