import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { asPeerId } from "../../../src/proto/brands.ts";
import {
  BROADCAST,
  frameOf,
  GatewayHarness,
  OTHER,
  PLAYER,
  STATION,
} from "../../unit/gateway/harness.ts";
import { superFrame } from "../../unit/offload/packets.ts";
import { hex } from "../../unit/proto/frames.ts";
import { fuzz } from "../proto/fuzz.ts";

const MACS = [PLAYER, OTHER, STATION, BROADCAST, "01:80:c2:00:00:00", "33:33:00:00:00:01"];
const TYPES = ["0800", "0806", "86dd", "810000050800", "88a80009810000050806", "0040aaaa03000000"];

/** What happens; `room` is who should be in it, by peer id. */
type Step = (harness: GatewayHarness, room: Map<number, string>) => void;

const anyFrame = fc.tuple(
  fc.constantFrom(...MACS),
  fc.constantFrom(...MACS),
  fc.oneof(fc.integer({ min: 34, max: 100 }), fc.integer({ min: 34, max: 1600 })),
  fc.constantFrom(...TYPES),
).map(([destination, source, count, type]) => frameOf(destination, source, count, type));

const peerId = fc.integer({ min: 0, max: 12 });

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: anyFrame.map((frame): Step => (harness) => harness.fromLan(frame)) },
    {
      weight: 3,
      arbitrary: anyFrame.map((frame): Step => (harness) => harness.fromLanInSlot(frame)),
    },
    {
      weight: 5,
      arbitrary: fc.tuple(anyFrame, peerId)
        .map(([frame, peer]): Step => (harness) => harness.fromTunnel(frame, peer)),
    },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 4000 }).map((bytes): Step => (harness) => {
        const payload = new Array<number>(bytes).fill(bytes & 0xff);
        const frame = superFrame({ ipVersion: 4, protocol: "tcp", payload }, 1 + bytes % 1500);
        harness.fromLan(frame.bytes, frame);
      }),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(peerId, fc.constantFrom(PLAYER, OTHER)).map(
        ([id, mac]): Step => (harness, room) => {
          if (id === 0) return;
          const known = [...room].find(([, other]) => other === mac);
          if (known !== undefined) room.delete(known[0]);
          room.set(id, mac);
          harness.core.handlePeerJoined(
            { peerId: asPeerId(id), role: "client", mac },
            harness.nowMs,
          );
        },
      ),
    },
    {
      weight: 1,
      arbitrary: peerId.map((id): Step => (harness, room) => {
        room.delete(id);
        harness.core.handlePeerLeft(asPeerId(id), harness.nowMs);
      }),
    },
    {
      weight: 2,
      arbitrary: fc.nat(9000).map((waitMs): Step => (harness) => {
        harness.nowMs += waitMs;
        harness.core.handleTimer(harness.nowMs);
      }),
    },
    {
      weight: 1,
      arbitrary: fc.boolean().map((joins): Step => (harness, room) => {
        room.clear();
        if (joins) harness.core.handleJoined("PARTY", asPeerId(9), harness.nowMs);
        else harness.core.handleLeft(harness.nowMs);
      }),
    },
  ),
  { maxLength: 120 },
);

/** The type of a probe and what follows it: "lanprobe". */
const PROBE_MARK = "88b56c616e70726f6265";

Deno.test("whatever happens to a gateway, no buffer is lost, no frame invented and none looped", () => {
  const property = fc.property(steps, (list) => {
    const harness = GatewayHarness.joined({ slots: 16, playersMax: 4 });
    // So that no frame is split.
    harness.path.setMaximum(1600);
    const room = new Map([[1, PLAYER]]);
    for (const step of list) {
      step(harness, room);
      const players = [...room.values()].map((mac) => mac.replaceAll(":", ""));
      assertEquals(harness.core.players, room.size);
      for (const text of harness.tunnel()) {
        const frame = hex(text);
        assert(frame.length >= 14 && frame.length <= 1522, `${frame.length} bytes into the tunnel`);
        assertEquals(players.includes(text.slice(12, 24)), false, "a loop");
        const isGroup = (frame[0] & 1) === 1;
        assert(isGroup || players.includes(text.slice(0, 12)), "the LAN's own entered the tunnel");
        assertEquals(frame[6] & 1, 0, "a multicast source entered the tunnel");
        assertEquals(text.startsWith("0180c2"), false, "switch control entered the tunnel");
      }
      for (const text of harness.lan.splice(0)) {
        if (text.includes(PROBE_MARK)) continue;
        assert(text.length >= 120, "a runt on the LAN");
        assert(text.length <= 2 * 1522, "an over-long frame on the LAN");
        assert(["020000000051", "020000000052"].includes(text.slice(12, 24)), "not a player's");
      }
    }
    assertEquals(harness.pool.freeSlots, harness.pool.slotCount);
  });
  fuzz(property, { runs: 500 });
});
