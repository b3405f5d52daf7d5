/**
 * A server and the party's Linux box with systemd: relay and gateway make services of themselves, and take them away.
 *
 * ```text
 *   lan         gateway              relay              alice
 *  ┌──────┐    ┌────────────────┐   ┌────────────┐     ┌──────────────┐
 *  │ eth0 ┼────┼ lan0      wan0 ┼───┼─ gw0   pl0 ┼─────┼─ wan0        │
 *  └──────┘    └────────────────┘   └────────────┘     │ lanparty0    │
 *  10.77.0.1                                           └──────────────┘
 * ```
 *
 * Gateway or relay is a Debian that was booted, in turn.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { executablePath, ROOT } from "../../tools/build/executables.ts";
import { checkPing } from "../../tools/lab/checks.ts";
import { PARTY, type Party } from "../../tools/lab/party.ts";
import { eventually } from "../../tools/lab/wait.ts";
import { Machine } from "../support/machine.ts";
import { partyTest, type Step } from "../support/play.ts";
import { assertRow } from "../support/rows.ts";
import { inviteOf } from "../support/invites.ts";

const TIMEOUT_MS = 30_000;
/** A service is made, and waited for. */
const COMMAND_TIMEOUT_MS = 120_000;
/** All that services and their programs have put anywhere but into their state. */
const MADE =
  "find /etc /usr/local /run/systemd/system /var/lib -name '*lanparty*' -not -path '*/private/*/*' | sort";

/** What a command inside prints, to both outputs, and its exit code. */
async function runIn(machine: Machine, script: string): Promise<[code: number, text: string]> {
  const shell = machine.spawn(["sh", "-c", script]);
  await shell.closeInput();
  const code = await shell.waitExit(COMMAND_TIMEOUT_MS);
  return [code, shell.stdout + shell.stderr];
}

/** A player comes in by an invite, pings through, and leaves. */
async function playByInvite(party: Party, name: string, invite: string): Promise<void> {
  const player = await party.addPlayer(name);
  await player.ip("route", "replace", "default", "via", party.relayAddressFor(player));
  const client = player.spawn([
    ...[executablePath("client"), "--state-dir", party.stateDir(name)],
    ...["--invite", invite, "--address", "10.77.0.50/24"],
  ]);
  party.clients.set(name, client);
  await client.waitForLine(/Joined the room/, TIMEOUT_MS);
  await assertRow(() => checkPing("player to LAN", player, PARTY.lanAddress));
  client.kill("SIGINT");
  assertEquals(await client.waitExit(TIMEOUT_MS), 0, client.stderr);
}

function inviteIn(text: string): string {
  const [line = ""] = /^lanparty1\S+$/m.exec(text) ?? [];
  assert(line !== "", text);
  return line;
}

/** What the last steps go by. */
interface Served {
  readonly step: Step;
  readonly machine: Machine;
  /** The command, and the option that names the relay. */
  readonly host: string;
  readonly relay: string;
  /** The invite of the first start. */
  readonly first: string;
  /** What {@linkcode MADE} has shown before anything was made. */
  readonly before: string;
}

/** A service whose party is not kept in the folder of every party. */
async function forgetElsewhere(
  { step, machine, host, relay }: Pick<Served, "step" | "machine" | "host" | "relay">,
): Promise<void> {
  await step(
    "a party that is kept elsewhere is forgotten there, and none where none is",
    async () => {
      await machine.sh("mkdir -m 700 /srv/p");
      const options = `${relay} --interface lan0 --as-service --state-dir /srv/p --log-level debug`;
      const [made, shown] = await runIn(machine, `umask 077 && ${host} ${options}`);
      assertEquals(made, 0, shown);
      const unit = await machine.sh("cat /etc/systemd/system/lanparty-gateway.service");
      assertMatch(unit, /^ExecStart=\S+ --log-level debug$/m);
      assertEquals(
        await machine.sh("stat -c %a /etc/systemd/system/lanparty-gateway.service"),
        "644\n",
      );
      const [code, text] = await runIn(machine, `${host} --remove --forget`);
      assertEquals(code, 0, text);
      assertStringIncludes(text, "The party is forgotten");
      assertEquals(await machine.sh("find /srv/p -name '*.toml'"), "");
      const [again, none] = await runIn(machine, `${host} --remove --forget --state-dir /srv/p`);
      assertEquals(again, 0);
      assertStringIncludes(none, "There was no party in /srv/p.");
      assertEquals(none.includes("forgotten"), false);
    },
  );
}

