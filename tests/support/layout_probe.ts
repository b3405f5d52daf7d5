/**
 * Asks a C compiler about struct layouts and constants, so that the tables in `src/ffi` are compared
 * with the system's own headers and not believed.
 */

import { assertEquals } from "@std/assert";
import { SCALAR_BYTES } from "../../src/ffi/layout.ts";
import type { FieldLayout, StructLayout } from "../../src/ffi/layout.ts";

/** How to compile a probe. */
export interface ProbeOptions {
  /** Lines in front of the program: `#define`s and `#include`s. */
  readonly preamble: readonly string[];
  /** Compiler and arguments; `gcc` by default. */
  readonly compiler?: string;
  readonly flags?: readonly string[];
}

/** Compiles and runs a C program; returns what it prints, line by line. */
export async function runC(source: string, options: ProbeOptions): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-probe-" });
  try {
    await Deno.writeTextFile(`${folder}/probe.c`, source);
    const compiler = options.compiler ?? "gcc";
    const args = [...(options.flags ?? []), "-o", `${folder}/probe`, `${folder}/probe.c`];
    await output(compiler, args);
    return (await output(`${folder}/probe`, [])).trim().split("\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function output(command: string, args: string[]): Promise<string> {
  const result = await new Deno.Command(command, { args }).output();
  if (!result.success) {
    throw new Error(`${command} failed:\n${new TextDecoder().decode(result.stderr)}`);
  }
  return new TextDecoder().decode(result.stdout);
}

/** One expectation: a line of the probe and what it has to print. */
interface Expectation {
  readonly statement: string;
  readonly expected: string;
}

function main(options: ProbeOptions, statements: readonly string[]): string {
  const includes = ["#include <stddef.h>", "#include <stdio.h>", "#include <string.h>"];
  return [...options.preamble, ...includes, "int main(void) {", ...statements, "}", ""].join("\n");
}

function sizeOf(field: FieldLayout): number {
  if (field.type === "bytes") return field.sizeBytes;
  if (field.type === "bits") throw new TypeError("a bit field has no size");
  return SCALAR_BYTES[field.type];
}

/** What a compiler says of a bit field: the struct's bytes with only that field's bits set. */
function expectBits(layout: StructLayout, name: string, field: FieldLayout): Expectation {
  if (field.type !== "bits") throw new TypeError("not a bit field");
  const member = field.member ?? name;
  const mask = ((1 << field.bits) - 1) << field.bit;
  return {
    statement: `{ ${layout.name} s; memset(&s, 0, sizeof s); s.${member} = ~0; ` +
      `const unsigned char *b = (const void *)&s; printf("${layout.name}.${name} bits"); ` +
      `for (size_t i = 0; i < sizeof s; i++) if (b[i]) printf(" %zu:%u", i, b[i]); puts(""); }`,
    expected: `${layout.name}.${name} bits ${field.offset}:${mask}`,
  };
}

function expectField(layout: StructLayout, name: string, field: FieldLayout): Expectation {
  if (field.type === "bits") return expectBits(layout, name, field);
  const member = field.member ?? name;
  return {
    statement: `printf("${layout.name}.${name} offset %zu size %zu\\n", ` +
      `offsetof(${layout.name}, ${member}), sizeof(((${layout.name} *)0)->${member}));`,
    expected: `${layout.name}.${name} offset ${field.offset} size ${sizeOf(field)}`,
  };
}

/** Compares struct layouts with what the compiler says: sizes, offsets, member sizes, bit fields. */
export async function assertLayouts(
  layouts: readonly StructLayout[],
  options: ProbeOptions,
): Promise<void> {
  const expectations = layouts.flatMap((layout) => [
    {
      statement: `printf("sizeof(${layout.name}) %zu\\n", sizeof(${layout.name}));`,
      expected: `sizeof(${layout.name}) ${layout.sizeBytes}`,
    },
    ...Object.entries(layout.fields).map(([name, field]) => expectField(layout, name, field)),
  ]);
  const lines = await runC(main(options, expectations.map(({ statement }) => statement)), options);
  assertEquals(lines, expectations.map(({ expected }) => expected));
}

/**
 * Compares constants with what the compiler says.
 *
 * @param constants C expressions and the values that they must have, as 64-bit unsigned numbers
 */
export async function assertConstants(
  constants: Readonly<Record<string, number>>,
  options: ProbeOptions,
): Promise<void> {
  const names = Object.keys(constants);
  const statements = names.map((name) =>
    `printf("%s %llu\\n", ${JSON.stringify(name)}, (unsigned long long)(${name}));`
  );
  const lines = await runC(main(options, statements), options);
  assertEquals(lines, names.map((name) => `${name} ${constants[name]}`));
}
