/** What a connection takes in, and what it says when it has ended (patches 0014, 0015, 0021, 0023, 0030, 0060). */
import { assert, assertEquals } from "@std/assert";
import { type MsquicProgram, sayings } from "../support/msquic_program.ts";

const QUEUE: MsquicProgram = {
  program: new URL("./receive_queue.c", import.meta.url).pathname,
  core: ["connection.c"],
};

const FLUSHES: Record<string, string> = {
  "flush-1": "1 taken, 0 left (0 B)",
  "flush-100": "100 taken, 0 left (0 B)",
  "flush-101": "100 taken, 1 left (50 B) 1 taken, 0 left (0 B)",
  "flush-250": "100 taken, 150 left (7500 B) 100 taken, 50 left (2500 B) 50 taken, 0 left (0 B)",
};

Deno.test("as many packets leave the receive queue as are counted off", async () => {
  assertEquals(await sayings(QUEUE, Object.keys(FLUSHES)), FLUSHES);
});

Deno.test("without the patch one packet is taken and a hundred are counted off", async () => {
  const without = { ...QUEUE, without: "0014-receive-queue.patch" };
  assertEquals(await sayings(without, ["flush-100", "flush-250"]), {
    "flush-100": "100 taken, 0 left (0 B)",
    "flush-250":
      "1 taken, 150 left (-124750 B) 1 taken, 50 left (-129700 B) 248 taken, 0 left (0 B)",
  });
});

const BUDGET: MsquicProgram = {
  program: new URL("./receive_budget.c", import.meta.url).pathname,
  core: [],
  platform: ["datapath_epoll.c"],
};

/** Whether packets may be joined, the bytes and the number of messages that wait; what each event brings. */
const EVENTS: Record<string, string> = {
  "1,1400,1": "1",
  "1,64000,3": "3",
  "0,1400,60": "60",
  // 256 KiB, and what else the last call has brought.
  "0,1400,1000": "192 192 192 192 192 40",
};

Deno.test("an event of a socket brings in so much, and the next one more", async () => {
  assertEquals(await sayings(BUDGET, Object.keys(EVENTS)), EVENTS);
  const joined = await sayings(BUDGET, ["1,64000,23"]);
  for (const count of joined["1,64000,23"].split(" ")) assert(Number(count) <= 8, count);
});

Deno.test("without the patch an event of a socket brings in all that waits", async () => {
  const without = { ...BUDGET, without: "0060-receive-within-a-budget.patch" };
  assertEquals(await sayings(without, ["1,64000,23", "0,1400,1000"]), {
    "1,64000,23": "23",
    "0,1400,1000": "1000",
  });
});

const AFTER_THE_END: Record<string, string> = {
  "open": "close-frames=0",
  "closing": "close-frames=1",
  "draining": "close-frames=0",
  "closing-then-draining": "close-frames=0",
  "silent": "close-frames=0",
};

Deno.test("only in the closing period is a packet answered by CONNECTION_CLOSE", async () => {
  assertEquals(await sayings(QUEUE, Object.keys(AFTER_THE_END)), AFTER_THE_END);
});

Deno.test("without the patch whoever the peer has closed goes on talking", async () => {
  const without = { ...QUEUE, without: "0021-quiet-after-the-end.patch" };
  assertEquals(await sayings(without, Object.keys(AFTER_THE_END)), {
    ...AFTER_THE_END,
    "draining": "close-frames=1",
    "closing-then-draining": "close-frames=1",
    "silent": "close-frames=1",
  });
});

const BUFFER: MsquicProgram = {
  program: new URL("./receive_buffer.c", import.meta.url).pathname,
  core: ["recv_buffer.c", "range.c", "stream_recv.c"],
};

/** Later writes say `X` where there is something already. */
const WRITES: Record<string, string> = {
  "tail": "abcdef",
  "front": "abcdefgh",
  "holes": "abcdefghijkl",
  "same": "abcd",
  "in-use": "abcd still abcd abcdefgh",
  "drained": "abcd efghij",
  "grown": "abcdefghijklmnopqrstuvwxyz",
  "tail-single": "abcdef",
  "in-use-single": "abcd still abcd abcdefgh",
  "holes-multiple": "abcdefghijkl",
  "in-use-multiple": "abcd still abcd efgh",
  "drained-multiple": "abcd efghij",
  "grown-multiple": "abcdefghijklmnopqrstuvwxyz",
};

Deno.test("received data stays as it came first", async () => {
  assertEquals(await sayings(BUFFER, Object.keys(WRITES)), WRITES);
});

Deno.test("without the patch a peer changes data that it has sent", async () => {
  const without = { ...BUFFER, without: "0015-data-stays-as-it-came.patch" };
  assertEquals(await sayings(without, Object.keys(WRITES)), {
    ...WRITES,
    "tail": "abXXef",
    "front": "abcdXXXX",
    "holes": "abXdeXghiXXl",
    "in-use": "abcd still XXXX XXXXefgh",
    "drained": "abcd efXXij",
    "grown": "abcdefghijXXXXopqrstuvwxyz",
    "tail-single": "abXXef",
    "in-use-single": "abcd still XXXX XXXXefgh",
    "holes-multiple": "abXdeXghiXXl",
    "in-use-multiple": "abcd still XXXX efgh",
    "drained-multiple": "abcd efXXij",
    "grown-multiple": "abcdefghijXXXXopqrstuvwxyz",
  });
});

Deno.test("a byte that comes again is found among a thousand pieces without a walk", async () => {
  assertEquals(await sayings(BUFFER, ["again"]), { "again": "the last costs what the first does" });
});

/** 125 is ECANCELED. */
const PIECES: Record<string, string> = {
  "pieces-1024": "done",
  "pieces-1025": "status-125 done",
};

Deno.test("there are so many pieces of a stream, and no more", async () => {
  assertEquals(await sayings(BUFFER, Object.keys(PIECES)), PIECES);
});

Deno.test("without the patch there are as many as fit", async () => {
  const without = { ...BUFFER, without: "0030-gaps-in-streams.patch" };
  assertEquals(await sayings(without, ["pieces-32767"]), { "pieces-32767": "done" });
});

/** 12 is ENOMEM. */
const SIZES: Record<string, string> = {
  "grow": "status-12 done",
  "window-65536": "131072",
  "window-1073741824": "2147483648",
  "window-2147483648": "2147483648",
};

Deno.test("a receive buffer that cannot be doubled any more is full", async () => {
  assertEquals(await sayings(BUFFER, Object.keys(SIZES)), SIZES);
});

Deno.test("without the patch its size wraps around to zero", async () => {
  const without = { ...BUFFER, without: "0023-buffers-below-4-gib.patch" };
  assertEquals(await sayings(without, Object.keys(SIZES)), {
    ...SIZES,
    // It looks for a size for ever, until its CPU time is over.
    "grow": "crashed",
    "window-2147483648": "0",
  });
});
