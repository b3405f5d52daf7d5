/** Reading the project's own sources for the tests of its house rules. */

/** A source file of this repository: its path from the root, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A node of the syntax tree, as far as the rules look at it. */
export interface SyntaxNode {
  readonly type: string;
  readonly range: readonly [number, number];
  readonly parent: SyntaxNode | null;
  readonly [property: string]: unknown;
}

const ROOT = new URL("../../../", import.meta.url).pathname;

/** The path from the root of what a file names relative to itself: an import, or a document's link. */
export function pathFrom(file: Pick<SourceFile, "path">, relative: string): string {
  return new URL(relative, `file:///${file.path}`).pathname.slice(1);
}

/** All TypeScript files below these folders of the repository, sorted by path. */
export function readSources(folders: readonly string[]): SourceFile[] {
  return folders.flatMap((folder) => readFiles(folder)).filter(({ path }) => path.endsWith(".ts"));
}

/** All files of the repository, but for lock files and what is built. */
export function readEverything(): SourceFile[] {
  return readFiles("").filter(({ path }) => !/(^|\/)(deno|Cargo)\.lock$/.test(path));
}

/** What is no part of the repository, or no text. */
const SKIPPED = /^(\.git|dist|node_modules)$|\.(so|unfinished)$/;

function readFiles(folder: string): SourceFile[] {
  const found: SourceFile[] = [];
  for (const entry of Deno.readDirSync(ROOT + folder)) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (SKIPPED.test(path)) continue;
    if (entry.isDirectory) found.push(...readFiles(path));
    else if (entry.isFile) found.push({ path, text: Deno.readTextFileSync(ROOT + path) });
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Calls `visit` with every node of the file's syntax tree, parents first. */
export function visitNodes(file: SourceFile, visit: (node: SyntaxNode) => void): void {
  const rule: Deno.lint.Rule = {
    create: () => ({ "*": (node: unknown) => visit(node as SyntaxNode) }) as Deno.lint.LintVisitor,
  };
  Deno.lint.runPlugin({ name: "house", rules: { visit: rule } }, file.path, file.text);
}

/** The 1-based line on which the file's character at `index` stands. */
export function lineAt(file: SourceFile, index: number): number {
  return file.text.slice(0, index).split("\n").length;
}

/** `path:line: text`, as editors can follow it. */
export function finding(file: SourceFile, index: number, text: string): string {
  return `${file.path}:${lineAt(file, index)}: ${text}`;
}

/** The name of an identifier node, or undefined for any other. */
export function nameOf(node: unknown): string | undefined {
  const { type, name } = (node ?? {}) as SyntaxNode;
  return type === "Identifier" && typeof name === "string" ? name : undefined;
}
