/** What is made of a connection's first packets (patches 0016 to 0018, 0024, 0025, 0027, 0029 and 0041). */
import { assertEquals } from "@std/assert";
import { type MsquicProgram, sayings } from "../support/msquic_program.ts";

const PACKETS: MsquicProgram = {
  program: new URL("./handshake_packets.c", import.meta.url).pathname,
  core: ["connection.c", "crypto_tls.c", "packet_builder.c", "binding.c", "send.c"],
};

const PARAMETERS: Record<string, string> = {
  "tp": "accepted, 1 pieces of memory with versions",
  "tp-no-memory": "invalid, 0 pieces of memory",
  "tp-invalid": "invalid, 0 pieces of memory",
};
const VERSION_NEGOTIATION: Record<string, string> = {
  "vn-first": "believed",
  "vn-current": "dropped forgotten",
  "vn-later": "dropped forgotten",
  "vn-other-id": "dropped forgotten",
  "vn-short-id": "dropped forgotten",
  "vn-no-id": "dropped forgotten",
};
const RETRY: Record<string, string> = { "retry": "dropped" };
/** What may be sent where Initial packets fill a window of 12,000 bytes. */
const ALLOWANCES: Record<string, string> = {
  "client-handshake": "12000 bytes",
  "client-handshake-unproven": "3600 bytes",
  "client-initial": "0 bytes, Initial keys",
  "server-handshake": "0 bytes, Initial keys",
};
const PATHS: Record<string, string> = { "other-path": "0 bytes, Initial keys, path 3" };
const TICKETS: Record<string, string> = {
  "ticket": "300 bytes refused",
  "ticket-longest": "65535 bytes refused",
  "ticket-too-long": "refused",
};
const RATES: Record<string, string> = {
  "rate-address": "yes no no yes",
  "rate-others": "yes yes yes yes",
  "rate-prefix": "yes no",
  "rate-wrap": "yes no yes",
  "rate-flood": "64",
};

Deno.test("a handshake's packets, parameters and tickets count as far as they are right", async () => {
  const expected = {
    ...PARAMETERS,
    ...VERSION_NEGOTIATION,
    ...RETRY,
    ...ALLOWANCES,
    ...TICKETS,
    ...PATHS,
    ...RATES,
  };
  assertEquals(await sayings(PACKETS, Object.keys(expected)), expected);
});

/** Whose patch, and what is said without it; whatever is not named is said all the same. */
const BEFORE: readonly [patch: string, cases: Record<string, string>, before: object][] = [
  ["0016-no-half-read-parameters.patch", PARAMETERS, {
    "tp-no-memory": "accepted, 0 pieces of memory",
    "tp-invalid": "invalid, 1 pieces of memory with versions",
  }],
  ["0017-version-negotiation.patch", VERSION_NEGOTIATION, {
    "vn-later": "believed",
    "vn-other-id": "believed",
    "vn-short-id": "believed",
    "vn-no-id": "believed",
  }],
  ["0018-retry-version.patch", RETRY, { "retry": "crashed" }],
  ["0024-initial-keys-end.patch", ALLOWANCES, {
    "client-handshake": "0 bytes, Initial keys",
    "client-handshake-unproven": "0 bytes, Initial keys",
  }],
  ["0027-version-negotiation-rate.patch", RATES, {
    "rate-address": "yes yes yes yes",
    "rate-prefix": "yes yes",
    "rate-wrap": "yes yes yes",
    "rate-flood": "100000",
  }],
  ["0041-packets-by-path.patch", PATHS, { "other-path": "0 bytes, Initial keys, path 0" }],
  ["0029-long-tickets.patch", TICKETS, { "ticket-too-long": "299 bytes refused" }],
];

for (const [patch, cases, before] of BEFORE) {
  Deno.test(`without ${patch}: ${Object.entries(before).map((entry) => entry.join(": ")).join("; ")}`, async () => {
    const said = await sayings({ ...PACKETS, without: patch }, Object.keys(cases));
    assertEquals(said, { ...cases, ...before });
  });
}

const VERDICT: MsquicProgram = {
  program: new URL("./certificate_verdict.c", import.meta.url).pathname,
  core: ["crypto.c"],
};
/** 0x12a: TLS alert 42, bad_certificate. */
const VERDICTS: Record<string, string> = {
  "yes": "goes on behind 900 bytes",
  "no": "error 0x12a 0 bytes pending",
  "late-yes": "0 bytes pending",
  "late-no": "0 bytes pending",
};

Deno.test("a verdict on a certificate counts as long as there is a connection", async () => {
  assertEquals(await sayings(VERDICT, Object.keys(VERDICTS)), VERDICTS);
});

Deno.test("without the patch a late verdict goes on with what has been freed", async () => {
  const without = { ...VERDICT, without: "0025-verdict-after-the-end.patch" };
  assertEquals(await sayings(without, Object.keys(VERDICTS)), {
    ...VERDICTS,
    "late-yes": VERDICTS.yes,
    "late-no": VERDICTS.no,
  });
});
