/**
 * Other programs change the party's adapter while the client runs.
 *
 * ```text
 *   lan         gateway             relay        alice
 *  ┌──────┐    ┌────────────┐      ┌──────┐     ┌──────────────────────────┐
 *  │ eth0 ┼────┼ lan0  wan0 ┼──────┼──────┼─────┼ wan0   lanparty0 ◄── ip  │
 *  └──────┘    └────────────┘      └──────┘     └──────────────────────────┘
 *  10.77.0.1                                     10.77.0.50
 * ```
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { REPAIRS_MAX } from "../../../src/client/adapter_upkeep.ts";
import { executablePath } from "../../../tools/build/executables.ts";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { PARTY } from "../../../tools/lab/party.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { sayingPattern } from "../../support/sentences.ts";
import { partyTest } from "../../support/play.ts";

const ALICE = { mac: "02:00:00:00:00:0a", address: "10.77.0.50/24" };
const FOREIGN_MAC = "ca:fe:00:00:00:01";

/** The adapter as the system sees it. */
async function adapterOf(player: Namespace) {
  const [{ address, mtu, flags }] = JSON.parse(
    await player.ip("-json", "link", "show", PARTY.tap),
  ) as { address: string; mtu: number; flags: string[] }[];
  const all = await player.addressesOf(PARTY.tap);
  const [ipv4, ...ipv6] = all;
  return { mac: address, mtu, isUp: flags.includes("UP"), ipv4, ipv6: ipv6.length };
}

partyTest("other programs change the party's adapter", async (party, step) => {
  const player = await party.addPlayer("alice");
  await party.startRelay();
  await party.startGateway();
  const stateDir = party.stateDir("client-alice");
  const options = ["--virtual-mac", ALICE.mac, "--address", ALICE.address];
  const client = await party.startClient(player, ...options);
  await client.waitForLine(sayingPattern("lan/good", { address: "10.77.0.50" }), 30_000);
  const before = await adapterOf(player);
  assertEquals(before, {
    mac: ALICE.mac,
    mtu: before.mtu,
    isUp: true,
    ipv4: ALICE.address,
    ipv6: 1,
  });
  const assertRestored = async (pattern: RegExp) => {
    await eventually("the adapter is as it was", async () => {
      const now = await adapterOf(player);
      return JSON.stringify(now) === JSON.stringify(before);
    });
    await client.waitForLine(pattern);
    const ping = ["ping", "-c", "1", "-W", "5", PARTY.lanAddress];
    assertMatch((await player.run(ping)).stdout, /1 received/);
  };

  await step("its MAC", async () => {
    await player.ip("link", "set", PARTY.tap, "address", FOREIGN_MAC);
    await assertRestored(sayingPattern("adapter/restored-mac"));
  });
  await step("its MTU", async () => {
    await player.ip("link", "set", PARTY.tap, "mtu", "1280");
    await assertRestored(sayingPattern("adapter/restored-mtu"));
  });
  await step("all its addresses, also the fixed one of --address", async () => {
    await player.ip("addr", "flush", "dev", PARTY.tap);
    await assertRestored(sayingPattern("adapter/restored-address", { address: ALICE.address }));
  });
  await step("it is switched off", async () => {
    await player.ip("link", "set", PARTY.tap, "down");
    await assertRestored(sayingPattern("adapter/restored-up", { name: PARTY.tap }));
  });
  await step("a program that goes on and on has its way, and log and doctor say it", async () => {
    const contested = sayingPattern("adapter/contested-mac", { name: PARTY.tap });
    const isSaid = () => contested.test(client.stderr);
    // On a machine that takes minutes for it, it may be put back more often.
    for (let count = 0; count < 4 * REPAIRS_MAX && !isSaid(); count++) {
      await player.ip("link", "set", PARTY.tap, "address", FOREIGN_MAC);
      await eventually("it is put back, or given up", async () => {
        return isSaid() || (await adapterOf(player)).mac === ALICE.mac;
      });
    }
    assertEquals(isSaid(), true);
    await eventually("the doctor says it, too", async () => {
      const doctor = [executablePath("client"), "doctor", "--state-dir", stateDir];
      return contested.test((await player.run(doctor)).stdout);
    });
  });
  await step("the client ends as ever", async () => {
    client.kill("SIGTERM");
    assertEquals(await client.exited, 0);
    assertStringIncludes(client.stderr, "You have left the room");
    assertEquals(await player.has(PARTY.tap), false);
  });
});
