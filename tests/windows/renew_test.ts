/**
 * What Windows' own DHCP client does when nobody answers: it gives the adapter an address of its own
 * making after a minute, and asks again once in five. A player who was there before the party's gateway
 * would wait that long, and one with a fixed address would have two.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { partyTest } from "../support/play.ts";
import { eventually, pause } from "../../tools/lab/wait.ts";
import { sayingPattern } from "../support/sentences.ts";
import { WINE_ADAPTER, WINE_JOURNAL, WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";

const RENEWAL = "IpRenewAddress 7 \\DEVICE\\TCPIP_{11111111-2222-3333-4444-555555555555}";
const RELEASE = "IpReleaseAddress 7 \\DEVICE\\TCPIP_{11111111-2222-3333-4444-555555555555}";
/** What Windows gives an adapter when nobody in its LAN has answered. */
const SELF_MADE = "address 7 169.254.7.7/16";
const LEASED = "address 7 10.77.0.100/24";
const PC = [
  "interface 3 25 Ethernet",
  "interface 7 25 LAN party",
  "address 3 192.0.2.20/24",
  "route 3 0.0.0.0/0 10.92.0.1 0",
];

partyTest("the gateway comes after the player: the LAN is asked again", async (party, step) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  await party.startRelay();
  await pc.setNetwork(...PC, SELF_MADE);
  const client = await startClient(party, pc, []);
  const renewals = async () => (await pc.calls()).filter((call) => call.startsWith("IpRenew"));
  await step("an address is asked for as soon as the gateway is there", async () => {
    assertEquals(await renewals(), []);
    await party.startGateway();
    await eventually("a renewal", async () => (await renewals()).length > 0);
    assertEquals(await renewals(), [RENEWAL]);
  });
  await step("an adapter that has an address of the LAN keeps it", async () => {
    await pc.setNetwork(...PC, LEASED);
    await eventually("the address", () => client.stderr.includes("10.77.0.100/24"));
    await party.gatewayProcess!.stop();
    await party.startGateway();
    await eventually("the gateway is back", () => {
      return client.stderr.split("The party's gateway is there").length > 2;
    });
    await pause(500);
    assertEquals(await renewals(), [RENEWAL]);
  });
});

/** Where nobody gives addresses, PCs take those that they make themselves. */
const FIXED = "169.254.9.9/16";

partyTest("beside a fixed address there is none of Windows' own making", async (party) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  await party.startRelay();
  const client = await startClient(party, pc, ["--address", FIXED]);
  await pc.setNetwork(...PC, SELF_MADE);
  const removal = /^DeleteUnicastIpAddressEntry 169\.254\.7\.7\/16 interface=7 /;
  const isRemoved = async () => (await pc.calls()).some((call) => removal.test(call));
  await eventually("its removal", isRemoved);
  client.kill("SIGINT");
  assertEquals(await client.waitExit(15_000), 0);
  const others = (await pc.calls()).filter((call) =>
    call.startsWith("DeleteUnicast") && !removal.test(call)
  );
  assert(others.length === 1 && others[0].includes(` ${FIXED} `), others.join("\n"));
});

/** Of another VPN, which has used the adapter before. */
const FOREIGN = "10.8.0.6";
const SWITCHING = "netsh interface ipv4 set address name=7 source=dhcp";
const FIXING =
  `netsh interface ipv4 set address name=7 address=${FOREIGN} mask=255.255.255.0 source=static gateway=none`;

partyTest(
  "an address of another network is not taken for the LAN's, and given up",
  async (party, step) => {
    await using pc = await WinePc.open(await party.addPlayer("player"));
    await pc.installAdapter();
    await pc.installFakes("netsh");
    const key =
      `HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces\\` +
      WINE_ADAPTER.guid;
    // As regedit writes lists of texts.
    const texts = (text: string) =>
      `hex(7):${
        [...new TextEncoder().encode(`${text}\0\0`)].map((byte) => byte.toString(16)).join()
      }`;
    await pc.register(
      ...[`[${key}]`, '"EnableDHCP"=dword:00000000', `"IPAddress"=${texts(FOREIGN)}`],
      `"SubnetMask"=${texts("255.255.255.0")}`,
    );
    await party.startRelay();
    await party.startGateway();
    await pc.setNetwork(...PC, `address 7 ${FOREIGN}/24`);
    const calls = async (start: string) =>
      (await pc.calls()).filter((call) => call.startsWith(start));
    await step("Windows does not answer: what may have been done is written down", async () => {
      await pc.write("netsh", "hangs");
      const first = await startClient(party, pc, []);
      await first.waitForLine(
        /"LAN party" has 10\.8\.0\.6, .+, and Windows did not switch that off/,
        30_000,
      );
      assertMatch(await Deno.readTextFile(pc.diskC(WINE_JOURNAL)), /"windows-dhcp"/);
      await pc.remove("netsh");
      first.kill("SIGINT");
      assertEquals(await first.waitExit(15_000), 0);
      assertEquals(await calls("netsh"), [SWITCHING, FIXING]);
    });
    const client = await startClient(party, pc, []);
    await step("what somebody has fixed is put aside, and that is said", async () => {
      await client.waitForLine(
        /"LAN party" had 10\.8\.0\.6, which somebody has set there: it asks the LAN for its address until/,
      );
      assertEquals((await calls("netsh")).slice(2), [SWITCHING]);
    });
    await step(
      "an address that stays all the same is released, and another one asked for",
      async () => {
        // Somebody in the LAN asks for an address that nobody has: by this its own is heard.
        await party.lan.run(["ping", "-c", "1", "-W", "1", "10.77.0.200"], { anyCode: true });
        const said = sayingPattern("lan/elsewhere", { address: FOREIGN });
        await client.waitForLine(said, 30_000);
        // A LAN that was silent before was asked as well.
        const sinceRelease = async () => {
          const asked = await calls("IpR");
          return asked.slice(asked.lastIndexOf(RELEASE), asked.lastIndexOf(RELEASE) + 2);
        };
        await eventually("the release, and the renewal", async () => {
          return (await calls("IpR")).includes(RELEASE) && (await sinceRelease()).length === 2;
        });
        assertEquals(await sinceRelease(), [RELEASE, RENEWAL]);
      },
    );
    await step("an address of the LAN is the party's", async () => {
      await pc.setNetwork(...PC, LEASED);
      await party.lan.run(["ping", "-c", "1", "-W", "1", "10.77.0.201"], { anyCode: true });
      await client.waitForLine(sayingPattern("lan/good", { address: "10.77.0.100" }), 20_000);
    });
    await step("at the end the adapter has again what was fixed", async () => {
      client.kill("SIGINT");
      assertEquals(await client.waitExit(15_000), 0);
      assertEquals((await calls("netsh")).slice(3), [FIXING]);
    });
  },
);
