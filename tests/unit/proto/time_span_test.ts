import { assertEquals } from "@std/assert";
import { formatTimeSpan, parseTimeSpan, TIME_SPAN_MAX_MS } from "../../../src/proto/time_span.ts";

Deno.test("time spans are read in seconds, minutes, hours and days, and nothing else is one", () => {
  const spans: [string, number | undefined][] = [
    ["0", 0],
    ["0s", 0],
    ["90s", 90_000],
    ["15m", 900_000],
    ["1h", 3_600_000],
    ["7d", 604_800_000],
    ["3650d", TIME_SPAN_MAX_MS],
    ["3651d", undefined],
    ["1", undefined],
    ["", undefined],
    ["-1h", undefined],
    ["1.5h", undefined],
    ["1 h", undefined],
    ["1H", undefined],
    ["1h30m", undefined],
    ["9999999999s", undefined],
  ];
  for (const [text, ms] of spans) assertEquals(parseTimeSpan(text), ms, text);
});

Deno.test("time spans are said in the largest unit that suits", () => {
  const texts: [number, string][] = [
    [1, "1 second"],
    [1_000, "1 second"],
    [60_000, "1 minute"],
    [90_000, "90 seconds"],
    [3_600_000, "1 hour"],
    [3_599_000, "60 minutes"],
    [7_200_000, "2 hours"],
    [86_400_000, "1 day"],
    [2_592_000_000, "30 days"],
  ];
  for (const [ms, text] of texts) assertEquals(formatTimeSpan(ms), text);
});
