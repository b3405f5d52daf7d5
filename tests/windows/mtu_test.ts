/**
 * Settings of the adapter's interface that Windows does not take as they are, or not yet.
 *
 * An adapter whose driver was set to a smaller MTU than the room's ("MTU" of its advanced properties,
 * as old advice for other tunnels has it): Windows refuses an interface more than its driver has.
 */
import { assertEquals } from "@std/assert";
import { partyTest } from "../support/play.ts";
import { WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";
import { eventually } from "../../tools/lab/wait.ts";

const SETTINGS = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\" +
  "{4D36E972-E325-11CE-BFC1-08002BE10318}\\0007";

partyTest("an adapter with a smaller MTU than the room's keeps it", async (party) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  await pc.run(["wine", "reg", "add", SETTINGS, "/v", "MTU", "/d", "1300", "/f"]);
  await party.startRelay();
  const client = await startClient(party, pc, []);
  client.kill("SIGINT");
  assertEquals(await client.waitExit(15_000), 0);
  const set = (await pc.calls()).filter((call) => call.startsWith("SetIpInterfaceEntry ipv4"));
  assertEquals(set, [
    "SetIpInterfaceEntry ipv4 automatic=0 metric=1 mtu=1300 noDefault=1 routers=0 managed=0 other=0 forwarding=0 weak=0",
    "SetIpInterfaceEntry ipv4 automatic=1 metric=25 mtu=1500 noDefault=0 routers=2 managed=0 other=0 forwarding=1 weak=1",
  ]);
});

partyTest(
  "an interface that takes no settings before its cable is in gets them then",
  async (party) => {
    await using pc = await WinePc.open(await party.addPlayer("player"));
    await pc.installAdapter();
    await pc.write("interface", "late");
    await party.startRelay();
    const client = await startClient(party, pc, []);
    const isSet = async () =>
      (await pc.setOfNetwork()).some((line) => /^settings 7 0 .*\b1400\b/.test(line));
    await eventually("its settings", isSet, 30_000);
    assertEquals(/settings of the adapter/.test(client.stderr), false);
    client.kill("SIGINT");
    assertEquals(await client.waitExit(15_000), 0);
  },
);
