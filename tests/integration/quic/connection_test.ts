import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { createSocket } from "node:dgram";
import { formatAddress, QuicError, QuicStatus } from "../../../src/quic/mod.ts";
import {
  CertificateFolder,
  ConnectionRecorder,
  pass,
  QuicHost,
  until,
} from "../../../tools/lab/quic.ts";

async function withHost(
  run: (host: QuicHost, certificates: CertificateFolder) => Promise<void>,
): Promise<void> {
  const certificates = await CertificateFolder.make();
  const host = await QuicHost.open();
  try {
    await run(host, certificates);
  } finally {
    host.close();
    await certificates.remove();
  }
  assertEquals(host.pool.freeSlots, host.pool.slotCount, "every slot has come back");
}

/** A plain UDP socket that nobody reads. */
function udpSocket(host: string): Promise<{ port: number; close(): Promise<void> }> {
  const socket = createSocket("udp4");
  const close = () => new Promise<void>((resolve) => socket.close(() => resolve()));
  return new Promise((resolve) => {
    socket.bind(0, host, () => resolve({ port: socket.address().port, close }));
  });
}

/** A connected pair on one host. */
async function connectPair(host: QuicHost, certificates: CertificateFolder, settings = {}) {
  const listening = host.listen(host.server(await certificates.issue(), settings));
  const client = host.connect(host.client(certificates.caFile, settings), listening.port);
  await until(
    [host],
    () =>
      client.recorder.connection !== undefined && listening.accepted[0]?.connection !== undefined,
    "a handshake",
  );
  const server = listening.accepted[0];
  return { ...listening, client: client.recorder, connection: client.connection, server };
}

Deno.test("an application's error code reaches the peer, and each end is closed once", async () => {
  await withHost(async (host, certificates) => {
    const { connection, client, server } = await connectPair(host, certificates);
    connection.shutdown(3);
    assertEquals(connection.state, "closing");
    await until([host], () => client.isClosed && server.isClosed, "both ends");
    assertEquals([client.reason?.by, client.reason?.kind], ["local", "application"]);
    assertEquals(
      [server.reason?.by, server.reason?.kind, server.reason?.errorCode],
      ["peer", "application", 3],
    );
    assertEquals(client.events, ["certificate", "connected", "closing", "closed"]);
    assertEquals(server.events, ["connected", "closing", "closed"]);
  });
});

Deno.test("a connection's number is free again after it is closed", async () => {
  await withHost(async (host, certificates) => {
    const { connection, client, server, port } = await connectPair(host, certificates);
    const ids = [connection.id, server.connection?.id];
    assertEquals(new Set(ids).size, 2);
    connection.shutdown(0);
    await until([host], () => client.isClosed && server.isClosed, "both ends");
    const again = host.connect(host.client(certificates.caFile), port);
    assert(ids.includes(again.connection.id));
    await until([host], () => again.recorder.connection !== undefined, "a second handshake");
  });
});

//= PROTOCOL.md 3
//# | `max_idle_timeout` | 15 s, on both sides
Deno.test("a peer that falls silent is noticed after the idle timeout", async () => {
  const certificates = await CertificateFolder.make();
  const host = await QuicHost.open();
  const peer = await QuicHost.open();
  try {
    const settings = { idleTimeoutMs: 800, keepAliveMs: 0, disconnectTimeoutMs: 800 };
    const { accepted, port } = host.listen(host.server(await certificates.issue(), settings));
    const { recorder } = peer.connect(peer.client(certificates.caFile, settings), port);
    await until([host, peer], () => accepted[0]?.connection !== undefined, "a handshake");
    const startMs = performance.now();
    await pass([host, peer], 200);
    await until([host], () => accepted[0].isClosed, "the idle timeout");
    assertEquals(accepted[0].reason?.kind, "idle");
    assertGreater(performance.now() - startMs, 700);
    assertEquals(recorder.isClosed, false, "the peer had no turn, so it knows nothing");
  } finally {
    peer.close();
    host.close();
    await certificates.remove();
  }
});

