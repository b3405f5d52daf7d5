/**
 * Asks mingw-w64's compiler about Windows' headers. Nothing is run: each expectation is a
 * `_Static_assert`, and functions are compared by the prototypes that the compiler has read.
 */

import type { ComInterface } from "../../src/ffi/windows_com.ts";
import type { WindowsFunction } from "../../tools/docs/windows_calls.ts";
import { SCALAR_BYTES, type StructLayout } from "../../src/ffi/layout.ts";

const COMPILER = "x86_64-w64-mingw32-gcc";

/** Windows' headers, in an order in which they can be included. */
const INCLUDES: readonly string[] = [
  ..."winsock2.h ws2tcpip.h windows.h winioctl.h winternl.h iphlpapi.h cfgmgr32.h".split(" "),
  ..."shlobj.h objbase.h oleauto.h mmsystem.h shellapi.h aclapi.h sddl.h setupapi.h".split(" "),
  ..."newdev.h psapi.h netfw.h netlistmgr.h wincrypt.h string.h stdlib.h".split(" "),
];

/** How a program is compiled. */
export interface HeaderOptions {
  readonly options?: readonly string[];
  readonly includes?: readonly string[];
}

/** Constants of ntstatus.h, which does not go together with winnt.h's few. */
const STATUS_VALUES = `
#define STATUS_SUCCESS_ 0
#undef STATUS_PENDING
#include <ntstatus.h>
`;

/** Says that a struct and its members are as its layout has them. */
export function layoutAssertions(layout: StructLayout): string[] {
  const { name, sizeBytes, fields } = layout;
  return [
    assertion(`sizeof(${name}) == ${sizeBytes}`, `sizeof(${name}) is ${sizeBytes}`),
    ...Object.entries(fields).flatMap(([key, field]) => {
      if (field.type === "bits") return [];
      const member = field.member ?? key;
      const size = field.type === "bytes" ? field.sizeBytes : SCALAR_BYTES[field.type];
      return [
        assertion(`offsetof(${name}, ${member}) == ${field.offset}`, `${name}.${member} offset`),
        assertion(`sizeof(((${name} *)0)->${member}) == ${size}`, `${name}.${member} size`),
      ];
    }),
  ];
}

/** Says that C expressions have values. */
export function constantAssertions(constants: Readonly<Record<string, number>>): string[] {
  return Object.entries(constants).map(([expression, value]) =>
    assertion(
      `(unsigned long long)(${expression}) == ${value}ull || ` +
        `(unsigned)(${expression}) == ${value}u`,
      `${expression} is ${value}`,
    )
  );
}

function assertion(condition: string, text: string): string {
  return `_Static_assert(${condition}, ${JSON.stringify(text)});`;
}

/**
 * Says that methods stand where an interface has them, and take what it says: a function of that type
 * is assigned the method.
 */
export function interfaceAssertions({ name, methods }: ComInterface): string[] {
  return Object.entries(methods).flatMap(([method, { slot, parameters }]) => [
    assertion(
      `offsetof(${name}Vtbl, ${method}) == ${slot} * sizeof(void *)`,
      `${name}.${method} is not method ${slot}`,
    ),
    assertion(
      `__builtin_types_compatible_p(__typeof__(((${name}Vtbl *)0)->${method}), ` +
        `HRESULT (STDMETHODCALLTYPE *)(${[`${name} *`, ...parameters].join(", ")}))`,
      `${name}.${method} takes something else`,
    ),
  ]);
}

/** Throws with the compiler's words if a program of these lines does not compile. */
export async function assertCompiles(
  lines: readonly string[],
  { options = [], includes = INCLUDES }: HeaderOptions = {},
): Promise<void> {
  const source = [
    "#define _WIN32_WINNT 0x0A00",
    "#define CINTERFACE",
    "#define UMDF_USING_NTSTATUS 1",
    ...includes.map((name) => `#include <${name}>`),
    STATUS_VALUES,
    "#include <stddef.h>",
    ...lines,
  ].join("\n");
  await compile(source, ["-fsyntax-only", ...options]);
}

