import { assertEquals } from "@std/assert";
import { DhcpScrubber, ScrubResult } from "../../../src/client/dhcp_scrub.ts";
import { LanNetworks, NetworkVerdict } from "../../../src/client/lan_networks.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { type Option, type Reply, replyFrame } from "./dhcp_frames.ts";

const OFFER: Option = [53, 2];
const SERVER: Option = [54, 10, 77, 0, 1];
const LEASE: Option = [51, 0, 0, 14, 16];
const MASK: Option = [1, 255, 255, 255, 0];
const ROUTER: Option = [3, 10, 77, 0, 1];

function scrub(frame: Uint8Array, scrubber = new DhcpScrubber(new LanNetworks())) {
  const bytes = frame.slice();
  const dissection = new Dissection();
  dissect(bytes, 0, bytes.length, dissection);
  return { result: scrubber.scrub(bytes, 0, bytes.length, dissection), frame: bytes };
}

function assertScrubbed(before: Reply, after: Reply): void {
  const { result, frame } = scrub(replyFrame(before));
  assertEquals(result, ScrubResult.scrubbed);
  assertEquals(frame, replyFrame(after));
}

//= PROTOCOL.md 12
//# whose address or network is not the LAN's to give: the network (without option 1 it is that of
//# the class:
Deno.test("a lease as no LAN's is dropped, whether offered or acknowledged", () => {
  const leases: [number[], number[] | undefined, number][] = [
    [[8, 8, 8, 58], [255, 255, 255, 0], NetworkVerdict.foreign],
    [[192, 0, 2, 7], [255, 255, 255, 0], NetworkVerdict.foreign],
    [[10, 77, 0, 50], [128, 0, 0, 0], NetworkVerdict.wide],
    [[172, 16, 0, 50], [255, 0, 0, 0], NetworkVerdict.wide],
    [[192, 168, 1, 50], [255, 254, 0, 0], NetworkVerdict.wide],
    [[100, 64, 0, 50], [255, 128, 0, 0], NetworkVerdict.wide],
    [[169, 254, 0, 50], [255, 0, 0, 0], NetworkVerdict.wide],
    // Without a mask a client takes its class's, which is wider than the block.
    [[100, 64, 0, 50], undefined, NetworkVerdict.wide],
    [[8, 8, 8, 58], undefined, NetworkVerdict.foreign],
    [[10, 77, 0, 0], [255, 255, 255, 0], NetworkVerdict.unusable],
    [[10, 77, 0, 255], [255, 255, 255, 0], NetworkVerdict.unusable],
    [[127, 0, 0, 5], [255, 0, 0, 0], NetworkVerdict.unusable],
    [[0, 0, 0, 5], [255, 0, 0, 0], NetworkVerdict.unusable],
    [[224, 0, 0, 5], [240, 0, 0, 0], NetworkVerdict.unusable],
    [[255, 255, 255, 255], [255, 255, 255, 255], NetworkVerdict.unusable],
  ];
  for (const [yourAddress, mask, verdict] of leases) {
    for (const type of [OFFER, [53, 5]] as const) {
      const masks: Option[] = mask === undefined ? [] : [[1, ...mask]];
      const frame = replyFrame({ options: [type, ...masks, ROUTER], yourAddress });
      const scrubber = new DhcpScrubber(new LanNetworks());
      const { result, frame: after } = scrub(frame, scrubber);
      assertEquals([result, scrubber.verdict], [ScrubResult.network, verdict], `${yourAddress}`);
      assertEquals(after, frame);
    }
  }
});

Deno.test("a lease of a private network passes, also at its bounds", () => {
  const leases: [number[], number[] | undefined][] = [
    [[10, 77, 0, 50], [255, 0, 0, 0]],
    [[172, 31, 0, 50], [255, 240, 0, 0]],
    [[192, 168, 178, 1], undefined],
    [[192, 168, 0, 1], [255, 255, 0, 0]],
    [[100, 127, 255, 1], [255, 192, 0, 0]],
    [[169, 254, 3, 1], [255, 255, 0, 0]],
    [[10, 77, 0, 254], [255, 255, 255, 254]],
    [[10, 77, 0, 255], [255, 255, 255, 255]],
  ];
  for (const [yourAddress, mask] of leases) {
    const masks: Option[] = mask === undefined ? [] : [[1, ...mask]];
    const frame = replyFrame({ options: [OFFER, ...masks, LEASE, SERVER], yourAddress });
    assertEquals(scrub(frame).result, ScrubResult.clean, `${yourAddress}`);
  }
});

//= PROTOCOL.md 12
//# Option 28 goes, too, where it is not the last address of the network, or the mask has more than
//# 30 bits.
Deno.test("a broadcast address passes that is the network's own", () => {
  const own = replyFrame({ options: [OFFER, MASK, [28, 10, 77, 0, 255]] });
  assertEquals(scrub(own).result, ScrubResult.clean);
  for (const other of [[8, 8, 8, 8], [10, 77, 0, 0], [255, 255, 255, 255]]) {
    assertScrubbed({ options: [OFFER, MASK, [28, ...other]] }, { options: [OFFER, MASK] });
  }
});