//= PROTOCOL.md 3
//# | keep-alive | each endpoint sends something at least every 5 s (a PING frame if nothing else)
Deno.test("keep-alives hold an unused connection open", async () => {
  await withHost(async (host, certificates) => {
    const settings = { idleTimeoutMs: 1_500, keepAliveMs: 300 };
    const { client, server } = await connectPair(host, certificates, settings);
    await pass([host], 3_000);
    assertEquals([client.isClosed, server.isClosed], [false, false]);
  });
});

Deno.test("a restarted server with the same reset key is noticed at the first packet", async () => {
  const certificates = await CertificateFolder.make();
  const files = await certificates.issue();
  const key = crypto.getRandomValues(new Uint8Array(32));
  const client = await QuicHost.open();
  let server = await QuicHost.open();
  try {
    server.library.setStatelessResetKey(key);
    const { accepted, port } = server.listen(server.server(files));
    const { recorder, connection } = client.connect(client.client(certificates.caFile), port);
    await until([server, client], () => accepted[0]?.connection !== undefined, "a handshake");
    await pass([server, client], 300);
    server.close();
    server = await QuicHost.open();
    server.library.setStatelessResetKey(key);
    server.library.listen({
      configuration: server.server(files),
      host: "127.0.0.1",
      port,
      accept: () => new ConnectionRecorder(server.pool),
    });
    const startMs = performance.now();
    assert(client.send(connection, new Uint8Array(200)));
    await until([server, client], () => recorder.isClosed, "a stateless reset");
    assertEquals(recorder.reason?.kind, "reset");
    assertLess(performance.now() - startMs, 2000);
  } finally {
    client.close();
    server.close();
    await certificates.remove();
  }
});

Deno.test("a listener may refuse a connection before its handshake", async () => {
  await withHost(async (host, certificates) => {
    const remotes: string[] = [];
    const listener = host.library.listen({
      configuration: host.server(await certificates.issue()),
      host: "127.0.0.1",
      port: 0,
      accept: (remote) => {
        remotes.push(formatAddress(remote));
        return undefined;
      },
    });
    const port = listener.localAddress?.port ?? 0;
    const { recorder } = host.connect(host.client(certificates.caFile), port);
    await until([host], () => recorder.isClosed, "the refusal");
    assertEquals(recorder.reason?.kind, "refused");
    assertEquals(recorder.events, ["closing", "closed"]);
    assertEquals(remotes.length, 1);
  });
});

Deno.test("a port where nobody listens ends the attempt", async () => {
  await withHost(async (host, certificates) => {
    const { port, close } = await udpSocket("127.0.0.1");
    await close();
    const settings = { handshakeIdleTimeoutMs: 1000 };
    const { recorder } = host.connect(host.client(certificates.caFile, settings), port);
    await until([host], () => recorder.isClosed, "the end");
    assert(["unreachable", "refused", "timeout", "idle"].includes(recorder.reason?.kind ?? ""));
    assertEquals(recorder.events, ["closing", "closed"]);
  });
});

Deno.test("a server that never answers runs into the handshake's timeout", async () => {
  await withHost(async (host, certificates) => {
    const { port, close } = await udpSocket("127.0.0.1");
    try {
      const settings = { handshakeIdleTimeoutMs: 700 };
      const { recorder } = host.connect(host.client(certificates.caFile, settings), port);
      const startMs = performance.now();
      await until([host], () => recorder.isClosed, "the timeout");
      assert(["timeout", "idle"].includes(recorder.reason?.kind ?? ""), recorder.reason?.message);
      assertGreater(performance.now() - startMs, 500);
    } finally {
      await close();
    }
  });
});

Deno.test("a server of another protocol is told apart", async () => {
  await withHost(async (host, certificates) => {
    const { port } = host.listen(host.server(await certificates.issue()));
    const { recorder } = host.connect(host.client(certificates.caFile, {}, "other/9"), port);
    await until([host], () => recorder.isClosed, "the end");
    assertEquals(recorder.reason?.kind, "alpn");
  });
});

