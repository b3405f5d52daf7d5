/** How long Windows is given to find what a certificate lacks, with functions of the test's in the place of Windows'. */
import { assertEquals } from "@std/assert";
import { TrustConstant } from "../../../../src/ffi/windows_trust.ts";
import { decideWithin, type KnownVerdict } from "../../../../src/system/certificates/windows.ts";

const UNTRUSTED = TrustConstant.CERT_E_CHAINING;
const TRUSTED: KnownVerdict = { code: 0, isPartial: false };
const PARTIAL: KnownVerdict = { code: UNTRUSTED, isPartial: true };

/** @param later the verdict, by how long was waited */
function decide(later: (waitedMs: number) => KnownVerdict) {
  let fetched = 0;
  let waitedMs = 0;
  const code = decideWithin({
    known: () => later(waitedMs),
    fetch: () => fetched++,
    sleep: (durationMs) => waitedMs += durationMs,
  });
  return { code, fetched, waitedMs };
}

Deno.test("what this PC knows is decided at once, and nothing is looked for in the net", () => {
  assertEquals(decide(() => TRUSTED), { code: 0, fetched: 0, waitedMs: 0 });
  // The relay's own certificate: its way ends at itself, and the net has nothing to add.
  const own = { code: UNTRUSTED, isPartial: false };
  assertEquals(decide(() => own), { code: UNTRUSTED, fetched: 0, waitedMs: 0 });
});

Deno.test("a CA that Windows has not got yet is looked for, and waited for", () => {
  const found = decide((waitedMs) => waitedMs < 500 ? PARTIAL : TRUSTED);
  assertEquals(found, { code: 0, fetched: 1, waitedMs: 500 });
});

Deno.test("a net that does not answer is not waited for for ever", () => {
  assertEquals(decide(() => PARTIAL), { code: UNTRUSTED, fetched: 1, waitedMs: 3_000 });
});
