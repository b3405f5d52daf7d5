/**
 * TCP and a game's packets through a tunnel over paths with delay, jitter, loss and a bottleneck, by msquic's own
 * congestion control and loss detection on a clock of the test's own (patches 0043 and 0044).
 */
import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import { type MsquicProgram, runTool, withMsquicProgram } from "../support/msquic_program.ts";

const PROGRAM: MsquicProgram = {
  program: new URL("./tunnel_path.c", import.meta.url).pathname,
  core: [
    ...["bbr.c", "sliding_window_extremum.c", "loss_detection.c", "mtu_discovery.c"],
    ...["sent_packet_metadata.c", "ack_tracker.c", "range.c", "frame.c"],
  ],
  libraries: ["-lm"],
};

/** What came of a path: the program says the names. */
type Figures = Readonly<Record<string, number>>;
/** Plays a path, through the tunnel or past it. */
type Play = (path: string) => Promise<Figures>;

/** Compiles the program once, for all that is played. */
function withPaths(program: MsquicProgram, use: (play: Play) => Promise<void>): Promise<void> {
  return withMsquicProgram(program, async (executable) => {
    await use(async (path) => {
      const said = await runTool(executable, path.split(" "));
      return Object.fromEntries(
        said.trim().split(" ").map((word) => {
          const [name, value] = word.split("=");
          return [name, Number(value)];
        }),
      );
    });
  });
}

/** The same past the tunnel. */
const direct = (path: string) => `${path} tunnel=0 game=0`;

/** Paths that are not what limits: delays are one way, in ms, loss in millionths. */
const PATHS = [
  "delay=10 seconds=1",
  "delay=50 seconds=2",
  "delay=50 rest=10 seconds=2",
  "delay=50 jitter=1 seconds=2",
  "delay=50 jitter=5 rest=10 seconds=2",
  "delay=150 jitter=20 seconds=3",
  "delay=10 loss=10000 seconds=4",
];
const JITTER = "delay=50 jitter=5 seconds=2";
const REST = "delay=50 rest=10 seconds=2";

/** Lines that are full: rate in kbit/s, the queue before it in bytes. */
const LINES = [
  "delay_us=150 kbit=20000 buffer=250000 flows=3 seconds=5",
  "delay=5 kbit=20000 buffer=250000 seconds=5",
  "delay=20 kbit=2000 buffer=75000 seconds=10",
  "delay=20 kbit=10000 buffer=125000 flows=3 seconds=10",
  "delay=25 kbit=100000 buffer=1250000 seconds=3",
];

Deno.test("a tunnel on paths with delay, jitter, loss and a bottleneck", async (t) => {
  await withPaths(PROGRAM, async (play) => {
    await t.step("TCP has through it what it has past it, new and after a rest", async () => {
      for (const path of PATHS) {
        const [through, past] = [await play(path), await play(direct(path))];
        assertGreater(through.mbit / past.mbit, 0.9, `${path}: ${through.mbit} of ${past.mbit}`);
      }
    });
    await t.step("what is lost is found lost, and what is late is not", async () => {
      const lossy = await play("delay=20 loss=10000 seconds=4");
      assertGreater(lossy.lost, 10);
      assertEquals(lossy.spurious, 0);
      const late = await play(JITTER);
      assertLess(late.lost, 30);
      assertEquals(late.spurious, late.lost);
    });
    await t.step("a full line stays full, with half the queue that TCP alone makes", async () => {
      for (const line of LINES) {
        const [through, past] = [await play(line), await play(direct(line))];
        assertGreater(through.mbit / past.mbit, 0.9, `${line}: ${through.mbit} of ${past.mbit}`);
        assertLess(through.queue_ms, past.queue_ms / 2, line);
        assertLessOrEqual(through.queue_max_ms, past.queue_max_ms + 20, line);
      }
    });
    await t.step("the queue before a slow line does not grow with time", async () => {
      const line = "delay=15 kbit=2000 buffer=150000";
      const [early, late] = [await play(`${line} seconds=15`), await play(`${line} seconds=60`)];
      assertLess(late.queue_ms, 1.1 * early.queue_ms);
    });
    await t.step("a flood that answers no loss is held to what the line carries", async () => {
      const flood = await play(
        "delay=20 kbit=10000 buffer=50000 flood=50000 flows=0 seconds=5",
      );
      assertGreater(flood.mbit, 9);
      assertLess(flood.full, 500);
      assertLess(flood.queue_ms, 25);
    });
    await t.step("a TCP in it and one beside it share a line as two TCPs do", async () => {
      const line = "delay=20 kbit=10000 buffer=50000 cross=1 rest=2 seconds=10";
      const [through, past] = [await play(line), await play(direct(line))];
      assert(through.mbit > past.mbit / 2 && through.cross > past.cross / 2);
    });
  });
});

Deno.test("without the patches jitter and a rest leave a small part of it", async () => {
  const without = { ...PROGRAM, without: "0043-reordered-is-not-lost.patch" };
  await withPaths(without, async (play) => {
    const late = await play(JITTER);
    assertLess(late.mbit, 20);
    assertGreater(late.lost, 30);
    assertLess((await play(REST)).mbit, 20);
  });
});
