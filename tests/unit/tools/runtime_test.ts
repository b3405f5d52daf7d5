import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { BuildError } from "../../../tools/build/cache.ts";
import {
  cutProgram,
  DENO_VERSION,
  ensureRuntime,
  findRuntime,
  requirePinnedDeno,
  RETRY_AFTER_MS,
  RUNTIME_TARGETS,
  type RuntimeWays,
} from "../../../tools/build/runtime.ts";

/** A 64-byte ELF header (elf(5)) whose section headers lie at `offset`, with `extra` bytes behind them. */
function elf(offset: number, sections: number, extra: number): Uint8Array {
  const bytes = new Uint8Array(offset + sections * 64 + extra).fill(0xee);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setBigUint64(40, BigInt(offset), true);
  view.setUint16(58, 64, true);
  view.setUint16(60, sections, true);
  return bytes;
}

Deno.test("a program is cut at the end of its section headers", () => {
  assertEquals(cutProgram(elf(1000, 3, 500)).length, 1000 + 3 * 64);
  assertEquals(cutProgram(elf(1000, 3, 0)).length, 1000 + 3 * 64);
  // A view into a larger buffer is read from its own start.
  const within = new Uint8Array(2000);
  within.set(elf(1000, 3, 500), 100);
  assertEquals(cutProgram(within.subarray(100)).length, 1000 + 3 * 64);
});

Deno.test("what is no 64-bit ELF file, or is cut short, is refused", () => {
  assertThrows(() => cutProgram(new Uint8Array(63)), BuildError, "ELF");
  assertThrows(() => cutProgram(new Uint8Array(1000)), BuildError, "ELF");
  const elf32 = elf(1000, 3, 0);
  elf32[4] = 1;
  assertThrows(() => cutProgram(elf32), BuildError, "ELF");
  assertThrows(() => cutProgram(elf(1000, 3, 0).subarray(0, 1100)), BuildError, "cut short");
});

Deno.test("another Deno than the pinned one is refused, with the command that works", () => {
  requirePinnedDeno(DENO_VERSION);
  assertThrows(() => requirePinnedDeno("2.9.6"), BuildError, `npx -y deno@${DENO_VERSION} task`);
});

Deno.test("DENORT_BIN comes first, and must exist", async () => {
  const path = await Deno.makeTempFile({ prefix: "lanparty-denort-" });
  try {
    const source = await findRuntime(RUNTIME_TARGETS.linux, path);
    assertEquals(source, { kind: "environment", path });
    const first = await ensureRuntime(source);
    assertEquals(first.env, { DENORT_BIN: path });
    await Deno.writeTextFile(path, "another");
    assertEquals((await ensureRuntime(source)).key === first.key, false);
    await assertRejects(
      () => findRuntime(RUNTIME_TARGETS.linux, `${path}.none`),
      BuildError,
      "DENORT_BIN",
    );
  } finally {
    await Deno.remove(path);
  }
});

/** Ways to a runtime that write down which were tried. */
class FakeWays implements RuntimeWays {
  readonly tried: string[] = [];
  downloaded = false;
  reachable = false;
  failed: number | undefined = undefined;
  packaged = false;

  hasDownloaded(): Promise<boolean> {
    return Promise.resolve(this.downloaded);
  }

  download(): Promise<boolean> {
    this.tried.push("download");
    return Promise.resolve(this.reachable);
  }

  failedAtMs(): Promise<number | undefined> {
    return Promise.resolve(this.failed);
  }

  hasPackage(): Promise<boolean> {
    return Promise.resolve(this.packaged);
  }
}

const NOW_MS = 1_800_000_000_000;

Deno.test("Deno's own download comes before the package, also before one that is cached", async () => {
  const cases: readonly (Partial<FakeWays> & { readonly kind: string; readonly tries: number })[] =
    [
      { downloaded: true, packaged: true, kind: "deno", tries: 0 },
      { reachable: true, kind: "deno", tries: 1 },
      { reachable: true, packaged: true, kind: "deno", tries: 1 },
      { packaged: true, kind: "registry", tries: 1 },
      { kind: "registry", tries: 1 },
      // It was not reachable a moment ago: then the cached one will do, for a day.
      { reachable: true, packaged: true, failed: NOW_MS - 1_000, kind: "registry", tries: 0 },
      { reachable: true, packaged: true, failed: NOW_MS - RETRY_AFTER_MS, kind: "deno", tries: 1 },
      { reachable: true, failed: NOW_MS - 1_000, kind: "deno", tries: 1 },
    ];
  for (const { kind, tries, ...state } of cases) {
    const ways = Object.assign(new FakeWays(), state);
    const source = await findRuntime(RUNTIME_TARGETS.linux, "", ways, NOW_MS);
    assertEquals([source.kind, ways.tried.length], [kind, tries], JSON.stringify(state));
  }
});
