/**
 * A storm of broadcasts on the LAN, and what of it gets to a player:
 *
 * ```text
 *   lan                   gateway        relay         player
 *  ┌─────────────────┐   ┌───────────┐  ┌─────────┐   ┌──────────────────────┐
 *  │ station ─ eth0 ─┼───┼ lan0 wan0 ┼──┼ gw0 pl0 ┼───┼ wan0     lanparty0   │
 *  └─────────────────┘   └───────────┘  └─────────┘   └──────────────────────┘
 * ```
 */
import { assert, assertGreater, assertLessOrEqual } from "@std/assert";
import { BROADCAST_LIMITS_DEFAULT } from "../../../src/gateway/broadcast_limit.ts";
import { fetchFrom } from "../../support/fetch_from.ts";
import { arp, BROADCAST_MAC, ethernet, pattern, toHex, Type } from "../../../tools/lab/frames.ts";
import { FrameStation } from "../../support/frame_station.ts";
import { PARTY } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { LAN_MAC, openScene, PLAYER_ADDRESS, PLAYER_MAC, TEST_TYPE } from "../../support/scene.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const STORM_FRAMES = 20_000;
const STORM_PER_SECOND = 8_000;
const STATION_ADDRESS = "10.77.0.9";
/** The storm may last longer than it should on a busy machine, and then more of it gets in. */
const BUCKET_SECONDS = 0.5;

partyTest("a storm on the LAN is held down, and ARP passes", async (party, step) => {
  const scene = await openScene(party, { gateway: ["--status", "9466"] });
  await using asker = await FrameStation.open(party.lan, PARTY.lanInterface);
  const broadcast = { destination: BROADCAST_MAC, source: LAN_MAC };
  const noise = ethernet({ ...broadcast, type: TEST_TYPE, payload: pattern(200) });
  const question = ethernet({
    ...broadcast,
    type: Type.arp,
    payload: arp({
      ...{ operation: "request", senderMac: LAN_MAC, senderIp: STATION_ADDRESS },
      targetIp: PLAYER_ADDRESS,
    }),
  });
  const answered = () =>
    asker.frames.some(({ source, type }) => source === PLAYER_MAC && type === Type.arp);
  const startMs = performance.now();
  const storm = scene.lan.flood(noise, STORM_FRAMES, STORM_PER_SECOND);
  let answeredInStorm = false;
  void storm.then(() => answeredInStorm = answered());
  await step("a station that storms is answered by ARP while it does", async () => {
    await eventually("the player's answer", async () => {
      await asker.send(question);
      return answered();
    }, 10_000);
    await storm;
    assert(answeredInStorm, "not only after the storm");
  });
  await step(
    "of the storm a bounded part gets to the player, and the rest is counted",
    async () => {
      const seconds = (performance.now() - startMs) / 1000;
      const hex = toHex(noise);
      const got = scene.player.frames.filter((frame) => frame.hex === hex).length;
      const { stationFramesPerSecond } = BROADCAST_LIMITS_DEFAULT;
      assertGreater(got, 0);
      assertLessOrEqual(got, stationFramesPerSecond * (seconds + BUCKET_SECONDS));
      const view = JSON.parse(await fetchFrom(party.gateway, "http://127.0.0.1:9466/api/gateway"));
      assertGreater(view.traffic.drops["lan-broadcast-limit"], STORM_FRAMES / 2);
    },
  );
  await step("afterwards all is as before", async () => {
    await party.lan.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", PLAYER_ADDRESS]);
  });
});
