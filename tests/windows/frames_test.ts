/**
 * Frames of the odd kinds, byte by byte, between the LAN and the adapter of the compiled lanparty-client.exe:
 *
 * ```text
 *  station at the TAP ── fake_tap.sys ── lanparty-client.exe ── relay ── gateway ── station at the LAN
 * ```
 *
 * To the PC's stack the driver hands frames without their tags, and of at least 60 bytes.
 */
import { assertEquals } from "@std/assert";
import { ethernet, pattern, toHex, type VlanTag } from "../../tools/lab/frames.ts";
import { FrameStation } from "../support/frame_station.ts";
import { PARTY } from "../../tools/lab/party.ts";
import { partyTest } from "../support/play.ts";
import { LAN_MAC, TEST_TYPE } from "../support/scene.ts";
import { WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";
import { eventually } from "../../tools/lab/wait.ts";

const MAC = "02:00:00:00:00:56";
/** Windows marks the priority of a packet by a tag without a VLAN, as a game's voice may have. */
const PRIORITY: VlanTag = { id: 0, priority: 5 };

interface Kind {
  readonly name: string;
  readonly payloadBytes: number;
  readonly tags?: readonly VlanTag[];
}

const KINDS: readonly Kind[] = [
  { name: "a header alone", payloadBytes: 0 },
  { name: "a runt, which nobody has padded", payloadBytes: 9 },
  { name: "a priority tag", payloadBytes: 100, tags: [PRIORITY] },
  { name: "a priority tag on a full frame", payloadBytes: 1400, tags: [PRIORITY] },
];
const VLAN: VlanTag = { id: 7, priority: 1 };
/** With its headers 2044 bytes, of which a buffer holds 2040: the driver was set to an MTU that large. */
const LONG_PING_BYTES = 2_002;
/** More than reads wait at a time: each of them ends by such a frame, and waits for the next one. */
const LONG_PINGS = 40;
const READS = 32;
/** The driver loses these when it has just been started; the LAN's own frames may be among them. */
const LOST_AFTER_START = 2;

partyTest("runts and tagged frames pass a Windows client", async (party, step) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  await party.startRelay("--allow-vlan");
  await party.startGateway("--allow-vlan");
  const client = await startClient(party, pc, ["--virtual-mac", MAC]);
  await pc.connectStack(PARTY.tap, MAC);
  await using lan = await FrameStation.open(party.lan, PARTY.lanInterface);
  await using player = await FrameStation.open(pc.namespace, PARTY.tap);
  for (let lost = 0; lost < LOST_AFTER_START; lost++) {
    const payload = pattern(90 + lost);
    await lan.send(ethernet({ type: TEST_TYPE, source: LAN_MAC, destination: MAC, payload }));
  }
  await step("what the driver loses after its start is counted as nothing worse", async () => {
    await eventually("the first frames", async () => (await pc.record()).lost === LOST_AFTER_START);
  });
  for (const { name, payloadBytes, tags = [] } of KINDS) {
    await step(`${name}, both ways`, async () => {
      const payload = pattern(payloadBytes);
      const fields = { type: TEST_TYPE, payload, tags };
      const toPlayer = { ...fields, source: LAN_MAC, destination: MAC };
      const seen = ethernet({ ...toPlayer, tags: [] });
      await pass(lan, player, ethernet({ ...toPlayer, lengthMin: 0 }), seen);
      // Ethernet's least is the gateway's to keep.
      const toLan = { ...fields, source: MAC, destination: LAN_MAC };
      await pass(player, lan, ethernet({ ...toLan, lengthMin: 0 }), ethernet(toLan));
    });
  }
  await step("a VLAN tag leaves the PC, and comes in only where the player allows it", async () => {
    const fields = { type: TEST_TYPE, tags: [VLAN], payload: pattern(101) };
    await pass(player, lan, ethernet({ ...fields, source: MAC, destination: LAN_MAC }));
    const toPlayer = { source: LAN_MAC, destination: MAC, type: TEST_TYPE };
    await lan.send(ethernet({ ...fields, ...toPlayer }));
    await pass(lan, player, ethernet({ ...toPlayer, payload: pattern(120).reverse() }));
    // Without its tag it would be one of the PC's own network.
    const untagged = toHex(ethernet({ ...fields, ...toPlayer, tags: [] }));
    assertEquals(player.frames.some(({ wireBytes }) => toHex(wireBytes) === untagged), false);
  });
  await step("a frame that is longer than any buffer is lost alone", async () => {
    await sendLongFrames(pc);
    // Of these bytes no frame before began.
    const fields = { type: TEST_TYPE, payload: pattern(102).reverse() };
    await pass(player, lan, ethernet({ ...fields, source: MAC, destination: LAN_MAC }));
    await pass(lan, player, ethernet({ ...fields, source: LAN_MAC, destination: MAC }));
    assertEquals(lan.frames.filter(({ bytes }) => bytes.length > LONG_PING_BYTES).length, 0);
    assertEquals(/is gone/.test(client.stderr), false, client.stderr);
  });
  await step("the driver was given no frame that it refuses, and no other VLAN's", async () => {
    const { tooShort, untagged, padded } = await pc.record();
    const withTag = KINDS.filter(({ tags }) => tags !== undefined).length;
    assertEquals({ tooShort, untagged }, { tooShort: 0, untagged: withTag });
    assertEquals(padded >= KINDS.length - withTag, true);
  });
});

/** Sends a frame, and waits for the same one, or another one in its place, at the other station. */
async function pass(
  from: FrameStation,
  to: FrameStation,
  frame: Uint8Array,
  as = frame,
): Promise<void> {
  await from.send(frame);
  const fits = (seen: Uint8Array) => toHex(seen).startsWith(toHex(as));
  const { wireBytes } = await to.waitFor((seen) => fits(seen.wireBytes), 10_000);
  assertEquals(toHex(wireBytes), toHex(as));
}

/** Has the PC send frames that no read holds, and waits until the driver has ended reads with them. */
async function sendLongFrames(pc: WinePc): Promise<void> {
  const { namespace } = pc;
  await namespace.ip("link", "set", PARTY.tap, "mtu", "2034");
  await namespace.ip("addr", "add", "10.99.0.1/24", "dev", PARTY.tap);
  await namespace.ip("neigh", "add", "10.99.0.2", "lladdr", LAN_MAC, "dev", PARTY.tap);
  const pings = `ping -c ${LONG_PINGS} -i 0.01 -W 1 -s ${LONG_PING_BYTES} 10.99.0.2`;
  await namespace.run(pings.split(" "), { anyCode: true });
  await eventually("the reads' ends", async () => (await pc.record()).tooLong > READS);
}
