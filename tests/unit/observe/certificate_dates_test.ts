import { assertEquals } from "@std/assert";
import { certificateFinding, SOON_MS } from "../../../src/observe/certificate_dates.ts";
import { sentenceOf } from "../../support/sentences.ts";

const DAY_MS = 86_400_000;
const FROM_MS = Date.UTC(2026, 8, 1);
const TO_MS = Date.UTC(2026, 11, 1);
const VALIDITY = { fromUnixMs: FROM_MS, toUnixMs: TO_MS };

function findingAt(unixMs: number) {
  return certificateFinding("c.pem", VALIDITY, unixMs);
}

Deno.test("a certificate's dates are said two weeks before its end, after it, and before its beginning", () => {
  const soon = (time: string) =>
    sentenceOf("certificate/expires", { file: "c.pem", time, day: "2026-12-01" });
  assertEquals(findingAt(FROM_MS), undefined);
  assertEquals(findingAt(TO_MS - SOON_MS), undefined);
  assertEquals(findingAt(TO_MS - SOON_MS + 1), soon("14 days"));
  assertEquals(findingAt(TO_MS - 5 * DAY_MS), soon("5 days"));
  assertEquals(findingAt(TO_MS - DAY_MS), soon("1 day"));
  assertEquals(findingAt(TO_MS), soon("1 second"));
  const over = { file: "c.pem", day: "2026-12-01" };
  assertEquals(findingAt(TO_MS + 1), sentenceOf("certificate/expired", over));
  const early = { file: "c.pem", day: "2026-09-01", today: "2026-08-31" };
  assertEquals(findingAt(FROM_MS - DAY_MS), sentenceOf("certificate/not-yet", early));
});
