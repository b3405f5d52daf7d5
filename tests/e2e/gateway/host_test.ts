/**
 * A party from one command: the Linux box at the party has one cable, to the switch, and its way to the relay leads
 * through the LAN's router.
 *
 * ```text
 *   gateway          lan: the router         relay                player
 *  ┌────────┐       ┌───────────────┐      ┌──────────────┐     ┌──────────────┐
 *  │  lan0 ─┼───────┼─ eth0         │      │              │     │    lanparty0 │
 *  │ .77.2  │       │ .77.1    up0 ─┼──────┼─ net0   pl0 ─┼─────┼─ wan0        │
 *  └────────┘       │          .90.2│ veth │ .90.1  .92.1 │veth │ .92.2        │
 *                   └───────────────┘      └──────────────┘     └──────────────┘
 *   host ────────── by any way of talking: the invite ────────────> --invite
 * ```
 *
 * Where the interface is to be chosen, the box has a second card (`wan0`), which leads to the relay.
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
} from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { checkPing } from "../../../tools/lab/checks.ts";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { partyTest, type Step } from "../../support/play.ts";
import { assertRow } from "../../support/rows.ts";
import { inTerminal } from "../../support/terminal.ts";
import { inviteOf } from "../../support/invites.ts";

const TIMEOUT_MS = 30_000;
const RELAY = "10.90.0.1";

/** Gives the gateway's machine one cable alone, and a way to the relay through the LAN. */
async function connectThroughLan({ lab, lan, gateway, relay }: Party): Promise<void> {
  await gateway.ip("link", "delete", "wan0");
  await lab.veth(
    { namespace: lan, name: "up0", addresses: ["10.90.0.2/24"] },
    { namespace: relay, name: "net0", addresses: [`${RELAY}/24`] },
  );
  await lan.run(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]);
  await gateway.ip("addr", "add", "10.77.0.2/24", "dev", PARTY.gatewayInterface);
  await gateway.ip("route", "add", "default", "via", PARTY.lanAddress);
  await relay.ip("route", "add", "10.77.0.0/24", "via", "10.90.0.2");
}

/** `lanparty-gateway host`, with a state folder of the party's. */
function hostCommand(party: Party, ...options: string[]): string[] {
  return [executablePath("gateway"), "host", "--state-dir", party.stateDir("host"), ...options];
}

async function fingerprintOf(party: Party): Promise<string> {
  const { stdout } = await party.relay.run([
    ...[executablePath("relay"), "fingerprint", "--state-dir", party.stateDir("relay")],
  ]);
  return stdout.trim();
}

