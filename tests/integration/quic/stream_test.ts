import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { STREAM_UNACKNOWLEDGED_BYTES_MAX } from "../../../src/quic/mod.ts";
import type { QuicConnection } from "../../../src/quic/mod.ts";
import { CertificateFolder, ConnectionRecorder } from "../../../tools/lab/quic.ts";
import { pass, QuicHost, StreamRecorder, until } from "../../../tools/lab/quic.ts";

interface Pair {
  readonly host: QuicHost;
  readonly connection: QuicConnection;
  readonly client: ConnectionRecorder;
  readonly server: ConnectionRecorder;
}

async function withPair(run: (pair: Pair) => Promise<void>, settings = {}): Promise<void> {
  const certificates = await CertificateFolder.make();
  const host = await QuicHost.open(64);
  try {
    const { accepted, port } = host.listen(host.server(await certificates.issue(), settings));
    const { connection, recorder } = host.connect(host.client(certificates.caFile), port);
    await until([host], () => accepted[0]?.connection !== undefined, "a handshake");
    await run({ host, connection, client: recorder, server: accepted[0] });
  } finally {
    host.close();
    await certificates.remove();
  }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

Deno.test("a stream carries bytes both ways until both sides have finished", async () => {
  await withPair(async ({ host, connection, server }) => {
    const recorder = new StreamRecorder();
    const stream = connection.openStream(recorder);
    assert(stream.send(bytes("hello ")));
    assert(stream.send(bytes("relay")));
    stream.finish();
    assertEquals(stream.send(bytes("late")), false, "nothing after the end");
    await until([host], () => server.streams[0]?.recorder.finished, "the request");
    assertEquals(text(server.streams[0].recorder.all()), "hello relay");
    assertEquals(recorder.finished, false);
    assert(server.streams[0].stream.send(bytes("hello endpoint")));
    server.streams[0].stream.finish();
    await until([host], () => recorder.closedCount > 0, "the answer and the end");
    assertEquals(text(recorder.all()), "hello endpoint");
    assertEquals(recorder.finished, true);
    await until([host], () => server.streams[0].recorder.closedCount > 0, "the server's end");
    await pass([host], 50);
    assertEquals([recorder.closedCount, server.streams[0].recorder.closedCount], [1, 1]);
    assertEquals(connection.streams.size, 0);
  });
});

Deno.test("the bytes given to send may be changed at once", async () => {
  await withPair(async ({ host, connection, server }) => {
    const stream = connection.openStream(new StreamRecorder());
    const message = bytes("original");
    assert(stream.send(message));
    message.fill(0);
    await until([host], () => server.streams[0]?.recorder.bytes === 8, "the message");
    assertEquals(text(server.streams[0].recorder.all()), "original");
    await until([host], () => stream.unacknowledgedBytes === 0, "the acknowledgement");
  });
});

Deno.test("what was sent is acknowledged send by send, also while there is always more under way", async () => {
  await withPair(async ({ host, connection, server }) => {
    const recorder = new StreamRecorder();
    const stream = connection.openStream(recorder);
    let sentBytes = 0;
    let told = 0;
    await until([host], () => {
      // Before what was sent last is acknowledged, the next is sent.
      if (told === recorder.acknowledgedBytes.length && stream.unacknowledgedBytes > 0) {
        return false;
      }
      told = recorder.acknowledgedBytes.length;
      for (let more = 1; more <= 2; more++) {
        assert(stream.send(new Uint8Array(1_000 + sentBytes % 7)));
        sentBytes += 1_000 + sentBytes % 7;
      }
      return told >= 20;
    }, "twenty acknowledgements");
    assertGreater(stream.unacknowledgedBytes, 0);
    await until([host], () => stream.unacknowledgedBytes === 0, "the last");
    assertEquals(recorder.acknowledgedBytes.reduce((sum, bytes) => sum + bytes), sentBytes);
    assertEquals(server.streams[0].recorder.bytes, sentBytes);
  });
});

Deno.test("a reader that pauses stops the writer, and loses nothing", async () => {
  await withPair(async ({ host, connection, server }) => {
    const stream = connection.openStream(new StreamRecorder());
    assert(stream.send(bytes("!")));
    await until([host], () => server.streams.length === 1, "the stream");
    const { stream: reader, recorder } = server.streams[0];
    await until([host], () => recorder.bytes === 1, "the first byte");
    reader.pause();
    const chunk = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 31) & 0xff);
    let sentBytes = 0;
    const endMs = performance.now() + 500;
    await until([host], () => {
      while (stream.send(chunk)) sentBytes += chunk.length;
      return performance.now() > endMs;
    }, "half a second");
    assertEquals(recorder.bytes, 1, "nothing is delivered while paused");
    assertLessOrEqual(stream.unacknowledgedBytes, STREAM_UNACKNOWLEDGED_BYTES_MAX);
    assertGreater(stream.unacknowledgedBytes, STREAM_UNACKNOWLEDGED_BYTES_MAX - chunk.length);
    assertLessOrEqual(sentBytes - stream.unacknowledgedBytes, 2 * 65_536, "the window holds");
    reader.resume();
    stream.finish();
    await until([host], () => recorder.finished, "the rest");
    assertEquals(recorder.bytes, 1 + sentBytes);
    const all = recorder.all();
    for (let at = 1; at < all.length; at += chunk.length) {
      assertEquals(all.subarray(at, at + 16), chunk.subarray(0, 16));
    }
  });
});

