import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { asSlot, type Slot } from "../../../src/proto/brands.ts";
import { DATAGRAM_BYTES_MAX, QuicStatistics, SEND_BATCH_MAX } from "../../../src/quic/mod.ts";
import {
  CertificateFolder,
  ConnectionRecorder,
  pass,
  QuicHost,
  sendNow,
  until,
} from "../../../tools/lab/quic.ts";
import { connectionOf, withPairs } from "../../support/quic_pairs.ts";
import { readUdpSends } from "../../support/udp_sends.ts";
import { LIBRARY_IN_TREE } from "../../../tools/build/native_library.ts";

/** Slots that are free, or wait for what comes. */
function freeSlots(host: QuicHost): number {
  return host.pool.freeSlots + host.library.slotsInHand;
}

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);
}

Deno.test("datagrams arrive byte for byte in both directions", async () => {
  await withPairs(1, async (host, [{ client, server }]) => {
    const lengths = [1, 14, 100, 1000, 1168];
    for (const [i, length] of lengths.entries()) {
      assert(host.send(connectionOf(client), pattern(length, i)));
      assert(host.send(connectionOf(server), pattern(length, i + 100)));
    }
    await until(
      [host],
      () =>
        server.datagrams.length === lengths.length && client.datagrams.length === lengths.length,
      "all datagrams",
    );
    assertEquals(server.datagrams, lengths.map((length, i) => pattern(length, i)));
    assertEquals(client.datagrams, lengths.map((length, i) => pattern(length, i + 100)));
    assertEquals(connectionOf(client).datagramsSent, lengths.length);
    assertEquals(connectionOf(client).datagramsReceived, lengths.length);
    assertEquals([connectionOf(client).unsentBytes, connectionOf(client).unsentCount], [0, 0]);
  });
});

Deno.test("a burst that is longer than what msquic has in hand keeps its order", async () => {
  await withPairs(2, async (host, [{ client, server }, other]) => {
    const count = 1500;
    const number = (i: number) => Uint8Array.of(i >> 8, i & 0xff, 7);
    for (let i = 0; i < count; i++) {
      assert(host.send(connectionOf(client), number(i)));
      assert(host.send(connectionOf(other.server), number(count - i)));
    }
    await until(
      [host],
      () => server.datagrams.length === count && other.client.datagrams.length === count,
      "all datagrams",
    );
    assertEquals(server.datagrams, Array.from({ length: count }, (_, i) => number(i)));
    assertEquals(
      other.client.datagrams,
      Array.from({ length: count }, (_, i) => number(count - i)),
    );
    assertGreater(host.library.slotsInHand, 0, "datagrams come by the log");
    assertEquals(connectionOf(client).unsentBytes, 0);
    assertEquals(freeSlots(host), host.pool.slotCount);
  });
});

Deno.test("what a handler throws at a datagram comes out of the reactor's turn", async () => {
  await withPairs(1, async (host, [{ client, server }]) => {
    const failing = new ConnectionRecorder(host.pool);
    failing.datagram = (_connection, slot) => {
      host.pool.release(slot);
      throw new RangeError("no use for it");
    };
    connectionOf(server).setHandler(failing);
    assert(host.send(connectionOf(client), pattern(10, 1)));
    await assertRejects(
      () => until([host], () => false, "a turn that throws", 5_000),
      RangeError,
      "no use for it",
    );
    connectionOf(server).setHandler(server);
    assert(host.send(connectionOf(client), pattern(10, 2)));
    await until([host], () => server.datagrams.length === 1, "the next datagram");
  });
});

Deno.test("one slot goes to many connections and comes back once all have sent it", async () => {
  await withPairs(3, async (host, pairs) => {
    const bytes = pattern(600, 5);
    const { slot, offset } = host.slotWith(bytes);
    for (const { server } of pairs) {
      host.pool.retain(slot);
      assert(sendNow(connectionOf(server), slot, offset, bytes.length));
    }
    assertEquals(host.pool.referencesOf(slot), 4);
    assertEquals(connectionOf(pairs[0].server).unsentBytes, 600);
    await until(
      [host],
      () => pairs.every(({ client }) => client.datagrams.length === 1),
      "3 copies",
    );
    assertEquals(host.pool.referencesOf(slot), 1, "only the sender's own reference is left");
    for (const { client } of pairs) assertEquals(client.datagrams, [bytes]);
    host.pool.release(slot);
  });
});

