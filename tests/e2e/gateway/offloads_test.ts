/**
 * What the gateway changes at the LAN's interface, and when it is put back:
 *
 * ```text
 *   lan              gateway            relay
 *  ┌────────┐       ┌────────────┐     ┌─────┐
 *  │  eth0 ─┼───────┼ lan0  wan0 ┼─────┼ gw0 │
 *  └────────┘  veth └────────────┘     └─────┘
 *                     ethtool -k lan0
 * ```
 */
import { assertEquals, assertMatch } from "@std/assert";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

/** By then a gateway has its token on disk, by which the next one takes its place at once. */
const TOKEN_MS = 500;
const JOURNAL = "lanparty-gateway-journal.json";

/** Whether GRO is on, as ethtool says. */
async function gro(party: Party, name: string = PARTY.gatewayInterface): Promise<string> {
  const { stdout } = await party.gateway.run(["ethtool", "-k", name]);
  return /generic-receive-offload: (on|off)/.exec(stdout)![1];
}

function setGro(party: Party, word: "on" | "off", name: string = PARTY.gatewayInterface) {
  return party.gateway.run(["ethtool", "-K", name, "gro", word]);
}

function journalFiles(party: Party): string[] {
  return [...Deno.readDirSync(party.stateDir("gateway"))].map(({ name }) => name)
    .filter((name) => name === JOURNAL);
}

partyTest("offloads: switched off while the gateway runs, and put back", async (party, step) => {
  await party.startRelay();
  await setGro(party, "on");
  await step("off while it runs, on again after SIGTERM and after SIGINT", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const gateway = await party.startGateway();
      assertEquals(await gro(party), "off", signal);
      gateway.kill(signal);
      assertEquals(await gateway.waitExit(), 0);
      assertEquals(await gro(party), "on", signal);
      assertEquals(journalFiles(party), []);
    }
  });
  await step("after SIGKILL the next start puts it back, even one that fails", async () => {
    const gateway = await party.startGateway();
    await pause(TOKEN_MS);
    gateway.kill("SIGKILL");
    await gateway.waitExit();
    assertEquals(await gro(party), "off");
    assertEquals(journalFiles(party), [JOURNAL]);
    const missing = party.gateway.spawn(party.gatewayCommand("--relay-ca-cert", "/no/such/file"));
    assertEquals(await missing.waitExit(), 1);
    assertEquals(await gro(party), "on");
    assertEquals(journalFiles(party), []);
  });
  await step("killed and started again it is off, and on when that one ends", async () => {
    const first = await party.startGateway();
    await pause(TOKEN_MS);
    first.kill("SIGKILL");
    await first.waitExit();
    const second = await party.startGateway();
    assertEquals(await gro(party), "off");
    await second.stop();
    assertEquals(await gro(party), "on");
  });
  await step("what was off before is off afterwards", async () => {
    await setGro(party, "off");
    const gateway = await party.startGateway();
    await gateway.stop();
    assertEquals(await gro(party), "off");
    await setGro(party, "on");
  });
  await step("without CAP_NET_ADMIN it says so, and works", async () => {
    const gateway = party.gateway.spawn([
      ...["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"],
      ...party.gatewayCommand(),
    ]);
    await gateway.waitForLine(/Joined the room/, 20_000);
    assertMatch(gateway.stderr, /offloads of lan0 stay as they are/);
    assertEquals(await gro(party), "on");
    await gateway.stop();
  });
  await step("an interface that is made anew is treated alike", async () => {
    const gateway = await party.startGateway();
    await party.gateway.ip("link", "del", PARTY.gatewayInterface);
    await gateway.waitForLine(/is gone/);
    // Under its name it must be there with GRO on: the gateway looks once, and may do so at once.
    const { gateway: box } = party;
    await party.lab.veth(
      { namespace: party.lan, name: PARTY.lanInterface },
      { namespace: box, name: "anew0" },
    );
    await box.ip("link", "set", "anew0", "down");
    await setGro(party, "on", "anew0");
    await box.ip("link", "set", "anew0", "name", PARTY.gatewayInterface, "up");
    await eventually("switched off again", async () => await gro(party) === "off", 5_000);
    await gateway.stop();
    assertEquals(await gro(party), "on");
  });
});

partyTest("offloads: what lies under the interface is treated alike", async (party) => {
  await party.startRelay();
  await setGro(party, "on");
  const { gateway: box } = party;
  const lower = PARTY.gatewayInterface;
  await box.ip("link", "add", "mv0", "link", lower, "type", "macvlan", "mode", "passthru");
  await box.ip("link", "set", "mv0", "up");
  const gateway = await party.startGateway("--interface", "mv0");
  assertEquals(await gro(party), "off");
  assertEquals(await gro(party, "mv0"), "off");
  await pause(TOKEN_MS);
  gateway.kill("SIGKILL");
  await gateway.waitExit();
  const second = await party.startGateway("--interface", "mv0");
  await second.stop();
  assertEquals(await gro(party), "on");
  assertEquals(await gro(party, "mv0"), "on");
  assertEquals(journalFiles(party), []);
  await box.ip("link", "del", "mv0");
});
