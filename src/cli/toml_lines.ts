/**
 * On which line of a TOML document a key is set; the parser tells values only.
 *
 * The document is cut into its statements (`key = value`, `[header]`), which may go over several lines, and
 * each is parsed by itself: all keys of a document are found in one walk over it.
 *
 * @module
 */
import { parse } from "smol-toml";

/** How many keys of a path are told apart: options have a name, and a room below it. */
const PATH_KEYS_MAX = 4;

/** The lines, from 1, on which the keys of a document are first set. */
export class TomlLines {
  readonly #lines = new Map<string, number>();

  /** @param text a document that was parsed without an error */
  constructor(text: string) {
    let header: readonly string[] = [];
    for (const { start, end, line } of statementsOf(text)) {
      const statement = text.slice(start, end);
      const table = parse(statement);
      const isHeader = statement.trimStart().startsWith("[");
      if (isHeader) header = headerPath(table);
      this.#note(isHeader ? [] : header, table, line);
    }
  }

  /** The line on which a key, or what holds it, is set; 1 for what is nowhere. */
  lineOf(path: readonly string[]): number {
    for (let length = Math.min(path.length, PATH_KEYS_MAX); length > 0; length--) {
      const line = this.#lines.get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  }

  #note(above: readonly string[], value: unknown, line: number): void {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return;
    if (above.length === PATH_KEYS_MAX) return;
    for (const [key, below] of Object.entries(value)) {
      const path = [...above, key];
      const name = JSON.stringify(path);
      if (!this.#lines.has(name)) this.#lines.set(name, line);
      this.#note(path, below, line);
    }
  }
}

/** The keys of a header: `[a.b]` and `[[a.b]]` are parsed as empty tables. */
function headerPath(table: unknown): string[] {
  const path: string[] = [];
  let at = table;
  while (path.length < PATH_KEYS_MAX && typeof at === "object" && at !== null) {
    const [entry] = Object.entries(at);
    if (entry === undefined || Array.isArray(at)) break;
    path.push(entry[0]);
    at = entry[1];
  }
  return path;
}

interface Statement {
  /** Where it begins and ends in the text. */
  readonly start: number;
  readonly end: number;
  readonly line: number;
}

/** The statements of a document: each ends with a line that is not inside of a text or of brackets. */
function* statementsOf(text: string): Iterable<Statement> {
  let [start, line, startLine, depth] = [0, 1, 1, 0];
  for (let at = 0; at < text.length;) {
    const next = skipToken(text, at);
    const character = text[at];
    if (character === "[" || character === "{") depth++;
    if (character === "]" || character === "}") depth--;
    for (let i = at; i < next; i++) if (text[i] === "\n") line++;
    at = next;
    if (character !== "\n" || depth > 0) continue;
    yield { start, end: at, line: startLine };
    [start, startLine] = [at, line];
  }
  yield { start, end: text.length, line: startLine };
}

/** Behind the comment, the text in quotes or the single character that begins at `at`. */
function skipToken(text: string, at: number): number {
  const quote = text[at];
  if (quote === "#") return orEnd(text, text.indexOf("\n", at));
  if (quote !== '"' && quote !== "'") return at + 1;
  const isLong = text.startsWith(quote.repeat(3), at);
  const closing = isLong ? quote.repeat(3) : quote;
  let end = at + closing.length;
  while (end < text.length && !text.startsWith(closing, end)) {
    end += quote === '"' && text[end] === "\\" ? 2 : 1;
  }
  end += closing.length;
  // One or two quotes in front of the closing three belong to the text.
  for (let extra = 0; isLong && extra < 2 && text[end] === quote; extra++) end++;
  return Math.min(end, text.length);
}

function orEnd(text: string, at: number): number {
  return at < 0 ? text.length : at;
}
