import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { FLOW_MASK, FLOW_SPARSE, flowOf } from "../../../src/queue/flow.ts";

/** A number and no time: how much is tried does not depend on how busy the machine is. */
const RUNS = { numRuns: 10_000 };

/** Beginnings that lead a dissector far into a frame, and noise. */
const start = fc.constantFrom(
  [],
  [0x08, 0x00, 0x45],
  [0x08, 0x00, 0x4f],
  [0x08, 0x06],
  [0x86, 0xdd, 0x60],
  [0x81, 0x00, 0x00, 0x05, 0x08, 0x00, 0x45],
  [0x88, 0xa8, 0x00, 0x05, 0x81, 0x00, 0x00, 0x06, 0x86, 0xdd, 0x60],
  [0x00, 0x40, 0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00, 0x08, 0x00, 0x45],
);
const frame = fc.tuple(
  fc.uint8Array({ minLength: 12, maxLength: 12 }),
  start,
  fc.uint8Array({ maxLength: 120 }),
).map(([macs, type, rest]) => new Uint8Array([...macs, ...type, ...rest]))
  .filter((bytes) => bytes.length >= 14);

function flowIn(bytes: Uint8Array, at: number, length: number): number {
  const dissection = new Dissection();
  dissect(bytes, at, length, dissection);
  return flowOf(bytes, at, length, dissection);
}

Deno.test("any frame has one flow, whatever lies around it in memory", () => {
  const sparse = new Set<boolean>();
  fc.assert(
    fc.property(
      frame,
      fc.uint8Array({ maxLength: 90 }),
      fc.nat({ max: 80 }),
      (bytes, around, at) => {
        const flow = flowIn(bytes, 0, bytes.length);
        assert(Number.isInteger(flow) && flow >= 0 && flow <= (FLOW_SPARSE | FLOW_MASK));
        const memory = new Uint8Array(at + bytes.length + around.length);
        memory.fill(0xa5);
        memory.set(bytes, at);
        memory.set(around, at + bytes.length);
        assertEquals(flowIn(memory, at, bytes.length), flow);
        sparse.add((flow & FLOW_SPARSE) !== 0);
      },
    ),
    RUNS,
  );
  assertEquals(sparse.size, 2, "both kinds were tried");
});