Deno.test("datagrams that go ahead pass what is held unsent, in their order", async () => {
  await withPairs(1, async (host, [{ client, server }]) => {
    const connection = connectionOf(client);
    const batch = (numbers: readonly number[], isAhead: boolean) => {
      for (const number of numbers) {
        const { slot, offset } = host.slotWith(pattern(1_000, number));
        assert(connection.batchDatagram(slot, offset, 1_000, isAhead));
      }
      assertEquals(connection.sendBatch(), 0);
    };
    batch([1, 2, 3], false);
    batch([4], true);
    batch([5], false);
    batch([6, 7], true);
    assertEquals([connection.unsentCount, connection.unsentInOrder], [7, 4]);
    await until([host], () => server.datagrams.length === 7, "all of them");
    assertEquals(server.datagrams, [4, 6, 7, 1, 2, 3, 5].map((number) => pattern(1_000, number)));
    assertEquals([connection.unsentBytes, connection.unsentCount], [0, 0]);
    assertEquals(connection.unsentInOrder, 0);
    assertEquals(freeSlots(host), host.pool.slotCount);
    // One that msquic refuses is given up by the slot that it has.
    connection.maxDatagramBytes = DATAGRAM_BYTES_MAX;
    const long = host.slotWith(pattern(1_600, 8));
    assert(connection.batchDatagram(long.slot, long.offset, 1_600, true));
    assertEquals(connection.sendBatch(), 1);
    assertEquals([connection.unsentCount, connection.unsentInOrder], [0, 0]);
    assertEquals(freeSlots(host), host.pool.slotCount);
  });
});

Deno.test("a batch arrives in order, without what msquic refuses", async () => {
  await withPairs(1, async (host, [{ client, server }]) => {
    const connection = connectionOf(client);
    const longest = connection.maxDatagramBytes;
    connection.maxDatagramBytes = DATAGRAM_BYTES_MAX; // msquic is to judge
    const lengths = Array.from({ length: SEND_BATCH_MAX }, (_, i) => 10 + i);
    lengths[0] =
      lengths[7] =
      lengths[8] =
      lengths[SEND_BATCH_MAX - 1] =
        longest + 1;
    for (let i = 0; i < SEND_BATCH_MAX; i++) {
      const { slot, offset } = host.slotWith(pattern(lengths[i], i));
      assert(connection.batchDatagram(slot, offset, lengths[i]));
    }
    assertEquals(freeSlots(host), host.pool.slotCount - SEND_BATCH_MAX);
    assertThrows(() => connection.batchDatagram(asSlot(0), 0, 1), RangeError, "the batch is full");
    assertEquals(connection.sendBatch(), 4);
    const expected = lengths.flatMap((length, i) => length > longest ? [] : [pattern(length, i)]);
    assertEquals(connection.unsentCount, SEND_BATCH_MAX - 4);
    assertEquals(connection.unsentBytes, expected.reduce((sum, { length }) => sum + length, 0));
    assertEquals(freeSlots(host), host.pool.slotCount - (SEND_BATCH_MAX - 4));
    assertEquals(connection.sendBatch(), 0, "nothing is left in the batch");
    const next = pattern(5, 99);
    assert(host.send(connection, next), "and another one may begin");
    await until([host], () => server.datagrams.length === expected.length + 1, "the batch");
    assertEquals(server.datagrams, [...expected, next]);
    assertEquals(connection.unsentCount, 0);
    assertEquals(connection.unsentBytes, 0);
    assertEquals(freeSlots(host), host.pool.slotCount);
  });
});

Deno.test("batches that were not sent when the connection ends come back", async () => {
  await withPairs(1, async (host, [{ client }]) => {
    const connection = connectionOf(client);
    for (let batch = 0; batch < 4; batch++) {
      for (let i = 0; i < SEND_BATCH_MAX; i++) {
        const { slot, offset } = host.slotWith(pattern(1_000, i));
        assert(connection.batchDatagram(slot, offset, 1_000));
      }
      assertEquals(connection.sendBatch(), 0);
    }
    connection.abandon();
    const { slot, offset } = host.slotWith(pattern(10, 1));
    assertEquals(connection.batchDatagram(slot, offset, 10), false, "it is closing");
    assertEquals(connection.sendBatch(), 0);
    await until([host], () => connection.unsentCount === 0, "all to be given up");
    assertEquals(connection.unsentBytes, 0);
    assertEquals(freeSlots(host), host.pool.slotCount);
  });
});

