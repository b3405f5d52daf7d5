/** What goes through a tunnel in a second. */
import { assertEquals } from "@std/assert";
import { TrafficCounters } from "../../../src/observe/counters.ts";
import { TrafficRates } from "../../../src/observe/rates.ts";

Deno.test("rates are those between the last two looks", () => {
  const traffic = new TrafficCounters();
  traffic.framesSent = 1_000;
  const rates = new TrafficRates(traffic, 5_000);
  assertEquals(rates.sent, { framesPerSecond: 0, bitsPerSecond: 0 });
  Object.assign(traffic, { framesSent: 1_500, bytesSent: 50_000, framesReceived: 20 });
  rates.look(7_000);
  assertEquals(rates.sent, { framesPerSecond: 250, bitsPerSecond: 200_000 });
  assertEquals(rates.received, { framesPerSecond: 10, bitsPerSecond: 0 });
  rates.look(7_000);
  assertEquals(rates.sent.framesPerSecond, 250, "a second look at the same time tells nothing");
  traffic.bytesReceived = 1_000;
  rates.look(8_000);
  assertEquals(rates.sent, { framesPerSecond: 0, bitsPerSecond: 0 });
  assertEquals(rates.received, { framesPerSecond: 0, bitsPerSecond: 8_000 });
});
