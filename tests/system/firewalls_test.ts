/**
 * A player's PC with ufw, and with firewalld: the client says that it keeps the LAN out, and with `--allow-inbound` opens it for
 * its adapter, until it ends, however it does. nftables and iptables without either are in `tests/e2e/client/firewall_test.ts`.
 *
 * ```text
 *   lan         gateway             relay              alice: Debian, booted
 *  ┌──────┐    ┌────────────┐      ┌────────────┐     ┌────────────────────────────┐
 *  │ eth0 ┼────┼ lan0  wan0 ┼──────┼─ gw0   pl0 ┼─────┼─ wan0    ufw, or firewalld │
 *  └──────┘    └────────────┘      └────────────┘     │ lanparty0                  │
 *  10.77.0.1                                          └────────────────────────────┘
 * ```
 */
import { assert, assertEquals } from "@std/assert";
import { ROOT } from "../../tools/build/executables.ts";
import type { LabProcess } from "../../tools/lab/netns.ts";
import { PARTY } from "../../tools/lab/party.ts";
import { eventually } from "../../tools/lab/wait.ts";
import { Machine } from "../support/machine.ts";
import { partyTest } from "../support/play.ts";
import { sayingPattern } from "../support/sentences.ts";

const TIMEOUT_MS = 30_000;
const ADDRESS = "10.77.0.70";
const GAME_PORT = 27_015;

/** A firewall, how it is switched on, and all that it says of itself. */
const KINDS = [
  {
    name: "ufw",
    // Loaded anew it has a rule or two more than at first.
    setUp: "ufw --force enable; ufw reload",
    rules: "ufw status verbose; iptables -S; ip6tables -S; cat /etc/ufw/user.rules",
    /** It is loaded anew, as it is after each change of its rules. */
    reload: "ufw reload",
  },
  {
    name: "firewalld",
    setUp: "systemctl start firewalld",
    rules: "firewall-cmd --list-all-zones; firewall-cmd --permanent --list-all-zones",
    reload: "firewall-cmd --reload",
  },
] as const;

for (const { name, setUp, rules, reload } of KINDS) {
  partyTest(`${name} on a player's PC`, async (party, step) => {
    const player = await party.addPlayer("alice");
    await using machine = await Machine.boot(player, [`${ROOT}/dist`, party.folder]);
    await party.startRelay();
    await party.startGateway();
    await machine.sh(setUp);
    const before = await machine.sh(rules);
    const start = async (...options: string[]): Promise<LabProcess> => {
      const client = machine.spawn(
        party.clientCommand(player, "--address", `${ADDRESS}/24`, ...options),
      );
      party.clients.set(player.name, client);
      await client.waitForLine(/adapter .* is up/, TIMEOUT_MS);
      return client;
    };
    /** Whether somebody of the LAN gets to a game, by TCP, which says it at once. */
    const reaches = async (port: number): Promise<boolean> => {
      const game = player.spawn(["socat", "-u", `TCP4-LISTEN:${port},reuseaddr,fork`, "STDOUT"]);
      try {
        const join = ["socat", "-u", "STDIN", `TCP4:${ADDRESS}:${port},connect-timeout=1`];
        for (let time = 0; time < 3; time++) {
          const { code } = await party.lan.run(join, { input: "join?", anyCode: true });
          if (code === 0) return true;
        }
        return false;
      } finally {
        await game.stop();
      }
    };
    await step("it is named, with what to do, and left as it is", async () => {
      const client = await start();
      const line = sayingPattern("firewall/shut", { firewalls: name });
      await client.waitForLine(line, TIMEOUT_MS);
      assertEquals(await reaches(GAME_PORT), false);
      assertEquals(await machine.stop(client), 0);
      assertEquals(await machine.sh(rules), before);
    });
    await step("--allow-inbound opens it for the adapter, until a signal", async () => {
      const client = await start("--allow-inbound");
      const line = sayingPattern("firewall/opened", { firewalls: name });
      await client.waitForLine(line, TIMEOUT_MS);
      assert(await reaches(GAME_PORT), "the LAN reaches a game");
      assertEquals(await reaches(445), false, "and no shared files");
      assertEquals(await machine.stop(client), 0);
      assertEquals(await machine.sh(rules), before);
    });
    await step("a killed client's rules are gone with the next start", async () => {
      const client = await start("--allow-inbound");
      await client.waitForLine(sayingPattern("firewall/opened"), TIMEOUT_MS);
      machine.kill(client, "SIGKILL");
      await client.exited;
      assert(await machine.sh(rules) !== before, "they are there still");
      await eventually("the adapter is gone", async () => !await player.has(PARTY.tap));
      const next = await start();
      assertEquals(await machine.sh(rules), before);
      assertEquals(await machine.stop(next), 0);
    });
    await step("it may be loaded anew meanwhile: nothing of ours is left", async () => {
      const client = await start("--allow-inbound");
      await client.waitForLine(sayingPattern("firewall/opened"), TIMEOUT_MS);
      await machine.sh(reload);
      assertEquals(await machine.stop(client), 0);
      assertEquals(await machine.sh(rules), before);
    });
  });
}