Deno.test("a slot in flight cannot be sent with another length", async () => {
  await withPairs(1, async (host, [{ client }]) => {
    const { slot, offset } = host.slotWith(pattern(100, 1));
    host.pool.retain(slot);
    assert(sendNow(connectionOf(client), slot, offset, 100));
    assertThrows(() => sendNow(connectionOf(client), slot, offset, 99), RangeError);
    await until([host], () => host.pool.referencesOf(slot) === 1, "the datagram to be sent");
    host.pool.release(slot);
  });
});

Deno.test("a datagram longer than the maximum is not taken, and its slot comes back", async () => {
  await withPairs(1, (host, [{ client }]) => {
    const connection = connectionOf(client);
    assertEquals(host.send(connection, pattern(connection.maxDatagramBytes + 1, 1)), false);
    assertEquals(freeSlots(host), host.pool.slotCount);
    assertEquals(connection.unsentCount, 0);
    return Promise.resolve();
  });
});

Deno.test("slots of datagrams that a dying connection never sent come back", async () => {
  await withPairs(2, async (host, [first, second]) => {
    const dying = connectionOf(first.client);
    for (let i = 0; i < 2000; i++) assert(host.send(dying, pattern(1000, i)));
    assertEquals([dying.unsentCount, dying.unsentBytes], [2000, 2_000_000]);
    assertEquals(freeSlots(host), host.pool.slotCount - 2000);
    dying.shutdown(0);
    assertEquals(host.send(dying, pattern(10, 0)), false, "a closing connection takes nothing");
    await until([host], () => first.client.isClosed, "the end");
    assertEquals([dying.unsentCount, dying.unsentBytes], [0, 0]);
    assertEquals(freeSlots(host), host.pool.slotCount);
    assertGreater(host.library.counters.droppedCanceled, 1000);
    assert(host.send(connectionOf(second.client), pattern(10, 3)), "others are not disturbed");
    await until([host], () => second.server.datagrams.length === 1, "the other's datagram");
  });
});

Deno.test("a receiver without free slots drops, counts, and goes on when slots are back", async () => {
  const certificates = await CertificateFolder.make();
  const server = await QuicHost.open(2);
  const sender = await QuicHost.open();
  try {
    const { accepted, port } = server.listen(server.server(await certificates.issue()));
    const { recorder } = sender.connect(sender.client(certificates.caFile), port);
    const both = [server, sender];
    await until(both, () => accepted[0]?.connection !== undefined, "a handshake");
    const held: Slot[] = [];
    accepted[0].datagram = (_connection, slot) => {
      held.push(slot);
    };
    for (let i = 0; i < 10; i++) assert(sender.send(connectionOf(recorder), pattern(500, i)));
    await until(both, () => server.library.counters.droppedNoSlot === 8, "eight drops");
    assertEquals(held.length, 2);
    for (const slot of held.splice(0)) server.pool.release(slot);
    assert(sender.send(connectionOf(recorder), pattern(500, 11)));
    await until(both, () => held.length === 1, "the next datagram");
    server.pool.release(held[0]);
  } finally {
    sender.close();
    server.close();
    await certificates.remove();
  }
});

//= PROTOCOL.md 3
//# | path MTU discovery | RFC 8899, on both sides: section 10 depends on it
//= PROTOCOL.md 3
//# | `max_datagram_frame_size` | at least 1500 on both sides; without datagrams the budget of
//# section 10 is 0, and nobody is let in
Deno.test("the maximum grows to a 1500-byte path's, and a datagram of that length passes", async () => {
  await withPairs(1, async (host, [{ client, server }]) => {
    await until(
      [host],
      () => client.maxima.at(-1) === 1439 && server.maxima.at(-1) === 1448,
      "path MTU discovery",
    );
    assertEquals(client.maxima, client.maxima.toSorted((a, b) => a - b), "it only grows");
    assert(host.send(connectionOf(client), pattern(1439, 1)));
    assert(host.send(connectionOf(server), pattern(1448, 2)));
    await until(
      [host],
      () => client.datagrams.length === 1 && server.datagrams.length === 1,
      "full datagrams",
    );
    assertEquals(server.datagrams[0], pattern(1439, 1));
    assertEquals(client.datagrams[0], pattern(1448, 2));
    const statistics = new QuicStatistics();
    assert(connectionOf(client).statistics(statistics));
    assertGreater(statistics.rttUs, 0);
    // What BBR has made of so few packets differs from run to run; four full ones it always allows.
    assertGreaterOrEqual(statistics.congestionWindowBytes, 4 * 1_472);
    assertLess(statistics.congestionWindowBytes, 1_000_000);
    assertGreater(statistics.packetsSent, 5);
    assertEquals(statistics.packetsLost, 0);
  });
});

