/**
 * A client whose server's address others can forge: only packets that nobody but the server can have made end its
 * connection (patch 0017).
 *
 * ```
 *  client ──► tap, which also sends what is forged ──► server
 * ```
 */
import { assertEquals } from "@std/assert";
import type { QuicConnection } from "../../../src/quic/mod.ts";
import { CertificateFolder, type ConnectionRecorder, QuicHost } from "../../../tools/lab/quic.ts";
import { UdpTap, untilTapped } from "../../support/udp_tap.ts";

const UNKNOWN_VERSION = [0x1a, 0x2a, 0x3a, 0x4a];

/** A Version Negotiation packet (RFC 9000, section 17.2.1) to a client whose connection ID has no bytes. */
function versionNegotiation(serverId: Uint8Array): Uint8Array {
  return Uint8Array.of(0x80, 0, 0, 0, 0, 0, serverId.length, ...serverId, ...UNKNOWN_VERSION);
}

/** The connection ID that a client's first packet gives its server. */
function serverIdOf(initial: Uint8Array): Uint8Array {
  return initial.subarray(6, 6 + initial[5]);
}

async function withTap(
  run: (
    hosts: [server: QuicHost, client: QuicHost],
    tap: UdpTap,
    caFile: string,
    accepted: readonly ConnectionRecorder[],
  ) => Promise<void>,
): Promise<void> {
  const certificates = await CertificateFolder.make();
  const server = await QuicHost.open();
  const client = await QuicHost.open();
  try {
    const { port, accepted } = server.listen(server.server(await certificates.issue()));
    await using tap = await UdpTap.open(port);
    await run([server, client], tap, certificates.caFile, accepted);
  } finally {
    client.close();
    server.close();
    await certificates.remove();
  }
}

Deno.test("Version Negotiation that came later than another packet ends no connection", async () => {
  await withTap(async (hosts, tap, caFile, accepted) => {
    const [server, client] = hosts;
    const { recorder, connection } = client.connect(client.client(caFile), tap.port);
    const done = () => recorder.connection !== undefined && accepted[0]?.connection !== undefined;
    await untilTapped(hosts, done, "a handshake");
    const [initial] = tap.fromClient;
    const known = tap.fromClient.at(-1)?.subarray(1, 10) ?? new Uint8Array(0);
    for (const id of [serverIdOf(initial), known, new Uint8Array(0), new Uint8Array(8)]) {
      tap.tellClient(versionNegotiation(id));
    }
    // What the server says now comes behind the forged ones.
    server.send(accepted[0].connection as QuicConnection, new Uint8Array(100));
    await untilTapped(
      hosts,
      () => recorder.datagrams.length > 0 || recorder.isClosed,
      "a datagram",
    );
    assertEquals([recorder.isClosed, connection.state], [false, "connected"]);
  });
});

Deno.test("Version Negotiation with another connection ID does not count as an answer", async () => {
  await withTap(async (hosts, tap, caFile) => {
    const [, client] = hosts;
    let forged = 0;
    tap.onClient = () => {
      for (const length of [0, 1, 7, 8, 9, 20]) {
        tap.tellClient(versionNegotiation(crypto.getRandomValues(new Uint8Array(length))));
        forged++;
      }
      tap.onClient = () => "forward";
      return "forward";
    };
    const { recorder } = client.connect(client.client(caFile), tap.port);
    await untilTapped(hosts, () => recorder.connection !== undefined, "a handshake");
    assertEquals([forged, recorder.isClosed], [6, false]);
  });
});

Deno.test("Version Negotiation as the first answer, with the right ID, says that there is no common version", async () => {
  await withTap(async (hosts, tap, caFile) => {
    const [, client] = hosts;
    tap.onClient = (bytes) => {
      tap.tellClient(versionNegotiation(serverIdOf(bytes)));
      return "drop";
    };
    const { recorder } = client.connect(client.client(caFile), tap.port);
    await untilTapped(hosts, () => recorder.isClosed, "an end");
    assertEquals(recorder.events, ["closing", "closed"]);
  });
});
