/** Certificates are read as a library reads them that knows all of X.509. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  BasicConstraintsExtension,
  Extension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { parseCertificate } from "../../../src/trust/certificate.ts";

const KEYS = {
  p256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  p384: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  rsa: {
    ...{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    ...{ modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
  },
};

/** Makes a certificate with these extensions. */
async function make(
  extensions: readonly Extension[],
  key: keyof typeof KEYS = "p256",
  notAfter = new Date(Date.UTC(2031, 1, 3, 4, 5, 6)),
): Promise<Uint8Array<ArrayBuffer>> {
  const keys = await crypto.subtle.generateKey(KEYS[key], true, ["sign", "verify"]);
  const made = await X509CertificateGenerator.createSelfSigned({
    ...{ serialNumber: "01", name: "CN=lab, O=Somebody", keys: keys as CryptoKeyPair },
    ...{ notBefore: new Date(Date.UTC(2026, 0, 2)), notAfter, signingAlgorithm: KEYS[key] },
    extensions: [...extensions],
  });
  return new Uint8Array(made.rawData);
}

Deno.test("key, dates and the right to issue are what the other library reads", async () => {
  const authority = new BasicConstraintsExtension(true, 2, true);
  const none = new BasicConstraintsExtension(false, undefined, true);
  // From 2050 on dates are written in another way (RFC 5280, section 4.1.2.5).
  const late = new Date(Date.UTC(2051, 5, 6, 7, 8, 9));
  const all = [
    await make([]),
    await make([none], "p384"),
    await make([authority], "rsa", late),
  ];
  for (const [index, der] of all.entries()) {
    const other = new X509Certificate(der);
    const { notBefore, notAfter } = other;
    const spki = new Uint8Array(other.publicKey.rawData);
    const isAuthority = index === 2;
    assertEquals(parseCertificate(der), { der, spki, notBefore, notAfter, names: [], isAuthority });
  }
  assertEquals(parseCertificate(all[2]).notAfter, late);
});

Deno.test("of the alternative names the host names and the addresses count", async () => {
  const names = [
    { type: "dns", value: "relay.test" },
    { type: "email", value: "relay.test@elsewhere.test" },
    { type: "ip", value: "192.0.2.1" },
    { type: "url", value: "https://elsewhere.test" },
    { type: "ip", value: "2001:db8::1" },
    { type: "dns", value: "*.b.test" },
  ] as const;
  const der = await make([new SubjectAlternativeNameExtension([...names])]);
  assertEquals(parseCertificate(der).names, [names[0], names[2], names[4], names[5]]);
});

/** An extension of alternative names with these bytes in it. */
function namesOfBytes(...bytes: number[]): Extension {
  return new Extension("2.5.29.17", false, Uint8Array.of(0x30, bytes.length, ...bytes));
}

Deno.test("a name is taken as it stands: nothing in it makes two of one", async () => {
  const text = "a.test, DNS:b.test\0.c.test";
  const bytes = [...new TextEncoder().encode(text)];
  const der = await make([namesOfBytes(0x82, bytes.length, ...bytes)]);
  assertEquals(parseCertificate(der).names, [{ type: "dns", value: text }]);
});

Deno.test("an address has 4 or 16 bytes", async () => {
  const der = await make([namesOfBytes(0x87, 5, 192, 0, 2, 1, 0, 0x87, 4, 192, 0, 2, 2, 0x87, 0)]);
  assertEquals(parseCertificate(der).names, [{ type: "ip", value: "192.0.2.2" }]);
});

Deno.test("what no certificate is allowed to be is none", async () => {
  const good = await make([namesOfBytes(0x82, 1, 0x61)]);
  const bad: Record<string, Uint8Array> = {
    "nothing": new Uint8Array(),
    "a number": Uint8Array.of(2, 1, 5),
    "an empty sequence": Uint8Array.of(0x30, 0),
    "cut off": good.subarray(0, good.length - 1),
    "something behind it": Uint8Array.of(...good, 0),
    "the same extension twice": await make([
      namesOfBytes(0x82, 1, 0x61),
      namesOfBytes(0x82, 1, 0x62),
    ]),
    "names that are none": await make([new Extension("2.5.29.17", false, Uint8Array.of(4, 0))]),
  };
  for (const [what, bytes] of Object.entries(bad)) {
    assertThrows(() => parseCertificate(bytes), Error, undefined, what);
  }
});
