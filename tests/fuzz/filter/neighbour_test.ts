/** Bent ARP, neighbour discovery and DHCP: nothing throws, nothing is read or written outside, and leases hold. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { NeighbourGuard } from "../../../src/filter/neighbour_guard.ts";
import { DropCode } from "../../../src/observe/drops.ts";
import { asPeerId, NO_PEER } from "../../../src/proto/brands.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import {
  advertisement,
  ALICE,
  ALICE_ID,
  arpFrame,
  arpProbe,
  BOB,
  BOB_ID,
  leaseFrame,
  leaseFrameV6,
  ROUTER,
  routerAnnounces,
  solicitation,
} from "../../unit/filter/frames.ts";

const ROUNDS = 60_000;
const AROUND = 16;
const SEEDS = [
  arpFrame(BOB, "10.0.0.9"),
  arpFrame(ROUTER, "10.0.0.1", { tags: [{ id: 7 }] }),
  arpProbe(ALICE, "10.0.0.9"),
  advertisement(BOB, "fe80::9"),
  advertisement(BOB, "fe80::9", ALICE),
  solicitation(ALICE, "fe80::51", "fe80::9"),
  solicitation(ALICE, "::", "fe80::9"),
  routerAnnounces(ROUTER, "fe80::1"),
  leaseFrame(BOB, "10.0.0.52", { routers: ["10.0.0.1"] }),
  leaseFrameV6(BOB, "fd00::52"),
];

function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(state / 0x1_0000_0000 * below);
  };
}

/** A frame of the seeds with some bytes changed, and often cut. */
function bent(random: (below: number) => number): Uint8Array {
  const frame = SEEDS[random(SEEDS.length)].slice();
  for (let changes = random(4); changes > 0; changes--) {
    frame[random(frame.length)] = random(2) > 0 ? random(256) : [0, 1, 2, 5, 6, 8, 0xff][random(7)];
  }
  return random(3) === 0 ? frame.slice(0, 14 + random(frame.length - 13)) : frame;
}

Deno.test("whatever comes, it depends on the frame alone, and nothing is changed", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  const random = seeded(seed);
  const playerOf = () => NO_PEER;
  const guards = [0, 1].map(() => new NeighbourGuard(Uint8Array.of(1, 2, 3, 4), playerOf));
  const dissection = new Dissection();
  const codes = new Map<number, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const frame = bent(random);
    const owner = random(3) === 0 ? 0 : 50 + random(3);
    const nowMs = round * 20;
    const [one, other] = guards.map((guard, index) => {
      const bytes = new Uint8Array(frame.length + 2 * AROUND).fill(index === 0 ? 0 : 0xff);
      bytes.set(frame, AROUND);
      const before = bytes.slice();
      const end = AROUND + frame.length;
      dissect(bytes, AROUND, frame.length, dissection);
      const code = guard.judge(bytes, AROUND, end, dissection, asPeerId(owner), nowMs);
      assertEquals(bytes, before);
      return code;
    });
    assertEquals(one, other, `seed ${seed}, round ${round}: ${frame.toHex()}`);
    codes.set(one, (codes.get(one) ?? 0) + 1);
    for (const guard of guards) assert(guard.drainEvents().length <= 32);
  }
  for (const code of [-1, DropCode.addressTaken, DropCode.neighbourForged]) {
    assertGreater(codes.get(code) ?? 0, 50, `${code}`);
  }
});

Deno.test("a lease and the LAN's router stay whose they are, whatever a player sends", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  const random = seeded(seed);
  const guard = new NeighbourGuard(Uint8Array.of(1, 2, 3, 4), () => ALICE_ID);
  const dissection = new Dissection();
  const judge = (frame: Uint8Array, owner: number, nowMs: number) => {
    dissect(frame, 0, frame.length, dissection);
    return guard.judge(frame, 0, frame.length, dissection, asPeerId(owner), nowMs);
  };
  judge(leaseFrame(ALICE, "10.0.0.51", { routers: ["10.0.0.1"] }), 0, 0);
  for (let round = 0; round < ROUNDS; round++) {
    const nowMs = round * 20;
    judge(bent(random), BOB_ID, nowMs);
    if (round % 500 !== 0) continue;
    const about = `seed ${seed}, round ${round}`;
    assertEquals(judge(arpFrame(ALICE, "10.0.0.51"), ALICE_ID, nowMs), -1, about);
    assertEquals(judge(arpFrame(BOB, "10.0.0.51"), BOB_ID, nowMs), DropCode.addressTaken, about);
    assertEquals(judge(arpFrame(BOB, "10.0.0.1"), BOB_ID, nowMs), DropCode.addressTaken, about);
  }
});