/** The service goes, then the party. */
async function takeAway({ step, machine, host, relay, before, first }: Served): Promise<void> {
  await step("--remove takes away what was made, and keeps the keys", async () => {
    const [code, text] = await runIn(machine, `${host} --remove`);
    assertEquals(code, 0, text);
    assertStringIncludes(text, "The party's keys are kept");
    const left = (await machine.sh(MADE)).split("\n").filter((path) => !before.includes(path));
    assertEquals(left, [
      "/var/lib/lanparty-gateway",
      "/var/lib/lanparty-host",
      "/var/lib/private/lanparty-gateway",
    ]);
    const [again] = await runIn(machine, `${host} --remove`);
    assertEquals(again, 0);
  });
  await step("opened again in a window it is the same party, and ctl finds it", async () => {
    const window = machine.spawn(["sh", "-c", `exec ${host} ${relay}`]);
    const [invite] = await window.waitForLine(/^lanparty1\S+$/, TIMEOUT_MS);
    assertEquals(inviteOf(invite), { ...inviteOf(first), partyName: "Ann" });
    const [code, asked] = await runIn(
      machine,
      `${executablePath("gateway")} ctl invite 2>/dev/null`,
    );
    assertEquals([code, asked.trim()], [0, invite]);
    const [refused, why] = await runIn(machine, `${host} --as-service`);
    assertEquals(refused, 1);
    assertMatch(why, /error: lanparty-gateway host runs already \(process \d+\)/);
    assertEquals(await machine.stop(window), 0);
  });
  await step("--forget forgets them", async () => {
    const [code, text] = await runIn(machine, `${host} --remove --forget`);
    assertEquals(code, 0, text);
    assertEquals(await machine.sh("find /var/lib/lanparty-host -name '*.toml'"), "");
  });
  await forgetElsewhere({ step, machine, host, relay });
  await step("a service that somebody has made by hand is left alone", async () => {
    await machine.sh(
      "printf '[Service]\\nExecStart=/bin/true\\n' > /etc/systemd/system/lanparty-gateway.service",
    );
    for (const options of [`${relay} --interface lan0 --as-service`, "--remove"]) {
      const [code, text] = await runIn(machine, `${host} ${options}`);
      assertEquals(code, 1);
      assertMatch(
        text,
        /error: the service lanparty-gateway was not made by lanparty-gateway host/,
      );
    }
    assertEquals(await machine.sh("find /var/lib/lanparty-host -name '*.toml'"), "");
  });
}

partyTest(
  "host --as-service: the party runs by systemd, is changed, ended and forgotten",
  async (party, step) => {
    await using machine = await Machine.boot(party.gateway, [`${ROOT}/dist`, party.folder]);
    await party.startRelay();
    const pin = await party.relay.run([
      ...[executablePath("relay"), "fingerprint", "--state-dir", party.stateDir("relay")],
    ]);
    const relay = `--relay ${PARTY.relayAddressForGateway},${pin.stdout.trim()}`;
    const host = `${executablePath("gateway")} host`;
    const before = await machine.sh(MADE);
    let invite = "";
    await step("one command, and a player comes in by what it has printed", async () => {
      const [code, text] = await runIn(machine, `${host} ${relay} --interface lan0 --as-service`);
      assertEquals(code, 0, text);
      assertMatch(text, /The party is open, as a service: its LAN is at lan0/);
      invite = inviteIn(text);
      assertEquals(await machine.sh("systemctl is-enabled lanparty-gateway"), "enabled\n");
      assertEquals(await machine.sh("lanparty-gateway ctl invite"), `${invite}\n`);
      await playByInvite(party, "alice", invite);
    });
    await step("its keys are in no command line and no unit, and root's alone", async () => {
      const key = await machine.sh(
        "sed -n 's/^gateway-key = \"\\(.*\\)\"/\\1/p' /var/lib/lanparty-host/party.toml",
      );
      assertMatch(key, /^gateway_\S{23}\n$/);
      const unit = await machine.sh("systemctl cat lanparty-gateway; ps axww -o args");
      assertStringIncludes(unit, "LoadCredential=config:/var/lib/lanparty-host/party.toml");
      assertEquals(unit.includes(key.trim()), false);
      const rights = await machine.sh(
        "stat -c '%a %U' /var/lib/lanparty-host /var/lib/lanparty-host/party.toml",
      );
      assertEquals(rights, "700 root\n600 root\n");
    });
    await step(
      "in a window of its own it would be a second gateway: it says where the party is",
      async () => {
        const [code, text] = await runIn(machine, host);
        assertEquals(code, 1);
        assertMatch(text, /error: this party runs as a service: .* ctl invite/);
      },
    );
    await step("what is given again changes what runs, with the same key", async () => {
      const [code, text] = await runIn(machine, `${host} --party Ann --as-service`);
      assertEquals(code, 0, text);
      assertStringIncludes(text, "Kept from now on: party Ann.");
      await eventually("the service has it", async () => {
        return (await machine.sh("lanparty-gateway ctl invite")).trim() === inviteIn(text);
      });
      await playByInvite(party, "bob", invite); // its key is the same
    });
    await step(
      "a service that cannot get into its room is told about, with the reason",
      async () => {
        const pin = relay.slice(-43);
        const other = `${relay.slice(0, -43)}${pin.startsWith("A") ? "B" : "A"}${pin.slice(1)}`;
        const [code, text] = await runIn(machine, `${host} ${other} --as-service`);
        assertEquals(code, 1);
        assertMatch(
          text,
          /error: the service does not get into its room: .*its key is not the one that was expected/,
        );
      },
    );
    await takeAway({ step, machine, host, relay, before, first: invite });
  },
);

