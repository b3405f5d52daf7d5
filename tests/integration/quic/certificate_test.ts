import { assert, assertEquals, assertRejects } from "@std/assert";
import { QuicError, QuicStatus } from "../../../src/quic/mod.ts";
import type { PeerCertificate } from "../../../src/quic/mod.ts";
import { CertificateFolder, QuicHost, SERVER_NAME, until } from "../../../tools/lab/quic.ts";
import type { ServerFiles } from "../../../tools/lab/quic.ts";
import { DAY_MS } from "../../../tools/lab/certificates.ts";

interface Attempt {
  /** The client's CA file; undefined: none. */
  readonly caFile?: string | undefined;
  readonly files?: ServerFiles;
  readonly decide?: (certificate: PeerCertificate) => boolean;
}

/** One attempt to connect, with what both sides saw of it. */
async function attempt(
  host: QuicHost,
  certificates: CertificateFolder,
  { caFile, files, decide }: Attempt,
) {
  const { accepted, port } = host.listen(host.server(files ?? await certificates.issue()));
  const { recorder, connection } = host.connect(host.client(caFile), port);
  if (decide !== undefined) recorder.decide = decide;
  return { accepted, client: recorder, connection };
}

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
}

/** Refused: the client never connects, and the server sees no connection, stream or datagram. */
async function assertRefused(
  host: QuicHost,
  { accepted, client }: Awaited<ReturnType<typeof attempt>>,
) {
  await until([host], () => client.isClosed && accepted[0]?.isClosed, "the refusal");
  assertEquals(client.reason?.kind, "certificate");
  assertEquals(client.events, ["certificate", "closing", "closed"]);
  assertEquals(accepted[0].events, ["closing", "closed"], "the server has not seen a connection");
  assertEquals(accepted[0].reason?.kind, "certificate");
}

Deno.test("a chain that ends in the CA file is trusted, leaf first", async () => {
  await withHost(async (host, certificates) => {
    const files = await certificates.issue();
    const { client } = await attempt(host, certificates, { caFile: certificates.caFile, files });
    await until([host], () => client.connection !== undefined, "a handshake");
    const seen = client.certificateSeen as PeerCertificate;
    assert(seen.chainTrusted);
    assertEquals(seen.chainStatus, QuicStatus.SUCCESS);
    assertEquals(seen.leaf, files.certificateDer);
    assertEquals<readonly Uint8Array[]>(seen.chain, [
      files.certificateDer,
      certificates.authority.certificateDer,
    ]);
  });
});

//= PROTOCOL.md 3
//# Exactly one of these decides, before the endpoint sends anything but the handshake:
Deno.test("a certificate of another CA is refused before anything is sent", async () => {
  await withHost(async (host, certificates) => {
    const caFile = await certificates.strangerCaFile();
    const tried = await attempt(host, certificates, { caFile });
    await assertRefused(host, tried);
    assertEquals(tried.client.certificateSeen?.chainTrusted, false);
  });
});

Deno.test("an expired certificate's chain is not trusted", async () => {
  await withHost(async (host, certificates) => {
    const files = await certificates.issue({
      names: [SERVER_NAME],
      notBeforeMs: Date.now() - 10 * DAY_MS,
      notAfterMs: Date.now() - DAY_MS,
    });
    const tried = await attempt(host, certificates, { caFile: certificates.caFile, files });
    await assertRefused(host, tried);
    assertEquals(tried.client.certificateSeen?.chainStatus, QuicStatus.CERT_EXPIRED);
  });
});

Deno.test("a pinned leaf is accepted without any CA", async () => {
  await withHost(async (host, certificates) => {
    const files = await certificates.issue();
    const { client, accepted } = await attempt(host, certificates, {
      files,
      decide: ({ leaf }) => leaf.join() === files.certificateDer.join(),
    });
    await until([host], () => accepted[0]?.connection !== undefined, "a handshake");
    assertEquals(client.certificateSeen?.chainTrusted, false);
    assertEquals(client.events, ["certificate", "connected"]);
  });
});

Deno.test("the handler's refusal stands though the chain is trusted", async () => {
  await withHost(async (host, certificates) => {
    const { caFile } = certificates;
    const tried = await attempt(host, certificates, { caFile, decide: () => false });
    await assertRefused(host, tried);
    assertEquals(tried.client.certificateSeen?.chainTrusted, true);
  });
});

Deno.test("without a CA file the system's own store is not asked", async () => {
  const before = Deno.env.get("SSL_CERT_FILE");
  await withHost(async (host, certificates) => {
    Deno.env.set("SSL_CERT_FILE", certificates.caFile);
    try {
      const tried = await attempt(host, certificates, {});
      await assertRefused(host, tried);
      assertEquals(Deno.env.get("SSL_CERT_FILE"), certificates.caFile, "and it is left as it was");
    } finally {
      if (before === undefined) Deno.env.delete("SSL_CERT_FILE");
      else Deno.env.set("SSL_CERT_FILE", before);
    }
  });
});

Deno.test("missing PEM files are an error of the configuration", async () => {
  await withHost((host, certificates) => {
    const nowhere = `${certificates.folder}/nowhere`;
    const make = [
      () =>
        host.server({
          certificateFile: nowhere,
          privateKeyFile: nowhere,
          certificateDer: new Uint8Array(),
        }),
      () => host.client(nowhere),
    ];
    for (const configure of make) {
      let thrown: unknown;
      try {
        configure();
      } catch (error) {
        thrown = error;
      }
      assert(thrown instanceof QuicError);
      assertEquals(thrown.call, "MsQuicConfigurationLoadCredential");
    }
    return Promise.resolve();
  });
});

Deno.test("a check that throws accepts nothing", async () => {
  await withHost(async (host, certificates) => {
    const tried = await attempt(host, certificates, {
      caFile: certificates.caFile,
      decide: () => {
        throw new RangeError("from the check");
      },
    });
    await assertRejects(
      () => until([host], () => tried.client.isClosed, "the end"),
      RangeError,
      "from the check",
    );
    await assertRefused(host, tried);
  });
});
