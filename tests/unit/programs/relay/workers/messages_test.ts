import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  formatLine,
  parseJob,
  parseLine,
  type WorkerOrder,
} from "../../../../../src/programs/relay/workers/messages.ts";
import { WorkerViews } from "../../../../../src/programs/relay/workers/views.ts";
import { roomSalt, workerResetKey } from "../../../../../src/programs/relay/identity.ts";
import { asPeerId } from "../../../../../src/proto/brands.ts";
import { makeView } from "../../../serve/view.ts";

Deno.test("each reactor has a reset key of its own, the same after each start", () => {
  const master = Uint8Array.from({ length: 32 }, (_, i) => i);
  const keys = [0, 1, 2, 10].map((worker) => workerResetKey(master, worker));
  for (const key of keys) assertEquals(key.length, 32);
  const all = [master, roomSalt(master), ...keys].map((key) => key.join());
  assertEquals(new Set(all).size, all.length);
  assertEquals(workerResetKey(master, 1), keys[1]);
  assertNotEquals(workerResetKey(master.map((byte) => byte ^ 1), 1), keys[1]);
});

Deno.test("messages are lines, and what is none is nothing", () => {
  const order: WorkerOrder = {
    type: "kick",
    room: "PARTY",
    peerId: asPeerId(7),
    removal: { by: "operator" },
  };
  assertEquals(
    formatLine(order),
    '{"type":"kick","room":"PARTY","peerId":7,"removal":{"by":"operator"}}\n',
  );
  assertEquals(parseLine<WorkerOrder>(formatLine(order)), order);
  for (const line of ["", "noise", "null", "17", "[]", '{"type":1}']) {
    assertEquals(parseLine(line), undefined, line);
    assertEquals(parseJob(line), undefined, line);
  }
  assertEquals(parseJob(formatLine(order)), undefined);
});

/** Three workers; whoever is asked is written down. */
function someViews(there: readonly boolean[]) {
  const asked: number[] = [];
  const views = new WorkerViews(there.length, (worker) => {
    if (there[worker]) asked.push(worker);
    return there[worker];
  });
  return { views, asked };
}

Deno.test("all reactors that are there are asked, once for all who want to know at a time", async () => {
  const { views, asked } = someViews([true, false, true]);
  const [first, second] = [views.collect(), views.collect()];
  await Promise.resolve();
  assertEquals(asked, [0, 2]);
  views.handleView(0, makeView());
  views.handleGone(2);
  await Promise.all([first, second]);
  assert(views.of(0) !== undefined);
  assertEquals([views.of(1), views.of(2)], [undefined, undefined]);
  // What was said a moment ago is good enough for a page, but not for the administrator.
  await views.collect();
  assertEquals(asked.length, 2);
  const now = views.collectNow();
  await Promise.resolve();
  for (const worker of [0, 2]) views.handleView(worker, makeView());
  await now;
  assertEquals(asked, [0, 2, 0, 2]);
});

Deno.test("a reactor that does not answer holds nobody up for long, and is not asked again until it has", async () => {
  const { views, asked } = someViews([true, true]);
  for (let round = 0; round < 2; round++) {
    const collecting = views.collectNow();
    await Promise.resolve();
    views.handleView(0, makeView());
    await collecting;
  }
  assertEquals(asked, [0, 1, 0]);
  assertEquals(views.of(1), undefined);
  views.handleView(1, makeView());
  const again = views.collectNow();
  await Promise.resolve();
  for (const worker of [0, 1]) views.handleView(worker, makeView());
  await again;
  assertEquals(asked, [0, 1, 0, 0, 1]);
  assert(views.of(1) !== undefined);
});
