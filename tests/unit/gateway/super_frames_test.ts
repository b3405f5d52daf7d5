import { assertEquals, assertGreater } from "@std/assert";
import type { JoinedFrame } from "../../../src/offload/joined_frame.ts";
import { Joiner } from "../../../src/offload/joiner.ts";
import { makeFrame, type PacketFields } from "../offload/packets.ts";
import { GatewayHarness } from "./harness.ts";

const KINDS: readonly Partial<PacketFields>[] = [
  {},
  { ipVersion: 6 },
  { protocol: "udp" },
  { protocol: "udp", ipVersion: 6 },
];

/** A capture of several streams, of each kind one, with what is of none between them. */
function capture(): Uint8Array[] {
  return KINDS.flatMap((fields, kind) =>
    Array.from({ length: 12 }, (_, index) => {
      const isLast = index === 11;
      return makeFrame({
        ...{ ipVersion: 4, protocol: "tcp", dontFragment: true, ...fields },
        payload: new Array<number>(isLast ? 77 : 1000).fill(index),
        sequence: 5 + 1000 * index,
        id: 100 * kind + index,
        flags: isLast ? 0x18 : index === 5 ? 0x90 : 0x10,
      });
    })
  );
}

Deno.test("the frame log, the tunnel and all counts are the same through super-frames", () => {
  const frames = capture();
  const one = GatewayHarness.joined({ log: true, slots: 128 });
  for (const frame of frames) one.fromLan(frame);

  const whole = GatewayHarness.joined({ log: true, slots: 128 });
  let joined = 0;
  const joiner = new Joiner({
    joined: (frame: JoinedFrame) => {
      if (frame.segments > 1) joined++;
      whole.core.handleLanFrame(frame, whole.nowMs);
    },
  }, { udp: true, zeroIds: false });
  for (const frame of frames) {
    if (!joiner.add(frame, 0, frame.length)) whole.fromLan(frame);
  }
  joiner.flush();

  assertGreater(joined, KINDS.length);
  assertEquals(one.records.length, frames.length);
  assertEquals(whole.records, one.records);
  assertEquals(whole.counters.snapshot(), one.counters.snapshot());
  assertEquals(whole.tunnel(), one.tunnel());
});
