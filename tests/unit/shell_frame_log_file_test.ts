import { assertEquals, assertThrows } from "@std/assert";
import { FrameLogFile } from "../../src/shell/frame_log_file.ts";
import { UserError } from "../../src/shell/user_error.ts";

const FRAME = new Uint8Array(60);

function record(log: FrameLogFile, nowMs: number): void {
  log.log.record(nowMs, "PARTY", 1, "from-peer", FRAME, 0, FRAME.length, 0x0800, -1, 1);
}

Deno.test("frame records are written 200 ms after the first, and at the end", () => {
  const path = Deno.makeTempFileSync();
  try {
    const lines = () => Deno.readTextFileSync(path).split("\n").length - 1;
    const log = FrameLogFile.open(path, 0);
    record(log, 1000);
    assertEquals([log.work(1199), lines()], [1200, 0]);
    assertEquals([log.work(1200), lines()], [Infinity, 1]);
    record(log, 1300);
    log.close();
    assertEquals(lines(), 2);
    const { time, lengthBytes } = JSON.parse(Deno.readTextFileSync(path).split("\n")[0]);
    assertEquals([time, lengthBytes], ["1970-01-01T00:00:01.000Z", 60]);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("a full disk ends the frame log and nothing else", () => {
  const log = FrameLogFile.open("/dev/full", 0);
  for (let i = 0; i < 1_000; i++) record(log, i);
  assertEquals(log.work(Infinity), Infinity);
  record(log, 2_000);
  assertEquals(log.work(Infinity), Infinity);
  log.close();
});

Deno.test("a frame log that cannot be opened is said at the start", () => {
  assertThrows(() => FrameLogFile.open("/nonexistent/log", 0), UserError, "--frame-log");
});
