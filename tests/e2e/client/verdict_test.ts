/**
 * Whether the client says that the LAN works, and its doctor the same.
 *
 * ```
 *  lan: 10.77.0.1, at first without a DHCP server ── gateway ── relay ── alice: lanparty-client, and its doctor
 * ```
 */
import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { fetchFrom } from "../../support/fetch_from.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { partyTest } from "../../support/play.ts";
import { sayingPattern } from "../../support/sentences.ts";

const TIMEOUT_MS = 30_000;
const NO_ADDRESS = "no DHCP server has answered for|behind it there was silence for";

async function doctorOf(party: Party, player: Namespace): Promise<string> {
  const stateDir = party.stateDir("client-alice");
  return (await player.run([executablePath("client"), "doctor", "--state-dir", stateDir])).stdout;
}

partyTest(
  "a LAN that gives no address is not said to work; one that does is",
  async (party, step) => {
    const player = await party.addPlayer("alice");
    await party.startRelay();
    await party.startGateway("--status", "9466");
    const client = await party.startClient(player);
    await step("nobody answers: that is said, and by the doctor, too", async () => {
      await client.waitForLine(new RegExp(`Connected, but .*(${NO_ADDRESS})`), TIMEOUT_MS);
      const report = await doctorOf(party, player);
      assertMatch(report, new RegExp(`^! LAN: +Connected, but .*(${NO_ADDRESS})`, "m"));
      assertNotMatch(report, /Nothing looks wrong/);
      assertNotMatch(client.stderr, /You are in the LAN/);
    });
    await step("a DHCP server comes: the player can start the game", async () => {
      await party.startDhcpServer(undefined, "--no-ping");
      const address = await party.lanAddressOf(player, TIMEOUT_MS);
      const good = sayingPattern("lan/good", { address });
      await client.waitForLine(good);
      assertMatch(await doctorOf(party, player), new RegExp(`^ {2}LAN: +${good.source}$`, "m"));
    });
    const eth0 = (state: "up" | "down") => party.lan.ip("link", "set", PARTY.lanInterface, state);
    const health = async () =>
      (await fetchFrom(party.gateway, "http://127.0.0.1:9466/healthz")).trim();
    await step(
      "the gateway's cable is out: players are told within seconds, and its health says so",
      async () => {
        await eth0("down");
        await client.waitForLine(sayingPattern("lan/silent-down"), TIMEOUT_MS);
        assertMatch(await health(), sayingPattern("link/no-carrier"));
        await eth0("up");
        const isBack = () => client.stderr.split(sayingPattern("lan/good")).length > 2;
        await eventually("the LAN is back", isBack, TIMEOUT_MS);
        await eventually("health", async () => await health() === "ok", TIMEOUT_MS);
      },
    );
    await step("the gateway ends: nothing answers, and nobody else is here", async () => {
      assertEquals(await party.gatewayProcess!.stop(), 0);
      const alone = sayingPattern("lan/silent-alone");
      await client.waitForLine(alone, TIMEOUT_MS);
      assertMatch(await doctorOf(party, player), new RegExp(`^! LAN: +${alone.source}$`, "m"));
    });
  },
);

partyTest("a fixed address: whoever is likely to be in the LAN is asked by ARP", async (party) => {
  const player = await party.addPlayer("alice");
  await party.startRelay();
  await party.startGateway();
  const client = await party.startClient(player, "--address", "10.77.0.50/24");
  await client.waitForLine(sayingPattern("lan/good", { address: "10.77.0.50" }));
  const bob = await party.startClient(
    await party.addPlayer("bob"),
    ...["--address", `${PARTY.lanAddress}/24`],
  );
  await bob.waitForLine(sayingPattern("lan/taken", { address: PARTY.lanAddress }));
  // A virtual machine has a MAC of its own on the adapter: what it sends does not leave this PC.
  await player.ip(
    ...["link", "add", "link", PARTY.tap, "name", "vm0", "address", "02:00:00:00:00:99"],
    ...["type", "macvlan", "mode", "bridge"],
  );
  await player.ip("address", "add", "10.77.0.99/24", "dev", "vm0");
  await player.ip("link", "set", "vm0", "up");
  const ping = ["ping", "-c", "1", "-W", "1", "-I", "vm0", PARTY.lanAddress];
  await player.run(ping, { anyCode: true });
  const isNoted = async () =>
    sayingPattern("drops/client-foreign-source").test(await doctorOf(party, player));
  await eventually("the doctor knows", isNoted, TIMEOUT_MS);
  await client.waitForLine(sayingPattern("drops/client-foreign-source"), TIMEOUT_MS);
});