/** Starts a host and waits for its invite. */
async function startHost(party: Party, ...options: string[]): Promise<[LabProcess, string]> {
  const host = party.gateway.spawn(hostCommand(party, ...options));
  party.gatewayProcess = host;
  const [line] = await host.waitForLine(/^lanparty1\S+$/, TIMEOUT_MS);
  await host.waitForLine(/^The party's keys are kept in /, TIMEOUT_MS);
  return [host, line];
}

async function end(process: LabProcess): Promise<void> {
  process.kill("SIGINT");
  assertEquals(await process.waitExit(TIMEOUT_MS), 0, process.stderr);
}

/** A start that must fail: its last line says why. */
async function failure(at: Namespace, code: number, command: readonly string[]): Promise<string> {
  const result = await at.run(command, { anyCode: true });
  const what = command.join(" ");
  assertEquals({ what, code: result.code, stdout: result.stdout }, { what, code, stdout: "" });
  return result.stderr.trim().split("\n").at(-1) ?? "";
}

partyTest(
  "one command, one invite: a player is in the LAN; the next start needs nothing",
  async (party, step) => {
    await connectThroughLan(party);
    const player = await party.addPlayer("alice");
    await party.startRelay();
    await party.startDhcpServer();
    const fingerprint = await fingerprintOf(party);
    const file = `${party.stateDir("host")}/party.toml`;
    await step("without a relay it says where one comes from, and keeps nothing", async () => {
      const line = await failure(party.gateway, 2, hostCommand(party));
      assertStringIncludes(line, "error: which relay? Give --relay ADDRESS:PORT,FINGERPRINT");
      await assertMissing(file);
    });
    const [first, line] = await startHost(party, "--relay", `${RELAY}:443,${fingerprint}`);
    await step("it has found the LAN, and says what to do next", async () => {
      // On standard error, which is another pipe than the invite's.
      await first.waitForLine(/note: whoever has it can join/, TIMEOUT_MS);
      assertStringIncludes(first.stdout, `its LAN is at ${PARTY.gatewayInterface}, `);
      assertStringIncludes(first.stdout, `\nlanparty://join/${line}\n`);
      assertStringIncludes(first.stdout, "1. Send the invite to your players");
      assertEquals(inviteOf(line).fingerprint, fingerprint);
      assertMatch(inviteOf(line).room, /^PARTY-\w{10}$/);
      const info = await Deno.stat(file);
      assertEquals((info.mode ?? 0) & 0o777, 0o600);
    });
    await step("a player with the invite alone is in the LAN", async () => {
      const client = player.spawn([
        ...[executablePath("client"), "--state-dir", party.stateDir("client"), "--invite", line],
      ]);
      party.clients.set(player.name, client);
      await client.waitForLine(/You are in the LAN as 10\.77\.0\./, TIMEOUT_MS);
      const address = await party.lanAddressOf(player);
      await assertRow(() => checkPing("player to LAN", player, PARTY.lanAddress));
      await assertRow(() => checkPing("LAN to player", party.lan, address));
      await end(client);
    });
    await step("while it runs, a second one is refused, and ctl finds it", async () => {
      const second = await failure(party.gateway, 1, hostCommand(party, "--party", "Nobody's"));
      assertMatch(second, /error: lanparty-gateway host runs already \(process \d+\)/);
      const { stdout } = await party.gateway.run([
        ...["env", `STATE_DIRECTORY=${party.stateDir("host")}`],
        ...[executablePath("gateway"), "ctl", "invite"],
      ]);
      assertEquals(stdout.trim(), line);
    });
    await end(first);
    await step("the second start needs nothing, and has the same invite", async () => {
      const [again, same] = await startHost(party);
      assertEquals(same, line);
      assertNotMatch(again.stderr, /Kept from now on/);
      await end(again);
    });
    await step("what is given changes what is kept, and is said", async () => {
      const [named, other] = await startHost(party, "--party", "Ann's LAN");
      await named.waitForLine(/^Kept from now on: party Ann's LAN\.$/, TIMEOUT_MS);
      assertEquals(inviteOf(other), { ...inviteOf(line), partyName: "Ann's LAN" });
      await end(named);
    });
    await refuseWrongs(party, step, fingerprint);
  },
);

/** What is wrong is said in one line, and changes nothing. */
async function refuseWrongs(party: Party, step: Step, fingerprint: string): Promise<void> {
  const file = `${party.stateDir("host")}/party.toml`;
  await step("what cannot be is not kept", async () => {
    const before = await Deno.readTextFile(file);
    const interfaces = hostCommand(party, "--interface", "nope0");
    assertStringIncludes(
      await failure(party.gateway, 1, interfaces),
      'there is no interface "nope0"',
    );
    const damaged = hostCommand(party, "--relay", `${RELAY},${fingerprint.slice(1)}`);
    assertStringIncludes(await failure(party.gateway, 2, damaged), "its fingerprint is damaged");
    const config = hostCommand(party, "--config", file);
    assertStringIncludes(await failure(party.gateway, 2, config), "file of its own");
    assertEquals(await Deno.readTextFile(file), before);
  });
  await step("a relay with another key is no way into the party, and is not kept", async () => {
    const before = await Deno.readTextFile(file);
    const other = `${fingerprint.startsWith("A") ? "B" : "A"}${fingerprint.slice(1)}`;
    const host = party.gateway.spawn(hostCommand(party, "--relay", `${RELAY}:443,${other}`));
    party.gatewayProcess = host;
    assertEquals(await host.waitExit(TIMEOUT_MS), 1);
    assertStringIncludes(host.stderr, "its key is not the one that was expected");
    assertEquals(host.stdout, "");
    assertNotMatch(host.stderr, /Kept from now on/);
    assertEquals(await Deno.readTextFile(file), before);
  });
}

async function assertMissing(path: string): Promise<void> {
  const isThere = await Deno.stat(path).then(() => true, () => false);
  assert(!isThere, path);
}

partyTest(
  "two cards: the host is asked, once; where nobody can be, it says so",
  async (party, step) => {
    await party.startRelay();
    const relay = `${PARTY.relayAddressForGateway},${await fingerprintOf(party)}`;
    await step("without a terminal", async () => {
      const line = await failure(party.gateway, 2, hostCommand(party, "--relay", relay));
      assertStringIncludes(
        line,
        "error: which interface leads to the party's LAN? Give --interface lan0 or wan0",
      );
      await assertMissing(`${party.stateDir("host")}/party.toml`);
    });
    await step("in a terminal, by number, after a wrong answer", async () => {
      const host = party.gateway.spawn(inTerminal(hostCommand(party, "--relay", relay)));
      party.gatewayProcess = host;
      await eventually("the question", () => /Its number \(1 to 2\)/.test(host.stdout), TIMEOUT_MS);
      assertMatch(host.stdout, /1: lan0 \(Ethernet\)\s+2: wan0 \(Ethernet\)/);
      await host.write("7\r");
      await eventually(
        "asked again",
        () => host.stdout.split("Its number").length >= 3,
        TIMEOUT_MS,
      );
      await host.write("1\r");
      await eventually("it is open", () => /its LAN is at lan0,/.test(host.stdout), TIMEOUT_MS);
      await eventually("the QR code", () => host.stdout.includes("\x1b[97;40m"), TIMEOUT_MS);
      await host.write("\x03");
      assertEquals(await host.waitExit(TIMEOUT_MS), 0, host.stdout);
    });
    await step("the answer is kept", async () => {
      const [host] = await startHost(party);
      assertStringIncludes(host.stdout, "its LAN is at lan0,");
      await end(host);
    });
    await step("the interface goes away for good: how to choose another one", async () => {
      await party.gateway.ip("link", "set", PARTY.gatewayInterface, "down");
      await party.gateway.ip("link", "set", PARTY.gatewayInterface, "name", "other0");
      const line = await failure(party.gateway, 1, hostCommand(party));
      assertMatch(line, /the LAN's interface lan0 is not there any more: .* --interface NAME/);
    });
  },
);
