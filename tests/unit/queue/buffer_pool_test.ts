import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { asSlot } from "../../../src/proto/brands.ts";
import { BufferPool, NO_SLOT, SLOT_BYTES, SLOTS_MAX } from "../../../src/queue/buffer_pool.ts";

Deno.test("a pool gives out each slot once and then none", () => {
  const pool = new BufferPool(6);
  const slots = new Set(Array.from({ length: 6 }, () => pool.acquire()));
  assertEquals(slots.size, 6);
  assertEquals([...slots].every((slot) => slot >= 0 && slot < pool.slotCount), true);
  assertEquals(pool.acquire(), NO_SLOT);
  assertEquals(pool.freeSlots, 0);
});

Deno.test("a slot comes back with its last reference and not before", () => {
  const pool = new BufferPool(2);
  const slot = pool.acquire();
  pool.retain(slot);
  pool.retain(slot);
  assertEquals(pool.referencesOf(slot), 3);
  pool.release(slot);
  pool.release(slot);
  assertEquals(pool.freeSlots, 1);
  pool.release(slot);
  assertEquals(pool.freeSlots, 2);
  assertEquals(pool.referencesOf(slot), 0);
});

Deno.test("the slot that came back last is given out first, while its memory is warm", () => {
  const pool = new BufferPool(8);
  const [first, second] = [pool.acquire(), pool.acquire()];
  pool.release(second);
  pool.release(first);
  assertEquals(pool.acquire(), first);
  assertEquals(pool.acquire(), second);
});

Deno.test("slots lie side by side in whole pages", () => {
  const pool = new BufferPool(3);
  assertEquals(pool.slotCount, 4);
  assertEquals(pool.bytes.length, 4 * SLOT_BYTES);
  assertEquals(pool.bytes.length % 4096, 0);
  assertEquals(pool.offsetOf(asSlot(3)), 3 * SLOT_BYTES);
});

Deno.test("a reference given back twice is an error at once", () => {
  const pool = new BufferPool(2);
  const slot = pool.acquire();
  pool.release(slot);
  assertThrows(() => pool.release(slot), RangeError, "0 references");
  assertThrows(() => pool.retain(slot), RangeError, "0 references");
  assertThrows(() => pool.release(asSlot(-1)), RangeError);
  assertThrows(() => pool.release(asSlot(99)), RangeError);
  assertEquals(pool.freeSlots, 2);
});

Deno.test("more references than a counter holds are an error, not a wrap to zero", () => {
  const pool = new BufferPool(2);
  const slot = pool.acquire();
  for (let references = 1; references < 0xffff; references++) pool.retain(slot);
  assertThrows(() => pool.retain(slot), RangeError, "65535 references");
  assertEquals(pool.referencesOf(slot), 0xffff);
});

Deno.test("a pool of no or too many slots is refused", () => {
  for (const slots of [0, -1, 1.5, NaN, SLOTS_MAX + 1]) {
    assertThrows(() => new BufferPool(slots), RangeError);
  }
});

Deno.test("whatever is acquired, retained and released, the counts agree with a simple model", () => {
  const step = fc.record({ call: fc.constantFrom("acquire", "retain", "release"), pick: fc.nat() });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const pool = new BufferPool(8);
    const model = new Map<number, number>();
    for (const { call, pick } of steps) {
      const held = [...model.keys()];
      if (call === "acquire") {
        const slot = pool.acquire();
        assertEquals(slot === NO_SLOT, model.size === 8);
        assert(!model.has(slot), "a slot in use was given out");
        if (slot !== NO_SLOT) model.set(slot, 1);
      } else if (held.length > 0) {
        const slot = held[pick % held.length];
        const references = model.get(slot)! + (call === "retain" ? 1 : -1);
        if (call === "retain") pool.retain(asSlot(slot));
        else pool.release(asSlot(slot));
        if (references === 0) model.delete(slot);
        else model.set(slot, references);
      }
      assertEquals(pool.freeSlots, 8 - model.size);
      for (const [slot, references] of model) {
        assertEquals(pool.referencesOf(asSlot(slot)), references);
      }
    }
  }));
});
