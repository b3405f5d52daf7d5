/**
 * The compiled lanparty-client.exe, when the player shuts down or logs off, or somebody asks the program
 * to close.
 *
 * ```text
 *  wineboot --end-session ── WM_QUERYENDSESSION, WM_ENDSESSION ─► every window of the session
 *  taskkill /PID          ── WM_CLOSE ─────────────────────────► every window of the program
 * ```
 */
import { assert, assertEquals } from "@std/assert";
import type { Party } from "../../tools/lab/party.ts";
import { partyTest } from "../support/play.ts";
import type { LabProcess } from "../../tools/lab/netns.ts";
import { WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";

const MAC = "02:00:00:00:00:51";

/** Without a screen Wine makes windows all the same, by a driver that shows nothing (adapter.reg). */
async function startParty(party: Party, pc: WinePc): Promise<LabProcess> {
  await pc.installAdapter();
  await party.startRelay();
  await party.startGateway();
  return await startClient(party, pc, ["--virtual-mac", MAC]);
}

/** That what the client has set is taken back, and that it has told the relay. */
async function assertLeft(party: Party, pc: WinePc, client: LabProcess): Promise<void> {
  await client.waitExit(10_000);
  const calls = await pc.calls();
  for (
    const [set, back] of [
      [/^CreateIpForwardEntry2/, /^DeleteIpForwardEntry2/],
      [/ipv4 .* noDefault=1/, /ipv4 .* noDefault=0/],
      [/ipv6 .* noDefault=1/, /ipv6 .* noDefault=0/],
    ]
  ) {
    const last = calls.findLastIndex((call) => set.test(call));
    const isUndone = last >= 0 && calls.slice(last).some((call) => back.test(call));
    assert(isUndone, `${back}:\n${calls.join("\n")}`);
  }
  const { opened, closed } = await pc.record();
  assertEquals(closed, opened);
  await party.gatewayProcess!.waitForLine(/has left/, 5_000);
}

partyTest("Windows shuts down: the client leaves as after Ctrl-C", async (party) => {
  const player = await party.addPlayer("player");
  await using pc = await WinePc.open(player);
  const client = await startParty(party, pc);
  await pc.run(["wine", "wineboot", "--end-session"]);
  await assertLeft(party, pc, client);
});

partyTest("the client is asked to close by taskkill: it leaves as after Ctrl-C", async (party) => {
  const player = await party.addPlayer("player");
  await using pc = await WinePc.open(player);
  const client = await startParty(party, pc);
  await pc.run(["wine", "taskkill", "/IM", "lanparty-client.exe"]);
  await assertLeft(party, pc, client);
  assertEquals((await pc.record()).mediaOff, 1); // nobody has ended it before it was done
});
