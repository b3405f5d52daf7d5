/** What the compiled lanparty-client.exe says of itself while it runs: in its log, and to the relay. */
import { assert, assertEquals } from "@std/assert";
import { fetchFrom } from "../support/fetch_from.ts";
import { partyTest } from "../support/play.ts";
import { eventually } from "../../tools/lab/wait.ts";
import { WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";

const MAC = "02:00:00:00:00:57";

partyTest("a Windows client's snapshots are printed, and reach the relay", async (party, step) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  await party.startRelay("--status", "9465");
  const options = ["--virtual-mac", MAC, "--log-level", "debug", "--log-format", "json"];
  const client = await startClient(party, pc, options);
  await step(
    "printed: relay, round trip, loss, budget, route, adapter, counters, drops",
    async () => {
      await client.waitForLine(/"message":"Snapshot"/, 15_000);
      const line = client.stderr.split("\n").find((text) => text.includes('"message":"Snapshot"'))!;
      const { properties = {}, ...others } = JSON.parse(line);
      const { relayReachable, routePinned, rttMs, lossRatio, datagramBudget, tap, traffic } = {
        ...others,
        ...properties,
      };
      assertEquals([relayReachable, routePinned], [true, true]);
      assert(rttMs > 0 && lossRatio >= 0 && lossRatio < 1, `${rttMs} ${lossRatio}`);
      assert(datagramBudget > 1_100, `${datagramBudget}`);
      assertEquals([tap.state, tap.mac, tap.mtu, tap.index], ["up", MAC, 1400, 7]);
      assertEquals([typeof traffic.framesSent, typeof traffic.drops], ["number", "object"]);
    },
  );
  await step("sent: the relay's page has the same of the player", async () => {
    const stats = async () => {
      const { rooms } = JSON.parse(
        await fetchFrom(party.relay, "http://127.0.0.1:9465/api/rooms"),
      );
      return rooms[0]?.peers[0]?.stats;
    };
    await eventually("the relay has them", async () => await stats() !== undefined, 30_000);
    const { diagnostics, drops } = await stats();
    assertEquals([diagnostics.relayReachable, diagnostics.routePinned], [true, true]);
    assertEquals([diagnostics.tap.state, diagnostics.tap.mtu], ["up", 1400]);
    assertEquals(typeof drops, "object");
  });
});
