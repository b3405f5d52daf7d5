/**
 * Which relay's way the compiled lanparty-client.exe holds, and when, call by call: that of one with an IPv6
 * address, and that of one which the player is sent on to.
 *
 * ```text
 *                                   ┌── wan0 ── first relay (10.92.0.1, fd00:92::1)
 *   home's router ── 3 Ethernet ── PC
 *                                   └── wan1 ── second relay (10.99.0.1)
 * ```
 *
 * As in `network_test.ts`, the client is told of the home's network alone; packets go by the namespace's own.
 */
import { assert, assertEquals } from "@std/assert";
import { executablePath } from "../../tools/build/executables.ts";
import type { LabProcess, Namespace } from "../../tools/lab/netns.ts";
import { PARTY, type Party } from "../../tools/lab/party.ts";
import { partyTest } from "../support/play.ts";
import { eventually, pause } from "../../tools/lab/wait.ts";
import { WinePc } from "../support/wine.ts";
import {
  BY_HOME,
  ETHERNET,
  host,
  NOT_BY_HOME,
  RELAY,
  RESTORE,
  Scene,
  SET,
  TAP,
} from "../support/wine_networks.ts";

const RELAY6 = "fd00:92::1";
const SECOND = "10.99.0.1";
/** The home with another provider's IPv6: nothing of IPv4 is different. */
const OTHER_IPV6 = ETHERNET.map((line) =>
  line.replace("2001:db8:1::", "2001:db8:2::").replace("fe80::1", "fe80::2")
);

/** Waits for a look without a notice: the next one is due 5 s later. */
async function nextLook(scene: Scene): Promise<void> {
  const looks = () => scene.looks(RELAY6);
  await eventually("quiet", async () => {
    const before = await looks();
    await pause(1_000);
    return await looks() === before;
  });
  const before = await looks();
  await eventually("a look that was due", async () => await looks() > before);
}

partyTest("a relay with an IPv6 address", async (party, step) => {
  const player = await party.addPlayer("player");
  await player.ip("addr", "add", "fd00:92::2/64", "dev", "wan0", "nodad");
  await party.relay.ip("addr", "add", `${RELAY6}/64`, "dev", "pl0", "nodad");
  await using pc = await WinePc.open(player);
  await pc.installAdapter();
  await party.startRelay();
  await pc.setNetwork(...ETHERNET, ...TAP);
  const scene = new Scene(party, pc);
  await step("it is held by the router's link-local address", async () => {
    await scene.start("--relay", `[${RELAY6}]:${PARTY.relayPort}`);
    await scene.changed(host("Create", RELAY6, "fe80::1", 3), ...SET);
  });
  await step("a change of IPv6 alone is noticed before the next look that is due", async () => {
    await nextLook(scene);
    const joined = scene.count(/Joined the room/);
    await pc.setNetwork(...OTHER_IPV6, ...TAP);
    // Wine tells IPv6 sockets, too, of changes of IPv4 addresses, and of no others.
    await player.ip("addr", "add", "10.98.0.2/24", "dev", "wan0");
    await scene.said(/Joined the room/, joined + 1, 4_000);
    await scene.changed(
      host("Create", RELAY6, "fe80::2", 3),
      host("Delete", RELAY6, "fe80::1", 3),
    );
  });
  await step("without a notice it is noticed all the same, a little later", async () => {
    await nextLook(scene);
    await pc.setNetwork(...ETHERNET, ...TAP);
    await scene.changed(
      host("Create", RELAY6, "fe80::1", 3),
      host("Delete", RELAY6, "fe80::2", 3),
    );
  });
  await step("Ctrl-C: everything is as it was", async () => {
    await scene.end();
    await scene.changed(host("Delete", RELAY6, "fe80::1", 3), ...RESTORE);
    assertEquals(await scene.leftRoutes(), []);
  });
});

const BY_HOME_TO_SECOND = host("Create", SECOND, "192.168.178.1", 3);
const NOT_TO_SECOND = host("Delete", SECOND, "192.168.178.1", 3);

