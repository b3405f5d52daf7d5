/**
 * What breaks, and how it comes back: programs that are killed, relays that restart or send one elsewhere,
 * paths that die, and programs that are told to end.
 *
 * ```text
 *   lan         gateway             relay                      alice, bob
 *  ┌──────┐    ┌────────────┐      ┌──────────────────────┐   ┌──────────────────┐
 *  │ eth0 ┼────┼ lan0  wan0 ┼──────┼─ gw0          pl0 ───┼───┼─ wan0  lanparty0 │
 *  └──────┘    └────────────┘      │ lo 10.99.0.1  pl1 ───┼─┐ └──────────────────┘
 *  10.77.0.1                       │ (for the redirects)  │ │ ┌──────────────────┐
 *                                  └──────────────────────┘ └─┼─ wan0  lanparty0 │
 *                                                             └──────────────────┘
 * ```
 *
 * The relays, the gateway or a client die by SIGKILL, a path by its interface going down.
 */
import { assert, assertEquals, assertGreater, assertMatch, assertNotMatch } from "@std/assert";
import { CertificateFiles, relayCertificate, SERVER_NAME } from "../../support/certificates.ts";
import type { LabProcess, Namespace } from "../../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest, type Step } from "../../support/play.ts";
import { sayingPattern } from "../../support/sentences.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

const ALICE = { mac: "02:00:00:00:00:0a", address: "10.77.0.50" };
const BOB = { mac: "02:00:00:00:00:0b", address: "10.77.0.51" };
/** Every program ends within this time of a signal. */
const END_MAX_MS = 2_000;
/** Both sides find a connection dead after 15 s of silence. */
const IDLE_MS = 15_000;
const RECOVERY_MAX_MS = 30_000;
/** The least MTU that a room has. */
const TAP_MTU_MIN = 1280;
const ATTEMPTS_MAX = 3;
/** Where the room is sent to. */
const ELSEWHERE = "10.99.0.1";

type Identity = typeof ALICE;

function clientOptions({ mac, address }: Identity): string[] {
  return ["--virtual-mac", mac, "--address", `${address}/24`];
}

/** Waits until the LAN reaches a player again. */
async function assertPlays(party: Party, { address }: Identity): Promise<void> {
  await eventually(
    `the LAN reaches ${address}`,
    async () => {
      const ping = ["ping", "-c", "1", "-W", "1", address];
      return (await party.lan.run(ping, { anyCode: true })).code === 0;
    },
    RECOVERY_MAX_MS,
  );
}

/** The adapter as the system sees it; it keeps its index as long as it is the same one. */
async function adapterOf(player: Namespace) {
  const { ifindex, address, mtu } = await player.linkOf(PARTY.tap);
  return { ifindex, address, mtu };
}

async function kill(process: LabProcess): Promise<void> {
  process.kill("SIGKILL");
  await process.exited;
}

function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(new RegExp(pattern.source, "g"))].length;
}

/** Waits until a program has written something so many times. */
function waitForCount(process: LabProcess, pattern: RegExp, times: number): Promise<void> {
  return eventually(
    `${pattern} for the ${times}. time`,
    () => count(process.stderr, pattern) >= times,
    RECOVERY_MAX_MS,
  );
}

