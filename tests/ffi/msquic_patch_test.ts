/** Our patches to msquic do what their heads say, and msquic would not do it without them. */
import { assertEquals } from "@std/assert";
import { ensureSource } from "../../tools/native_library.ts";

const PATCHES = new URL("../../tools/msquic/patches/", import.meta.url).pathname;
const PROGRAM = new URL("./ack_blocks.c", import.meta.url).pathname;

/** Frames as numbers (largest, first block, then gap and block in turn), and what a decoder must say. */
const FRAMES: readonly { frame: string; name: string; expected: string }[] = [
  { name: "one packet", frame: "10 0", expected: "ok 10+1" },
  { name: "first block down to zero", frame: "10 10", expected: "ok 0+11" },
  { name: "first block below zero", frame: "10 11", expected: "invalid" },
  { name: "packet zero alone", frame: "0 0", expected: "ok 0+1" },
  { name: "first block below zero from zero", frame: "0 1", expected: "invalid" },
  { name: "second block inside", frame: "10 3 0 4", expected: "ok 1+5 7+4" },
  { name: "second block down to zero", frame: "10 3 0 5", expected: "ok 0+6 7+4" },
  { name: "second block below zero by one", frame: "10 3 0 6", expected: "invalid" },
  { name: "second block far below zero", frame: "10 3 0 4611686018427387903", expected: "invalid" },
  { name: "gap down to zero", frame: "10 3 5 0", expected: "ok 0+1 7+4" },
  { name: "gap down to zero, block below", frame: "10 3 5 1", expected: "invalid" },
  { name: "gap below zero", frame: "10 3 6 0", expected: "invalid" },
  { name: "third block down to zero", frame: "20 3 0 4 1 8", expected: "ok 0+9 11+5 17+4" },
  { name: "third block below zero by one", frame: "20 3 0 4 1 9", expected: "invalid" },
];

/** Those that only the patch makes invalid. */
const PATCHED = /^(second block (far )?below|gap down to zero, block|third block below)/;

async function runTool(command: string, args: readonly string[], input?: string): Promise<string> {
  const child = new Deno.Command(command, {
    args: [...args],
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(`${command} failed:\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Compiles the decoder with this frame.c, and decodes all frames by it. */
async function decodeAll(source: string, frameSource: string, folder: string): Promise<string[]> {
  await runTool("gcc", [
    ...["-O1", "-w", "-fms-extensions", "-ffunction-sections", "-Wl,--gc-sections"],
    ...["-D_GNU_SOURCE", "-DCX_PLATFORM_LINUX", "-DQUIC_BUILD_STATIC"],
    ...["-DQUIC_EVENTS_STUB", "-DQUIC_LOGS_STUB", "-DVER_BUILD_ID=0", "-DVER_SUFFIX=-test"],
    ...["inc", "core", "generated/linux"].map((name) => `-I${source}/src/${name}`),
    ...[PROGRAM, frameSource, `${source}/src/core/range.c`, "-o", `${folder}/decode`],
  ]);
  const input = FRAMES.map(({ frame }) => `${frame}\n`).join("");
  return (await runTool(`${folder}/decode`, [], input)).trimEnd().split("\n");
}

Deno.test("an ACK block that reaches below packet number zero is an invalid frame", async () => {
  const source = await ensureSource();
  const folder = await Deno.makeTempDir({ prefix: "lanparty-ack-" });
  try {
    const results = await decodeAll(source, `${source}/src/core/frame.c`, folder);
    for (const [index, { name, expected }] of FRAMES.entries()) {
      assertEquals(results[index], expected, name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("without the patch such a block is taken, and wraps around", async () => {
  const source = await ensureSource();
  const folder = await Deno.makeTempDir({ prefix: "lanparty-ack-" });
  try {
    const plain = `${folder}/frame.c`;
    await Deno.copyFile(`${source}/src/core/frame.c`, plain);
    await runTool("patch", [
      "-R",
      "--fuzz=0",
      "-i",
      `${PATCHES}0001-ack-block-bounds.patch`,
      plain,
    ]);
    const results = await decodeAll(source, plain, folder);
    for (const [index, { name, expected }] of FRAMES.entries()) {
      if (PATCHED.test(name)) assertEquals(results[index]?.startsWith("ok "), true, name);
      else assertEquals(results[index], expected, name);
    }
    assertEquals(FRAMES.filter(({ name }) => PATCHED.test(name)).length, 4);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
