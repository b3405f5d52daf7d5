/** Datagrams that nobody read in time: when it is said, and why it was so. */
import { assertEquals } from "@std/assert";
import {
  LOST_MIN,
  lostDatagramsFinding,
  RECEIVE_BYTES_WANTED,
  ReceiveBufferWatch,
} from "../../../src/observe/receive_buffer.ts";
import { sentenceOf } from "../../support/sentences.ts";

const FINDING = { key: "datagrams-lost", weight: "disturbs" };

/** What is said when sockets have lost so many. */
function told(watch: ReceiveBufferWatch, losses: Record<string, number>) {
  return watch.handleLosses(new Map(Object.entries(losses)));
}

Deno.test("a small buffer that costs nothing is nobody's business; one that does is told once", () => {
  const watch = new ReceiveBufferWatch(212_992);
  assertEquals(told(watch, { a: 0 }), undefined);
  assertEquals(told(watch, { a: LOST_MIN - 1 }), undefined);
  assertEquals(lostDatagramsFinding(watch.lost), undefined);
  const small = (count: number) => ({
    ...FINDING,
    ...sentenceOf("buffer/small", { count: `${count}`, size: "208 KiB", wanted: "8388608" }),
  });
  assertEquals(told(watch, { a: 30 }), small(30));
  assertEquals(told(watch, { a: 50 }), undefined);
  assertEquals(lostDatagramsFinding(watch.lost), small(50));
});

Deno.test("what several sockets lose is one sum, and a closed one's losses stay in it", () => {
  const watch = new ReceiveBufferWatch(4_194_304);
  assertEquals(told(watch, { a: 10, b: 5 }), undefined);
  // Another one has come in the first one's place, under its number.
  assertEquals(told(watch, { b: 5 }), undefined);
  const values = { count: "21", size: "4.0 MiB", wanted: "8388608" };
  assertEquals(told(watch, { a: 6, b: 5 }), { ...FINDING, ...sentenceOf("buffer/small", values) });
});

Deno.test("where much may wait it is the machine that is too busy", () => {
  const watch = new ReceiveBufferWatch(RECEIVE_BYTES_WANTED);
  const values = { count: "99", size: "8.0 MiB" };
  assertEquals(told(watch, { a: 99 }), { ...FINDING, ...sentenceOf("buffer/full", values) });
});
