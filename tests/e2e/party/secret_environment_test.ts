/**
 * A key that comes by the environment is used, and then is there no more: not for the programs that
 * are started, nor for whoever looks at a process.
 *
 * ```text
 *   lan        gateway             relay              alice
 *  ┌──────┐   ┌────────────┐      ┌──────────────┐   ┌──────────────────────┐
 *  │ eth0 ┼───┼ lan0  wan0 ┼──────┼─ gw0   pl0 ──┼───┼─ wan0                │
 *  └──────┘   └────────────┘      │ two reactors │   │ lanparty0, with DHCP │
 *                                 └──────────────┘   └──────────────────────┘
 * ```
 */
import { assert, assertEquals } from "@std/assert";
import type { Namespace } from "../../../tools/lab/netns.ts";
import { PARTY } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";

/** The environments of all processes in a namespace, as the kernel shows them, and their programs. */
async function environments(namespace: Namespace): Promise<{ program: string; text: string }[]> {
  const shown = [];
  for (const pid of await namespace.processIds()) {
    const program = (await Deno.readTextFile(`/proc/${pid}/comm`)).trim();
    shown.push({ program, text: await Deno.readTextFile(`/proc/${pid}/environ`) });
  }
  return shown;
}

function without(options: readonly string[], name: string): string[] {
  const at = options.indexOf(name);
  return [...options.slice(0, at), ...options.slice(at + 2)];
}

partyTest("keys do not stay in the environment", async (party, step) => {
  const alice = await party.addPlayer("alice");
  const [gatewayKey] = /^gateway-key\s+(\S+)$/m.exec(await Deno.readTextFile(party.keyFile))!.slice(
    1,
  );
  const keys = { LANPARTY_ROOM_KEY: party.roomKey, LANPARTY_GATEWAY_KEY: gatewayKey };
  const env = { ...keys, LANPARTY_EXAMPLE: "stays" };
  const relay = party.relay.spawn(
    party.relayCommand("--reactors", "2", "--status", "9465"),
    { env },
  );
  await relay.waitForLine(/Serving status/, 20_000);
  const gateway = party.gateway.spawn(
    without(party.gatewayCommand(), "--gateway-key-file"),
    { env },
  );
  await gateway.waitForLine(/Joined the room/, 20_000);
  await party.startDhcpServer();
  const client = alice.spawn(without(party.clientCommand(alice), "--room-key-file"), { env });
  await client.waitForLine(/The party.s gateway is there/, 20_000);
  await party.lanAddressOf(alice);
  await step("they were used: the player is in the gateway's room", async () => {
    const ping = ["ping", "-c", "1", "-W", "5", PARTY.lanAddress];
    assertEquals((await alice.run(ping, { anyCode: true })).code, 0);
  });
  for (const [namespace, least] of [[party.relay, 3], [party.gateway, 1], [alice, 1]] as const) {
    await step(`nothing is left of them in ${namespace.name}`, async () => {
      const all = await environments(namespace);
      assert(all.length >= least, all.map(({ program }) => program).join());
      for (const { program, text } of all) {
        for (const key of Object.values(keys)) assert(!text.includes(key), program);
      }
      // All else of the environment is as it was.
      assert(all.some(({ text }) => text.includes("LANPARTY_EXAMPLE=stays")));
    });
  }
  for (const process of [client, gateway, relay]) await process.stop();
});
