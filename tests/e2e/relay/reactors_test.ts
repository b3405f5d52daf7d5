/**
 * Two rooms on one relay of two reactors. Gateway and players come to one port, and those whose room
 * lives behind the other are sent on.
 *
 * ```text
 *   lan         gateway               relay                  alice (in the LAN's room, reactor 1)
 *  ┌──────┐    ┌────────────┐      ┌──────────────────┐     ┌──────────────────┐
 *  │ eth0 ┼────┼ lan0  wan0 ┼──────┼─ gw0       pl0 ──┼─────┼─ wan0  lanparty0 │
 *  └──────┘    └────────────┘      │ :443 reactor 0   │     └──────────────────┘
 *  10.77.0.1                       │ :444 reactor 1   │
 *                                  │            pl1 ──┼──── carol  (reactor 0)
 *                                  │            pl2 ──┼──── dave   (reactor 0)
 *                                  └──────────────────┘
 * ```
 */
import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { isAlive, reactorPids, roomOf } from "../../support/reactors.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

const REACTORS = 2;
const [OTHER_ROOM, LAN_ROOM] = [roomOf(0, REACTORS), roomOf(1, REACTORS)];
const ALICE = "10.77.0.50";
const [CAROL, DAVE] = ["10.78.0.1", "10.78.0.2"];
const ERIN = "10.77.0.51";
/** By this the world knows the relay where it stands behind a translator. */
const PUBLIC = "198.51.100.77";
/** And so a player the relay. */
const ERIN_PUBLIC = "203.0.113.5";
const RECOVERY_MAX_MS = 30_000;
/** A neighbour that takes both processors away for a moment costs packets; a fault costs them always. */
const ATTEMPTS_MAX = 3;
const PINGS = 60;

/** How many of so many pings, 20 a second, are answered. */
async function pingsAnswered(from: Namespace, to: string, pings: number): Promise<number> {
  const ping = ["ping", "-c", String(pings), "-i", "0.05", "-W", "2", to];
  const { stdout } = await from.run(ping, { anyCode: true });
  return Number(/(\d+) received/.exec(stdout)?.[1]);
}

/** A translator (NAT) in front of the relay: a player from elsewhere knows its public address alone, and reaches no other. */
async function translate(party: Party, player: Namespace): Promise<void> {
  const own = party.relayAddressFor(player);
  const [gone] = await player.addressesOf("wan0");
  await player.ip("addr", "add", `${ERIN_PUBLIC}/32`, "dev", "wan0");
  await player.ip("route", "replace", "default", "via", own, "src", ERIN_PUBLIC);
  await party.relay.ip("route", "add", ERIN_PUBLIC, "via", gone.split("/")[0]);
  await party.relay.run(["nft", "-f", "-"], {
    input: `table ip translator {
      chain in {
        type nat hook prerouting priority dstnat;
        ip daddr ${PUBLIC} dnat to ${own}
      }
      chain guard {
        type filter hook input priority 0;
        udp dport {443, 444} ct original ip daddr ${own} drop
      }
    }`,
  });
}

async function assertPlays(party: Party): Promise<void> {
  await eventually(
    "the LAN reaches alice",
    async () => await pingsAnswered(party.lan, ALICE, 1) === 1,
    RECOVERY_MAX_MS,
  );
}

partyTest("reactors: a party of which each has come to the wrong port", async (party, step) => {
  const [alice, carol, dave] = [
    await party.addPlayer("alice"),
    await party.addPlayer("carol"),
    await party.addPlayer("dave"),
  ];
  const relay = await party.startRelay("--reactors", String(REACTORS), "--policy", "open");
  await relay.waitForLine(/Certificate made/);
  const gateway = await party.startGateway("--room", LAN_ROOM);
  const client = await party.startClient(alice, "--room", LAN_ROOM, "--address", `${ALICE}/24`);
  for (const [player, address] of [[carol, CAROL], [dave, DAVE]] as const) {
    const wrong = `${party.relayAddressFor(player)}:444`;
    await party.startClient(
      player,
      ...["--room", OTHER_ROOM, "--address", `${address}/24`, "--relay", wrong],
    );
  }
  await step(
    "they are sent on to the other port of the address that they have come to",
    async () => {
      await gateway.waitForLine(
        new RegExp(`on another relay: ${PARTY.relayAddressForGateway}:444`),
      );
      await client.waitForLine(new RegExp(`on another relay: ${party.relayAddressFor(alice)}:444`));
      await party.clients.get("carol")!.waitForLine(
        new RegExp(`on another relay: ${party.relayAddressFor(carol)}:443`),
      );
      await assertPlays(party);
      assert(await pingsAnswered(carol, DAVE, 5) > 0);
    },
  );
  await step("behind a translator the other port is looked for at the public address", async () => {
    const erin = await party.addPlayer("erin");
    await translate(party, erin);
    const options = ["--room", LAN_ROOM, "--address", `${ERIN}/24`, "--relay", PUBLIC];
    const sent = await party.startClient(erin, ...options);
    await sent.waitForLine(new RegExp(`on another relay: ${PUBLIC}:444`));
    // It was found without the administrator: there is nothing to warn of.
    assertNotMatch(relay.stderr, /warning: .*--public-host/);
    await eventually("the LAN reaches erin", async () => {
      return await pingsAnswered(party.lan, ERIN, 1) === 1;
    });
    assertEquals(await sent.stop(), 0);
  });
  await step("a reactor dies: the other room loses nothing, and the first comes back", async () => {
    let answered = 0;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX && answered < PINGS; attempt++) {
      const pid = reactorPids(relay.pid).get(1)!;
      const pings = pingsAnswered(carol, DAVE, PINGS);
      await pause(500);
      Deno.kill(pid, "SIGKILL");
      answered = await pings;
      await assertPlays(party);
    }
    assertEquals(answered, PINGS);
    assertNotMatch(party.clients.get("carol")!.stderr, /lost|restarted/i);
    assertMatch(relay.stderr, /A reactor has died with its rooms.* reactor=1/);
  });
  await step("the supervisor dies, and the next one finds its ports free", async () => {
    const pids = [...reactorPids(relay.pid).values()];
    relay.kill("SIGKILL");
    await relay.exited;
    await eventually("no orphan", () => !pids.some(isAlive));
    await party.startRelay("--reactors", String(REACTORS), "--policy", "open");
    await assertPlays(party);
    await eventually("carol and dave", async () => await pingsAnswered(carol, DAVE, 1) === 1);
  });
});
