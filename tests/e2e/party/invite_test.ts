/**
 * A player who is given an invite and nothing else: made by the host's gateway, pasted, clicked on, or lying in a file.
 *
 * ```text
 *   lan             gateway              relay                player
 *  ┌────────┐      ┌──────────────┐     ┌──────────────┐     ┌──────────────┐
 *  │  eth0 ─┼──────┼─ lan0        │     │              │     │    lanparty0 │
 *  │ .77.1  │ veth │        wan0 ─┼─────┼─ gw0   pl0 ──┼─────┼─ wan0        │
 *  │ dnsmasq│      │       .91.2  │veth │ .91.1  .92.1 │veth │ .92.2        │
 *  └────────┘      └──────────────┘     └──────────────┘     └──────────────┘
 *                    ctl invite ─────── by any way of talking ──> --invite-file
 * ```
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { checkPing } from "../../../tools/lab/checks.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { CertificateFiles, relayCertificate, SERVER_NAME } from "../../support/certificates.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { partyTest } from "../../support/play.ts";
import { assertRow } from "../../support/rows.ts";
import { inTerminal } from "../../support/terminal.ts";
import { inviteOf } from "../../support/invites.ts";

const TIMEOUT_MS = 30_000;

/** The invite of the gateway that runs, for a player. */
async function askForInvite(party: Party, ...options: string[]): Promise<string> {
  const [code, text] = await party.askGateway("invite", ...options);
  assertEquals(code, 0, text);
  return text.split("\n")[0];
}

partyTest("the host's one command, the player's one paste: first ping", async (party, step) => {
  const player = await party.addPlayer("alice");
  await party.startRelay();
  await party.startDhcpServer();
  await party.startGateway();
  const relay = `${party.relayAddressFor(player)}:${PARTY.relayPort}`;
  const line = await askForInvite(party, "--relay", relay, "--party", "Ann's LAN");
  const state = party.stateDir("client-alice");
  const client = (
    ...options: string[]
  ) => [executablePath("client"), "--state-dir", state, ...options];
  await step("it says all that the gateway knows", () => {
    const { relays, fingerprint, room, roomKey, partyName } = inviteOf(line);
    assertEquals([relays.length, relays[0].host, relays[0].port], [1, "10.92.0.1", 443]);
    assertMatch(fingerprint ?? "", /^[A-Za-z0-9_-]{43}$/);
    assertEquals([room, roomKey, partyName], [PARTY.room, party.roomKey, "Ann's LAN"]);
  });
  const file = `${party.folder}/party.lanparty`;
  await Deno.writeTextFile(file, `See you at 8!\n\n${line}\n`, { mode: 0o600 });
  await step("the client says whether it is good, and changes nothing", async () => {
    const good = await player.run(client("check-config", "--invite-file", file));
    assertStringIncludes(good.stdout, "The configuration is good.");
    const cut = await player.run(client("check-config", "--invite", line.slice(0, -9)), {
      anyCode: true,
    });
    assertEquals(cut.code, 2);
    assertMatch(cut.stderr, /^lanparty-client: --invite: this invite is cut off: its last 9 char/);
  });
  await step("a player with nothing else is in the LAN, DHCP and all", async () => {
    const process = player.spawn(client("--invite-file", file));
    party.clients.set(player.name, process);
    await process.waitForLine(/You are in the LAN as 10\.77\.0\./, TIMEOUT_MS);
    const address = await party.lanAddressOf(player);
    await assertRow(() => checkPing("player to LAN", player, PARTY.lanAddress));
    await assertRow(() => checkPing("LAN to player", party.lan, address));
    process.kill("SIGINT");
    assertEquals(await process.waitExit(TIMEOUT_MS), 0, process.stderr);
  });
  await step("a key that is not the party's leads nowhere, though the rest is right", async () => {
    const made = await party.gateway.run([
      ...[executablePath("gateway"), "new-key", "--relay", relay, "--room", PARTY.room],
      ...["--relay-fingerprint", inviteOf(line).fingerprint ?? ""],
    ]);
    const other = made.stderr.split("\n").find((row) => row.startsWith("lanparty1")) ?? "";
    assert(inviteOf(other).roomKey !== party.roomKey);
    const process = player.spawn(client("--invite", other, "--address", "10.77.0.9/24"));
    party.clients.set(player.name, process);
    await process.waitForLine(/nobody else is here\. Is the key right/, TIMEOUT_MS);
    process.kill("SIGINT");
    assertEquals(await process.waitExit(TIMEOUT_MS), 0, process.stderr);
  });
});

