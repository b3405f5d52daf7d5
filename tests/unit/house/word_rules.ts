/** The house rules on how things are written, each as a function from a file to findings. */
import { finding, nameOf, type SourceFile, type SyntaxNode, visitNodes } from "./source.ts";

/** The names of the functions that log, and which of their arguments is the text. */
const LOGGING: ReadonlyMap<string, number> = new Map([["logText", 2], ["note", 1], ["log", 1]]);
const LEVEL = /^"(error|warning|info|debug|trace)"$|[lL]evel|\?/;

/** Texts of log lines that begin with a small letter; a program's name may. */
export function findSmallLogTexts(file: SourceFile): string[] {
  const findings: string[] = [];
  visitNodes(file, (node) => {
    if (node.type !== "CallExpression") return;
    const callee = node["callee"] as SyntaxNode;
    const name = nameOf(callee) ?? nameOf(callee["property"]) ?? "";
    const index = LOGGING.get(name);
    const values = node["arguments"] as readonly SyntaxNode[];
    if (index === undefined || values.length <= index) return;
    const { range } = values[index - 1];
    if (!LEVEL.test(file.text.slice(range[0], range[1]))) return;
    for (const text of textsOf(values[index])) {
      if (/^[a-z](?!anparty-)/.test(text.value)) findings.push(finding(file, text.at, text.value));
    }
  });
  return findings;
}

/** How the texts begin that an expression may be. */
function textsOf(node: SyntaxNode): { readonly value: string; readonly at: number }[] {
  const at = node.range[0];
  if (node.type === "ConditionalExpression") {
    return [node["consequent"], node["alternate"]].flatMap((one) => textsOf(one as SyntaxNode));
  }
  if (node.type === "BinaryExpression") return textsOf(node["left"] as SyntaxNode);
  if (node.type === "Literal") return [{ value: String(node["value"]), at }];
  if (node.type !== "TemplateLiteral") return [];
  const [head] = node["quasis"] as readonly { readonly cooked: string }[];
  return [{ value: head.cooked, at }];
}

/** Members that TypeScript alone hides: `#` hides them from everybody. */
export function findPrivateKeywords(file: SourceFile): string[] {
  const findings: string[] = [];
  visitNodes(file, (node) => {
    const isParameter = node.type === "TSParameterProperty";
    if (node["accessibility"] !== "private" && !isParameter) return;
    const isConstructor = node.type === "MethodDefinition" && node["kind"] === "constructor";
    // Of a parameter the linter says what its constructor is: the text tells.
    const start = node.range[0];
    const before = file.text.slice(Math.max(0, start - 40), start);
    const isOwn = file.text.startsWith("private", start) ||
      /\bprivate\s+(readonly\s+)?$/.test(before);
    if (!isConstructor && isOwn) findings.push(finding(file, node.range[0], "private"));
  });
  return findings;
}

/** Where setupapi's own errors are told apart from what the runtime may have left. */
const SETUP = ["src/ffi/windows_setup.ts", "src/system/adapter/windows_setup.ts"];
const LAST_ERROR = "GetLastError";

/**
 * Sources that ask Windows for the thread's last error: the runtime may have overwritten it since the call that
 * failed. Ntdll's functions return their status; of setupapi, which does not, only an error of its own counts.
 */
export function findLastErrors(file: SourceFile): string[] {
  const uses = file.text.split(LAST_ERROR).length - 1;
  if (uses === 0) return [];
  if (!SETUP.includes(file.path)) return [`${file.path}:1: ${LAST_ERROR}`];
  const judged = file.text.split(`setupError(${LAST_ERROR}())`).length - 1;
  const bound = /const \{ GetLastError \} =|^ {2}GetLastError: \{/gm;
  const isOdd = uses !== judged + (file.text.match(bound)?.length ?? 0);
  return isOdd ? [`${file.path}:1: ${LAST_ERROR}`] : [];
}

/** What takes milliseconds, and who may wait for it: what runs once, or when something has changed. */
const SLOW_CALLS: readonly (readonly [call: string, files: readonly string[]])[] = [
  ["Deno.networkInterfaces(", [
    "src/programs/common/interface_addresses.ts",
    "src/programs/client/doctor_linux.ts",
    "src/programs/client/doctor_windows.ts",
    "src/programs/client/linux_host_routes.ts",
  ]],
  ["interfaceAddresses(", [
    "src/programs/common/interface_addresses.ts",
    "src/programs/client/doctor_linux.ts",
    "src/programs/client/doctor_windows.ts",
    "src/programs/client/linux_lease.ts",
    "src/programs/client/linux_adapter.ts",
  ]],
];

/** Calls that hold the loop up, in files that are not known to make them seldom. */
export function findSlowCalls(file: SourceFile): string[] {
  return SLOW_CALLS.filter(([call, files]) =>
    file.text.includes(call) && !files.includes(file.path)
  ).map(([call]) => `${file.path}:1: ${call}`);
}

const MODULE_TAG = ["@mod", "ule"].join("");

/** Sources whose first comment does not say that it is the module's; other files whose comments do. */
export function findOddModuleTags(file: SourceFile): string[] {
  const [head = ""] = /^\/\*\*[^]*?\*\//.exec(file.text) ?? [];
  const tags = file.text.split(`* ${MODULE_TAG}\n`).length - 1;
  const isRight = file.path.startsWith("src/")
    ? head.endsWith(` * ${MODULE_TAG}\n */`) && tags === 1
    : tags === 0;
  return isRight ? [] : [`${file.path}:1: ${MODULE_TAG}`];
}
