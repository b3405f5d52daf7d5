/**
 * What a server says to packets that belong to no connection: nothing but what QUIC needs (patches 0026 and 0027).
 *
 * ```
 *  strangers (127.0.0.1 … 3) ── odd packets ───────────► server ◄── a client, so that all before has been seen
 *  a client's old packets ── of before its restart ────►
 * ```
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { CertificateFolder, ConnectionRecorder, QuicHost } from "../../../tools/lab/quic.ts";
import type { ServerFiles } from "../../../tools/lab/quic.ts";
import { UdpRecorder, UdpTap, untilTapped } from "../../support/udp_tap.ts";

/** RFC 9000, section 10.3: 5 bytes that nobody can tell from noise, and the token. */
const RESET_BYTES_MIN = 21;
const UNKNOWN_VERSION = [0x1a, 0x2a, 0x3a, 0x4a];

function random(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** A packet with a long header (RFC 8999) and connection IDs of 8 bytes, as long as asked for. */
function longHeader(
  first: number,
  version: number[],
  length: number,
  rest: Uint8Array,
): Uint8Array {
  const packet = new Uint8Array(length);
  packet.set([first, ...version, 8, ...random(8), 8, ...random(8)]);
  packet.set(rest.subarray(0, Math.max(0, length - 23)), 23);
  return packet;
}

const V1 = [0, 0, 0, 1];

/** What a stranger may send, and who may answer it is nobody. */
function oddPackets(): Uint8Array[] {
  const shortHeaders = [1, 9, 10, 21, 22, 23, 40, 41, 60, 100, 1200, 1400].map((length) => {
    const packet = random(length);
    packet[0] = 0x40 | (packet[0] & 0x3f);
    return packet;
  });
  const token = Uint8Array.of(0x20, ...random(32), 0x44, 0x70);
  return [
    ...shortHeaders,
    new Uint8Array(0),
    new Uint8Array(1200),
    random(3),
    longHeader(0xc3, V1, 1200, Uint8Array.of(0, 0x44, 0x90, ...random(1200))),
    longHeader(0xc3, V1, 1200, Uint8Array.of(...token, ...random(1200))),
    longHeader(0xc3, V1, 100, Uint8Array.of(0, 0x40, 0x40, ...random(100))),
    longHeader(0xd3, V1, 1200, random(1200)),
    longHeader(0xe3, V1, 1200, random(1200)),
    longHeader(0xf3, V1, 1200, random(1200)),
    // Version Negotiation itself, and requests for it that are too short to be answered.
    longHeader(0x80, [0, 0, 0, 0], 1200, random(1200)),
    longHeader(0xc0, UNKNOWN_VERSION, 1199, random(1200)),
    longHeader(0xc0, UNKNOWN_VERSION, 100, random(100)),
  ];
}

/** A server that can be restarted at its port. */
class Server {
  host!: QuicHost;
  port = 0;

  constructor(readonly files: ServerFiles, readonly key: Uint8Array<ArrayBuffer>) {}

  async start(key = this.key): Promise<void> {
    this.host = await QuicHost.open();
    this.host.library.setStatelessResetKey(key);
    const listener = this.host.library.listen({
      configuration: this.host.server(this.files),
      host: "127.0.0.1",
      port: this.port,
      accept: () => new ConnectionRecorder(this.host.pool),
    });
    this.port = listener.localAddress?.port ?? 0;
  }
}

async function withServer(
  run: (server: Server, certificates: CertificateFolder) => Promise<void>,
): Promise<void> {
  const certificates = await CertificateFolder.make();
  const server = new Server(await certificates.issue(), random(32) as Uint8Array<ArrayBuffer>);
  await server.start();
  try {
    await run(server, certificates);
  } finally {
    server.host.close();
    await certificates.remove();
  }
}

/** Connects a client and returns when it is connected: the server has seen all that was sent before. */
async function fence(server: Server, certificates: CertificateFolder): Promise<void> {
  const host = await QuicHost.open();
  try {
    const { recorder } = host.connect(host.client(certificates.caFile), server.port);
    const done = () => recorder.connection !== undefined;
    await untilTapped([server.host, host], done, "a handshake");
  } finally {
    host.close();
  }
}

Deno.test("packets of no connection get no answer, whatever they look like", async () => {
  await withServer(async (server, certificates) => {
    await using stranger = await UdpRecorder.bind();
    for (const packet of oddPackets()) await stranger.send(packet, server.port);
    await fence(server, certificates);
    assertEquals(stranger.received.map(({ length }) => length), []);
  });
});

/** Version Negotiation that is asked for from each of these addresses; how much of it comes. */
async function negotiate(
  server: Server,
  certificates: CertificateFolder,
  addresses: readonly string[],
): Promise<number[]> {
  const strangers = await Promise.all(addresses.map(UdpRecorder.bind));
  try {
    for (let round = 0; round < 3; round++) {
      for (const stranger of strangers) {
        await stranger.send(longHeader(0xc0, UNKNOWN_VERSION, 1200, random(1200)), server.port);
      }
    }
    await fence(server, certificates);
    for (const answer of strangers.flatMap(({ received }) => received)) {
      assertEquals([...answer.subarray(1, 5)], [0, 0, 0, 0]);
    }
    return strangers.map(({ received }) => received.length);
  } finally {
    for (const stranger of strangers) await stranger[Symbol.asyncDispose]();
  }
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);

Deno.test("a host that asks with unknown versions, from whatever ports, is answered once a second", async () => {
  await withServer(async (server, certificates) => {
    const answers = sum(await negotiate(server, certificates, new Array(20).fill("127.0.0.1")));
    // On a slow machine the requests take more than a second; without the patch each port has its answer.
    assert(answers >= 1 && answers < 10, `${answers} answers`);
  });
});

Deno.test("hosts that ask with unknown versions keep few others from an answer", async () => {
  await withServer(async (server, certificates) => {
    const addresses = Array.from({ length: 16 }, (_, i) => `127.0.0.${i + 2}`);
    const answered = (await negotiate(server, certificates, addresses)).filter((n) => n > 0);
    // Of 64 slots some two are shared, by chance.
    assertGreater(answered.length, 8);
  });
});

/** A packet that a client has sent on a connection, whose server has forgotten it since. */
async function oldPacket(server: Server, certificates: CertificateFolder): Promise<Uint8Array> {
  await using tap = await UdpTap.open(server.port);
  const host = await QuicHost.open();
  try {
    const { recorder, connection } = host.connect(host.client(certificates.caFile), tap.port);
    const done = () => recorder.connection !== undefined;
    await untilTapped([server.host, host], done, "a handshake");
    host.send(connection, random(200));
    const isShort = (packet: Uint8Array) => (packet[0] & 0x80) === 0 && packet.length > 200;
    const sent = () => tap.fromClient.some(isShort);
    await untilTapped([server.host, host], sent, "a datagram");
    return tap.fromClient.find(isShort) as Uint8Array;
  } finally {
    host.close();
  }
}

//= PROTOCOL.md 3
//# | stateless reset | a relay should keep its reset key over restarts (RFC 9000 §10.3), so that
//# endpoints notice one at once; ours answers connection ids that it gave out itself, and no others
//# ([SILENCE.md](../../docs/SILENCE.md))
Deno.test("a connection ID of an earlier run is answered by a reset, and nothing like it is", async () => {
  await withServer(async (server, certificates) => {
    const packet = await oldPacket(server, certificates);
    server.host.close();
    await server.start();
    await using peer = await UdpRecorder.bind("127.0.0.2");
    // Each byte of the connection ID counts.
    for (let i = 1; i <= 9; i++) {
      const other = packet.slice();
      other[i] ^= 1;
      await peer.send(other, server.port);
    }
    await fence(server, certificates);
    assertEquals(peer.received.length, 0);

    await peer.send(packet, server.port);
    await fence(server, certificates);
    assertEquals(peer.received.length, 1);
    const [reset] = peer.received;
    assert(
      reset.length >= RESET_BYTES_MIN && reset.length < packet.length,
      `${reset.length} bytes`,
    );
    assertEquals(reset[0] & 0xc0, 0x40);
  });
});

Deno.test("with another key, an earlier run's connection IDs are strangers'", async () => {
  await withServer(async (server, certificates) => {
    const packet = await oldPacket(server, certificates);
    server.host.close();
    await server.start(random(32) as Uint8Array<ArrayBuffer>);
    await using peer = await UdpRecorder.bind("127.0.0.2");
    await peer.send(packet, server.port);
    await fence(server, certificates);
    assertEquals(peer.received.length, 0);
  });
});