Deno.test("ten thousand datagrams arrive in order, with a bounded number outstanding", async () => {
  await withPairs(1, async (host, [{ client, server }]) => {
    const connection = connectionOf(client);
    let next = 0;
    let sent = 0;
    server.datagram = (_connection, slot, offset) => {
      const number = host.pool.bytes[offset] | (host.pool.bytes[offset + 1] << 8);
      assertEquals(number, next++);
      host.pool.release(slot);
    };
    await pass([host], 50);
    await until([host], () => {
      while (connection.unsentCount < 32 && sent < 10_000) {
        assert(host.send(connection, Uint8Array.of(sent & 0xff, sent >> 8, 0, 0)));
        sent++;
      }
      return next === 10_000;
    }, "all of them");
  });
});

/** A length from 1 to 1400 for each number, well mixed; every third is that of a full frame. */
function mixedLength(number: number): number {
  return number % 3 === 0 ? 1400 : 4 + (number * 7919) % 1397;
}

Deno.test("datagrams of all lengths share batches, and arrive whole and in order", async () => {
  await withPairs(1, async (host, [{ client, server }]) => {
    const connection = connectionOf(client);
    await until([host], () => connection.maxDatagramBytes >= 1400, "path MTU discovery");
    const count = 5_000;
    let next = 0;
    server.datagram = (_connection, slot, offset, length) => {
      const expected = pattern(mixedLength(next), next++);
      assertEquals(host.pool.bytes.subarray(offset, offset + length), expected);
      host.pool.release(slot);
    };
    let sent = 0;
    await until(
      [host],
      () => {
        while (connection.unsentCount < 64 && sent < count) {
          assert(host.send(connection, pattern(mixedLength(sent), sent++)));
        }
        return next === count;
      },
      `all of them; ${next} came`,
      20_000,
    );
    const statistics = new QuicStatistics();
    connection.statistics(statistics);
    assertEquals(statistics.packetsLost, 0);
  });
});

Deno.test("frames that fill most of a packet share a system call with others", async () => {
  await withPairs(1, async (host, [{ client, server }]) => {
    const connection = connectionOf(client);
    await until([host], () => connection.maxDatagramBytes === 1439, "path MTU discovery");
    // A window that lets a batch out at once has to grow first.
    for (let sent = 0, received = -1; received < 3_000; received = server.datagrams.length) {
      while (connection.unsentCount < 64 && sent++ < 3_000) host.send(connection, pattern(1100, 1));
      host.reactor.turn(1);
    }
    await pass([host], 100);
    const before = readUdpSends(LIBRARY_IN_TREE);
    for (let i = 0; i < 40; i++) assert(host.send(connection, pattern(1100, i)));
    await until([host], () => server.datagrams.length === 3_040, "forty more");
    const after = readUdpSends(LIBRARY_IN_TREE);
    assertGreater(after.datagrams - before.datagrams, 39);
    assertLess(after.calls - before.calls, 15);
  }, LIBRARY_IN_TREE);
});

Deno.test("an exchange costs few turns of the loop: no wake-ups of one's own", async () => {
  const certificates = await CertificateFolder.make();
  const server = await QuicHost.open();
  const client = await QuicHost.open();
  try {
    const { accepted, port } = server.listen(server.server(await certificates.issue()));
    const { recorder, connection } = client.connect(client.client(certificates.caFile), port);
    const both = [server, client];
    await until(both, () => accepted[0]?.connection !== undefined, "a handshake");
    accepted[0].datagram = (echo, slot, offset, length) => {
      sendNow(echo, slot, offset, length);
    };
    await pass(both, 500);
    const before = server.reactor.counters.events;
    for (let i = 1; i <= 100; i++) {
      assert(client.send(connection, pattern(100, i)));
      await until(both, () => recorder.datagrams.length === i, "the echo");
    }
    assertLess(server.reactor.counters.events - before, 160, "about one for each packet received");
  } finally {
    client.close();
    server.close();
    await certificates.remove();
  }
});
