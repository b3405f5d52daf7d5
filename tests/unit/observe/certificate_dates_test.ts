import { assertEquals } from "@std/assert";
import { SOON_MS, validityTrouble } from "../../../src/observe/certificate_dates.ts";

const DAY_MS = 86_400_000;
const FROM_MS = Date.UTC(2026, 8, 1);
const TO_MS = Date.UTC(2026, 11, 1);
const VALIDITY = { fromUnixMs: FROM_MS, toUnixMs: TO_MS };

Deno.test("a certificate's dates are said two weeks before its end, after it, and before its beginning", () => {
  const cases: readonly [number, string | undefined][] = [
    [FROM_MS, undefined],
    [TO_MS - SOON_MS, undefined],
    [TO_MS - SOON_MS + 1, "expires in 14 days (2026-12-01)"],
    [TO_MS - 5 * DAY_MS, "expires in 5 days (2026-12-01)"],
    [TO_MS - DAY_MS, "expires in 1 day (2026-12-01)"],
    [TO_MS, "expires in 1 second (2026-12-01)"],
    [TO_MS + 1, "expired on 2026-12-01: whoever does not have its fingerprint is kept out"],
    [
      FROM_MS - DAY_MS,
      "is valid from 2026-09-01 on, and here it is 2026-08-31: is the clock right?",
    ],
  ];
  for (const [unixMs, trouble] of cases) assertEquals(validityTrouble(VALIDITY, unixMs), trouble);
});
