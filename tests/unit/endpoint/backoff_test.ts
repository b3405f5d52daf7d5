import { assert, assertEquals } from "@std/assert";
import {
  BACKOFF_MAX_MS,
  backoffDelayMs,
  RETRY_AFTER_MAX_MS,
  retryAfterDelayMs,
} from "../../../src/endpoint/backoff.ts";
import { randomFraction } from "../../../src/endpoint/random.ts";

const least = (count: number) => new Uint8Array(count);
const most = (count: number) => new Uint8Array(count).fill(0xff);

Deno.test("the first repetition comes after an eighth to a quarter of a second", () => {
  assertEquals(backoffDelayMs(0, least), 125);
  assert(backoffDelayMs(0, most) < 250);
  assert(backoffDelayMs(0, most) > 249.9);
});

//= PROTOCOL.md 5.4
//# The wait doubles from 250 ms to 30 s, half of it random.
Deno.test("each wait is at most twice the one before, up to half a minute", () => {
  const shortest = [0, 1, 2, 3, 4, 5, 6, 7, 8, 50, 10_000].map((n) => backoffDelayMs(n, least));
  assertEquals(shortest, [
    125,
    250,
    500,
    1000,
    2000,
    4000,
    8000,
    15_000,
    15_000,
    15_000,
    15_000,
  ]);
  for (let attempt = 0; attempt < 100; attempt++) {
    const longest = backoffDelayMs(attempt, most);
    assert(longest < BACKOFF_MAX_MS);
    assert(longest > backoffDelayMs(attempt, least) * 1.99);
  }
});

//= PROTOCOL.md 5.4
//# Where the message has `retryAfterMs`, wait that long instead (never less; up to a quarter more,
//# at random).
Deno.test("the wait that a relay names is never cut short, is spread, and is bounded", () => {
  assertEquals(retryAfterDelayMs(4000, least), 4000);
  assert(retryAfterDelayMs(4000, most) > 4999);
  assert(retryAfterDelayMs(4000, most) < 5000);
  assertEquals(retryAfterDelayMs(0, most), 0);
  assertEquals(retryAfterDelayMs(-5, most), 0);
  assertEquals(retryAfterDelayMs(1e15, least), RETRY_AFTER_MAX_MS);
});

Deno.test("a random fraction uses four bytes and stays under one", () => {
  assertEquals(randomFraction(least), 0);
  assertEquals(randomFraction(() => Uint8Array.of(0x80, 0, 0, 0)), 0.5);
  assertEquals(randomFraction(() => Uint8Array.of(0, 0, 0, 1)), 2 ** -32);
  assert(randomFraction(most) < 1);
});