/** A second relay's namespace, which the player reaches, too. */
async function addSecond(party: Party, player: Namespace): Promise<Namespace> {
  const namespace = await party.lab.namespace("second", { forwarding: false });
  await party.lab.veth(
    { namespace: player, name: "wan1", addresses: ["10.99.0.2/24"] },
    { namespace, name: "pl0", addresses: [`${SECOND}/24`] },
  );
  return namespace;
}

/** Starts a relay there, with the first one's certificate: players trust both. */
async function startSecond(
  party: Party,
  namespace: Namespace,
  ...options: string[]
): Promise<LabProcess> {
  const [cert, key] = ["cert", "key"].map((name) => `${party.stateDir("relay")}/relay-${name}.pem`);
  const relay = namespace.spawn([
    ...[executablePath("relay"), "--listen", `${PARTY.relayPort}/udp`],
    ...["--state-dir", party.stateDir("second"), "--cert", cert, "--key", key, ...options],
  ]);
  await relay.waitForLine(/Listening/, 20_000);
  return relay;
}

partyTest("the relay sends the player on to another one, and back", async (party, step) => {
  const player = await party.addPlayer("player");
  const second = await addSecond(party, player);
  await using pc = await WinePc.open(player);
  await pc.installAdapter();
  await party.startRelay("--redirect", `${PARTY.room}=${SECOND}:${PARTY.relayPort}`);
  await pc.setNetwork(...ETHERNET, ...TAP);
  const scene = new Scene(party, pc);
  let relay!: LabProcess;
  await step("the other one is held before the first packet reaches it", async () => {
    // Ends with the first packet.
    const listen = `UDP4-RECVFROM:${PARTY.relayPort}`;
    const first = second.spawn(["socat", "-u", listen, "SYSTEM:cat >/dev/null"]);
    const started = scene.start();
    await first.waitExit(40_000);
    const calls = await pc.calls();
    assert(calls.includes(BY_HOME), calls.join("\n"));
    assert(calls.includes(BY_HOME_TO_SECOND), calls.join("\n"));
    relay = await startSecond(party, second);
    await started;
  });
  await step("the first one stays held until the other has let the player in", async () => {
    await scene.changed(BY_HOME, BY_HOME_TO_SECOND, NOT_BY_HOME, ...SET);
    assert((await pc.calls()).includes(`GetBestRoute2 ${SECOND}`));
  });
  await step("sent back: the same the other way round", async () => {
    const joined = scene.count(/Joined the room/);
    await party.relayProcess!.stop();
    await party.startRelay();
    // It is tried again first, since it has not said that it goes.
    relay.kill("SIGKILL");
    await relay.exited;
    await startSecond(party, second, "--redirect", `${PARTY.room}=${RELAY}:${PARTY.relayPort}`);
    await scene.said(new RegExp(`on another relay: ${RELAY}:`), 1, 40_000);
    await scene.said(/Joined the room/, joined + 1, 40_000);
    await scene.changed(BY_HOME, NOT_TO_SECOND);
  });
  await step("Ctrl-C: everything is as it was", async () => {
    await scene.end();
    await scene.changed(NOT_BY_HOME, ...RESTORE);
    assertEquals(await scene.leftRoutes(), []);
  });
});

partyTest("Ctrl-C: a relay is held until it was told, or cannot be", async (party) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  const relay = await party.startRelay();
  await pc.setNetwork(...ETHERNET, ...TAP);
  const scene = new Scene(party, pc);
  await scene.start();
  await scene.changed(BY_HOME, ...SET);
  // From here on nobody answers.
  relay.kill("SIGSTOP");
  try {
    scene.client.kill("SIGINT");
    await pause(800);
    assertEquals(await scene.newChanges(), []);
    assertEquals(await scene.client.waitExit(15_000), 0);
    assertEquals(await scene.newChanges(), [...RESTORE, NOT_BY_HOME]);
  } finally {
    relay.kill("SIGCONT");
  }
});
