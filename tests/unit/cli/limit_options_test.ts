import { assertEquals } from "@std/assert";
import { LIMIT_OPTIONS, relayLimits } from "../../../src/cli/limit_options.ts";
import { parseCommandLine } from "../../../src/cli/options.ts";
import { RELAY_PROGRAM } from "../../../src/cli/relay_options.ts";
import { RELAY_DEFAULTS } from "../../../src/relay/limits.ts";

function limitsOf(...args: string[]) {
  const parsed = parseCommandLine(RELAY_PROGRAM, args);
  if (parsed.kind !== "run") throw new Error(JSON.stringify(parsed));
  return relayLimits(parsed.values);
}

Deno.test("limits: without options they are those of the relay's core", () => {
  const limits = limitsOf();
  const standard = Object.keys(limits).map((
    key,
  ) => [key, RELAY_DEFAULTS[key as keyof typeof limits]]);
  assertEquals(limits, Object.fromEntries(standard));
});

Deno.test("limits: each option changes something, and nothing but its own", () => {
  const standard = JSON.stringify(limitsOf());
  const seen = new Set([standard]);
  for (const { name } of LIMIT_OPTIONS) {
    // Within the bounds of all of them, but for the MTU.
    const value = name === "max-tap-mtu" ? "1337" : "737";
    seen.add(JSON.stringify(limitsOf(`--${name}`, value)));
  }
  assertEquals(seen.size, LIMIT_OPTIONS.length + 1);
});

Deno.test("limits: they are given in the units of their names", () => {
  const { peerLimits, roomLimits, addressLimits } = limitsOf(
    ...[
      "--max-broadcast-frames",
      "1",
      "--max-broadcast-kilobytes",
      "2",
      "--max-unknown-frames",
      "3",
    ],
    ...["--max-megabits", "4", "--burst-ms", "5"],
    ...["--max-room-deliveries", "6", "--max-room-megabits", "8"],
    ...["--max-address-deliveries", "7", "--max-address-megabits", "16"],
  );
  assertEquals(roomLimits, { deliveriesPerSecond: 6, bytesPerSecond: 1_000_000, burstMs: 5 });
  assertEquals(addressLimits, { deliveriesPerSecond: 7, bytesPerSecond: 2_000_000, burstMs: 5 });
  assertEquals(peerLimits, {
    floodFramesPerSecond: 1,
    floodBytesPerSecond: 2_000,
    unknownFramesPerSecond: 3,
    bytesPerSecond: 500_000,
    burstMs: 5,
  });
});
