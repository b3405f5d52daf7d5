/**
 * `lanparty-client doctor` on Linux, beside a client that plays and after its end.
 *
 * ```
 *  lan ── gateway ── relay ── player: lanparty-client, and its doctor
 * ```
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { PARTY } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { eventually } from "../../../tools/lab/wait.ts";

partyTest("a doctor says how client and machine are, and no secret", async (party) => {
  const player = await party.addPlayer("player");
  const stateDir = party.stateDir("client-player");
  const doctor = async (...options: string[]): Promise<string> => {
    const command = [executablePath("client"), "doctor", "--state-dir", stateDir, ...options];
    return (await player.run(command)).stdout;
  };
  assertMatch(await doctor(), /^! running: +none runs$/m);
  await party.startRelay();
  await party.startGateway();
  const client = await party.startClient(player, "--address", "10.77.0.50/24");
  await eventually("the client's status", async () => / running: +yes/.test(await doctor()));
  const report = await doctor();
  const { mtu } = await player.linkOf(PARTY.tap);
  const lines = [
    /^ {2}relay: +10\.92\.0\.1:443 \(connected, round trip [\d.]+ ms, [\d.]+ % lost\)$/m,
    /^ {2}room: +\(not shown\) \(peer \d+, 1 other\)$/m,
    /^ {2}addresses: +10\.77\.0\.50\/24/m,
    /^ {2}clock: +as the relay's, to the second$/m,
    /^ {2}frames: +\d+ sent, \d+ received$/m,
    new RegExp(`^ {2}lanparty0: +up, MTU ${mtu}, MAC [0-9a-f:]{17}$`, "m"),
    /^ {2}rights: +may make adapters$/m,
    /^ {2}broadcast: +by lanparty0, into the party$/m,
    /^ {2}multicast: +by lanparty0, into the party$/m,
    /^ {2}IPv6 multicast: +by lanparty0, into the party$/m,
    /^ {2}other tunnels: +none$/m,
  ];
  for (const line of lines) assertMatch(report, line);
  const keys = (await Deno.readTextFile(party.keyFile)).match(/[A-Za-z0-9_-]{22,}/g) ?? [];
  assert(keys.length > 0);
  for (const secret of [...keys, party.roomKey, PARTY.room]) {
    assert(!report.includes(secret), `the report holds ${secret}`);
  }
  client.kill("SIGINT");
  assertEquals(await client.waitExit(10_000), 0);
  const after = await doctor();
  assertMatch(after, /^! running: +none runs$/m);
  assertMatch(after, /^ {2}lanparty0: +not there: the client makes it$/m);
  const reset = await player.run([executablePath("client"), "reset"]);
  assertMatch(
    reset.stdout,
    /There is nothing to take back: the client leaves something behind only when it is killed/,
  );
});