async function compile(source: string, options: readonly string[]): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-headers-" });
  try {
    await Deno.writeTextFile(`${folder}/probe.c`, source);
    const { success, stderr } = await new Deno.Command(COMPILER, {
      args: [...options, `${folder}/probe.c`],
    }).output();
    if (!success) throw new Error(`${COMPILER} failed:\n${new TextDecoder().decode(stderr)}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Prototype {
  readonly result: string;
  readonly parameters: readonly string[];
}

let prototypesRead: Promise<ReadonlyMap<string, Prototype>> | undefined;

/** The prototypes of all functions that the headers declare, as gcc prints them (`-aux-info`). */
async function readPrototypes(): Promise<ReadonlyMap<string, Prototype>> {
  const file = await Deno.makeTempFile({ prefix: "lanparty-prototypes-" });
  try {
    const includes = INCLUDES.map((name) => `#include <${name}>`);
    // winternl.h has only some of ntdll's functions; these are as wdm.h and ntifs.h have them.
    const nt = ["NtReadFile", "NtWriteFile"].map((name) =>
      `NTSTATUS NTAPI ${name}(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, ` +
      "PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, " +
      "PLARGE_INTEGER ByteOffset, PULONG Key);"
    );
    const source = ["#define _WIN32_WINNT 0x0A00", ...includes, ...nt].join("\n");
    await compile(source, ["-fsyntax-only", "-w", "-aux-info", file]);
    const found = new Map<string, Prototype>();
    const pattern = /\*\/ extern (.+?)\b(\w+) \((.*)\);/;
    for (const line of (await Deno.readTextFile(file)).split("\n")) {
      const [, result, name, parameters] = pattern.exec(line) ?? [];
      if (name === undefined) continue;
      const list = parameters === "void" ? [] : parameters.split(", ");
      found.set(name, { result: result.trim(), parameters: list });
    }
    return found;
  } finally {
    await Deno.remove(file);
  }
}

const POINTERS: readonly unknown[] = ["pointer", "buffer", "function"];
const BYTES: Readonly<Record<string, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  u64: 8,
  i64: 8,
  usize: 8,
  isize: 8,
  pointer: 8,
  buffer: 8,
  function: 8,
};

/**
 * Compares functions with the headers' prototypes: how many parameters, how large each is, and
 * which of them are pointers. (A handle, which C has as a pointer, may be given as a number.)
 *
 * @returns how many functions were compared
 */
export async function assertSignatures(
  functions: readonly Pick<WindowsFunction, "name" | "symbol">[],
  headers: HeaderOptions = {},
): Promise<number> {
  const prototypes = await (prototypesRead ??= readPrototypes());
  const lines: string[] = [];
  for (const { name, symbol } of functions) {
    const prototype = prototypes.get(name);
    if (prototype === undefined) throw new Error(`no header declares ${name}`);
    const { parameters, result } = prototype;
    if (parameters.length !== symbol.parameters.length) {
      throw new Error(`${name} takes ${parameters.length}: (${parameters.join(", ")})`);
    }
    parameters.forEach((type, index) => {
      lines.push(...typeAssertions(`${name} ${index}`, type, symbol.parameters[index]));
    });
    if (symbol.result === "void") {
      lines.push(assertion(`__builtin_types_compatible_p(${result}, void)`, `${name} is void`));
    } else lines.push(...typeAssertions(`${name} result`, result, symbol.result));
  }
  await assertCompiles(lines, headers);
  return functions.length;
}

/** Says that a C type has the size of a foreign type, and is a pointer if that is one. */
function typeAssertions(what: string, type: string, foreign: Deno.NativeType): string[] {
  const bytes = typeof foreign === "string" ? BYTES[foreign] : undefined;
  if (bytes === undefined) throw new TypeError(`${what}: ${String(foreign)} is not compared`);
  const POINTER_CLASS = 5;
  // An array parameter is a pointer, and `[]` has no size.
  const c = `__typeof__(${type.replace(/\[\d*\]$/, "*")})`;
  const lines = [assertion(`sizeof(${c}) == ${bytes}`, `${what}: ${type} has ${bytes} bytes`)];
  if (POINTERS.includes(foreign)) {
    const isPointer = `__builtin_classify_type((${c})0) == ${POINTER_CLASS}`;
    lines.push(assertion(isPointer, `${what}: ${type} is a pointer`));
  } else if (foreign !== "usize") {
    const isPointer = `__builtin_classify_type((${c})0) != ${POINTER_CLASS}`;
    lines.push(assertion(isPointer, `${what}: ${type} is no pointer`));
  }
  return lines;
}
