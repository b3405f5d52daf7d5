/**
 * Whole parties, seeded. A failure prints the plan; to play it again, or others:
 *
 * ```sh
 * LANPARTY_SIM_SEEDS=17 deno test -A tests/sim        # one seed in every setting
 * LANPARTY_SIM_SEEDS=1000-1200 deno test -A tests/sim # as many as you have time for
 * ```
 */
import { assert } from "@std/assert";
import { Party, type PartyPlan } from "./party.ts";

const SEEDS = Deno.env.get("LANPARTY_SIM_SEEDS");
/** One setting stops taking new seeds after this long. */
const SETTING_MAX_MS = SEEDS === undefined ? 20_000 : Infinity;

/** The seeds to play: those asked for, else a few that differ in each setting. */
function seeds(first: number, count: number): number[] {
  const [low, high] = SEEDS === undefined
    ? [first, first + count - 1]
    : [Number(SEEDS.split("-")[0]), Number(SEEDS.split("-").at(-1))];
  return Array.from({ length: high - low + 1 }, (_, i) => low + i);
}

/** Plays one party; a failure tells how to see it again. */
function play(plan: PartyPlan): Party {
  const party = new Party(plan);
  try {
    party.play();
  } catch (error) {
    const atMs = party.timeline.nowMs.toFixed(3);
    const again = `LANPARTY_SIM_SEEDS=${plan.seed}`;
    throw new Error(`seed ${plan.seed} at ${atMs} ms (${again}): ${JSON.stringify(plan)}`, {
      cause: error,
    });
  }
  return party;
}

/** Plays a setting with several seeds, until its time is over. */
function playAll(plans: readonly PartyPlan[]): { delivered: number; faults: number } {
  const startedMs = performance.now();
  const sum = { delivered: 0, faults: 0 };
  for (const plan of plans) {
    if (performance.now() - startedMs > SETTING_MAX_MS) break;
    const party = play(plan);
    sum.delivered += party.ledger.delivered;
    sum.faults += party.faults;
  }
  return sum;
}

Deno.test("sim: over a good network without faults, parties carry every frame they should", () => {
  const plans = seeds(1, 3).map((seed) => ({
    seed,
    players: 4 + seed % 5,
    vandals: 0,
    chaosMs: 30_000,
    faultsEveryMs: Infinity,
    lossy: false,
    uniform: seed % 2 === 0,
  }));
  assert(playAll(plans).delivered > 1_000);
});

Deno.test("sim: over paths that lose, reorder, duplicate and are slow, no rule is broken", () => {
  const plans = seeds(100, 4).map((seed) => ({
    seed,
    players: 3 + seed % 6,
    vandals: 0,
    chaosMs: 45_000,
    faultsEveryMs: Infinity,
    lossy: true,
    uniform: seed % 2 === 0,
  }));
  assert(playAll(plans).delivered > 1_000);
});

Deno.test("sim: among vandals, no forbidden frame gets through and no party is disturbed for good", () => {
  const plans = seeds(200, 4).map((seed) => ({
    seed,
    players: 3 + seed % 4,
    vandals: 1 + seed % 3,
    chaosMs: 45_000,
    faultsEveryMs: Infinity,
    lossy: seed % 2 === 0,
    uniform: seed % 4 < 2,
  }));
  assert(playAll(plans).delivered > 1_000);
});

Deno.test("sim: whatever crashes, breaks, stops, moves or is thrown out, parties come together again", () => {
  const plans = seeds(300, 8).map((seed) => ({
    seed,
    players: 3 + seed % 7,
    vandals: seed % 3,
    chaosMs: 60_000,
    faultsEveryMs: 400 + 400 * (seed % 5),
    lossy: seed % 4 !== 0,
    uniform: seed % 3 === 0,
  }));
  const { delivered, faults } = playAll(plans);
  assert(delivered > 1_000);
  assert(faults > 10);
});