partyTest(
  "recovery: relay, client and gateway die by SIGKILL, and the party goes on",
  async (party, step) => {
    const player = await party.addPlayer("alice");
    await party.startRelay();
    await party.startGateway();
    // Without --virtual-mac: the MAC is the one that is kept.
    const address = ["--address", `${ALICE.address}/24`];
    const client = await party.startClient(player, ...address);
    await assertPlays(party, ALICE);
    const adapter = await adapterOf(player);
    await step("the relay: everybody notices, returns, and keeps adapter and MAC", async () => {
      await kill(party.relayProcess!);
      await party.startRelay();
      await client.waitForLine(sayingPattern("relay/restarted"));
      await waitForCount(client, /Joined the room/, 2);
      await assertPlays(party, ALICE);
      assertEquals(await adapterOf(player), adapter);
      assertEquals(count(client.stderr, /adapter lanparty0 is up/), 1);
    });
    await step(
      "a client: its adapter goes with it, the next one takes its place at once",
      async () => {
        const relay = party.relayProcess!;
        await kill(client);
        assertEquals(await player.has(PARTY.tap), false);
        const next = await party.startClient(player, ...address);
        assertNotMatch(next.stderr, /Somebody in the room has your MAC/);
        await relay.waitForLine(/Peer left .*role=client.*reason=replaced/);
        await party.gatewayProcess!.waitForLine(/alice .* has joined again from elsewhere/);
        await assertPlays(party, ALICE);
        assertEquals((await adapterOf(player)).address, adapter.address);
      },
    );
    await step(
      "the gateway: the next one takes its place at once, and the players are told",
      async () => {
        const [relay, last] = [party.relayProcess!, party.clients.get("alice")!];
        await kill(party.gatewayProcess!);
        const next = await party.startGateway();
        assertNotMatch(next.stderr, /has a gateway already/);
        await relay.waitForLine(/Peer left .*role=gateway.*reason=replaced/);
        await last.waitForLine(/The party's gateway has left/);
        await last.waitForLine(/The party's gateway is there\.$/);
        await assertPlays(party, ALICE);
      },
    );
  },
);

partyTest("recovery: what has to wait for a dead connection's end", async (party, step) => {
  const [alice, bob] = [await party.addPlayer("alice"), await party.addPlayer("bob")];
  await party.startRelay();
  await party.startGateway();
  const first = await party.startClient(alice, ...clientOptions(ALICE));
  const dead = await party.startClient(bob, ...clientOptions(BOB));
  await assertPlays(party, ALICE);
  // A MAC is kept for who has been heard of.
  await assertPlays(party, BOB);
  const adapter = await adapterOf(alice);
  await party.relay.ip("link", "set", "pl0", "down");
  await kill(dead);
  // As on another PC: the same MAC without the token.
  const stranger = [...clientOptions(BOB), "--state-dir", `${party.folder}/elsewhere`];
  const next = bob.spawn(party.clientCommand(bob, ...stranger));
  await step("a MAC whose session is still there is refused, and asked for again", async () => {
    await next.waitForLine(/Somebody in the room has your MAC already/);
  });
  await step("a path that dies is noticed, and the return is tried", async () => {
    await first.waitForLine(/The relay does not answer.*Trying again/, RECOVERY_MAX_MS);
    assertEquals(await adapterOf(alice), adapter);
  });
  await step(
    "when the relay has given the dead session up, the MAC is kept for who had it",
    async () => {
      await next.waitForLine(/The MAC of this PC is kept for somebody else/, RECOVERY_MAX_MS);
    },
  );
  await step("until the host gives it free", async () => {
    assertEquals((await party.askGateway("release", BOB.mac))[0], 0);
    await next.waitForLine(/Joined the room/, RECOVERY_MAX_MS);
    assertEquals(count(next.stderr, /Somebody in the room has your MAC already/), 1);
    await assertPlays(party, BOB);
  });
  await step("the path is back, and the player with the same adapter", async () => {
    await party.relay.ip("link", "set", "pl0", "up");
    await waitForCount(first, /Joined the room/, 2);
    await assertPlays(party, ALICE);
    assertEquals(await adapterOf(alice), adapter);
  });
  await step("a path that hiccups costs no session", async () => {
    // Somewhere on the way: the player's own interface has its carrier all the time.
    const address = ["addr", "add", `${party.relayAddressFor(alice)}/24`, "dev", "pl0"] as const;
    await party.relay.ip("addr", "flush", "dev", "pl0");
    await pause(IDLE_MS / 8);
    await party.relay.ip(...address);
    await assertPlays(party, ALICE);
    assertEquals(count(first.stderr, /Joined the room/), 2);
  });
});

/** Starts everything until the room's MTU is above the least: on a busy machine path discovery is slow. */
async function startWide(party: Party, player: Namespace): Promise<LabProcess> {
  for (let attempt = 1;; attempt++) {
    await party.startRelay();
    await party.startGateway();
    const client = await party.startClient(player, ...clientOptions(ALICE));
    if ((await adapterOf(player)).mtu > TAP_MTU_MIN || attempt === ATTEMPTS_MAX) return client;
    for (const process of [client, party.gatewayProcess, party.relayProcess]) await process?.stop();
  }
}

partyTest(
  "recovery: a relay that restarts with another MTU has it on the adapter at once",
  async (party) => {
    const player = await party.addPlayer("alice");
    const client = await startWide(party, player);
    const before = await adapterOf(player);
    assertGreater(before.mtu, TAP_MTU_MIN);
    assertEquals(await party.relayProcess!.stop(), 0);
    await client.waitForLine(/The relay restarts/);
    await party.startRelay("--max-tap-mtu", `${TAP_MTU_MIN}`);
    const told = new RegExp(`The room's MTU is ${TAP_MTU_MIN} now \\(it was ${before.mtu}\\)`);
    await client.waitForLine(told, RECOVERY_MAX_MS);
    assertEquals(await adapterOf(player), { ...before, mtu: TAP_MTU_MIN });
    await assertPlays(party, ALICE);
    const ping = (payloadBytes: number) => {
      const sizes = ["-M", "do", "-s", `${payloadBytes}`];
      return player.run(["ping", "-c", "5", "-W", "2", ...sizes, PARTY.lanAddress], {
        anyCode: true,
      });
    };
    assertMatch((await ping(TAP_MTU_MIN - 28)).stdout, /[1-5] received/);
    assertMatch((await ping(TAP_MTU_MIN - 27)).stderr, /message too long, mtu=1280/);
  },
);

/** A second relay, at the address that the room is sent to. */
function startElsewhere(party: Party, certificate: string[], port: number): Promise<LabProcess> {
  const command = party.relayCommand(
    ...["--listen", `${ELSEWHERE}:${port}`, "--state-dir", party.stateDir(`elsewhere-${port}`)],
    ...["--dev-cert-der-out", `${party.folder}/elsewhere-${port}.der`, ...certificate],
  );
  const relay = party.relay.spawn(command);
  return relay.waitForLine(/Listening/).then(() => relay);
}

partyTest("recovery: a room that lives on another relay is found there", async (party, step) => {
  const certificates = await CertificateFiles.make(party.folder);
  const trust = certificates.trustOptions;
  const there = relayCertificate(await certificates.issue({ names: [ELSEWHERE] }));
  const player = await party.addPlayer("alice");
  await party.relay.ip("addr", "add", `${ELSEWHERE}/32`, "dev", "lo");
  await party.gateway.ip("route", "add", `${ELSEWHERE}/32`, "via", PARTY.relayAddressForGateway);
  await party.startRelay(
    ...relayCertificate(await certificates.issue({ names: [SERVER_NAME] })),
    ...["--redirect", `LANPARTY=${ELSEWHERE}:4433`, "--redirect", `TRAP=${ELSEWHERE}:4434`],
  );
  const second = await startElsewhere(party, there, 4433);
  await party.startGateway(...trust);
  const client = await party.startClient(player, ...clientOptions(ALICE), ...trust);
  const adapter = await adapterOf(player);
  await step("gateway and client follow, and play", async () => {
    assertMatch(client.stderr, /The room is on another relay: 10\.99\.0\.1:4433\./);
    assertEquals(count(party.relayProcess!.stderr, /Peer redirected/), 2);
    assertEquals(count(second.stderr, /Peer joined/), 2);
    assert(!party.relayProcess!.stderr.includes("Peer joined"));
    await assertPlays(party, ALICE);
  });
  await step("they are back when that relay is back", async () => {
    await kill(second);
    const third = await startElsewhere(party, there, 4433);
    await waitForCount(third, /Peer joined/, 2);
    await assertPlays(party, ALICE);
    assertEquals(await adapterOf(player), adapter);
  });
  await redirectToStranger(party, step, trust);
});

/** A redirect to a relay that nobody vouches for leads nowhere, but does not end the program. */
async function redirectToStranger(party: Party, step: Step, trust: string[]): Promise<void> {
  const folder = `${party.folder}/stranger`;
  await Deno.mkdir(folder);
  const stranger = await CertificateFiles.make(folder);
  const certificate = relayCertificate(await stranger.issue({ names: [ELSEWHERE] }));
  const trap = await startElsewhere(party, certificate, 4434);
  await step(
    "a relay that nobody vouches for hears nothing, though the other sends there",
    async () => {
      const bob = await party.addPlayer("bob");
      const options = [...clientOptions(BOB), ...trust, "--room", "TRAP"];
      const client = bob.spawn(party.clientCommand(bob, ...options));
      party.clients.set("bob", client);
      await client.waitForLine(/The room is on another relay: 10\.99\.0\.1:4434/);
      await client.waitForLine(/The relay 10\.99\.0\.1:4434 was refused/);
      await client.waitForLine(/Trying again/);
      assertEquals(client.running, true);
      assertEquals(count(client.stderr, /Joined the room/), 0);
      assertEquals(count(trap.stderr, /peer /), 0);
      assertEquals(await client.stop(), 0);
    },
  );
}

/** Ends a program by a signal: in time, and with exit code 0. */
async function endBy(process: LabProcess, signal: Deno.Signal): Promise<void> {
  process.kill(signal);
  assertEquals(await process.waitExit(END_MAX_MS), 0, signal);
}

partyTest(
  "endings: SIGINT and SIGTERM end each program in time, and the others are told",
  async (party, step) => {
    const [alice, bob] = [await party.addPlayer("alice"), await party.addPlayer("bob")];
    await party.startRelay();
    const witness = await party.startClient(bob, ...clientOptions(BOB));
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      await step(
        `a client by ${signal}: the relay and the others know, the adapter is gone`,
        async () => {
          const client = await party.startClient(alice, ...clientOptions(ALICE));
          const left = count(witness.stderr, /alice .* has left/);
          await endBy(client, signal);
          assertEquals(await alice.has(PARTY.tap), false);
          await party.relayProcess!.waitForLine(/Peer left .*name=alice .*reason=bye/);
          await waitForCount(witness, /alice .* has left/, left + 1);
          assertEquals(await alice.processIds(), []);
        },
      );
      await step(`the gateway by ${signal}: the players know`, async () => {
        const there = count(witness.stderr, /The party's gateway is there\./);
        const gateway = await party.startGateway();
        await waitForCount(witness, /The party's gateway is there\./, there + 1);
        const left = count(witness.stderr, /The party's gateway has left/);
        await endBy(gateway, signal);
        await party.relayProcess!.waitForLine(/Peer left .*role=gateway .*reason=bye/);
        await waitForCount(witness, /The party's gateway has left/, left + 1);
      });
      await step(`the relay by ${signal}: the players know, and come back`, async () => {
        const restarts = count(witness.stderr, /The relay restarts/);
        const joined = count(witness.stderr, /Joined the room/);
        await endBy(party.relayProcess!, signal);
        await waitForCount(witness, /The relay restarts/, restarts + 1);
        await party.startRelay();
        await waitForCount(witness, /Joined the room/, joined + 1);
      });
    }
    await step("a client that finds no relay ends as fast", async () => {
      const nowhere = alice.spawn(
        party.clientCommand(alice, "--relay", "10.92.0.1:4999", "--no-dhcp"),
      );
      await nowhere.waitForLine(/Trying again/);
      await endBy(nowhere, "SIGTERM");
      const silent = alice.spawn(
        party.clientCommand(alice, "--relay", "10.92.0.9:443", "--no-dhcp"),
      );
      await silent.waitForLine(/Connecting to the relay/);
      await endBy(silent, "SIGINT");
    });
    await step("a room that was left by all is closed", async () => {
      await endBy(witness, "SIGTERM");
      await party.relayProcess!.waitForLine(/Room closed room=LANPARTY/);
    });
  },
);
