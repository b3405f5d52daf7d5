/** Pairs of connections within one process, for tests of the QUIC binding. */
import { assertEquals } from "@std/assert";
import type { QuicConnection } from "../../src/quic/mod.ts";
import { CertificateFolder, ConnectionRecorder, QuicHost, until } from "../../tools/lab/quic.ts";

/** One host that is server and client at once, with connections between the two. */
export async function withPairs(
  count: number,
  run: (
    host: QuicHost,
    pairs: { client: ConnectionRecorder; server: ConnectionRecorder }[],
  ) => Promise<void>,
  library?: string,
): Promise<void> {
  const certificates = await CertificateFolder.make();
  const host = library === undefined ? await QuicHost.open() : QuicHost.load(library);
  try {
    const { accepted, port } = host.listen(host.server(await certificates.issue()));
    const configuration = host.client(certificates.caFile);
    const pairs: { client: ConnectionRecorder; server: ConnectionRecorder }[] = [];
    for (let i = 0; i < count; i++) {
      const { recorder } = host.connect(configuration, port);
      await until(
        [host],
        () =>
          recorder.connection !== undefined && accepted.length === i + 1 &&
          accepted[i].connection !== undefined,
        "a handshake",
      );
      pairs.push({ client: recorder, server: accepted[i] });
    }
    await run(host, pairs);
  } finally {
    host.close();
    await certificates.remove();
  }
  assertEquals(host.pool.freeSlots, host.pool.slotCount, "every slot has come back");
}

/** The connection that a recorder has seen. */
export function connectionOf(recorder: ConnectionRecorder): QuicConnection {
  if (recorder.connection === undefined) throw new Error("not connected");
  return recorder.connection;
}
