import { assertEquals } from "@std/assert";
import { DropCode, PASS, type Verdict } from "../../../src/observe/drops.ts";
import { FrameLog, type FrameRecord } from "../../../src/observe/frame_log.ts";

const FRAME = new Uint8Array([
  ...[0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  ...[0x02, 0, 0, 0, 0, 0x51],
  ...[0x08, 0x06],
]);

/** A log and the records it made, with the frame 3 bytes into its buffer. */
function logFrame(verdict: Verdict, targets: number, length = FRAME.length): FrameRecord[] {
  const records: FrameRecord[] = [];
  const log = new FrameLog((record) => records.push(record));
  const bytes = new Uint8Array([9, 9, 9, ...FRAME]);
  log.record(12_345.6, "PARTY", 3, "from-peer", bytes, 3, length, 0x0806, verdict, targets);
  return records;
}

Deno.test("a forwarded frame is recorded with its MACs, type, length and targets", () => {
  assertEquals(logFrame(PASS, 4), [{
    timeMs: 12_345.6,
    room: "PARTY",
    peer: 3,
    direction: "from-peer",
    sourceMac: "02:00:00:00:00:51",
    destinationMac: "ff:ff:ff:ff:ff:ff",
    etherType: 0x0806,
    lengthBytes: 14,
    action: "forward",
    targets: 4,
  }]);
});

Deno.test("a dropped frame is recorded with its reason", () => {
  const [record] = logFrame(DropCode.foreignSource, 0);
  assertEquals([record.action, record.dropReason], ["drop", "foreign-source"]);
});

Deno.test("the first drop code is a drop, too", () => {
  assertEquals(logFrame(DropCode.malformedShort, 0)[0].dropReason, "malformed-short");
});

Deno.test("what is too short for MACs is recorded without", () => {
  const [record] = logFrame(DropCode.shortFrame, 0, 11);
  assertEquals([record.sourceMac, record.destinationMac, record.lengthBytes], ["", "", 11]);
});

Deno.test("a log without a sink is off and records nothing", () => {
  const log = new FrameLog();
  assertEquals(log.enabled, false);
  log.record(0, "PARTY", 3, "from-peer", FRAME, 0, FRAME.length, 0x0806, -1, 1);
  assertEquals(new FrameLog(() => {}).enabled, true);
});
