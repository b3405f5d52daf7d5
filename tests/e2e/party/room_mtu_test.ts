/**
 * What a party makes of its paths: how large packets may be, and where somebody is, while it goes on.
 *
 * ```text
 *   lan              gateway             relay              alice
 *  ┌─────────┐      ┌────────────┐      ┌─────────────┐    ┌──────────────────────────┐
 *  │ eth0 ───┼──────┼ lan0  wan0 ┼──────┼ gw0   pl0 ──┼────┼─ wan0 (another address  │
 *  │ 1500    │      │            │      │             │    │        and port, nft)    │
 *  └─────────┘      └────────────┘      └─────────────┘    │  lanparty0: MTU ?        │
 *                                                          └──────────────────────────┘
 * ```
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { partyTest } from "../../support/play.ts";
import { ownPortOf } from "../../support/scene.ts";

const ALICE = "10.77.0.50";
/** Whole IPv4 and IPv6 packets of a LAN: 1500 less the headers of IP and ICMP. */
const PING_IPV4_BYTES = 1_472;
const PING_IPV6_BYTES = 1_452;
const NARROW = ["--datagram-budget", "1318"];
const MOVED = { address: "10.92.0.77", port: 23_456 };

async function mtuOf(player: Namespace): Promise<number> {
  return (await player.linkOf(PARTY.tap)).mtu;
}

async function stop(process: LabProcess | undefined): Promise<void> {
  process?.kill("SIGTERM");
  await process?.waitExit(20_000);
}

/** One ping, and three more attempts: the first may wait for an address to be found. */
async function pings(from: Namespace, ...options: string[]): Promise<boolean> {
  for (let attempt = 0; attempt < 4; attempt++) {
    const { code } = await from.run(["ping", "-c", "1", "-W", "2", ...options], { anyCode: true });
    if (code === 0) return true;
  }
  return false;
}

/** The link-local address of an interface, as another namespace calls it. */
async function linkLocalOf(place: Namespace, name: string, seenFrom: string): Promise<string> {
  let found: string | undefined;
  await eventually("a link-local address", async () => {
    const addresses = await place.addressesOf(name);
    found = addresses.find((address) => address.startsWith("fe80:"))?.split("/")[0];
    return found !== undefined;
  });
  return `${found}%${seenFrom}`;
}

/** Whole packets of the LAN reach a player, and packets longer than the adapter's MTU come back, of both families. */
async function checkSizes(party: Party, player: Namespace): Promise<void> {
  const [four, six] = [["-s", `${PING_IPV4_BYTES}`], ["-6", "-s", `${PING_IPV6_BYTES}`]];
  const alice = await linkLocalOf(player, PARTY.tap, PARTY.lanInterface);
  const lan = await linkLocalOf(party.lan, PARTY.lanInterface, PARTY.tap);
  assert(await pings(party.lan, "-M", "do", ...four, ALICE), "1500 from the LAN, not to be cut");
  assert(await pings(player, ...four, PARTY.lanAddress), "1500 from the player");
  assert(await pings(party.lan, ...six, alice), "1500 from the LAN, IPv6");
  assert(await pings(player, ...six, lan), "1500 from the player, IPv6");
}

//= PROTOCOL.md 10
//# TAPs of several sizes in one room are no harm: each TAP must take frames that are longer than its
//# own MTU allows to send (up to 1522 bytes, as the LAN's stations send them), TCP agrees on the
//# smaller of both ends' segments, and what one end sends is split where it must be.
partyTest(
  "a room's MTU follows its gateway while players are there, and who moves is seen to move",
  async (party, step) => {
    const player = await party.addPlayer("alice");
    await party.startRelay();
    const narrow = await party.startGateway(...NARROW);
    const client = await party.startClient(player, "--address", `${ALICE}/${PARTY.lanPrefix}`);

    await step("a gateway of a narrow path: full packets pass all the same", async () => {
      assertEquals(await mtuOf(player), 1_300);
      await checkSizes(party, player);
    });
    await step("a wider gateway comes: the running adapter has its MTU at once", async () => {
      await stop(narrow);
      await party.startGateway();
      await eventually("the rise", async () => await mtuOf(player) === 1_400);
      assertMatch(client.stderr, /The room's MTU is 1400 now/);
      const [, rooms] = await party.askRelay("rooms");
      assertMatch(rooms, /^LANPARTY\S* +2 +yes +1400 /m);
      await checkSizes(party, player);
    });
    await step(
      "another program lowers the adapter's MTU: it is put back to the new one",
      async () => {
        await player.ip("link", "set", PARTY.tap, "mtu", "1300");
        await eventually("the room's MTU again", async () => await mtuOf(player) === 1_400);
      },
    );
    await step("her router gives her another address and port: they are shown", async () => {
      const before = { address: PARTY.playerWanAddress, port: await ownPortOf(player) };
      const [, peers] = await party.askRelay("peers", PARTY.room);
      assert(peers.includes(`${before.address}:${before.port} `), peers);
      const saidBytes = client.stderr.length;
      await translate(party, player, before);
      await eventually("the new address", async () => {
        const [, peers] = await party.askRelay("peers", PARTY.room);
        return peers.includes(`${MOVED.address}:${MOVED.port} `);
      });
      assert(await pings(player, PARTY.lanAddress));
      // The new path is measured: 333 ms are what is assumed of one that is not (RFC 9002, section 6.2.2).
      await eventually("its round trip time", async () => {
        const [, peers] = await party.askRelay("peers", PARTY.room);
        const ms = /:23456 +([0-9.]+) ms/.exec(peers)?.[1];
        return ms !== undefined && Number(ms) < 300;
      });
      assertEquals(/connect|again|lost/i.test(client.stderr.slice(saidBytes)), false);
      await player.run(["nft", "delete table ip router"]);
    });
    await step(
      "where the host allows a LAN's own MTU, no packet is too long to be sent",
      async () => {
        for (const process of [client, party.gatewayProcess, party.relayProcess]) {
          await stop(
            process,
          );
        }
        await party.startRelay("--max-tap-mtu", "1500");
        await party.startGateway();
        await party.startClient(player, "--address", `${ALICE}/${PARTY.lanPrefix}`);
        assertEquals(await mtuOf(player), 1_500);
        const whole = ["-M", "do", "-s", `${PING_IPV4_BYTES}`];
        assert(await pings(player, ...whole, PARTY.lanAddress), "1500 in one");
        await checkSizes(party, player);
      },
    );
  },
);

/** What the player's side sends to the relay comes from elsewhere from now on, and the answers find back. */
async function translate(
  party: Party,
  player: Namespace,
  before: { readonly address: string; readonly port: number },
): Promise<void> {
  const mac = await player.macOf("wan0");
  await party.relay.ip("neigh", "add", MOVED.address, "lladdr", mac, "dev", "pl0");
  for (
    const rule of [
      "add table ip router",
      "add chain ip router out { type filter hook output priority 0; }",
      "add chain ip router in { type filter hook prerouting priority -300; }",
      `add rule ip router out udp dport 443 ip saddr set ${MOVED.address} udp sport set ${MOVED.port}`,
      `add rule ip router in udp sport 443 udp dport ${MOVED.port} ip daddr set ${before.address} ` +
      `udp dport set ${before.port}`,
    ]
  ) await player.run(["nft", rule]);
}
