/**
 * Settings of the adapter's interface that Windows does not take as they are, or not yet.
 *
 * The room's MTU is given to the running adapter, but not more than its driver was set to ("MTU" of its advanced
 * properties, as old advice for other tunnels has it), which Windows refuses.
 */
import { assertEquals } from "@std/assert";
import { partyTest } from "../support/play.ts";
import { WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";
import { eventually } from "../../tools/lab/wait.ts";

const SETTINGS = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\" +
  "{4D36E972-E325-11CE-BFC1-08002BE10318}\\0007";

partyTest("an adapter follows the room's MTU, up to its driver's own", async (party) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  await pc.run(["wine", "reg", "add", SETTINGS, "/v", "MTU", "/d", "1300", "/f"]);
  await party.startRelay();
  const narrow = await party.startGateway("--datagram-budget", "1308");
  const client = await startClient(party, pc, []);
  narrow.kill("SIGTERM");
  await narrow.waitExit(15_000);
  await party.startGateway();
  await client.waitForLine(/The room's MTU is 1400 now/, 15_000);
  client.kill("SIGINT");
  assertEquals(await client.waitExit(15_000), 0);
  const set = (await pc.calls()).filter((call) => call.startsWith("SetIpInterfaceEntry ipv4"));
  assertEquals([...new Set(set)], [
    ...[1290, 1300].map((mtu) =>
      `SetIpInterfaceEntry ipv4 automatic=0 metric=1 mtu=${mtu} noDefault=1 routers=0 managed=0 other=0 forwarding=0 weak=0`
    ),
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
