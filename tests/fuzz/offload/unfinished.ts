/** Super-frames and other unfinished frames, sound and not. */
import fc from "fast-check";
import { GsoType, type LanFrame, VIRTIO_GSO_ECN } from "../../../src/offload/lan_frame.ts";
import { lanFrame, superFrame } from "../../unit/offload/packets.ts";

const u16 = fc.nat(0xffff);
const small = fc.nat(200);

/** Metadata as bad as can be, with values near the edges more often than chance would have it. */
const metadata: fc.Arbitrary<Partial<LanFrame>> = fc.record({
  virtioFlags: fc.nat(7),
  gsoType: fc.oneof(
    fc.constantFrom(
      GsoType.none,
      GsoType.tcp4,
      GsoType.tcp6,
      GsoType.udpSegments,
      GsoType.tcp4 | VIRTIO_GSO_ECN,
    ),
    fc.nat(255),
  ),
  segmentBytes: fc.oneof(small, u16),
  checksumStart: fc.oneof(small, u16),
  checksumOffset: fc.oneof(fc.constantFrom(6, 8, 16), small, u16),
  vlanTpid: fc.constantFrom(0, 0x8100, 0x88a8),
  vlanTci: u16,
}, { requiredKeys: [] });

/** A packet that could be cut, some of its header bytes changed. */
const damaged: fc.Arbitrary<LanFrame> = fc.record({
  packet: fc.record({
    ipVersion: fc.constantFrom(4 as const, 6 as const),
    protocol: fc.constantFrom("tcp" as const, "udp" as const),
    payload: fc.uint8Array({ maxLength: 3000, size: "max" }).map((bytes) => [...bytes]),
    tags: fc.constantFrom<[number, number][]>([], [[0x8100, 5]]),
    extensions: fc.nat(3),
  }),
  segmentBytes: fc.integer({ min: 1, max: 1500 }),
  changes: metadata,
  damage: fc.array(fc.tuple(fc.nat(110), fc.nat(255)), { maxLength: 4 }),
  lost: fc.oneof(fc.constant(0), small),
}).map(({ packet, segmentBytes, changes, damage, lost }) => {
  const frame = { ...superFrame(packet, segmentBytes), ...changes };
  for (const [at, value] of damage) if (at < frame.length) frame.bytes[at] = value;
  return { ...frame, length: Math.max(0, frame.length - lost) };
});

const noise: fc.Arbitrary<LanFrame> = fc
  .tuple(fc.uint8Array({ maxLength: 300 }), metadata)
  .map(([bytes, changes]) => lanFrame(bytes, changes));

/** Frames with what a kernel, or nobody in his right mind, says is left to be done to them. */
export const unfinishedFrames: fc.Arbitrary<LanFrame> = fc.oneof(
  { weight: 4, arbitrary: damaged },
  { weight: 1, arbitrary: noise },
);