/** What is in the way is said in one line. */
async function refuseWrongs(machine: Machine, step: Step): Promise<void> {
  const relay = executablePath("relay");
  await step("a port that is taken, and rights that are missing", async () => {
    const other = machine.spawn([relay, "--listen", "444/udp", "--state-dir", "/opt/other"]);
    await other.waitForLine(/Listening/, TIMEOUT_MS);
    const [code, text] = await runIn(machine, `${relay} install --listen 444/udp`);
    assertEquals(code, 1);
    assertMatch(
      text,
      /error: the service does not start: .*444\/udp: another program uses this port/,
    );
    await machine.stop(other);
    const [refused, why] = await runIn(
      machine,
      `setpriv --reuid=65534 --clear-groups ${relay} install`,
    );
    assertEquals(refused, 1);
    assertStringIncludes(why, "error: lanparty-relay install needs root");
    assertEquals((await runIn(machine, `${relay} install --listen 0/udp`))[0], 2);
  });
}

/** The relay goes, then what it has kept. */
async function uninstall(machine: Machine, step: Step, before: string): Promise<void> {
  const relay = executablePath("relay");
  await step("uninstall leaves the key, and --purge nothing", async () => {
    const left = async () =>
      (await machine.sh(MADE)).split("\n").filter((path) => !before.includes(path));
    const [code, text] = await runIn(machine, `${relay} uninstall`);
    assertEquals(code, 0, text);
    assertEquals(await left(), ["/var/lib/lanparty-relay", "/var/lib/private/lanparty-relay"]);
    const purged = await runIn(machine, `${relay} uninstall --purge`);
    const none = "There is no relay to remove.\n";
    assertEquals(purged, [0, `${none}Its certificate and key are removed, too.\n`]);
    assertEquals(await left(), []);
    assertEquals(await runIn(machine, `${relay} uninstall --purge`), [0, none]);
  });
  await step("nor does --purge take away what a relay in a window uses", async () => {
    const relayInWindow = machine.spawn([relay]);
    await eventually("it can be asked", async () => {
      return (await runIn(machine, `${relay} ctl bans`))[0] === 0;
    }, TIMEOUT_MS);
    const [refused, why] = await runIn(machine, `${relay} uninstall --purge`);
    assertEquals(refused, 1);
    assertStringIncludes(why, "a relay that is no service runs with /var/lib/lanparty-relay");
    await machine.sh("test -s /var/lib/lanparty-relay/relay-key.pem");
    await machine.stop(relayInWindow);
  });
}

partyTest("install: a relay for good, and the one line for the host", async (party, step) => {
  await using machine = await Machine.boot(party.relay, [`${ROOT}/dist`, party.folder]);
  const relay = executablePath("relay");
  const before = await machine.sh(MADE);
  let line = "";
  await step("a server without a public address: the name is to be filled in", async () => {
    const [code, text] = await runIn(machine, `${relay} install`);
    assertEquals(code, 0, text);
    assertMatch(text, /^ {2}lanparty-gateway host --relay NAME:443,[\w-]{43}$/m);
    assertStringIncludes(text, "install once more with --public-host");
    assertEquals(await machine.sh("systemctl is-active lanparty-relay"), "active\n");
  });
  await step(
    "installed over one that runs, behind a firewall: what opens it is said, and does",
    async () => {
      await machine.sh("nft add table inet guard");
      await machine.sh(
        "nft add chain inet guard input '{ type filter hook input priority 0; policy drop; }'",
      );
      const [code, text] = await runIn(
        machine,
        `${relay} install --public-host ${PARTY.relayAddressForGateway}`,
      );
      assertEquals(code, 0, text);
      [line = ""] = /lanparty-gateway host --relay .*$/m.exec(text) ?? [];
      const [command = ""] = /nft insert rule .*$/m.exec(text) ?? [];
      assertStringIncludes(command, "inet guard input udp dport");
      await machine.sh(command);
    },
  );
  await step("the host gives that line, and a player comes in", async () => {
    const words = line.split(" ").slice(1);
    const host = party.gateway.spawn([
      ...[executablePath("gateway"), ...words, "--interface", PARTY.gatewayInterface],
      ...["--state-dir", party.stateDir("host")],
    ]);
    party.gatewayProcess = host;
    const [invite] = await host.waitForLine(/^lanparty1\S+$/, TIMEOUT_MS);
    await playByInvite(party, "alice", invite);
  });
  await step("without options it is updated as it was, with the same key", async () => {
    const [code, text] = await runIn(machine, `${relay} install`);
    assertEquals(code, 0, text);
    assertStringIncludes(text, "with the options of before: --public-host 10.91.0.1");
    assertStringIncludes(text, line);
  });
  await refuseWrongs(machine, step);
  await uninstall(machine, step, before);
});
