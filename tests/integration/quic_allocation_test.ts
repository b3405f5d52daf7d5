/**
 * Alone in its file: what other tests teach the compiler about the same functions decides whether it
 * keeps a number in a register or in a box on the heap.
 */
import { assert, assertEquals } from "@std/assert";
import { ConnectionRecorder, type QuicHost, until } from "../support/quic.ts";
import { connectionOf, withPairs } from "../support/quic_pairs.ts";

/**
 * Sends datagrams from the client and counts what the server takes, until so many have come; the bytes
 * of heap that each has cost. A collection in between makes that less than nothing.
 */
function heapBytesEach(host: QuicHost, client: ConnectionRecorder, taken: () => number): number {
  const connection = connectionOf(client);
  const count = 20_000;
  const goal = taken() + count;
  const beforeBytes = Deno.memoryUsage().heapUsed;
  while (taken() < goal) {
    while (connection.unsentCount < 64) {
      const slot = host.pool.acquire();
      assert(connection.sendDatagram(slot, host.pool.offsetOf(slot) + 8, 200));
    }
    host.reactor.turn(1);
  }
  return (Deno.memoryUsage().heapUsed - beforeBytes) / count;
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
    const rounds: number[] = [];
    const without = () => rounds.filter((bytes) => bytes >= 0 && bytes < 4).length;
    // The first rounds belong to the compiler.
    while (without() < 3 && rounds.length < 40) {
      rounds.push(heapBytesEach(host, client, () => taken));
    }
    assertEquals(without(), 3, `heap bytes for each datagram: ${rounds.map(Math.round)}`);
    connectionOf(server).setHandler(server);
    await until([host], () => connectionOf(client).unsentCount === 0, "the last to be sent");
  });
});
