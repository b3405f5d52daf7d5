/** A Windows player with a fixed address, and one without any: Windows' own DHCP client gets no answer. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { checkPing } from "../../tools/lab/checks.ts";
import { leaseAddress } from "../support/dhcp_lease.ts";
import { CommandError, type LabProcess } from "../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../tools/lab/party.ts";
import { partyTest, type Step } from "../support/play.ts";
import { assertRow } from "../support/rows.ts";
import { WINE_ADAPTER, WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";
import { eventually } from "../../tools/lab/wait.ts";

const MAC = "02:00:00:00:00:53";
const ADDRESS = "10.77.0.50";
const OPTION = ["--address", `${ADDRESS}/24`];
/** `dad=4`: the address may be used at once. */
const fixed = (call: "Create" | "Delete") =>
  `${call}UnicastIpAddressEntry ${ADDRESS}/24 interface=7 dad=4 lifetime=0xffffffff`;

/** A PC in a party, and where in the list of calls its test is. */
class Scene {
  #seen = 0;

  constructor(readonly party: Party, readonly pc: WinePc, readonly server: LabProcess) {}

  start(...options: string[]): Promise<LabProcess> {
    return startClient(this.party, this.pc, ["--virtual-mac", MAC, ...options]);
  }

  async end(client: LabProcess): Promise<void> {
    client.kill("SIGINT");
    assertEquals(await client.waitExit(15_000), 0);
  }

  /** What was done to addresses since the last time. */
  async addressCalls(): Promise<string[]> {
    const calls = (await this.pc.calls()).slice(this.#seen);
    this.#seen += calls.length;
    return calls.filter((call) => call.includes("UnicastIpAddressEntry"));
  }

  /** The addresses that programs have given the PC's interfaces. */
  async addresses(): Promise<string[]> {
    return (await this.pc.setOfNetwork()).filter((line) => line.startsWith("fixed "));
  }

  /** Windows' DHCP client asks in vain: no question of its reaches the LAN. */
  async assertNoDhcp(): Promise<void> {
    const { party, pc } = this;
    await assertRejects(() => leaseAddress(pc.namespace, PARTY.tap, party.folder, 3), CommandError);
    assertEquals(this.server.stderr.match(/DHCPDISCOVER/g), null);
  }
}

partyTest("a Windows player with an address of its own choice", async (party, step) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  const server = await party.startDhcpServer();
  await party.startRelay();
  await party.startGateway();
  const scene = new Scene(party, pc, server);
  let client = await scene.start(...OPTION);
  await pc.connectStack(PARTY.tap, MAC);
  await pc.namespace.ip("addr", "add", `${ADDRESS}/24`, "dev", PARTY.tap);
  await step("the address is set, and the LAN reaches it", async () => {
    assertEquals(await scene.addressCalls(), [fixed("Create")]);
    assertEquals(await scene.addresses(), [`fixed 7 ${ADDRESS}/24`]);
    await assertRow(() => checkPing("LAN to player", party.lan, ADDRESS));
    assertMatch((await pc.doctor()).stdout, new RegExp(`addresses: +${ADDRESS}/24`));
  });
  await step("the LAN's DHCP server is not asked", () => scene.assertNoDhcp());
  await step("another program takes the address: it is set again, and that is said", async () => {
    await pc.run(["wine", "/mnt/wire.exe", "take", ADDRESS]);
    await client.waitForLine(
      /Another program has taken the address 10\.77\.0\.50\/24 from the network adapter LAN party: it is set again/,
      15_000,
    );
    await eventually("the address", async () => (await scene.addresses()).length === 1);
    const [taken, given] = await scene.addressCalls();
    assertMatch(taken, /^DeleteUnicastIpAddressEntry 10\.77\.0\.50\/24 interface=7 /);
    assertEquals(given, fixed("Create"));
  });
  await step("the adapter goes away and comes back: the address is set again", async () => {
    await pc.setPresent(false);
    await client.waitForLine(/adapter LAN party is gone/, 20_000);
    await pc.setPresent(true);
    await client.waitForLine(/adapter LAN party is back/, 20_000);
    assertEquals(await scene.addressCalls(), [fixed("Create")]);
  });
  await step("killed: the next one takes it back, whatever it is told itself", async () => {
    client.kill("SIGKILL");
    await client.waitExit(10_000);
    assertEquals(await scene.addresses(), [`fixed 7 ${ADDRESS}/24`]);
    client = await scene.start("--no-dhcp");
    assertEquals(await scene.addressCalls(), [fixed("Delete")]);
    assertEquals(await scene.addresses(), []);
  });
  await step("--no-dhcp: no address is set, and the server is not asked", async () => {
    await scene.assertNoDhcp();
    await scene.end(client);
    assertEquals(await scene.addressCalls(), []);
  });
  await keepOwnAddress(scene, step);
});

/** An address is taken back by who has set it alone. */
async function keepOwnAddress(scene: Scene, step: Step): Promise<void> {
  await step("Ctrl-C: the address is taken back", async () => {
    await scene.end(await scene.start(...OPTION));
    assertEquals(await scene.addressCalls(), [fixed("Create"), fixed("Delete")]);
    assertEquals(await scene.addresses(), []);
  });
  await step("an address that the player has set in Windows stays", async () => {
    await scene.pc.setNetwork(`interface 7 25 ${WINE_ADAPTER.name}`, `address 7 ${ADDRESS}/24`);
    await scene.end(await scene.start(...OPTION));
    assertEquals(await scene.addressCalls(), [fixed("Create")]);
  });
}