Deno.test("an end that arrives during a pause is delivered after it, once", async () => {
  await withPair(async ({ host, connection, server }) => {
    const stream = connection.openStream(new StreamRecorder());
    assert(stream.send(bytes("a")));
    await until([host], () => server.streams[0]?.recorder.bytes === 1, "the first byte");
    const { stream: reader, recorder } = server.streams[0];
    let ends = 0;
    recorder.onData = () => {
      if (recorder.finished) ends++;
    };
    reader.pause();
    stream.finish();
    await pass([host], 200);
    assertEquals(recorder.finished, false);
    reader.resume();
    await until([host], () => recorder.finished, "the end");
    await pass([host], 50);
    assertEquals([ends, recorder.bytes], [1, 1]);
  });
});

Deno.test("a reader may pause and resume within one delivery", async () => {
  await withPair(async ({ host, connection, server }) => {
    const stream = connection.openStream(new StreamRecorder());
    let sent = 0;
    const chunk = new Uint8Array(1000);
    await until([host], () => {
      if (sent < 300 && stream.send(chunk)) sent++;
      const recorder = server.streams[0]?.recorder;
      if (recorder !== undefined) {
        recorder.onData = (reader) => {
          reader.pause();
          reader.resume();
        };
      }
      return recorder?.bytes === 300_000;
    }, "300 chunks");
  });
});

Deno.test("an abort tells the peer the code and ends both directions", async () => {
  await withPair(async ({ host, connection, server }) => {
    const recorder = new StreamRecorder();
    const stream = connection.openStream(recorder);
    assert(stream.send(bytes("x")));
    await until([host], () => server.streams[0]?.recorder.bytes === 1, "the stream");
    stream.abort(42);
    await until([host], () => server.streams[0].recorder.abortCodes.length > 0, "the abort");
    assertEquals(server.streams[0].recorder.abortCodes[0], 42);
    assertEquals(server.streams[0].recorder.finished, false);
    server.streams[0].stream.abort(0);
    await until([host], () => recorder.closedCount === 1, "the end");
  });
});

Deno.test("a peer may open one stream at a time where the limit is one", async () => {
  await withPair(async ({ host, connection, server }) => {
    const first = connection.openStream(new StreamRecorder());
    const second = connection.openStream(new StreamRecorder());
    assert(first.send(bytes("first")));
    assert(second.send(bytes("second")));
    await until([host], () => server.streams.length === 1, "the first stream");
    await pass([host], 200);
    assertEquals(server.streams.length, 1);
    first.finish();
    await until([host], () => server.streams[0].recorder.finished, "its end");
    server.streams[0].stream.finish();
    await until([host], () => server.streams.length === 2, "the second stream");
    await until([host], () => server.streams[1].recorder.bytes > 0, "its bytes");
    assertEquals(text(server.streams[1].recorder.all()), "second");
  });
});

Deno.test("a server cannot open a stream to a client that allows none", async () => {
  await withPair(async ({ host, client, server }) => {
    const stream = (server.connection as QuicConnection).openStream(new StreamRecorder());
    stream.send(bytes("?"));
    await pass([host], 200);
    assertEquals(client.events.includes("streamOpened"), false);
  });
});

Deno.test("a refused stream is aborted", async () => {
  await withPair(async ({ host, connection, server }) => {
    server.refuseStreams = true;
    const recorder = new StreamRecorder();
    connection.openStream(recorder).send(bytes("x"));
    await until([host], () => recorder.abortCodes.length > 0, "the abort");
    await until([host], () => recorder.closedCount === 1, "the end");
  });
});

Deno.test("streams end with their connection, before it does", async () => {
  await withPair(async ({ host, connection, client, server }) => {
    const recorder = new StreamRecorder();
    const stream = connection.openStream(recorder);
    assert(stream.send(new Uint8Array(100_000)));
    await until([host], () => server.streams.length === 1, "the stream");
    let streamsAtEnd = -1;
    client.closed = (ended, reason) => {
      streamsAtEnd = ended.streams.size;
      client.reason = reason;
    };
    connection.shutdown(0);
    await until([host], () => client.isClosed && server.isClosed, "both ends");
    assertEquals(streamsAtEnd, 0);
    assertEquals([recorder.closedCount, server.streams[0].recorder.closedCount], [1, 1]);
    assertEquals(stream.send(bytes("late")), false);
    stream.finish();
    stream.abort(1);
    stream.resume();
  });
});