/** In the place of sudo: writes down with which words it is called, and what it is given to read. */
const SUDO = `
mount -t tmpfs none /usr/local/sbin
printf '#!/bin/sh\\n{ echo "$@"; cat; } > "%s"\\n' "$1" > /usr/local/sbin/sudo
chmod 755 /usr/local/sbin/sudo
shift
exec setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$@"
`;

partyTest(
  "a terminal: the invite is pasted, kept, and clicked on as a link",
  async (party, step) => {
    const player = await party.addPlayer("cora");
    await party.startRelay();
    await party.startGateway();
    const line = await askForInvite(party, "--relay", party.relayAddressFor(player));
    const state = party.stateDir("client-cora");
    const home = `${party.folder}/desktop`;
    await Deno.mkdir(home);
    const client = ["env", `STATE_DIRECTORY=${state}`, `--chdir=${home}`, executablePath("client")];
    await step("asked for in the place of everything else", async () => {
      const terminal = player.spawn(inTerminal(client));
      party.clients.set(player.name, terminal);
      await eventually("the question", () => /Paste your invite/.test(terminal.stdout), TIMEOUT_MS);
      await terminal.write(`${line.slice(0, 40)}\r`);
      await eventually("why not", () => /this invite is cut off/.test(terminal.stdout), TIMEOUT_MS);
      await terminal.write(`come to <${line}>\r`);
      await eventually("joined", () => /Joined the room/.test(terminal.stdout), TIMEOUT_MS);
      await terminal.write("\x03");
      assertEquals(await terminal.waitExit(TIMEOUT_MS), 0, terminal.stdout);
      const kept = await Deno.readTextFile(`${state}/parties/party-${PARTY.room}.lanparty`);
      assertEquals(kept.trim(), line);
    });
    await step("found the next time", async () => {
      const terminal = player.spawn(inTerminal(client));
      party.clients.set(player.name, terminal);
      await eventually("the offer", () => /Press Enter to go in/.test(terminal.stdout), TIMEOUT_MS);
      assertStringIncludes(terminal.stdout, `There is an invite to the party ${PARTY.room}`);
      await terminal.write("\r");
      await eventually("joined", () => /Joined the room/.test(terminal.stdout), TIMEOUT_MS);
      await terminal.write("\x03");
      assertEquals(await terminal.waitExit(TIMEOUT_MS), 0, terminal.stdout);
    });
    await step(
      "a link, without root's rights: sudo is asked, and the invite is in no command line",
      async () => {
        const record = `${party.folder}/sudo`;
        const clicked = inTerminal([...client, "open-link", "--", `lanparty://join/${line}`]);
        const terminal = player.spawn([
          "unshare",
          "--mount",
          "sh",
          "-ec",
          SUDO,
          "sh",
          record,
          ...clicked,
        ]);
        party.clients.set(player.name, terminal);
        await eventually("the question", () => /Join\? \[y\/N\]/.test(terminal.stdout), TIMEOUT_MS);
        await terminal.write("y\r");
        assertEquals(await terminal.waitExit(TIMEOUT_MS), 0, terminal.stdout + terminal.stderr);
        const [words, given] = (await Deno.readTextFile(record)).split("\n");
        assertEquals(words, `-- ${executablePath("client")} --invite-file -`);
        assertEquals(given, line);
      },
    );
  },
);

partyTest(
  "an invite of a relay behind a CA of the host's own holds the key that it has shown",
  async (party) => {
    const player = await party.addPlayer("bob");
    const files = await CertificateFiles.make(party.folder);
    await party.startRelay(...relayCertificate(await files.issue({ names: [SERVER_NAME] })));
    await party.startGateway("--relay-ca-cert", files.caFile, "--server-name", SERVER_NAME);
    const relay = party.relayAddressFor(player);
    const line = await askForInvite(party, "--relay", relay);
    assertMatch(inviteOf(line).fingerprint ?? "", /^[A-Za-z0-9_-]{43}$/);
    assertEquals(inviteOf(line).serverName, SERVER_NAME);
    const process = player.spawn([
      ...[executablePath("client"), "--state-dir", party.stateDir("client-bob"), "--invite", line],
      ...["--address", "10.77.0.60/24"],
    ]);
    party.clients.set(player.name, process);
    await process.waitForLine(/Joined the room/, TIMEOUT_MS);
    // Without the gateway nobody knows that key.
    const alone = await party.gateway.run([
      ...[executablePath("gateway"), "invite", "--relay", relay, "--room", PARTY.room],
      ...["--relay-ca-cert", files.caFile, "--gateway-key-file", party.keyFile],
    ], { anyCode: true });
    assertEquals(alone.code, 2);
    assertStringIncludes(alone.stderr, "lanparty-gateway ctl invite");
  },
);
