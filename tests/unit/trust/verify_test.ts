import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { pemToDer } from "../../../src/trust/pem.ts";
import { parseFingerprint, spkiFingerprint } from "../../../src/trust/fingerprint.ts";
import { createSelfSigned } from "../../../src/trust/self_signed.ts";
import { type LeafPolicy, type TrustMode, verifyLeaf } from "../../../src/trust/verify.ts";
import { DAY_MS, issueLeaf, makeAuthority } from "../../../tools/lab/certificates.ts";
import {
  GOLDEN_FINGERPRINT,
  GOLDEN_NOT_AFTER_MS,
  GOLDEN_NOT_BEFORE_MS,
  GOLDEN_PEM,
} from "./golden.ts";

const golden = pemToDer(GOLDEN_PEM)[0];
const during = GOLDEN_NOT_BEFORE_MS + DAY_MS;

function policy(changes: Partial<LeafPolicy> = {}): LeafPolicy {
  return { mode: "ca", serverName: "relay.example.net", unixMs: during, ...changes };
}

function reasonOf(der: Uint8Array, changes: Partial<LeafPolicy> = {}): string {
  const verdict = verifyLeaf(der, policy(changes));
  return verdict.ok ? "ok" : verdict.reason;
}

//= PROTOCOL.md 3
//# a *fingerprint*: base64url of the SHA-256 of the leaf's public key (its DER
//# SubjectPublicKeyInfo), 43 characters.
Deno.test("a key's fingerprint is what OpenSSL computes", () => {
  assertEquals(spkiFingerprint(golden), GOLDEN_FINGERPRINT);
});

Deno.test("a server's name matches by the alternative names alone", () => {
  const cases: [string, string][] = [
    ["relay.example.net", "ok"],
    ["RELAY.Example.NET", "ok"],
    ["relay.example.net.", "ok"],
    ["a.party.example", "ok"],
    ["xn--bcher-kva.party.example", "ok"],
    ["bücher.party.example", "ok"],
    ["192.0.2.7", "ok"],
    ["2001:db8::7", "ok"],
    ["[2001:DB8:0:0:0:0:0:7]", "ok"],
    ["golden", "name-mismatch"], // the common name
    ["example.net", "name-mismatch"],
    ["x.relay.example.net", "name-mismatch"],
    ["relay.example.net.evil.example", "name-mismatch"],
    ["party.example", "name-mismatch"],
    [".party.example", "name-mismatch"],
    ["a.b.party.example", "name-mismatch"],
    ["*.party.example", "name-mismatch"],
    ["192.0.2.8", "name-mismatch"],
    ["2001:db8::8", "name-mismatch"],
    ["", "name-mismatch"],
  ];
  for (const mode of ["ca", "system"] as const) {
    for (const [serverName, expected] of cases) {
      assertEquals(reasonOf(golden, { mode, serverName }), expected, `${mode} "${serverName}"`);
    }
  }
});

Deno.test("an address never matches a DNS name, and stars stand only for a whole first label", async () => {
  const authority = await makeAuthority();
  const rawNames = [
    { type: "dns", value: "192.0.2.7" },
    { type: "dns", value: "*.0.2.7" },
    { type: "url", value: "https://relay.example.net" },
    { type: "dns", value: "*" },
    { type: "dns", value: "*." },
    { type: "dns", value: "relay*.example.net" },
    { type: "dns", value: "relay.*.net" },
    { type: "dns", value: "*.*.net" },
  ] as const;
  const leaf = await issueLeaf(authority, { names: [], rawNames: [...rawNames], unixMs: during });
  for (const serverName of ["192.0.2.7", "relay.example.net", "relay", "relay.", "x.net"]) {
    assertEquals(reasonOf(leaf.certificateDer, { serverName }), "name-mismatch", serverName);
  }
});

Deno.test("a certificate without alternative names matches nothing", async () => {
  const authority = await makeAuthority("CN=relay.example.net", during);
  assertEquals(reasonOf(authority.certificateDer), "name-mismatch");
});

Deno.test("dates count to the second, both ends included", () => {
  const cases: [number, string][] = [
    [GOLDEN_NOT_BEFORE_MS - 1, "not-yet-valid"],
    [GOLDEN_NOT_BEFORE_MS, "ok"],
    [GOLDEN_NOT_AFTER_MS, "ok"],
    [GOLDEN_NOT_AFTER_MS + 1, "expired"],
    [NaN, "not-yet-valid"],
  ];
  for (const [unixMs, expected] of cases) {
    for (const mode of ["ca", "system"] as const) {
      assertEquals(reasonOf(golden, { mode, unixMs }), expected, `${mode} ${unixMs}`);
    }
  }
});

