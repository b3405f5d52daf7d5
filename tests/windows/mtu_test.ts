/**
 * An adapter whose driver was set to a smaller MTU than the room's ("MTU" of its advanced properties,
 * as old advice for other tunnels has it): Windows refuses an interface more than its driver has.
 */
import { assertEquals } from "@std/assert";
import { partyTest } from "../support/play.ts";
import { WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";

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
