import { assertEquals } from "@std/assert";
import { parseEndpointMessage } from "../../../src/control/messages.ts";
import { TrafficCounters } from "../../../src/observe/counters.ts";
import { DropCode } from "../../../src/observe/drops.ts";

function filled(): TrafficCounters {
  const counters = new TrafficCounters();
  counters.framesSent = 1;
  counters.framesReceived = 2;
  counters.bytesSent = 3;
  counters.bytesReceived = 4;
  counters.datagramsSent = 5;
  counters.datagramsReceived = 6;
  counters.framesSplit = 7;
  counters.framesReassembled = 8;
  counters.drop(DropCode.queueLate);
  counters.drop(DropCode.queueLate);
  counters.dropMany(DropCode.tapDown, 40);
  return counters;
}

Deno.test("a snapshot has all totals, and of the drops those that occurred", () => {
  assertEquals(filled().snapshot(), {
    framesSent: 1,
    framesReceived: 2,
    bytesSent: 3,
    bytesReceived: 4,
    datagramsSent: 5,
    datagramsReceived: 6,
    framesSplit: 7,
    framesReassembled: 8,
    drops: { "queue-late": 2, "tap-down": 40 },
  });
  assertEquals(new TrafficCounters().snapshot().drops, {});
  assertEquals(filled().dropsTotal, 42);
});

Deno.test("a snapshot does not change with its counters", () => {
  const counters = filled();
  const before = counters.snapshot();
  counters.framesSent++;
  counters.drop(DropCode.queueLate);
  assertEquals([before.framesSent, before.drops["queue-late"]], [1, 2]);
});

Deno.test("totals add up field by field", () => {
  const sum = filled();
  sum.add(filled());
  const one = filled().snapshot();
  const { drops, ...totals } = sum.snapshot();
  for (const [field, value] of Object.entries(totals)) {
    assertEquals(value, 2 * (one[field as keyof typeof totals]), field);
  }
  assertEquals(drops, { "queue-late": 4, "tap-down": 80 });
});

Deno.test("a snapshot goes through a stats message unchanged", () => {
  const snapshot = filled().snapshot();
  const result = parseEndpointMessage({ type: "stats", ...snapshot, uptimeMs: 1 });
  assertEquals<unknown>(result, { ok: true, message: { type: "stats", ...snapshot, uptimeMs: 1 } });
});
