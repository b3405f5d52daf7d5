import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { certificatesOfPkcs7 } from "../../../src/quic/pkcs7.ts";

/** A DER element. */
function der(tag: number, ...contents: Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  const lengthBytes = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...lengthBytes, ...contents.flatMap((part) => [...part])]);
}

const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT_0 = 0xa0;
const version = der(0x02, Uint8Array.of(1));
const signedDataOid = der(0x06, Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2));
const dataOid = der(0x06, Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1));

function bundle(certificates: readonly Uint8Array[]): Uint8Array {
  const parts = [version, der(SET), der(SEQUENCE, dataOid)];
  if (certificates.length > 0) parts.push(der(CONTEXT_0, ...certificates));
  const signedData = der(SEQUENCE, ...parts, der(SET));
  return der(SEQUENCE, signedDataOid, der(CONTEXT_0, signedData));
}

Deno.test("the certificates of a bundle come out whole and in order", () => {
  const certificates = [0, 5, 200, 3000].map((size, i) =>
    der(SEQUENCE, new Uint8Array(size).fill(i + 1))
  );
  assertEquals<Uint8Array[]>(certificatesOfPkcs7(bundle(certificates)), certificates);
});

Deno.test("a bundle without certificates has none", () => {
  assertEquals(certificatesOfPkcs7(bundle([])), []);
});

Deno.test("something else has no certificates", () => {
  assertEquals(certificatesOfPkcs7(new Uint8Array(0)), []);
  assertEquals(certificatesOfPkcs7(der(SEQUENCE, signedDataOid)), []);
  assertEquals(certificatesOfPkcs7(der(SET, signedDataOid, der(CONTEXT_0))), []);
});

Deno.test("a cut or damaged bundle never reads outside, and yields only whole elements", () => {
  const certificates = [der(SEQUENCE, new Uint8Array(300).fill(7)), der(SEQUENCE, version)];
  const whole = bundle(certificates);
  fc.assert(fc.property(
    fc.integer({ min: 0, max: whole.length }),
    fc.integer({ min: 0, max: whole.length - 1 }),
    fc.integer({ min: 0, max: 255 }),
    (length, at, value) => {
      const bytes = whole.slice(0, length);
      if (at < length) bytes[at] = value;
      const found = certificatesOfPkcs7(bytes);
      const total = found.reduce((sum, certificate) => sum + certificate.length, 0);
      return total <= bytes.length && found.every(([tag]) => tag === SEQUENCE);
    },
  ));
});
