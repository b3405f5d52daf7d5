/**
 * A relay with more than one way to it: the first that answers is used, and another one when it dies.
 *
 * ```text
 *   player                                    relay
 *  ┌────────────────────────┐                ┌──────────────────────────────┐
 *  │ wan0  10.92.0.2        ┼────────────────┼ pl0  10.92.0.1    UDP 443     │
 *  │       fd00:92::2       │                │      fd00:92::1   UDP 8443    │
 *  │ hosts: relay.test, both│                └──────────────────────────────┘
 *  └────────────────────────┘
 * ```
 *
 * Paths die by rules of the relay's firewall that drop, so that nobody is told.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { filterPackets } from "../../../tools/lab/packet_filter.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { sayingPattern } from "../../support/sentences.ts";
import { partyTest } from "../../support/play.ts";

const NAME = "relay.test";
const SIX = "fd00:92::1";
const FOUR = PARTY.relayAddressForPlayer;
const SECOND_PORT = 8443;
const ADDRESS = "10.77.0.50";
const JOIN_MAX_MS = 20_000;

async function addPlayer(party: Party): Promise<Namespace> {
  const player = await party.addPlayer("alice");
  await player.ip("addr", "add", "fd00:92::2/64", "dev", "wan0", "nodad");
  await party.relay.ip("addr", "add", `${SIX}/64`, "dev", "pl0", "nodad");
  party.lab.setHosts(player, `${SIX} ${NAME}\n${FOUR} ${NAME}\n`);
  return player;
}

/** Starts a client, and waits until it has joined. */
async function start(party: Party, player: Namespace, ...relays: string[]): Promise<LabProcess> {
  const options = relays.flatMap((relay) => ["--relay", relay]);
  const client = player.spawn([
    ...party.clientCommand(player, ...options, "--address", `${ADDRESS}/24`),
  ]);
  await client.waitForLine(/Joined the room/, JOIN_MAX_MS);
  return client;
}

/** Drops what comes from the player, until the returned function is called. */
function drop(party: Party, rule: string): Promise<() => Promise<void>> {
  return filterPackets(party.relay, "input", `iifname pl0 ${rule} drop`);
}

function ways(party: Party): { address: string; port: number }[] {
  const file = `${party.stateDir("client-alice")}/lanparty-relay-ways.json`;
  return JSON.parse(Deno.readTextFileSync(file)).ways
    .map(({ address, port }: { address: string; port: number }) => ({ address, port }));
}

async function plays(party: Party): Promise<void> {
  await eventually("the LAN reaches the player", async () => {
    const ping = ["ping", "-c", "1", "-W", "1", ADDRESS];
    return (await party.lan.run(ping, { anyCode: true })).code === 0;
  }, JOIN_MAX_MS);
}

partyTest(
  "a relay with two addresses and two ports: what is dead costs a moment",
  async (party, step) => {
    const player = await addPlayer(party);
    await party.startRelay("--listen", "443/udp", "--listen", `${SECOND_PORT}/udp`);
    await party.startGateway();
    await step("both are there: IPv6 comes first, as the system sorts them", async () => {
      const client = await start(party, player, NAME);
      assertEquals(ways(party), [{ address: SIX, port: 443 }]);
      assertEquals(await client.stop(), 0);
    });
    await step("IPv6 is dead at the start: IPv4 is used, and remembered", async () => {
      const clear = await drop(party, "meta nfproto ipv6 udp dport 443");
      const client = await start(party, player, NAME);
      assertEquals(ways(party), [{ address: FOUR, port: 443 }]);
      assertEquals(await client.stop(), 0);
      await clear();
      const next = await start(party, player, NAME);
      assertEquals(ways(party), [{ address: FOUR, port: 443 }]);
      assertEquals(await next.stop(), 0);
    });
    await step(
      "the one in use dies in a session: the other is used, long before the session is given up",
      async () => {
        const client = await start(party, player, NAME);
        await plays(party);
        const clear = await drop(party, "meta nfproto ipv4 udp dport 443");
        await client.waitForLine(sayingPattern("relay/another-way"), JOIN_MAX_MS);
        await plays(party);
        assertEquals(ways(party), [{ address: SIX, port: 443 }]);
        assert(!/does not answer any more\./.test(client.stderr), client.stderr);
        await clear();
        assertEquals(await client.stop(), 0);
      },
    );
    await step("UDP 443 is dropped: the relay's other port is used", async () => {
      const clear = await drop(party, "udp dport 443");
      const client = await start(party, player, NAME, `${NAME}:${SECOND_PORT}`);
      assertEquals(ways(party)[0].port, SECOND_PORT);
      assertEquals(await client.stop(), 0);
      await clear();
    });
    await step("the doctor says which ways are open", async () => {
      const doctor = async () => {
        const relays = ["--relay", `${NAME},${NAME}:${SECOND_PORT}`];
        const command = [executablePath("client"), "doctor", ...relays];
        return (await player.run(command)).stdout;
      };
      const open = await doctor();
      for (const [port, host] of [[443, SIX], [443, FOUR], [SECOND_PORT, FOUR]]) {
        assertMatch(
          open,
          new RegExp(`^ {2}relay\\.test:${port}: .*answers at ${host}, UDP ${port}`, "m"),
        );
      }
      const clear = await drop(party, "udp dport 443");
      const shut = await doctor();
      assertMatch(shut, /^ {2}relay\.test:443: .*nothing comes back from its UDP port 443/m);
      assertMatch(shut, /^ {2}relay\.test:8443: .*answers at 10\.92\.0\.1, UDP 8443/m);
      await clear();
    });
    await step("nothing of it is left when the client has ended", async () => {
      const routes = await player.ip("-6", "route", "show");
      assert(!routes.includes(`${SIX} `), routes);
      assertEquals(await player.has(PARTY.tap), false);
    });
  },
);
