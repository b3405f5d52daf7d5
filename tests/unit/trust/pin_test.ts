import { assert, assertEquals, assertThrows } from "@std/assert";
import { derToPem, isPem, pemToDer } from "../../../src/trust/pem.ts";
import { loadPin, PinFileError } from "../../../src/trust/pin.ts";
import { issueLeaf, makeAuthority } from "../../../tools/lab/certificates.ts";
import { GOLDEN_FINGERPRINT, GOLDEN_PEM } from "./golden.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const golden = pemToDer(GOLDEN_PEM)[0];

Deno.test("PEM round-trips byte for byte with what OpenSSL wrote", () => {
  assertEquals(derToPem(golden), GOLDEN_PEM);
  assertEquals(pemToDer(GOLDEN_PEM + "\n# a comment\n" + GOLDEN_PEM), [golden, golden]);
  assertEquals(pemToDer(GOLDEN_PEM.replaceAll("\n", "\r\n")), [golden]);
});

Deno.test("PEM of another label, unfinished or undecodable is no certificate", () => {
  assertEquals(pemToDer(GOLDEN_PEM.replaceAll("CERTIFICATE", "PRIVATE KEY")), []);
  assertEquals(pemToDer(GOLDEN_PEM.slice(0, -10)), []);
  assertEquals(pemToDer("-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n"), []);
  assertEquals(pemToDer("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), []);
  assert(isPem(encode(GOLDEN_PEM)));
  assert(!isPem(golden));
});

//= PROTOCOL.md 3
//# a *certificate file*: if it holds a CA, then the chain must lead to it, and the name and the
//# dates must be right; if it holds a leaf, then its public key is the pin, as in 1;
Deno.test("a leaf, in PEM or DER, pins its key", () => {
  const expected = { mode: "leafPin", pins: [GOLDEN_FINGERPRINT] } as const;
  assertEquals(loadPin(encode(GOLDEN_PEM)), expected);
  assertEquals(loadPin(golden), expected);
  assertEquals(loadPin(encode(`Certificate:\n    Data:\n${GOLDEN_PEM}`)), expected);
});

Deno.test("a CA, in PEM or DER, becomes the trust anchor as PEM", async () => {
  const authority = await makeAuthority();
  const expected = { mode: "ca", caPem: authority.certificatePem } as const;
  assertEquals(loadPin(encode(authority.certificatePem)), expected);
  assertEquals(loadPin(authority.certificateDer), expected);
});

Deno.test("a full chain pins its leaf, a bundle of CAs keeps them all", async () => {
  const authority = await makeAuthority("CN=first");
  const second = await makeAuthority("CN=second");
  const leaf = await issueLeaf(authority, { names: ["relay.test"] });
  assertEquals(loadPin(encode(leaf.certificatePem + authority.certificatePem)), {
    mode: "leafPin",
    pins: [leaf.fingerprint],
  });
  assertEquals(loadPin(encode(leaf.certificatePem + GOLDEN_PEM + leaf.certificatePem)), {
    mode: "leafPin",
    pins: [leaf.fingerprint, GOLDEN_FINGERPRINT],
  });
  assertEquals(loadPin(encode(authority.certificatePem + second.certificatePem)), {
    mode: "ca",
    caPem: authority.certificatePem + second.certificatePem,
  });
  assertEquals(loadPin(encode(authority.certificatePem + leaf.certificatePem)), {
    mode: "ca",
    caPem: authority.certificatePem,
  });
});

Deno.test("a file without a readable certificate says so", async () => {
  const authority = await makeAuthority();
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(0), "no certificate in PEM or DER"],
    [encode("hello"), "no certificate in PEM or DER"],
    [encode(authority.keyPem), "no certificate in PEM or DER"],
    [golden.subarray(0, 100), "no certificate in PEM or DER"],
    [encode("-----BEGIN CERTIFICATE-----\n"), "cannot be decoded"],
    [
      encode(authority.certificatePem + derToPem(golden.subarray(0, 50))),
      "certificate 2 cannot be read",
    ],
  ];
  for (const [file, message] of cases) {
    assertThrows(() => loadPin(file), PinFileError, message);
  }
});
