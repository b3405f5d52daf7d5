/**
 * What the sources have and no program and no tool uses: exports, and public members of classes.
 *
 * Exports are followed by the imports that name them. Members are looked for by their names alone, so one whose name
 * another class uses, too, is not found: what is found is dead, but not all that is dead is found.
 */
import { importsOf } from "./import_rules.ts";
import {
  finding,
  nameOf,
  pathFrom,
  type SourceFile,
  type SyntaxNode,
  visitNodes,
} from "./source.ts";

/** Where programs and tools begin. */
const ROOTS = /^(src\/cli\/(relay|gateway|client)\.ts|tools\/.*)$/;

/** The files that a program or a tool comes to by its imports, and those two themselves. */
export function reachableFiles(files: readonly SourceFile[]): SourceFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set(files.filter(({ path }) => ROOTS.test(path)));
  for (const file of reached) {
    for (const { specifier } of importsOf(file)) {
      const next = byPath.get(pathFrom(file, specifier));
      if (next !== undefined) reached.add(next);
    }
  }
  return [...reached];
}

/** Exports of `sources` that nothing else in their own file uses, and none of `users` imports. */
export function findDeadExports(
  sources: readonly SourceFile[],
  users: readonly SourceFile[],
): string[] {
  const imported = new Set(users.flatMap(importedNames));
  return sources.flatMap((file) => {
    const dead = exportsOf(file).filter(({ name }) => !imported.has(`${file.path} ${name}`));
    if (dead.length === 0) return [];
    const names = identifiersOf(file);
    const isUsed = ({ name, range: [start, end] }: Export) =>
      names.some((one) => one.name === name && (one.index < start || one.index >= end));
    return dead.filter((one) => !isUsed(one)).map(({ name, range }) => {
      return finding(file, range[0], `only tests use ${name}`);
    });
  });
}

/** Public members of the classes of `sources` whose names nothing in `users` reads. */
export function findDeadMembers(
  sources: readonly SourceFile[],
  users: readonly SourceFile[],
): string[] {
  const read = new Set(users.flatMap(readMembers));
  return sources.flatMap((file) =>
    membersOf(file).filter(({ name }) => !read.has(name)).map(({ className, name, index }) => {
      return finding(file, index, `only tests use ${className}.${name}`);
    })
  );
}

interface Named {
  readonly name: string;
  readonly index: number;
}

interface Export {
  readonly name: string;
  /** Of its declaration. */
  readonly range: readonly [number, number];
}

function exportsOf(file: SourceFile): Export[] {
  const found: Export[] = [];
  visitNodes(file, (node) => {
    if (node.type !== "ExportNamedDeclaration" || node["source"] !== null) return;
    const declaration = node["declaration"] as SyntaxNode | null;
    const several = declaration?.["declarations"] as SyntaxNode[] | undefined;
    for (const one of several ?? (declaration === null ? [] : [declaration])) {
      const name = nameOf(one["id"]);
      if (name !== undefined) found.push({ name, range: one.range });
    }
  });
  return found;
}

/** What a file takes from others, as `path name`. Whoever takes a whole module takes what it names anywhere. */
function importedNames(file: SourceFile): string[] {
  const paths = new Map(
    importsOf(file).map(({ specifier }) => [specifier, pathFrom(file, specifier)]),
  );
  const found: string[] = [];
  const take = (source: unknown, names: readonly (string | undefined)[]) => {
    const path = paths.get(String((source as SyntaxNode)["value"]));
    for (const name of names) if (path !== undefined) found.push(`${path} ${name}`);
  };
  visitNodes(file, (node) => {
    const specifiers = (node["specifiers"] ?? []) as SyntaxNode[];
    if (node.type === "ImportDeclaration") {
      take(node["source"], specifiers.flatMap((one) => namesTaken(file, one)));
    } else if (node.type === "ExportNamedDeclaration" && node["source"] !== null) {
      take(node["source"], specifiers.map((one) => nameOf(one["local"])));
    } else if (node.type === "ImportExpression" || node.type === "TSImportType") {
      const literal = (node["argument"] ?? node["source"]) as SyntaxNode;
      const value = literal.type === "TSLiteralType" ? literal["literal"] : literal;
      take(value, [...file.text.matchAll(/[A-Za-z_$][\w$]*/g)].map(([name]) => name));
    }
  });
  return found;
}

function namesTaken(file: SourceFile, specifier: SyntaxNode): (string | undefined)[] {
  if (specifier.type !== "ImportNamespaceSpecifier") return [nameOf(specifier["imported"])];
  const name = nameOf(specifier["local"]);
  return [...file.text.matchAll(new RegExp(`\\b${name}\\.([\\w$]+)`, "g"))].map(([, one]) => one);
}

function identifiersOf(file: SourceFile): Named[] {
  const found: Named[] = [];
  visitNodes(file, (node) => {
    const name = nameOf(node);
    if (name !== undefined) found.push({ name, index: node.range[0] });
  });
  return found;
}

interface Member extends Named {
  readonly className: string;
}

const MEMBERS = ["MethodDefinition", "PropertyDefinition", "AccessorProperty"];

function membersOf(file: SourceFile): Member[] {
  const found: Member[] = [];
  visitNodes(file, (node) => {
    const isParameter = node.type === "TSParameterProperty";
    if (!isParameter && !MEMBERS.includes(node.type)) return;
    // The syntax tree does not say it of a constructor's parameter.
    const isHidden = /^(private|protected)\b/.test(file.text.slice(...node.range));
    if (isHidden || node["override"] === true || node["kind"] === "constructor") return;
    const { left = node["parameter"] } = (node["parameter"] ?? {}) as SyntaxNode;
    const name = isParameter ? nameOf(left) : node["computed"] ? undefined : nameOf(node["key"]);
    if (name === undefined) return;
    found.push({ name, className: classOf(node), index: node.range[0] });
  });
  return found;
}

function classOf(node: SyntaxNode): string {
  let at: SyntaxNode | null = node;
  while (at !== null && !/^Class(Declaration|Expression)$/.test(at.type)) at = at.parent;
  return nameOf(at?.["id"]) ?? "(a class)";
}

/** The names of members that a file reads: `x.name`, `{ name } = x`, `x["name"]`. */
function readMembers(file: SourceFile): string[] {
  const found: string[] = [];
  visitNodes(file, (node) => {
    if (node.type === "MemberExpression" && !isWritten(node)) {
      const property = node["property"] as SyntaxNode;
      const name = node["computed"] ? property["value"] : nameOf(property);
      if (typeof name === "string") found.push(name);
    } else if (node.type === "Property" && node.parent?.type === "ObjectPattern") {
      const name = nameOf(node["key"]);
      if (name !== undefined) found.push(name);
    }
  });
  return found;
}

function isWritten(node: SyntaxNode): boolean {
  const { parent } = node;
  return parent?.type === "AssignmentExpression" && parent["left"] === node &&
    parent["operator"] === "=";
}