//= PROTOCOL.md 3
//# Nothing else is checked: neither name nor dates; a *certificate file*: if it holds a CA, then
//# the chain must lead to it, and the name and the dates must be right; if it holds a leaf, then
//# its public key is the pin, as in 1;
Deno.test("a pinned key is accepted whatever name and dates, and no other key is", async () => {
  const unixMs = GOLDEN_NOT_AFTER_MS + 1;
  const other = await createSelfSigned({ names: ["relay.example.net"], days: 1, unixMs });
  for (const mode of ["leafPin", "fingerprint"] as const) {
    const pinned = { mode, unixMs, serverName: "elsewhere" };
    assertEquals(reasonOf(golden, { ...pinned, pins: [GOLDEN_FINGERPRINT] }), "ok");
    assertEquals(reasonOf(golden, { ...pinned, pins: ["x", GOLDEN_FINGERPRINT] }), "ok");
    assertEquals(reasonOf(golden, { ...pinned, pins: [other.fingerprint] }), "pin-mismatch");
    assertEquals(reasonOf(golden, { ...pinned, pins: [] }), "pin-mismatch");
    assertEquals(reasonOf(golden, pinned), "pin-mismatch");
  }
});

Deno.test("a pin beside a trust store is needed as well, not instead", () => {
  assertEquals(reasonOf(golden, { pins: [GOLDEN_FINGERPRINT] }), "ok");
  assertEquals(reasonOf(golden, { pins: ["other"] }), "pin-mismatch");
  assertEquals(
    reasonOf(golden, { pins: [GOLDEN_FINGERPRINT], serverName: "elsewhere" }),
    "name-mismatch",
  );
});

Deno.test("messages name what is wrong, without a stranger's control characters", () => {
  const verdict = verifyLeaf(golden, policy({ serverName: "elsewhere" }));
  assert(!verdict.ok);
  assertStringIncludes(verdict.message, '"elsewhere"');
  assertStringIncludes(verdict.message, "relay.example.net, *.party.example");
  const late = verifyLeaf(golden, policy({ unixMs: GOLDEN_NOT_AFTER_MS + 1 }));
  assert(!late.ok);
  assertStringIncludes(late.message, "2126-10-27");
});

Deno.test("what is no DER certificate is malformed", () => {
  const cases = [
    new Uint8Array(0),
    new Uint8Array([0x30]),
    new Uint8Array([0x30, 0x00]),
    golden.subarray(0, golden.length - 1),
    golden.subarray(1),
    new TextEncoder().encode(GOLDEN_PEM),
  ];
  for (const der of cases) assertEquals(reasonOf(der), "malformed", `${der.length} bytes`);
});

Deno.test("no damage to a certificate makes the check throw, or a pin match another key", () => {
  const modes: TrustMode[] = ["ca", "leafPin"];
  const damage = fc.array(
    fc.tuple(fc.nat(golden.length - 1), fc.integer({ min: 0, max: 255 })),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(damage, (changes) => {
      const der = golden.slice();
      for (const [at, value] of changes) der[at] = value;
      for (const mode of modes) {
        const verdict = verifyLeaf(der, policy({ mode, pins: [GOLDEN_FINGERPRINT] }));
        if (verdict.ok) assertEquals(spkiFingerprint(der), GOLDEN_FINGERPRINT);
        else assert(verdict.message.length > 0);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("fingerprints are read in every form that people copy, and typing errors refused", () => {
  const standard = GOLDEN_FINGERPRINT.replaceAll("-", "+").replaceAll("_", "/");
  const cases: [string, string | undefined][] = [
    [GOLDEN_FINGERPRINT, GOLDEN_FINGERPRINT],
    [`${standard}=`, GOLDEN_FINGERPRINT],
    [` ${GOLDEN_FINGERPRINT}\n`, GOLDEN_FINGERPRINT],
    ["-".repeat(42) + "8", "-".repeat(42) + "8"],
    ["+/".repeat(21) + "8=", "-_".repeat(21) + "8"],
    [GOLDEN_FINGERPRINT.slice(0, 42) + "l", undefined],
    [GOLDEN_FINGERPRINT.slice(1), undefined],
    [GOLDEN_FINGERPRINT + "A", undefined],
    ["", undefined],
    ["!".repeat(43), undefined],
  ];
  for (const [text, expected] of cases) assertEquals(parseFingerprint(text), expected, text);
});
