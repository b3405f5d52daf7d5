import { assertEquals } from "@std/assert";
import { TrafficCounters } from "../../../../src/observe/counters.ts";
import { DropCode } from "../../../../src/observe/drops.ts";
import { LinkLosses } from "../../../../src/programs/common/link_losses.ts";

function countersOf(each: number) {
  return {
    receivedWithoutSlot: each,
    receivedBadOffload: 2 * each,
    receivedTruncated: 3 * each,
    kernelDrops: 4 * each,
    sendLostLater: 5 * each,
  };
}

const CODES = [
  DropCode.noBuffer,
  DropCode.badOffload,
  DropCode.captureTruncated,
  DropCode.captureOverflow,
  DropCode.lanSendFailed,
  DropCode.tapFull,
];

Deno.test("a LAN's losses are counted once, over several devices", () => {
  const traffic = new TrafficCounters();
  const losses = new LinkLosses(traffic, "lan");
  const first = { counters: countersOf(1) };
  losses.count(first);
  losses.count(first);
  const counts = () => CODES.map((code) => traffic.drops[code]);
  assertEquals(counts(), [1, 2, 3, 4, 5, 0]);
  first.counters = countersOf(2);
  losses.count(first);
  assertEquals(counts(), [2, 4, 6, 8, 10, 0]);
  losses.count({ counters: countersOf(1) });
  assertEquals(counts(), [3, 6, 9, 12, 15, 0]);
});

Deno.test("what a player's adapter does not take is counted as such, and the kernel's drops are its own", () => {
  const traffic = new TrafficCounters();
  let updates = 0;
  new LinkLosses(traffic, "adapter").count({
    counters: countersOf(1),
    updateCounters: () => void updates++,
  });
  assertEquals(CODES.map((code) => traffic.drops[code]), [1, 2, 3, 0, 0, 5]);
  assertEquals(updates, 1);
});
