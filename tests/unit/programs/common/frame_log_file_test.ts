import { assertEquals, assertThrows } from "@std/assert";
import {
  FRAME_LOG_BOUNDS,
  FrameLogFile,
  OLD_FILES_MAX,
} from "../../../../src/programs/common/frame_log_file.ts";
import { UserError } from "../../../../src/log/user_error.ts";

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

Deno.test("a full file is put aside, so many are kept, and no record is lost among them", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/frames`;
    const lengths = () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    const log = FrameLogFile.open(path, 0, { bytesMax: 1_000, oneIn: 1 });
    const ROUNDS = 30;
    for (let i = 0; i < ROUNDS; i++) {
      record(log, i * 1_000);
      log.work(i * 1_000 + 200);
    }
    log.close();
    assertEquals(lengths(), ["frames", "frames.1", "frames.2", "frames.3"]);
    const files = [path, ...Array.from({ length: OLD_FILES_MAX }, (_, i) => `${path}.${i + 1}`)];
    const seconds = files.reverse().flatMap((file) => {
      assertEquals(Deno.statSync(file).size <= 1_000, true);
      const lines = Deno.readTextFileSync(file).trimEnd().split("\n");
      return lines.map((line) => Date.parse(JSON.parse(line).time) / 1_000);
    });
    const first = ROUNDS - seconds.length;
    assertEquals(seconds, Array.from(seconds, (_, i) => first + i));
    const again = FrameLogFile.open(path, 0, { bytesMax: 1_000, oneIn: 1 });
    for (let i = 0; i < 10; i++) {
      record(again, i * 1_000);
      again.work(i * 1_000 + 200);
    }
    again.close();
    assertEquals(Deno.statSync(path).size <= 1_000, true, "what was there counts");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("of so many frames one is recorded, the first among them", () => {
  const path = Deno.makeTempFileSync();
  try {
    const log = FrameLogFile.open(path, 0, { ...FRAME_LOG_BOUNDS, oneIn: 10 });
    for (let i = 0; i < 95; i++) record(log, i * 1_000);
    log.close();
    const lines = Deno.readTextFileSync(path).trimEnd().split("\n");
    const seconds = lines.map((line) => Date.parse(JSON.parse(line).time) / 1_000);
    assertEquals(seconds, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
  } finally {
    Deno.removeSync(path);
  }
});
