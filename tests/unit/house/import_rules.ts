/** Who may import whom in `src`, what each part may take from outside, and what the pure parts may not use. */
import { folderOf, type FolderRule, FOLDERS } from "../../../tools/house/folders.ts";
import {
  finding,
  nameOf,
  pathFrom,
  type SourceFile,
  type SyntaxNode,
  visitNodes,
} from "./source.ts";

/** One import: what it names, and where. */
export interface Import {
  readonly specifier: string;
  readonly index: number;
}

const IMPORTS = [
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
];

/** All imports of a file: static, dynamic, re-exports, and types by `import("…")`. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  visitNodes(file, (node) => {
    const source = node.type === "TSImportType"
      ? (node["argument"] as SyntaxNode)
      : IMPORTS.includes(node.type)
      ? (node["source"] as SyntaxNode | null)
      : null;
    if (source === null) return;
    const literal = source.type === "TSLiteralType" ? source["literal"] as SyntaxNode : source;
    const specifier = literal["value"];
    // An import that is computed could lead anywhere: it stands in no table.
    found.push({
      specifier: typeof specifier === "string" ? specifier : "?",
      index: node.range[0],
    });
  });
  return found;
}

/** Imports that the table does not allow. */
export function findForbiddenImports(
  file: SourceFile,
  table: Readonly<Record<string, FolderRule>> = FOLDERS,
): string[] {
  const folder = folderOf(file.path);
  const rule = table[folder];
  if (rule === undefined) return [`${file.path}: the folder ${folder} is not in the table`];
  return importsOf(file).flatMap(({ specifier, index }) => {
    const wrong = (text: string) => [finding(file, index, text)];
    if (!specifier.startsWith(".")) {
      const isAllowed = rule.packages?.some((name) =>
        specifier === name || specifier.startsWith(`${name}/`)
      );
      return isAllowed ? [] : wrong(`${folder} imports ${specifier}`);
    }
    const target = pathFrom(file, specifier);
    if (!target.startsWith("src/")) return wrong(`imports ${target}, outside of src`);
    const other = folderOf(target);
    const isAllowed = other === folder || rule.folders.includes(other);
    return isAllowed ? [] : wrong(`${folder} imports ${other}`);
  });
}

/** Imports of a facility's inside: it is entered by its `mod.ts`, which says what of it others may use. */
export function findSideDoors(file: SourceFile): string[] {
  const facilityOf = (path: string) => /^src\/system\/[a-z_]+\//.exec(path)?.[0];
  return importsOf(file).flatMap(({ specifier, index }) => {
    if (!specifier.startsWith(".")) return [];
    const target = pathFrom(file, specifier);
    const facility = facilityOf(target);
    const isInside = facility === undefined || facility === facilityOf(file.path);
    return isInside || target === `${facility}mod.ts`
      ? []
      : [finding(file, index, `imports ${target}, not the facility's mod.ts`)];
  });
}

/** Declarations that are one system's alone, by the names of their files, and how its files are called. */
const SYSTEMS = [
  { name: "linux", declarations: /^src\/ffi\/(libc\.ts|libc_net|linux|netlink|ethtool)/ },
  { name: "windows", declarations: /^src\/ffi\/(windows_|system_dll|wide_string)/ },
] as const;

/** Files of a facility that call one system, and do not say so by their names: `linux….ts`, `windows….ts`. */
export function findUnnamedSystems(file: SourceFile): string[] {
  const name = /^src\/system\/[a-z_]+\/([a-z_]+)\.ts$/.exec(file.path)?.[1];
  if (name === undefined) return [];
  return importsOf(file).flatMap(({ specifier, index }) => {
    if (!specifier.startsWith(".")) return [];
    const target = pathFrom(file, specifier);
    const system = SYSTEMS.find(({ declarations }) => declarations.test(target))?.name;
    const isNamed = system === undefined || name === system || name.startsWith(`${system}_`);
    return isNamed ? [] : [finding(file, index, `calls ${system} (${target})`)];
  });
}

/** Imports of tests by tools: what both need is in `tools/lab`. */
export function findTestImports(file: SourceFile): string[] {
  return importsOf(file).flatMap(({ specifier, index }) => {
    if (!specifier.startsWith(".")) return [];
    const target = pathFrom(file, specifier);
    return target.startsWith("tests/") ? [finding(file, index, `imports ${target}`)] : [];
  });
}

/** Globals that reach outside, tell the time, roll dice, or come back later. */
const IMPURE_GLOBALS = new Set([
  ...["Deno", "globalThis", "process", "navigator", "console", "performance", "crypto", "fetch"],
  ...["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval"],
  ...["queueMicrotask", "Promise", "Worker", "MessageChannel", "BroadcastChannel", "WebSocket"],
  ...["AbortSignal", "addEventListener", "localStorage", "reportError", "Temporal"],
]);

