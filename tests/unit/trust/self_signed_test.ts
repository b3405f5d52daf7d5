import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsagesExtension,
  X509Certificate,
} from "@peculiar/x509";
import { hashSpki } from "../../../src/trust/fingerprint.ts";
import { pemToDer } from "../../../src/trust/pem.ts";
import { loadPin } from "../../../src/trust/pin.ts";
import { createSelfSigned } from "../../../src/trust/self_signed.ts";
import { parseCertificate } from "../../../src/trust/certificate.ts";
import { verifyLeaf } from "../../../src/trust/verify.ts";
import { DAY_MS } from "../../../tools/lab/certificates.ts";

const unixMs = Date.UTC(2026, 10, 20, 12);
const names = ["relay.test", "*.relay.test", "192.0.2.1", "2001:db8::1", "bücher.test"];

Deno.test("a self-signed certificate is a server's, not a CA's, and verifies by its own key", async () => {
  const made = await createSelfSigned({ names, days: 90, unixMs });
  const certificate = new X509Certificate(made.certificateDer);
  assertEquals(await certificate.verify({ date: new Date(unixMs) }), true);
  const constraints = certificate.getExtension(BasicConstraintsExtension);
  assertEquals([constraints?.ca, constraints?.critical], [false, true]);
  assertEquals(certificate.getExtension(KeyUsagesExtension)?.usages, 1);
  const extendedUsages = certificate.getExtension(ExtendedKeyUsageExtension)?.usages ?? [];
  assertEquals([...extendedUsages], ["1.3.6.1.5.5.7.3.1"]);
  const said = parseCertificate(made.certificateDer).names.map(({ value }) => value);
  assertEquals(said, [...names.slice(0, 4), "xn--bcher-kva.test"]);
  assertEquals(certificate.notAfter.getTime(), unixMs + 90 * DAY_MS);
  assert(certificate.notBefore.getTime() < unixMs);
  assertEquals(certificate.subject, certificate.issuer);
});

Deno.test("its PEM pair belongs together", async () => {
  const made = await createSelfSigned({ names, days: 1, unixMs });
  assertEquals(pemToDer(made.certificatePem), [made.certificateDer]);
  const publicKey = createPublicKey(createPrivateKey(made.keyPem));
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  assertEquals(hashSpki(spki), made.fingerprint);
});

Deno.test("it passes by name and date, and as a file pins itself", async () => {
  const made = await createSelfSigned({ names, days: 1, unixMs });
  for (const serverName of ["relay.test", "a.relay.test", "192.0.2.1", "2001:db8::1"]) {
    assertEquals(verifyLeaf(made.certificateDer, { mode: "ca", serverName, unixMs }), { ok: true });
  }
  assertEquals(loadPin(made.certificateDer), { mode: "leafPin", pins: [made.fingerprint] });
});

Deno.test("a renewal with the kept key keeps the fingerprint, not the serial number", async () => {
  const first = await createSelfSigned({ names, days: 1, unixMs });
  const second = await createSelfSigned({ names, days: 1, unixMs, keyPem: first.keyPem });
  assertEquals(second.fingerprint, first.fingerprint);
  assertEquals(pemToDer(second.keyPem, "PRIVATE KEY"), pemToDer(first.keyPem, "PRIVATE KEY"));
  assertNotEquals(
    new X509Certificate(second.certificateDer).serialNumber,
    new X509Certificate(first.certificateDer).serialNumber,
  );
  const third = await createSelfSigned({ names, days: 1, unixMs });
  assertNotEquals(third.fingerprint, first.fingerprint);
});

Deno.test("keys of another kind, names that are none and no names at all are refused", async () => {
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey
    .export({ type: "pkcs8", format: "pem" }).toString();
  const make = (changes: { names?: string[]; keyPem?: string }) =>
    createSelfSigned({ names, days: 1, unixMs, ...changes });
  await assertRejects(() => make({ keyPem: p384 }), TypeError, "P-256");
  await assertRejects(() => make({ keyPem: "nonsense" }), TypeError, "PEM");
  await assertRejects(() => make({ names: [] }), TypeError, "at least one name");
  for (const name of ["", "a b", "*", "a.*.b", "-a.test", "a..b", "x".repeat(64)]) {
    await assertRejects(() => make({ names: [name] }), TypeError, `"${name}"`);
  }
});
