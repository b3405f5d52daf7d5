/** The relay's filters against the second implementation's, on frames that golden vectors were bent into. */
import { assertEquals, assertGreater } from "@std/assert";
import { DROP_REASONS, PASS } from "../../../src/observe/drops.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { isSwitchControl } from "../../../src/proto/mac.ts";
import { ContentFilter } from "../../../src/filter/content.ts";
import { type FilterCase, filterReason } from "../../support/deno_filters.ts";
import { VECTORS } from "../../vectors/proto_vectors.ts";

const ROUNDS = 200_000;
const SEEDS = [...VECTORS.headers, ...VECTORS.filters].map(({ hex }) => Uint8Array.fromHex(hex));
const CASES: readonly FilterCase[] = (["client", "gateway"] as const).flatMap((from) =>
  [false, true].flatMap((firstPiece) =>
    [false, true].map((allowed) => ({
      ...{ from, firstPiece, allowRouterAdvertisements: allowed, allowVlan: allowed },
    }))
  )
);
/** Bytes that mean something in some header. */
const TELLING = [
  ...[0x00, 0x01, 0x03, 0x05, 0x06, 0x08, 0x11, 0x20, 0x2c, 0x33, 0x3a, 0x3b, 0x3c, 0x40, 0x43],
  ...[0x44, 0x45, 0x46, 0x60, 0x81, 0x86, 0x87, 0x88, 0x89, 0xa8, 0xaa, 0xdd, 0xf8, 0xff],
];

/** A number from a seed, 0 ≤ n < `below`. */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 0x1_0000_0000 * below);
  };
}

/** A vector's frame with some bytes changed, and often cut. */
function bent(random: (below: number) => number): Uint8Array {
  const frame = SEEDS[random(SEEDS.length)].slice();
  for (let changes = random(4); changes > 0 && frame.length > 0; changes--) {
    frame[random(frame.length)] = random(2) > 0 ? TELLING[random(TELLING.length)] : random(256);
  }
  return random(2) > 0 ? frame.slice(0, random(frame.length + 1)) : frame;
}

const dissection = new Dissection();
const filter = new ContentFilter();

/** What the relay's own filters say. */
function relayReason(frame: Uint8Array, options: FilterCase): string | null {
  if (isSwitchControl(frame, 0)) return "switch-control";
  const { from, firstPiece, allowRouterAdvertisements } = options;
  const fromPlayer = from === "client";
  const code = filter.judge(frame, 0, frame.length, dissection, firstPiece, {
    ...{ fromPlayer, allowRouteChanges: true, allowProxyNames: true, allowRouterAdvertisements },
    allowVlan: !fromPlayer || options.allowVlan === true,
  });
  return code === PASS ? null : DROP_REASONS[code];
}

Deno.test("two implementations of the filters say the same", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  const random = seeded(seed);
  const reasons = new Map<string | null, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const frame = bent(random);
    if (frame.length < 14) continue;
    dissect(frame, 0, frame.length, dissection);
    const about = `seed ${seed}, round ${round}: ${frame.toHex()}`;
    for (const options of CASES) {
      const reason = filterReason(frame, options);
      assertEquals(reason, relayReason(frame, options), `${about} ${JSON.stringify(options)}`);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  }
  // Every rule has been met, and often enough.
  assertEquals(reasons.size, 14);
  for (const count of reasons.values()) assertGreater(count, 50);
});
