/**
 * The packet size of a player's path: PPPoE's is used in full, and a path that carries less from some moment on costs
 * a moment and not the session: with the routers' ICMP messages and without, in both families, and where it is the
 * player's own interface.
 *
 * ```text
 *   lan         gateway            relay         far          near         alice
 *  ┌──────┐    ┌────────────┐     ┌───────┐    ┌─────────┐  ┌─────────┐  ┌──────────────────┐
 *  │ eth0 ┼────┼ lan0  wan0 ┼─────┼ far ──┼────┼ wan lan ┼──┼ wan lan ┼──┼ wan0   lanparty0 │
 *  └──────┘    └────────────┘     └───────┘    └─────────┘  └─────────┘  └──────────────────┘
 *  10.77.0.1                                        the size is here
 * ```
 */
import { assertEquals, assertNotMatch } from "@std/assert";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { NarrowPath, type PathFamily } from "../../../tools/lab/narrow_path.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { eventually } from "../../../tools/lab/wait.ts";

/** PPPoE's, and that of a tunnel in it. */
const WIDE_BYTES = 1492;
const FALLEN_BYTES = 1400;
/** A datagram has 33 bytes of QUIC around it, UDP's 8 and the IP header's. */
const DATAGRAM_BYTES: Record<PathFamily, number> = {
  4: WIDE_BYTES - 20 - 8 - 33,
  6: WIDE_BYTES - 40 - 8 - 33,
};
/** The client writes what it has found with each of its snapshots, every ten seconds. */
const FOUND_MAX_MS = 25_000;
/** Before a session with a dead path would be over, and begin anew. */
const FALL_MAX_MS = 10_000;

/** Whether a ping of a full frame comes back: 28 bytes of its packet are headers. */
async function fullFramePasses(player: Namespace, tapMtu: number): Promise<boolean> {
  const size = ["-M", "do", "-s", `${tapMtu - 28}`];
  const { code } = await player.run(["ping", "-c", "1", "-W", "1", ...size, PARTY.lanAddress], {
    anyCode: true,
  });
  return code === 0;
}

async function join(party: Party, path: NarrowPath, family: PathFamily): Promise<LabProcess> {
  const address = ["--address", "10.77.0.50/24", "--log-level", "debug"];
  return await party.startClient(path.player, "--relay", NarrowPath.relay(family), ...address);
}

/** Plays on while the path falls; the session is the same one afterwards. */
async function assertFallCostsAMoment(
  path: NarrowPath,
  client: LabProcess,
  fall: () => Promise<unknown>,
): Promise<void> {
  const { mtu } = await path.player.linkOf(PARTY.tap);
  await eventually("a full frame passes", () => fullFramePasses(path.player, mtu));
  await fall();
  await eventually(
    "a full frame passes the path that has fallen",
    () => fullFramePasses(path.player, mtu),
    FALL_MAX_MS,
  );
  assertNotMatch(client.stderr, /Trying again|was restarted|does not answer/);
  assertEquals([...client.stderr.matchAll(/Joined the room/g)].length, 1);
}

partyTest(
  "a path's packet size is used in full, and may fall during a session",
  async (party, step) => {
    const path = await NarrowPath.make(party, "alice");
    await party.startRelay();
    await party.startGateway();
    for (const isSilent of [false, true]) {
      if (isSilent) await path.silence();
      for (const family of [4, 6] as const) {
        const kind = `IPv${family}, ${isSilent ? "without ICMP" : "with ICMP"}`;
        await path.setPacketBytes(WIDE_BYTES);
        const client = await join(party, path, family);
        await step(`${kind}: a packet of PPPoE's size is found`, async () => {
          const found = new RegExp(`datagramBudget=${DATAGRAM_BYTES[family]}\\b`);
          await client.waitForLine(found, FOUND_MAX_MS);
        });
        await step(`${kind}: the path falls, and the session goes on`, async () => {
          await assertFallCostsAMoment(path, client, () => path.setPacketBytes(FALLEN_BYTES));
        });
        assertEquals(await client.stop(), 0);
      }
    }
    await path.setPacketBytes(1500);
    const client = await join(party, path, 4);
    await step("the player's own interface falls, and the session goes on", async () => {
      await assertFallCostsAMoment(
        path,
        client,
        () => path.player.ip("link", "set", "wan0", "mtu", `${FALLEN_BYTES}`),
      );
    });
  },
);
