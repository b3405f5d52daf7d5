/**
 * Firewalls of a player's Linux PC: a client says that one keeps the LAN out, and with `--allow-inbound` lets the LAN in by
 * its adapter, until it ends, however it does. ufw and firewalld are in the level `system`.
 *
 * ```
 *  lan ── gateway ── relay ── player: nftables, iptables, or iptables of the older form
 * ```
 */
import { assert, assertEquals } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { isBound } from "../../../tools/lab/sockets.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { partyTest } from "../../support/play.ts";
import { sayingPattern } from "../../support/sentences.ts";

const ADDRESS = "10.77.0.70";
const GAME_PORT = 27_015;
const TIMEOUT_MS = 20_000;

/** What many have: what was asked for comes in, and nothing else. The first table is called as NixOS calls its own. */
const NFTABLES = `
table inet nixos-fw {
  chain input {
    type filter hook input priority 0; policy drop;
    iif "lo" accept
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
  }
}
table inet other {
  chain in {
    type filter hook input priority 10;
    jump rest
  }
  chain rest {
    meta l4proto { tcp, udp } ct state new reject
  }
}
`;
const IPTABLES = [
  "-A INPUT -i lo -j ACCEPT",
  "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
  "-A INPUT -j REJECT",
];

/** A firewall, and all its rules as it tells them. */
interface Kind {
  readonly name: string;
  readonly setUp: string;
  readonly rules: string;
  readonly flush: string;
}

function iptables(name: string, program: string): Kind {
  const each = (line: string) => `${program} ${line}; ip6${program.slice(2)} ${line}`;
  return {
    name,
    setUp: IPTABLES.map(each).join("; "),
    rules: each("-S"),
    flush: each("-F"),
  };
}

const KINDS: readonly Kind[] = [
  {
    name: "nftables",
    setUp: `nft -f - <<'END'\n${NFTABLES}END`,
    rules: "nft list ruleset",
    flush: "nft flush ruleset",
  },
  iptables("iptables", "iptables-nft"),
  iptables("iptables", "iptables-legacy"),
];

/** Whether what a station sends unasked comes to a program of the player's. */
async function reaches(
  from: Namespace,
  player: Namespace,
  address: string,
  port: number,
): Promise<boolean> {
  const ear = player.spawn(["socat", "-u", `UDP4-RECVFROM:${port}`, "STDOUT"]);
  try {
    await eventually("the player listens", () => isBound(player, "udp", port));
    for (let time = 0; time < 5 && ear.stdout === ""; time++) {
      await from.run(["socat", "-u", "STDIN", `UDP4-SENDTO:${address}:${port}`], {
        input: "join?",
        anyCode: true,
      });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return ear.stdout === "join?";
  } finally {
    await ear.stop();
  }
}

async function opened(client: LabProcess): Promise<void> {
  await client.waitForLine(sayingPattern("firewall/opened"), TIMEOUT_MS);
}

function start(party: Party, player: Namespace, ...options: string[]): Promise<LabProcess> {
  return party.startClient(player, "--address", `${ADDRESS}/24`, ...options);
}

async function assertOpen(party: Party, player: Namespace): Promise<void> {
  assert(await reaches(party.lan, player, ADDRESS, GAME_PORT), "the LAN reaches a game");
  assertEquals(await reaches(party.lan, player, ADDRESS, 445), false, "and no shared files");
  const wan = (await player.addressesOf("wan0")).find((text) => text.includes("."))?.split("/")[0];
  assertEquals(
    await reaches(party.relay, player, `${wan}`, GAME_PORT),
    false,
    "by the adapter alone",
  );
}

partyTest("a firewall of a player's Linux PC", async (party, step) => {
  const player = await party.addPlayer("player");
  const sh = async (script: string) => (await player.run(["sh", "-ec", script])).stdout;
  const stateDir = party.stateDir("client-player");
  const ask = async (word: "doctor" | "reset") =>
    (await player.run([executablePath("client"), word, "--state-dir", stateDir])).stdout;
  const doctorSays = (pattern: RegExp) =>
    eventually("the doctor says so, too", async () => pattern.test(await ask("doctor")));
  await party.startRelay();
  await party.startGateway();
  /** One that a failing part leaves behind is in nobody's way. */
  const withClient = async (
    options: readonly string[],
    play: (client: LabProcess) => Promise<void>,
  ) => {
    const client = await start(party, player, ...options);
    try {
      await play(client);
    } finally {
      client.kill("SIGTERM");
      assertEquals(await client.waitExit(TIMEOUT_MS), 0);
    }
  };
  for (const [index, { name, setUp, rules, flush }] of KINDS.entries()) {
    if (index > 0) await sh(setUp);
    let before = await sh(rules);
    const named = async () => {
      await withClient([], async (client) => {
        await doctorSays(/^ {2}firewall: +The LAN reaches/m);
        await sh(setUp);
        before = await sh(rules);
        const line = sayingPattern("firewall/shut", { firewalls: name });
        await client.waitForLine(line, TIMEOUT_MS);
        await doctorSays(new RegExp(`^! firewall: .*\\(${name}\\)`, "m"));
        assertEquals(await reaches(party.lan, player, ADDRESS, GAME_PORT), false);
      });
      assertEquals(await sh(rules), before);
    };
    // Each of three probes has a second: once is enough.
    if (index === 0) {
      await step(`${name}: raised while one plays, it is named, with what to do`, named);
    }
    await step(`${name}: --allow-inbound opens it for the adapter, until a signal`, async () => {
      await withClient(["--allow-inbound"], async (client) => {
        await opened(client);
        await assertOpen(party, player);
        await doctorSays(/^ {2}firewall: +This PC's firewall .* lets the LAN in/m);
      });
      assertEquals(await sh(rules), before);
    });
    const after = index === 0 ? "a reset" : "the next start";
    await step(`${name}: a killed client's rules are gone with ${after}`, async () => {
      const client = await start(party, player, "--allow-inbound");
      await opened(client);
      client.kill("SIGKILL");
      await client.exited;
      assert(await sh(rules) !== before, "they are there still");
      await eventually("the adapter is gone", async () => !await player.has(PARTY.tap));
      if (index === 0) {
        const said = await ask("reset");
        assertEquals(said, "What a killed client had left behind is taken back.\n");
        return assertEquals(await sh(rules), before);
      }
      await withClient([], async () => assertEquals(await sh(rules), before));
    });
    await sh(flush);
  }
});
