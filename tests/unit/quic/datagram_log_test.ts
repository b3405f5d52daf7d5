/** The log of datagrams, written by the test in msquic's place. */
import { assert, assertEquals } from "@std/assert";
import { BufferPool } from "../../../src/queue/buffer_pool.ts";
import { DatagramLog } from "../../../src/quic/datagram_log.ts";
import type { MsQuicSymbols } from "../../../src/ffi/msquic.ts";
import { assertAllocatesNothing } from "../../support/heap.ts";

/** As the log's head says: words, and of 64 bits those with an address. */
const COUNT = 0;
const COUNT_MAX = 1;
const ENTRIES_POINTER = 3;
const ENTRY_BYTES = 16;
const KIND_SENT = 2;
const BATCH = 64;
/** What a datagram of slot 5 is sent with that goes ahead, and of one that does not. */
const AHEAD_CONTEXT = 0x8000_0006;
const CONTEXT = 6;

Deno.test("that a datagram was sent is told without an allocation, also of one that goes ahead", () => {
  let head: Uint32Array<ArrayBuffer> | undefined;
  const quic = {
    MsQuicDatagramLog: (log: Uint32Array<ArrayBuffer> | null) => {
      head ??= log ?? undefined;
      return 1;
    },
  } as unknown as MsQuicSymbols;
  // Kept among other things a context must be an object, unless it is a small number; as where it is passed on.
  const kept: unknown[] = ["", undefined];
  const log = new DatagramLog(quic, new BufferPool(16), {
    received: () => {},
    sent: (connection, context) => void (kept[connection & 1] = context),
  });
  assert(head !== undefined);
  const words = head;
  const address = new BigUint64Array(words.buffer)[ENTRIES_POINTER];
  const pointer = Deno.UnsafePointer.create(address);
  assert(pointer !== null);
  const memory = Deno.UnsafePointerView.getArrayBuffer(pointer, words[COUNT_MAX] * ENTRY_BYTES);
  const entries = new Uint32Array(memory);
  assertAllocatesNothing(100 * BATCH, () => {
    for (let round = 0; round < 100; round++) {
      for (let entry = 0; entry < BATCH; entry++) {
        entries[entry * 4] = entry;
        entries[entry * 4 + 1] = KIND_SENT;
        entries[entry * 4 + 2] = (entry & 1) === 0 ? AHEAD_CONTEXT : CONTEXT;
      }
      words[COUNT] = BATCH;
      log.drain();
    }
  });
  assertEquals(kept, [AHEAD_CONTEXT | 0, CONTEXT]);
  assertEquals(log.waiting, 0);
  log.close();
});
