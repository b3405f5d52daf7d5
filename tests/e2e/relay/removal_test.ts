/**
 * The host removes a player at the gateway's machine, a MAC stays its player's, and a room is closed at the
 * relay's.
 *
 * ```text
 *   lan             gateway                        relay              alice, bob
 *  ┌────────┐      ┌────────────────────────┐     ┌──────────┐       ┌──────────────┐
 *  │  eth0 ─┼──────┼ lan0  lanparty-gateway ┼─────┼ gw0  pl0 ┼───────┼ wan0         │
 *  └────────┘      │            ▲ socket    │     │      pl1 ┼──┐    │    lanparty0 │
 *                  │ lanparty-gateway ctl   │     └──────────┘  └────┼ wan0         │
 *                  └────────────────────────┘                        └──────────────┘
 * ```
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const ALICE = "02:00:00:00:00:a1";
const BOB = "02:00:00:00:00:b0";
const ADDRESSES = { [ALICE]: "10.77.0.50/24", [BOB]: "10.77.0.51/24" };
const END_TIMEOUT_MS = 20_000;

/** The client's options for a player with this MAC. */
function optionsOf(mac: keyof typeof ADDRESSES): string[] {
  return ["--virtual-mac", mac, "--address", ADDRESSES[mac]];
}

/** A client that is not let in: what it says at its end. */
async function refused(party: Party, player: Namespace, ...options: string[]): Promise<string> {
  const client = player.spawn(party.clientCommand(player, ...options));
  assertEquals(await client.waitExit(END_TIMEOUT_MS), 1, client.stderr);
  return client.stderr;
}

async function pings(player: Namespace): Promise<boolean> {
  return await player.run(["ping", "-c", "1", "-W", "2", PARTY.lanAddress]).then(
    () => true,
    () => false,
  );
}

/** Ends a program by its signal. */
async function stop(process: LabProcess): Promise<void> {
  process.kill("SIGTERM");
  await process.waitExit(END_TIMEOUT_MS);
}

partyTest(
  "the host kicks a player, who stays away and is told why, and lets him in again",
  async (party, step) => {
    const [alice, bob] = [await party.addPlayer("alice"), await party.addPlayer("bob")];
    const relay = await party.startRelay();
    const gateway = await party.startGateway();
    const client = await party.startClient(alice, ...optionsOf(ALICE));
    await party.startClient(bob, ...optionsOf(BOB));
    await step("the players are listed", async () => {
      const inTheLan = /^\d+ +02:00:00:00:00:a1 +yes +the LAN +alice$/m;
      await eventually("both, and what they see", async () => {
        const [code, table] = await party.askGateway("players");
        assertEquals(code, 0, table);
        return table.includes(BOB) && inTheLan.test(table);
      }, END_TIMEOUT_MS);
      const { mode } = await Deno.stat(`${party.stateDir("gateway")}/control.sock`);
      assertEquals(mode! & 0o777, 0o600);
    });
    await step("the kicked one is told by whom, until when and why, and ends", async () => {
      const [code, text] = await party.askGateway(
        "kick",
        ALICE,
        "--for",
        "2h",
        "--reason",
        "no cheating",
      );
      assertEquals(code, 0, text);
      assertMatch(text, /^player \d+ is out for 2 hours$/m);
      assertEquals(await client.waitExit(END_TIMEOUT_MS), 1);
      assertMatch(
        client.stderr,
        /The host has removed you from the party, until (\d{4}-\d\d-\d\d )?\d\d:\d\d\. \(no cheating\)/,
      );
      assertMatch(relay.stderr, /Peer removed/);
      assert(await pings(bob), "the others play on");
    });
    await step(
      "he is not let in, with another MAC neither, nor after relay and gateway were started anew",
      async () => {
        assertMatch(
          await refused(party, alice, ...optionsOf(ALICE)),
          /The host has removed you from the party, until /,
        );
        const other = ["--virtual-mac", "02:00:00:00:00:a2", "--address", "10.77.0.50/24"];
        assertMatch(
          await refused(party, alice, ...other),
          /The host has removed you from the party, until /,
        );
        await stop(gateway);
        await stop(relay);
        await party.startRelay();
        await party.startGateway();
        assertMatch(
          await refused(party, alice, ...optionsOf(ALICE)),
          /The host has removed you from the party, until /,
        );
      },
    );
    await step("the host lets him in again", async () => {
      const [, bans] = await party.askGateway("bans");
      assertMatch(
        bans,
        /^[0-9a-f]{10} +LANPARTY +host +\d+ minutes +02:00:00:00:00:a1 .* alice +no cheating$/m,
      );
      assertEquals((await party.askGateway("unban", ALICE))[0], 0);
      await party.startClient(alice, ...optionsOf(ALICE));
      await eventually("a ping", () => pings(alice));
    });
  },
);