Deno.test("a port in use is a clear error", async () => {
  await withHost(async (host, certificates) => {
    const { port, close } = await udpSocket("0.0.0.0");
    try {
      const configuration = host.server(await certificates.issue());
      const accept = () => undefined;
      const error = assertThrows(
        () => host.library.listen({ configuration, port, accept }),
        QuicError,
        "ADDRESS_IN_USE",
      );
      assertEquals(error.status, QuicStatus.ADDRESS_IN_USE);
    } finally {
      await close();
    }
  });
});

Deno.test("a listener without a host accepts IPv4 and IPv6", async () => {
  await withHost(async (host, certificates) => {
    const { port, remotes, accepted } = host.listen(host.server(await certificates.issue()), "");
    const configuration = host.client(certificates.caFile);
    const four = host.connect(configuration, port, "127.0.0.1");
    await until([host], () => accepted.length === 1, "IPv4");
    const six = host.connect(configuration, port, "::1");
    await until([host], () => six.recorder.connection !== undefined, "IPv6");
    await until([host], () => four.recorder.connection !== undefined, "IPv4's handshake");
    assertEquals(remotes.map(({ family, host }) => [family, host]), [
      ["ipv4", "127.0.0.1"],
      ["ipv6", "::1"],
    ]);
    assertEquals(six.connection.localAddress?.port, remotes[1].port);
    assertEquals(four.connection.localAddress?.port, remotes[0].port);
  });
});

Deno.test("a listener on an IPv4 address does not answer elsewhere", async () => {
  await withHost(async (host, certificates) => {
    const { port, accepted } = host.listen(host.server(await certificates.issue()), "127.0.0.1");
    const settings = { handshakeIdleTimeoutMs: 700 };
    const other = host.connect(host.client(certificates.caFile, settings), port, "127.0.0.2");
    await until([host], () => other.recorder.isClosed, "the end");
    assertEquals(accepted.length, 0);
  });
});

Deno.test("what a handler throws comes out of the reactor", async () => {
  await withHost(async (host, certificates) => {
    const { connection, server } = await connectPair(host, certificates);
    server.datagram = (_connection, slot) => {
      host.pool.release(slot);
      throw new RangeError("from the handler");
    };
    assert(host.send(connection, new Uint8Array(10)));
    let thrown: unknown;
    try {
      await pass([host], 500);
    } catch (error) {
      thrown = error;
    }
    assert(thrown instanceof RangeError && thrown.message === "from the handler");
  });
});

Deno.test("the server learns the name that the client asked for, but no IP address", async () => {
  await withHost(async (host, certificates) => {
    const { port, serverNames } = host.listen(host.server(await certificates.issue()), "");
    const configuration = host.client(certificates.caFile);
    for (const [i, name] of ["relay.test", "192.0.2.1", "2001:db8::1", ""].entries()) {
      const { recorder } = host.connect(configuration, port, "127.0.0.1", name);
      await until([host], () => recorder.connection !== undefined, "a handshake");
      assertEquals(serverNames.length, i + 1);
    }
    assertEquals(serverNames, ["relay.test", "", "", ""]);
  });
});

Deno.test("a listener whose handler throws refuses the connection", async () => {
  await withHost(async (host, certificates) => {
    const listener = host.library.listen({
      configuration: host.server(await certificates.issue()),
      host: "127.0.0.1",
      port: 0,
      accept: () => {
        throw new RangeError("from accept");
      },
    });
    const port = listener.localAddress?.port ?? 0;
    const { recorder } = host.connect(host.client(certificates.caFile), port);
    const end = () => until([host], () => recorder.isClosed, "the end");
    await assertRejects(end, RangeError, "from accept");
    await end();
    assertEquals(recorder.events.includes("connected"), false);
  });
});
