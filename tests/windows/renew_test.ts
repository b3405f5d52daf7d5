/**
 * What Windows' own DHCP client does when nobody answers: it gives the adapter an address of its own
 * making after a minute, and asks again once in five. A player who was there before the party's gateway
 * would wait that long, and one with a fixed address would have two.
 */
import { assert, assertEquals } from "@std/assert";
import { partyTest } from "../support/play.ts";
import { eventually, pause } from "../../tools/lab/wait.ts";
import { WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";

const RENEWAL = "IpRenewAddress 7 \\DEVICE\\TCPIP_{11111111-2222-3333-4444-555555555555}";
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
