/**
 * The compile runtime out of the package index against Deno's own program: the genuine one passes, with room to
 * the thresholds, and one whose code was altered anywhere in what both share does not.
 */
import { assertEquals, assertGreater, assertThrows } from "@std/assert";
import { BuildError } from "../../tools/build/cache.ts";
import {
  DENO_VERSION,
  denoProgram,
  ensureRuntime,
  RUNTIME_TARGETS,
} from "../../tools/build/runtime.ts";
import { type CodeImage, readCodeImage } from "../../tools/build/runtime/code_image.ts";
import { Field, InstructionReader } from "../../tools/build/runtime/x86.ts";
import {
  FOUND_SHARE_MIN,
  sha256,
  STRETCH_SHARE_MIN,
  verifyRuntime,
} from "../../tools/build/runtime/verify.ts";

/** The first function behind a part of all that begins with `push %rbp; mov %rsp,%rbp`. */
function functionBehind({ bytes, starts, address, offset }: CodeImage, part: number): number {
  for (let index = Math.floor(starts.length * part);; index++) {
    const at = starts[index] - address + offset;
    if ([0x55, 0x48, 0x89, 0xe5].every((byte, i) => bytes[at + i] === byte)) return at;
  }
}

/** The place of the first call behind an offset: its distance, and what lies before it. */
function callBehind(bytes: Uint8Array, from: number): number {
  const reader = new InstructionReader(bytes);
  for (let at = from;; at += reader.length) {
    if (!reader.read(at, bytes.length)) throw new Error("no instruction");
    if (reader.field === Field.jump && bytes[at] === 0xe8) return reader.fieldOffset;
  }
}

Deno.test("the package's runtime is Deno's, and one that was altered is not", async (t) => {
  const { env } = await ensureRuntime({ kind: "registry" });
  const folder = await Deno.makeTempDir({ prefix: "lanparty-deno-" });
  const genuine = await Deno.readFile(env["DENORT_BIN"]);
  const deno = await denoProgram(RUNTIME_TARGETS.linux.deno, folder)
    .finally(() => Deno.remove(folder, { recursive: true }));
  assertEquals(sha256(genuine), RUNTIME_TARGETS.linux.sha256);
  const image = readCodeImage(genuine);

  await t.step("the genuine one", () => {
    const measured = verifyRuntime(genuine, deno, DENO_VERSION);
    assertGreater(measured.foundShare, FOUND_SHARE_MIN + 0.02);
    assertGreater(measured.stretchShare, STRETCH_SHARE_MIN + 0.02);
    assertGreater(measured.references, 500_000);
  });

  await t.step("one instruction more does in one function", () => {
    for (const part of [0.1, 0.45]) {
      const altered = genuine.slice();
      // `mov %rsp,%rbp` becomes `mov %rsi,%rbp`.
      altered[functionBehind(image, part) + 3] = 0xf5;
      assertThrows(
        () => verifyRuntime(altered, deno, DENO_VERSION),
        BuildError,
        "1 functions among those of V8",
      );
    }
  });

  await t.step("one call that leads elsewhere", () => {
    const altered = genuine.slice();
    const call = callBehind(altered, functionBehind(image, 0.3));
    const elsewhere = functionBehind(image, 0.4);
    new DataView(altered.buffer).setInt32(call, elsewhere - (call + 4), true);
    assertThrows(
      () => verifyRuntime(altered, deno, DENO_VERSION),
      BuildError,
      "calls in them lead elsewhere",
    );
  });

  await t.step("the runtime of another version", () => {
    assertThrows(() => verifyRuntime(genuine, deno, "2.6.10"), BuildError, "not of Deno 2.6.10");
  });
});
