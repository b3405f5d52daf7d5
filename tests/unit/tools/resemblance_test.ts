/** Programs made of the same functions, linked at other addresses; and such that were tampered with. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import type { CodeImage } from "../../../tools/build/runtime/code_image.ts";
import {
  compareCode,
  type Limits,
  type Resemblance,
} from "../../../tools/build/runtime/resemblance.ts";
import { objections } from "../../../tools/build/runtime/verify.ts";

const LIMITS: Limits = { stretch: 20, crowd: 4, equalCrowd: 40, edge: 2 };

/** A function of a made-up program: a constant that tells it from others, and what it calls, by name. */
interface Made {
  readonly name: string;
  readonly constant: number;
  readonly calls: string;
}

function functions(prefix: string, count: number, seed: number): Made[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${prefix}${index}`,
    constant: seed + index,
    calls: `${prefix}${(index * 7 + 1) % count}`,
  }));
}

/**
 * Links: `push %rbp; mov $constant,%eax; call; mov %eax,(%rip) to data; pop %rbp; ret`, each function of 24
 * bytes, from an address on.
 */
function link(made: readonly Made[], address: number, imports: string[] = []): CodeImage {
  const bytes = new Uint8Array(100 + made.length * 24).fill(0xcc);
  const view = new DataView(bytes.buffer);
  const places = new Map(made.map(({ name }, index) => [name, index * 24]));
  for (const [index, { constant, calls }] of made.entries()) {
    const at = 100 + index * 24;
    const target = places.get(calls);
    if (target === undefined) throw new Error(`no function ${calls}`);
    bytes.set([0x55, 0xb8, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0x89, 0x05, 0, 0, 0, 0, 0x5d, 0xc3], at);
    view.setUint32(at + 2, constant, true);
    view.setInt32(at + 7, target - (index * 24 + 11), true);
    view.setInt32(at + 13, made.length * 24 + 0x1000 - index * 24 - 17, true);
  }
  const starts = Uint32Array.from(made, (_, index) => address + index * 24);
  return {
    format: "ELF",
    bytes,
    address,
    offset: 100,
    size: made.length * 24,
    starts,
    ends: starts.map((start) => start + 19),
    imports: new Set(imports),
  };
}

/** Deno's program has more functions in front; the order of the shared ones is the same. */
const SHARED = functions("shared", 200, 5_000);
const OTHER = link([...functions("deno", 50, 1_000), ...SHARED], 0x9000, ["write", "read"]);
const OWN_FUNCTIONS = functions("own", 10, 90_000);

function compare(shared: readonly Made[], imports = ["read"]): Resemblance {
  return compareCode(link([...OWN_FUNCTIONS, ...shared], 0x4000, imports), OTHER, LIMITS);
}

Deno.test("a program of the same objects is found, whatever its addresses", () => {
  const measured = compare(SHARED);
  assertEquals(measured.functions, 210);
  assertEquals([measured.altered, measured.misled, measured.strangeImports], [[], [], []]);
  // Of 24 bytes 5 are padding.
  assertEquals(measured.foundShare, (200 * 19) / (210 * 24));
  assertEquals(measured.stretchShare, measured.foundShare);
  assertEquals(measured.references, (200 - 2 * LIMITS.edge) * 2);
  assertEquals(objections({ ...measured, foundShare: 0.95, stretchShare: 0.5 }), []);
});

Deno.test("a function that differs by one byte is found out", () => {
  const changed = SHARED.map((one, i) => i === 100 ? { ...one, constant: 77 } : one);
  const measured = compare(changed);
  assertEquals(measured.altered, [0x4000 + (10 + 100) * 24]);
  assertGreater(objections(measured).length, 0);
});

Deno.test("several that differ near each other are found out, and one too many", () => {
  const several = SHARED.map((one, i) =>
    i > 90 && i < 110 && i % 3 === 0 ? { ...one, constant: i } : one
  );
  assertEquals(compare(several).altered.length, 6);
  const more = [...SHARED.slice(0, 80), ...functions("more", 2, 70_000), ...SHARED.slice(80)];
  assertEquals(compare(more).altered, [0x4000 + 90 * 24, 0x4000 + 91 * 24]);
});

Deno.test("a function that is missing is none that differs", () => {
  const calls = SHARED.map((one) => one.calls === "shared80" ? { ...one, calls: "shared81" } : one);
  const without = calls.filter(({ name }) => name !== "shared80");
  assertEquals(compare(without).altered, []);
});

Deno.test("a call that leads elsewhere is found out", () => {
  const changed = SHARED.map((one, i) => i === 100 ? { ...one, calls: "shared33" } : one);
  assertEquals(compare(changed).misled, [0x4000 + (10 + 33) * 24]);
  assertEquals(compare(changed).altered, []);
  // Also one that leads into code that cannot be compared.
  const outside = SHARED.map((one, i) => i === 100 ? { ...one, calls: "own3" } : one);
  const first = compare(outside);
  assertEquals(first.misled, []);
  const twice = SHARED.map((one, i) => i === 100 || i === 120 ? { ...one, calls: "own3" } : one);
  assertEquals(compare(twice).misled, [0x4000 + 3 * 24]);
});

Deno.test("many that differ leave no stretch, and less that is found", () => {
  const every = SHARED.map((one, i) => i % 15 === 0 ? { ...one, constant: i } : one);
  const measured = compare(every);
  assertEquals(measured.stretchShare, 0);
  assertLess(measured.foundShare, compare(SHARED).foundShare);
});

Deno.test("what is imported must be imported by Deno, too", () => {
  assertEquals(compare(SHARED, ["read", "ptrace"]).strangeImports, ["ptrace"]);
});

Deno.test("each finding is an objection with its figures", () => {
  const good: Resemblance = {
    functions: 1000,
    foundShare: 0.936,
    stretchShare: 0.49,
    altered: [],
    references: 1000,
    misled: [],
    strangeImports: [],
  };
  assertEquals(objections(good), []);
  const bad: readonly Partial<Resemblance>[] = [
    { altered: [1, 2, 3, 0x1000] },
    { misled: [0xabc] },
    { strangeImports: ["ptrace"] },
    { foundShare: 0.879 },
    { stretchShare: 0.3 },
  ];
  const found = bad.map((one) => objections({ ...good, ...one }));
  assertEquals(found.map(({ length }) => length), [1, 1, 1, 1, 1]);
  assertEquals(found.flat(), [
    "4 functions among those of V8 and other libraries differ: 0x1 0x2 0x3 …",
    "1 calls in them lead elsewhere: to 0xabc",
    "it imports what Deno does not: ptrace",
    "87.9 % of its code is Deno's, and not 90.0 %",
    "30.0 % of its code is Deno's in the same order, and not 45.0 %",
  ]);
});