/** What the pure parts may not use. */
export function findImpurities(file: SourceFile): string[] {
  if (FOLDERS[folderOf(file.path)]?.pure !== true) return [];
  const findings: string[] = [];
  visitNodes(file, (node) => {
    const what = impurityOf(node);
    if (what !== undefined) findings.push(finding(file, node.range[0], what));
  });
  return findings;
}

function impurityOf(node: SyntaxNode): string | undefined {
  if (node["async"] === true || node.type === "AwaitExpression" || node["await"] === true) {
    return "async";
  }
  if (node.type === "NewExpression" && nameOf(node["callee"]) === "Date") {
    // A given time may be put into words; the present one may not be asked for.
    return (node["arguments"] as unknown[]).length === 0 ? "new Date()" : undefined;
  }
  if (node.type === "CallExpression" && nameOf(node["callee"]) === "Date") return "Date()";
  if (node.type === "MemberExpression") {
    const member = `${nameOf(node["object"])}.${nameOf(node["property"])}`;
    if (member === "Math.random" || member === "Date.now") return member;
  }
  const name = nameOf(node);
  return name !== undefined && IMPURE_GLOBALS.has(name) && isReference(node) ? name : undefined;
}

/** Whether an identifier stands for a variable, and is not the name of a member. */
function isReference(node: SyntaxNode): boolean {
  const { parent } = node;
  if (parent === null) return true;
  const isAt = (key: string) => {
    const child = parent[key] as SyntaxNode | null | undefined;
    return child?.type === node.type && child.range[0] === node.range[0];
  };
  if (parent.type === "MemberExpression") return !isAt("property") || parent["computed"] === true;
  const isMember = /^(Property|MethodDefinition|PropertyDefinition|TS\w*(Property|Method)\w*)$/
    .test(parent.type);
  return !(isMember && isAt("key") && parent["computed"] !== true && parent["shorthand"] !== true);
}

/** Calls of `Deno.dlopen` and pointers outside of the native parts; in them, any at module level. */
export function findForeignFunctions(file: SourceFile): string[] {
  const isNative = FOLDERS[folderOf(file.path)]?.native === true;
  const findings: string[] = [];
  visitNodes(file, (node) => {
    if (node.type !== "MemberExpression" || nameOf(node["object"]) !== "Deno") return;
    const name = nameOf(node["property"]) ?? "?";
    if (name !== "dlopen" && !name.startsWith("Unsafe")) return;
    if (!isNative) findings.push(finding(file, node.range[0], `Deno.${name}`));
    else if (name === "dlopen" && !isInFunction(node)) {
      findings.push(finding(file, node.range[0], "opens a library when it is imported"));
    }
  });
  return findings;
}

/** What reads, writes and calls by addresses for all that `src/ffi` declares, and so is no declaration. */
const FFI_MACHINERY = ["src/ffi/layout.ts", "src/ffi/libc.ts"];

/** Behaviour in `src/ffi`, which declares: libraries are opened there, and pointers followed elsewhere. */
export function findFfiBehaviour(file: SourceFile): string[] {
  if (folderOf(file.path) !== "ffi" || FFI_MACHINERY.includes(file.path)) return [];
  const findings: string[] = [];
  visitNodes(file, (node) => {
    if (node.type !== "MemberExpression" || nameOf(node["object"]) !== "Deno") return;
    const name = nameOf(node["property"]) ?? "?";
    if (name !== "dlopen" && name !== "build") {
      findings.push(finding(file, node.range[0], `Deno.${name} beside declarations`));
    }
  });
  return findings;
}

function isInFunction(node: SyntaxNode): boolean {
  for (let at = node.parent; at !== null; at = at.parent) {
    if (/Function/.test(at.type)) return true;
  }
  return false;
}

/** Circles among the files that import each other while running; types may point both ways. */
export function findImportCircles(files: readonly SourceFile[]): string[] {
  const edges = new Map(files.map((file) => [file.path, runtimeImports(file)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) circles.push([...trail.slice(at), path].join(" → "));
    if (at >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) walk(path, []);
  return circles;
}

function runtimeImports(file: SourceFile): string[] {
  const targets: string[] = [];
  visitNodes(file, (node) => {
    if (!/^(ImportDeclaration|ExportNamedDeclaration|ExportAllDeclaration)$/.test(node.type)) {
      return;
    }
    const source = node["source"] as SyntaxNode | null;
    const specifier = source?.["value"];
    if (typeof specifier !== "string" || !specifier.startsWith(".")) return;
    const specifiers = (node["specifiers"] ?? []) as SyntaxNode[];
    const isType = node["importKind"] === "type" || node["exportKind"] === "type" ||
      (specifiers.length > 0 &&
        specifiers.every((one) => one["importKind"] === "type" || one["exportKind"] === "type"));
    if (!isType) targets.push(pathFrom(file, specifier));
  });
  return targets;
}
