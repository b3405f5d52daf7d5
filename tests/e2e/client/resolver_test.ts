/**
 * A player lets the LAN set default route and name servers: the list of name servers is as before at the end, and the
 * adapter keeps the room's MTU.
 *
 * ```text
 *   lan         gateway             relay              alice
 *  ┌──────┐    ┌────────────┐      ┌────────────┐     ┌──────────────────────────┐
 *  │ eth0 ┼────┼ lan0  wan0 ┼──────┼─ gw0   pl0 ┼─────┼─ wan0                    │
 *  └──────┘    └────────────┘      └────────────┘     │ lanparty0, by DHCP       │
 *  10.77.0.1: DHCP, names                             │ a resolv.conf of its own │
 *                                                     └──────────────────────────┘
 * ```
 */
import { assertEquals } from "@std/assert";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { PARTY } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const LAN_NAMES = `nameserver ${PARTY.lanAddress}`;
const ROOM_MTU = 1_400;
const VPN_NAMES = "nameserver 10.8.0.1\n";

async function names(player: Namespace): Promise<string> {
  return (await player.run(["cat", "/etc/resolv.conf"])).stdout;
}

partyTest("name servers that the LAN sets, and an MTU that somebody sets", async (party, step) => {
  const player = await party.addPlayer("alice");
  await party.startRelay();
  await party.startGateway();
  // It would have the adapter's MTU be another one, too.
  await party.startDhcpServer(undefined, "--dhcp-option-force=26,9000");
  const before = await names(player);
  const journal = `${party.stateDir("client-alice")}/lanparty-client-journal.json`;
  const start = async () => {
    const client = await party.startClient(player, "--allow-lan-default-route");
    await eventually("the LAN's names", async () => (await names(player)).includes(LAN_NAMES));
    return client;
  };
  const isWritten = async () =>
    (await Deno.readTextFile(journal)).includes(btoa(await names(player)));
  await step("Ctrl-C: the list is as before", async () => {
    const client = await start();
    client.kill("SIGINT");
    assertEquals(await client.waitExit(10_000), 0);
    assertEquals(await names(player), before);
  });
  await step("killed: it is as before after the next start", async () => {
    const client = await start();
    await eventually("it is written down", isWritten);
    client.kill("SIGKILL");
    await client.exited;
    assertEquals((await names(player)).includes(LAN_NAMES), true);
    const next = await party.startClient(player);
    assertEquals(await names(player), before);
    assertEquals(await next.stop(), 0);
  });
  await step("what somebody else has written meanwhile stays", async () => {
    const client = await start();
    await eventually("it is written down", isWritten);
    client.kill("SIGKILL");
    await client.exited;
    await player.run(["sh", "-c", `echo '${VPN_NAMES.trim()}' > /etc/resolv.conf`]);
    const next = await party.startClient(player);
    assertEquals(await names(player), VPN_NAMES);
    assertEquals(await next.stop(), 0);
  });
  await step("the adapter keeps the room's MTU, whoever sets another one", async () => {
    const client = await start();
    const { mtu } = await player.linkOf(PARTY.tap);
    assertEquals(mtu, ROOM_MTU);
    for (const other of ["9000", "1280"]) {
      await player.ip("link", "set", PARTY.tap, "mtu", other);
      await eventually("the room's MTU", async () => {
        return (await player.linkOf(PARTY.tap)).mtu === mtu;
      });
    }
    assertEquals(await client.stop(), 0);
  });
});
