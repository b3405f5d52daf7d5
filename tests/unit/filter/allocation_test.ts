import { ContentFilter } from "../../../src/filter/content.ts";
import { NeighbourGuard } from "../../../src/filter/neighbour_guard.ts";
import { asPeerId, NO_PEER } from "../../../src/proto/brands.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { assertAllocatesNothing } from "../../support/heap.ts";
import { nameCases, playerTalkCases } from "../../e2e/party/talk_frames.ts";
import { ALICE, arpFrame, BOB, leaseFrame, ROUTER, solicitation } from "./frames.ts";

const FRAMES = 20_000;
const rules = {
  ...{ fromPlayer: true, allowVlan: false, allowRouterAdvertisements: false },
  ...{ allowRouteChanges: false, allowProxyNames: false },
};

Deno.test("judging what frames say allocates nothing", () => {
  const filter = new ContentFilter();
  const guard = new NeighbourGuard(Uint8Array.of(1, 2, 3, 4), () => NO_PEER);
  const dissection = new Dissection();
  const frames = [
    ...[...playerTalkCases(ALICE), ...nameCases(ALICE)].flatMap(({ bad, good }) => [bad, good]),
    ...[arpFrame(ALICE, "10.0.0.1"), arpFrame(BOB, "10.0.0.9"), leaseFrame(ALICE, "10.0.0.51")],
    solicitation(ALICE, "fe80::51", "fe80::9"),
  ];
  const judge = (frame: Uint8Array, owner: number, nowMs: number) => {
    dissect(frame, 0, frame.length, dissection);
    filter.judge(frame, 0, frame.length, dissection, false, rules);
    guard.judge(frame, 0, frame.length, dissection, asPeerId(owner), nowMs);
  };
  judge(arpFrame(ROUTER, "10.0.0.1"), 0, 0);
  assertAllocatesNothing(FRAMES, () => {
    for (let count = 0; count < FRAMES; count++) {
      const index = count % frames.length;
      judge(frames[index], index % 3, 1000);
    }
  });
});
