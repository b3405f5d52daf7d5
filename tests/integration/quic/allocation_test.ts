/**
 * Alone in its file: what other tests teach the compiler about the same functions decides whether it
 * keeps a number in a register or in a box on the heap.
 */
import { assert } from "@std/assert";
import { assertAllocatesNothing } from "../../support/heap.ts";
import { ConnectionRecorder, type QuicHost, sendNow, until } from "../../../tools/lab/quic.ts";
import { connectionOf, withPairs } from "../../support/quic_pairs.ts";

const DATAGRAMS = 20_000;

/** Sends datagrams from the client until the server has taken so many. */
function exchange(
  host: QuicHost,
  client: ConnectionRecorder,
  isAhead: boolean,
  taken: () => number,
): void {
  const connection = connectionOf(client);
  const goal = taken() + DATAGRAMS;
  while (taken() < goal) {
    while (connection.unsentCount < 64) {
      const slot = host.pool.acquire();
      assert(sendNow(connection, slot, host.pool.offsetOf(slot) + 8, 200, isAhead));
    }
    host.reactor.turn(1);
  }
}

Deno.test("datagrams come and go without an allocation", async () => {
  await withPairs(1, async (host, [{ client, server }]) => {
    let taken = 0;
    const sink = new ConnectionRecorder(host.pool);
    sink.datagram = (_connection, slot) => {
      host.pool.release(slot);
      taken++;
    };
    connectionOf(server).setHandler(sink);
    for (const isAhead of [false, true]) {
      assertAllocatesNothing(DATAGRAMS, () => exchange(host, client, isAhead, () => taken));
    }
    connectionOf(server).setHandler(server);
    await until([host], () => connectionOf(client).unsentCount === 0, "the last to be sent");
  });
});
