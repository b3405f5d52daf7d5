/** The house rules that a formatter and a linter do not know, each as a function from a file to findings. */
import { finding, nameOf, type SourceFile, type SyntaxNode, visitNodes } from "./source.ts";

/** A file has one subject, and that fits this many lines. */
export const FILE_LINES_MAX = 450;

/** A function fits a screen. */
export const FUNCTION_LINES_MAX = 70;

const FUNCTIONS = ["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"];

/** Lines of a text; quotations of the protocol's document are not the author's, and do not count. */
function countLines(text: string): number {
  return text.trimEnd().split("\n").filter((line) => !/^\s*\/\/[=#] /.test(line)).length;
}

/** Files that are too long. */
export function findLongFiles(file: SourceFile): string[] {
  const lines = countLines(file.text);
  return lines > FILE_LINES_MAX ? [`${file.path}: ${lines} lines`] : [];
}

/** Functions that are too long; a test's body, handed to `Deno.test`, is one, too. */
export function findLongFunctions(file: SourceFile): string[] {
  const findings: string[] = [];
  visitNodes(file, (node) => {
    if (!FUNCTIONS.includes(node.type)) return;
    const lines = countLines(file.text.slice(...node.range));
    if (lines > FUNCTION_LINES_MAX) {
      findings.push(finding(file, node.range[0], `a function of ${lines} lines`));
    }
  });
  return findings;
}

/** Work left open, and checks turned off. The words are put together so that they do not find themselves. */
const FORBIDDEN_WORDS = [
  ["TO", "DO"],
  ["FIX", "ME"],
  ["X", "XX"],
  ["HA", "CK"],
].map((parts) => new RegExp(`\\b${parts.join("")}\\b`, "g"));

const FORBIDDEN_DIRECTIVES = [
  ["deno-lint", "-ignore"],
  ["@ts", "-ignore"],
  ["@ts", "-nocheck"],
  ["@ts", "-expect-error"],
].map((parts) => new RegExp(parts.join(""), "g"));

/** Words that say that something was left undone, and directives that hide findings. */
export function findForbiddenWords(file: SourceFile): string[] {
  return [...FORBIDDEN_WORDS, ...FORBIDDEN_DIRECTIVES].flatMap((pattern) =>
    [...file.text.matchAll(pattern)].map((match) => finding(file, match.index, match[0]))
  );
}

/** The type that turns the others off. */
export function findAnyTypes(file: SourceFile): string[] {
  const findings: string[] = [];
  visitNodes(file, (node) => {
    if (node.type === "TSAnyKeyword") findings.push(finding(file, node.range[0], "the type any"));
  });
  return findings;
}

/** Values that are said to be there, past the type that says that they may not be. */
export function findNonNullAssertions(file: SourceFile): string[] {
  const findings: string[] = [];
  visitNodes(file, (node) => {
    if (node.type === "TSNonNullExpression") {
      findings.push(finding(file, node.range[1] - 1, "a value said to be there"));
    }
  });
  return findings;
}

/** Where numbers of their own kind are made; see `src/proto/brands.ts`. */
const BRANDS_FILE = "src/proto/brands.ts";
const BRANDS = ["Slot", "PeerId", "ConnectionId", "DropCode"];

/** Numbers that are said to be of a kind, past the functions that make them. */
export function findForgedBrands(file: SourceFile): string[] {
  if (file.path === BRANDS_FILE) return [];
  const findings: string[] = [];
  visitNodes(file, (node) => {
    if (node.type !== "TSAsExpression" && node.type !== "TSTypeAssertion") return;
    const type = node["typeAnnotation"] as SyntaxNode;
    const name = nameOf(type["typeName"]);
    if (name !== undefined && BRANDS.includes(name)) {
      findings.push(finding(file, node.range[0], `a forged ${name}`));
    }
  });
  return findings;
}

/**
 * Exported declarations without a doc comment right before them. Constants and types on the lines that
 * follow a documented one, without a blank line, share its comment, and so do a function's overloads.
 */
export function findUndocumentedExports(file: SourceFile): string[] {
  const findings: string[] = [];
  let documented = { name: "", end: -1 };
  visitNodes(file, (node) => {
    if (node.type !== "ExportNamedDeclaration" && node.type !== "ExportDefaultDeclaration") return;
    const declaration = node["declaration"] as SyntaxNode | null;
    if (declaration === null) return;
    const name = declaredName(declaration);
    const [start, end] = node.range;
    const follows = documented.end >= 0 &&
      /^[^\n]*\n[^\n]*$/.test(file.text.slice(documented.end, start));
    const shares = follows && SHARING.includes(declaration.type);
    if (hasDocComment(file, start) || shares || name === documented.name) {
      documented = { name, end };
    } else findings.push(finding(file, start, `no doc: ${name}`));
  });
  return findings;
}

const SHARING = ["VariableDeclaration", "TSTypeAliasDeclaration"];

function hasDocComment(file: SourceFile, index: number): boolean {
  const before = file.text.slice(0, index).trimEnd();
  if (!before.endsWith("*/")) return false;
  return before.startsWith("/**", before.lastIndexOf("/*"));
}

function declaredName(declaration: SyntaxNode): string {
  const [first] = (declaration["declarations"] ?? []) as SyntaxNode[];
  return nameOf((first ?? declaration)["id"]) ?? "default";
}

/** Tests that are left out, or that leave out the others, whatever the machine. */
export function findSkippedTests(file: SourceFile): string[] {
  const findings: string[] = [];
  visitNodes(file, (node) => {
    const name = nameOf(node["property"] ?? node["key"]);
    const object = node["object"] as SyntaxNode | undefined;
    const isTestMember = node.type === "MemberExpression" && object !== undefined &&
      /^Deno\.test$/.test(file.text.slice(object.range[0], object.range[1]));
    const value = node["value"] as SyntaxNode | undefined;
    const isOption = node.type === "Property" && value?.type === "Literal" &&
      value["value"] === true;
    if ((isTestMember || isOption) && (name === "ignore" || name === "only")) {
      findings.push(finding(file, node.range[0], `a test with ${name}`));
    }
  });
  return findings;
}

/** Package registries, whose names belong into lock files alone. */
const REGISTRY_HOSTS = [
  ["registry", "npmjs", "org"],
  ["npmjs", "com"],
  ["pypi", "org"],
  ["pythonhosted", "org"],
  ["index", "crates", "io"],
  ["static", "crates", "io"],
  ["jsr", "io"],
  ["deno", "land"],
  ["proxy", "golang", "org"],
].map((labels) => labels.join("."));

/** Folders of one machine. */
const MACHINE_FOLDERS = [["", "root", ""], ["", "work", ""], ["", "tmp", "native"]]
  .map((names) => names.join("/"));

/** Hosts of package registries, and folders that exist on one machine alone. */
export function findForeignPlaces(file: SourceFile): string[] {
  return [...REGISTRY_HOSTS, ...MACHINE_FOLDERS].flatMap((place) => {
    const index = file.text.indexOf(place);
    return index < 0 ? [] : [finding(file, index, place)];
  });
}

/** Names of files: words in lower case, joined by underscores. */
export function findOddNames(file: SourceFile): string[] {
  return /(^|\/)[a-z0-9]+(_[a-z0-9]+)*\.ts$/.test(file.path) ? [] : [file.path];
}