partyTest(
  "a MAC stays its player's, who may come back to a locked room, until the host gives it free",
  async (party, step) => {
    const [alice, bob] = [await party.addPlayer("alice"), await party.addPlayer("bob")];
    await party.startRelay();
    await party.startGateway();
    const first = await party.startClient(alice, ...optionsOf(ALICE));
    await eventually("a ping", () => pings(alice));
    await step(
      "a locked room: who has just left comes back, a stranger does not come in",
      async () => {
        assertEquals((await party.askGateway("lock"))[0], 0);
        assertMatch((await party.askGateway("players"))[1], /^locked: no new player is let in/m);
        await stop(first);
        assertMatch(await refused(party, bob, ...optionsOf(BOB)), /The relay does not let you in/);
        await stop(await party.startClient(alice, ...optionsOf(ALICE)));
        assertEquals(await party.askGateway("unlock"), [0, `${PARTY.room} is open\n`]);
        assertEquals(/^locked/m.test((await party.askGateway("players"))[1]), false);
      },
    );
    await step(
      "somebody else with that MAC waits, and gets it when the host releases it",
      async () => {
        const villain = bob.spawn(party.clientCommand(bob, ...optionsOf(ALICE)));
        await villain.waitForLine(/The MAC of this PC is kept for somebody else in this room/);
        assertEquals(await party.askGateway("release", ALICE), [0, `${ALICE} is free\n`]);
        await villain.waitForLine(/Joined the room/, 30_000);
        await stop(villain);
      },
    );
    await step("whoever asks for what there is not is told so", async () => {
      assertEquals((await party.askGateway("kick", "999"))[0], 1);
      assertEquals((await party.askGateway("dance"))[0], 1);
      assertEquals((await party.askGateway("kick", ALICE, "--for", "soon"))[0], 2);
      await party.gatewayProcess!.stop();
      assertMatch((await party.askGateway("players"))[1], /no gateway runs there/);
    });
  },
);

partyTest(
  "a room is closed at the relay: players read that the host did it, and nobody is kept out",
  async (party, step) => {
    const [alice, bob] = [await party.addPlayer("alice"), await party.addPlayer("bob")];
    await party.startRelay();
    const gateway = await party.startGateway();
    const clients = [
      await party.startClient(alice, ...optionsOf(ALICE)),
      await party.startClient(bob, ...optionsOf(BOB)),
    ];
    await step("everybody in it ends, with the host's reason, and does not try again", async () => {
      assertEquals(await party.askRelay("close", PARTY.room, "--reason", "until Friday"), [
        0,
        `${PARTY.room} is closed: 3 have been sent away\n`,
      ]);
      for (const process of [...clients, gateway]) {
        assertEquals(await process.waitExit(END_TIMEOUT_MS), 1);
        assertMatch(process.stderr, /The host has closed the room\. \(until Friday\)/);
        assertEquals(/Trying again|was removed/.test(process.stderr), false, process.stderr);
      }
    });
    await step("there is no such room any more, until it is opened anew", async () => {
      assertEquals(await party.askRelay("close", PARTY.room), [
        1,
        `there is no room ${PARTY.room}\n`,
      ]);
      await party.startGateway();
      await party.startClient(alice, ...optionsOf(ALICE));
      await eventually("a ping", () => pings(alice));
    });
  },
);
