/**
 * Quotations of PROTOCOL.md in the sources: at the code that does what a sentence requires, and at the test that
 * shows it. They are comments like those of Amazon's duvet, with the number of the section and its words:
 *
 *     //= PROTOCOL.md 9.1
 *     //# The piece at offset 0 has M set and at least 600 bytes.
 *
 * A quotation may go on over several lines, and `[…]` in it leaves out what stands between two of its parts, which
 * counts as quoted as well.
 */
import type { Requirement, Section } from "./protocol_document.ts";

/** A source file: its path from the repository's root, and its text. */
export interface QuotingFile {
  readonly path: string;
  readonly text: string;
}

/** Words of the document that stand in a source. */
export interface Quotation {
  readonly path: string;
  /** The line where it begins, from 1 on. */
  readonly line: number;
  readonly section: string;
  readonly words: string;
}

/** Where a quotation's words stand in its section's text. */
interface Span {
  readonly section: string;
  readonly begin: number;
  readonly end: number;
}

const HEAD = /^\s*\/\/= (.*)$/;
const WORDS = /^\s*\/\/# (.*)$/;
const DOCUMENT = "PROTOCOL.md ";
const GAP = "[…]";

/** All quotations of a file. @throws {Error} a comment that is half of one */
export function readQuotations({ path, text }: QuotingFile): Quotation[] {
  const found: Quotation[] = [];
  let open: { readonly line: number; readonly section: string; words: string[] } | undefined;
  const close = () => {
    if (open === undefined) return;
    if (open.words.length === 0) throw new Error(`${path}:${open.line}: nothing is quoted`);
    found.push({ path, ...open, words: open.words.join(" ") });
    open = undefined;
  };
  for (const [index, line] of text.split("\n").entries()) {
    const words = WORDS.exec(line)?.[1];
    if (words !== undefined) {
      if (open === undefined) throw new Error(`${path}:${index + 1}: of which section is this?`);
      open.words.push(words.trim());
      continue;
    }
    close();
    const head = HEAD.exec(line)?.[1];
    if (head === undefined) continue;
    if (!head.startsWith(DOCUMENT)) {
      throw new Error(`${path}:${index + 1}: //= ${DOCUMENT}SECTION, not ${head}`);
    }
    open = { line: index + 1, section: head.slice(DOCUMENT.length).trim(), words: [] };
  }
  close();
  return found;
}

/** Where the words stand. @throws {Error} nowhere, or in several places */
export function findQuotation(
  { path, line, section, words }: Quotation,
  sections: readonly Section[],
): Span {
  const wrong = (what: string) => new Error(`${path}:${line}: ${what}`);
  const text = sections.find(({ number }) => number === section)?.text;
  if (text === undefined) throw wrong(`PROTOCOL.md has no section ${section}`);
  let [begin, end] = [-1, 0];
  for (const part of words.split(GAP).map((part) => part.trim())) {
    const at = text.indexOf(part, end);
    if (part === "" || at < 0) throw wrong(`PROTOCOL.md ${section} does not say: ${part}`);
    if (begin < 0) {
      if (text.includes(part, at + 1)) throw wrong(`PROTOCOL.md ${section} says it twice: ${part}`);
      begin = at;
    }
    end = at + part.length;
  }
  return { section, begin, end };
}

/** A requirement, and the files that quote it or a part of it. */
export interface Coverage extends Requirement {
  readonly code: readonly string[];
  readonly tests: readonly string[];
}

/** Each requirement with who quotes it. @throws {Error} a quotation is not the document's */
export function coverageOf(
  sections: readonly Section[],
  files: readonly QuotingFile[],
): Coverage[] {
  const spans = files.flatMap((file) =>
    readQuotations(file).map((quotation) => ({
      path: quotation.path,
      ...findQuotation(quotation, sections),
    }))
  );
  return sections.flatMap(({ number, text, requirements }) => {
    let from = 0;
    return requirements.map((requirement) => {
      const begin = text.indexOf(requirement.text, from);
      from = begin + requirement.text.length;
      const paths = spans.filter((span) =>
        span.section === number && span.begin < from && span.end > begin
      ).map(({ path }) => path);
      const unique = [...new Set(paths)].sort();
      return {
        ...requirement,
        code: unique.filter((path) => path.startsWith("src/")),
        tests: unique.filter((path) => path.startsWith("tests/")),
      };
    });
  });
}
