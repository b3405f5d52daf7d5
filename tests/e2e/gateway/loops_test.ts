/**
 * Loops made on purpose, and healed:
 *
 * ```text
 *   lan                       gateway              relay              alice
 *  ┌──────────────────┐      ┌────────────┐      ┌──────────┐      ┌──────────────────┐
 *  │ host ── sw0 ─ eth0┼─────┼ lan0  wan0 ┼──────┼─ gw0 pl0 ┼──────┼ wan0   lanparty0 │
 *  │          │  │     │      └────────────┘      │          │      │          ╎       │
 *  │          │  └ g2  ┼─────┐ gateway2           │          │      │        bridge    │
 *  │          │        │     └ lan0  wan0 ────────┼─ gw1     │      │          ╎       │
 *  │          └─── p1 ─┼──────────────────────────┼──────────┼──────┼──────── extra    │
 *  └──────────────────┘                           └──────────┘      └──────────────────┘
 * ```
 *
 * `sw0` is the LAN's switch, and `host` an interface of the LAN's host at it.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { SAME_AGE_MS } from "../../../src/gateway/loop_guard.ts";
import { FrameStation } from "../../support/frame_station.ts";
import { BROADCAST_MAC, ethernet, pattern } from "../../../tools/lab/frames.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";

const HOST_MAC = "52:54:00:00:00:aa";
const HOST_ADDRESS = "10.77.0.9";
const TEST_TYPE = 0x88b6;
const STOPPED = /Nothing is forwarded: (.*)/;
/** A second is promised; the rest is for a busy machine. */
const STOPPED_WITHIN_MS = 2_000;
const RESUMED = /The loop is gone/;
/** The same, or nothing has ever come back by another gateway. */
const FORWARDS_AGAIN = /[Ff]rames are forwarded again/;

/** Makes the LAN a switch with a host at it. */
async function makeSwitch(party: Party): Promise<void> {
  const { lan } = party;
  await lan.bridge("sw0");
  await lan.ip("addr", "flush", "dev", PARTY.lanInterface);
  await lan.ip("link", "set", PARTY.lanInterface, "master", "sw0");
  await lan.ip("link", "add", "host", "type", "veth", "peer", "name", "port");
  await lan.ip("link", "set", "host", "address", HOST_MAC);
  await lan.ip("link", "set", "port", "master", "sw0", "up");
  await lan.ip("addr", "add", `${HOST_ADDRESS}/24`, "dev", "host");
  await lan.ip("link", "set", "host", "up");
}

/** How many copies of a broadcast of the LAN's host come back to it within a time. */
async function copiesOf(station: FrameStation, lengthBytes: number, waitMs: number) {
  const frame = ethernet({
    ...{ destination: BROADCAST_MAC, source: HOST_MAC, type: TEST_TYPE },
    payload: pattern(lengthBytes - 14),
  });
  await station.send(frame);
  await pause(waitMs);
  return station.frames.filter(({ type, bytes }) =>
    type === TEST_TYPE && bytes.length === lengthBytes
  ).length;
}

partyTest("loops: a player who is also on the LAN", async (party, step) => {
  await makeSwitch(party);
  await party.startRelay();
  const gateway = await party.startGateway();
  const alice = await party.addPlayer("alice");
  // Linux answers for all its addresses at any interface: at "extra" it would be another station with the adapter's.
  await alice.run(["sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1"]);
  const client = await party.startClient(
    alice,
    "--address",
    "10.77.0.50/24",
    "--virtual-mac",
    "02:00:00:00:00:50",
  );
  await party.lab.veth(
    { namespace: party.lan, name: "p1", bridge: "sw0" },
    { namespace: alice, name: "extra" },
  );
  await using station = await FrameStation.open(party.lan, "host");
  await step("before the loop everything works and nothing is said", async () => {
    await alice.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", HOST_ADDRESS]);
    assertEquals(await copiesOf(station, 100, 300), 0);
    assert(!STOPPED.test(gateway.stderr));
  });
  await step("a bridge between adapter and LAN: stopped within a second, with a MAC", async () => {
    await alice.bridge("br0");
    await alice.ip("link", "set", PARTY.tap, "master", "br0");
    const sinceMs = performance.now();
    await alice.ip("link", "set", "extra", "master", "br0");
    const [, text] = await gateway.waitForLine(STOPPED, 3_000);
    const tookMs = performance.now() - sinceMs;
    assertMatch(text, /a player's PC .* bridges both.* look for ..:..:..:..:..:..\./);
    assert(tookMs < STOPPED_WITHIN_MS, `stopped after ${tookMs} ms`);
    // The switch has learnt the probe's MAC at the port where the loop comes in.
    const mac = /look for ([0-9a-f:]{17})/.exec(text)![1];
    const table = (await party.lan.run(["bridge", "fdb", "show", "br", "sw0"])).stdout;
    assertMatch(table, new RegExp(`${mac} dev p1 `));
  });
  await step("the player is told, too", async () => {
    await client.waitForLine(/the party's gateway stands still, because its LAN has a loop/, 5_000);
  });
  await step("there is no storm, and it stays so", async () => {
    assertEquals(await copiesOf(station, 101, 1_000), 0);
    await pause(4_000);
    assertEquals(await copiesOf(station, 102, 500), 0);
    assert(!RESUMED.test(gateway.stderr), "the loop is still there");
  });
  await step("the bridge is taken apart: frames flow again", async () => {
    await alice.ip("link", "set", "extra", "nomaster");
    await gateway.waitForLine(RESUMED, 8_000);
    await alice.ip("link", "set", PARTY.tap, "nomaster");
    await alice.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", HOST_ADDRESS]);
  });
});

partyTest("loops: two gateways of two rooms on one LAN", async (party, step) => {
  await makeSwitch(party);
  const gateway2 = await party.lab.namespace("gateway2");
  await party.lab.veth(
    { namespace: party.lan, name: "g2", bridge: "sw0" },
    { namespace: gateway2, name: PARTY.gatewayInterface },
  );
  await party.lab.veth(
    { namespace: gateway2, name: "wan0", addresses: ["10.90.0.2/24"] },
    { namespace: party.relay, name: "gw1", addresses: ["10.90.0.1/24"] },
  );
  await party.startRelay();
  const first = await party.startGateway();
  const alice = await party.addPlayer("alice");
  await party.startClient(alice, "--address", "10.77.0.50/24");
  await pause(1_000);
  const second = gateway2.spawn(party.gatewayCommand(
    ...["--room", "TWO", "--relay", "10.90.0.1:443", "--state-dir", party.stateDir("gateway2")],
  ));
  await second.waitForLine(/Joined the room TWO/);
  const joinedMs = performance.now();
  await step("the newcomer stands still within a second and names the first", async () => {
    const [, text] = await second.waitForLine(STOPPED, 3_000);
    const tookMs = performance.now() - joinedMs;
    assert(tookMs < STOPPED_WITHIN_MS, `stopped after ${tookMs} ms`);
    const mac = await party.gateway.macOf(PARTY.gatewayInterface);
    assertMatch(text, new RegExp(`the gateway ${mac} was on this LAN before`));
  });
  await step("the first works on, and names the newcomer", async () => {
    const mac = await gateway2.macOf(PARTY.gatewayInterface);
    await first.waitForLine(new RegExp(`Another gateway \\(${mac}\\) is on this LAN`), 3_000);
    await alice.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", HOST_ADDRESS]);
    assert(!STOPPED.test(first.stderr));
  });
  await step("when the first is gone, the other takes over", async () => {
    await first.stop();
    await second.waitForLine(FORWARDS_AGAIN, 8_000);
  });
  await step("and keeps the LAN when the first comes back", async () => {
    // Gateways of nearly the same age settle it by their random ids: let the second grow older.
    await pause(2 * SAME_AGE_MS);
    const again = await party.startGateway();
    await again.waitForLine(STOPPED, 3_000);
    await pause(1_000);
    assertEquals(second.stderr.split("Nothing is forwarded").length, 2, "once, at its start");
    await second.stop();
    await eventually("the first works again", () => FORWARDS_AGAIN.test(again.stderr), 8_000);
    await alice.run(["ping", "-c", "3", "-i", "0.2", "-W", "3", HOST_ADDRESS]);
  });
});

partyTest("loops: a second gateway of the same room on the same LAN", async (party, step) => {
  await makeSwitch(party);
  await party.lab.namespace("gateway2").then((gateway2) =>
    party.lab.veth(
      { namespace: party.lan, name: "g2", bridge: "sw0" },
      { namespace: gateway2, name: PARTY.gatewayInterface },
    )
  );
  const gateway2 = party.lab.get("gateway2");
  await party.lab.veth(
    { namespace: gateway2, name: "wan0", addresses: ["10.90.0.2/24"] },
    { namespace: party.relay, name: "gw1", addresses: ["10.90.0.1/24"] },
  );
  await party.startRelay();
  const first = await party.startGateway();
  const alice = await party.addPlayer("alice");
  await party.startClient(alice, "--address", "10.77.0.50/24");
  const second = gateway2.spawn(party.gatewayCommand(
    ...["--relay", "10.90.0.1:443", "--state-dir", party.stateDir("gateway2")],
  ));
  await using station = await FrameStation.open(party.lan, "host");
  await step("it is kept out, and told why", async () => {
    await second.waitForLine(/The room has a gateway already/);
    assert(!/Joined the room/.test(second.stderr));
    assertEquals(await copiesOf(station, 110, 500), 0);
    await alice.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", HOST_ADDRESS]);
    assert(!STOPPED.test(first.stderr));
  });
  await step("when the first ends, it takes the place", async () => {
    await first.stop();
    await second.waitForLine(/Joined the room LANPARTY/, 20_000);
    await eventually("the player reaches the LAN again", async () => {
      const ping = ["ping", "-c", "1", "-W", "1", HOST_ADDRESS];
      return (await alice.run(ping, { anyCode: true })).code === 0;
    });
    await second.stop();
  });
});

partyTest("loops: a station of the LAN has a player's MAC", async (party, step) => {
  await makeSwitch(party);
  await party.startRelay();
  const gateway = await party.startGateway();
  const alice = await party.addPlayer("alice");
  const mac = "02:00:00:00:00:50";
  await party.startClient(alice, "--address", "10.77.0.50/24", "--virtual-mac", mac);
  const bob = await party.addPlayer("bob");
  await party.startClient(bob, "--address", "10.77.0.51/24");
  // A host of its own that says nothing by itself: neither IPv6 nor answers for the LAN's host.
  const twinHost = await party.lab.namespace("twin", { ipv6: false });
  await party.lab.veth(
    { namespace: party.lan, name: "p1", bridge: "sw0" },
    { namespace: twinHost, name: "twin", mac },
  );
  await using twin = await FrameStation.open(twinHost, "twin");
  await step("that player alone is not served, and named, within a second", async () => {
    assert(!/is not served/.test(gateway.stderr), "the station has been silent");
    const sinceMs = performance.now();
    const silence = keepDoing(() => twin.send(testBroadcast(mac)));
    try {
      await gateway.waitForLine(/alice \(02:00:00:00:00:50\) is not served/, 5_000);
      const tookMs = performance.now() - sinceMs;
      assert(tookMs < STOPPED_WITHIN_MS, `said after ${tookMs} ms`);
      await bob.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", HOST_ADDRESS]);
      const ping = ["ping", "-c", "1", "-W", "1", HOST_ADDRESS];
      assertEquals((await alice.run(ping, { anyCode: true })).code, 1);
    } finally {
      await silence();
    }
    assert(!STOPPED.test(gateway.stderr));
  });
  await step("when the station is silent, it is served again", async () => {
    await gateway.waitForLine(/alice \(02:00:00:00:00:50\) is served again/, 8_000);
    await alice.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", HOST_ADDRESS]);
  });
});

function testBroadcast(source: string): Uint8Array<ArrayBuffer> {
  return ethernet({ destination: BROADCAST_MAC, source, type: TEST_TYPE, payload: pattern(60) });
}

/** Bytes of a probe behind its MACs: the type, and the mark. */
const PROBE = "88b56c616e70726f6265";
const UNPROVEN = /Frames are forwarded again: nothing but a probe has come back/;

/** A LAN probe of a gateway that nobody has heard of, and that is very old. */
function forgedProbe(): Uint8Array<ArrayBuffer> {
  const body = `${PROBE.slice(4)}01000100${"1122334455667788"}${"7fffffff"}${"001122334499"}`;
  const payload = Uint8Array.from(body.match(/../g)!, (digits) => Number.parseInt(digits, 16));
  return ethernet({
    ...{ destination: BROADCAST_MAC, source: HOST_MAC, type: 0x88b5 },
    payload: Uint8Array.from([...payload, ...new Uint8Array(46 - payload.length)]),
  });
}

/** Has a station do something each 100 ms until the returned function is called. */
function keepDoing(act: () => Promise<void>): () => Promise<void> {
  let going = true;
  const done = (async () => {
    while (going) {
      await act();
      await pause(100);
    }
  })();
  return () => {
    going = false;
    return done;
  };
}

partyTest("loops: a station that only wants to be taken for one", async (party, step) => {
  await makeSwitch(party);
  await party.startRelay();
  const gateway = await party.startGateway();
  const alice = await party.addPlayer("alice");
  await party.startClient(alice, "--address", "10.77.0.50/24");
  await using station = await FrameStation.open(party.lan, "host");
  const ping = () => alice.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", HOST_ADDRESS]);
  const echo = async () => {
    const probes = station.frames.filter(({ hex }) => hex.slice(24).startsWith(PROBE));
    station.clear();
    if (probes.length > 0) await station.send(...probes.map(({ bytes }) => bytes));
  };
  await step("what sends the gateway's probes back stops it once, for 3 s", async () => {
    await ping();
    station.clear();
    const stop = keepDoing(echo);
    try {
      await gateway.waitForLine(STOPPED, 5_000);
      await gateway.waitForLine(UNPROVEN, 8_000);
      await ping();
      await pause(4_000);
      await ping();
    } finally {
      await stop();
    }
    assertEquals(gateway.stderr.split("Nothing is forwarded").length, 2, "once");
    assert(!RESUMED.test(gateway.stderr), "nobody says that there was a loop");
  });
  await step("a made-up older gateway does no more", async () => {
    const stop = keepDoing(() => station.send(forgedProbe()));
    try {
      await gateway.waitForLine(/Another gateway \(00:11:22:33:44:99\) is on this LAN/, 5_000);
      await pause(2_000);
      await ping();
    } finally {
      await stop();
    }
    assertEquals(gateway.stderr.split("Nothing is forwarded").length, 2, "not again");
  });
  await step("and a real loop is found as before, while that goes on", async () => {
    const stop = keepDoing(() => station.send(forgedProbe()));
    try {
      await party.lab.veth(
        { namespace: party.lan, name: "p1", bridge: "sw0" },
        { namespace: alice, name: "extra" },
      );
      await alice.bridge("br0");
      await alice.ip("link", "set", PARTY.tap, "master", "br0");
      const sinceMs = performance.now();
      await alice.ip("link", "set", "extra", "master", "br0");
      await eventually(
        "it is stopped again",
        () => gateway.stderr.split("Nothing is forwarded").length === 3,
        5_000,
      );
      const tookMs = performance.now() - sinceMs;
      assert(tookMs < STOPPED_WITHIN_MS, `stopped after ${tookMs} ms`);
      await pause(6_000);
      assert(!RESUMED.test(gateway.stderr), "the loop is still there");
    } finally {
      await stop();
    }
    await alice.ip("link", "set", "extra", "nomaster");
    await gateway.waitForLine(RESUMED, 8_000);
  });
});

partyTest("loops: two rooms at one bridge, and a PC that bridges both", async (party, step) => {
  const { gateway } = party;
  await makeSwitch(party);
  await gateway.bridge("br0");
  await gateway.ip("link", "set", PARTY.gatewayInterface, "master", "br0");
  await party.startRelay();
  const first = await party.startGateway("--interface", "br0");
  const alice = await party.addPlayer("alice");
  await party.startClient(alice, "--address", "10.77.0.50/24");
  // Gateways of nearly the same age settle it by their random ids.
  await pause(2 * SAME_AGE_MS);
  const second = gateway.spawn(party.gatewayCommand(
    ...["--room", "TWO", "--interface", "br0", "--state-dir", party.stateDir("gateway2")],
  ));
  await second.waitForLine(/Joined the room TWO/);
  const joinedMs = performance.now();
  await step("the newcomer stands still within a second, and names the bridge", async () => {
    const [, text] = await second.waitForLine(STOPPED, 3_000);
    const tookMs = performance.now() - joinedMs;
    assert(tookMs < STOPPED_WITHIN_MS, `stopped after ${tookMs} ms`);
    const mac = await gateway.macOf("br0");
    assertMatch(text, new RegExp(`the gateway ${mac} was on this LAN before`));
    await first.waitForLine(new RegExp(`Another gateway \\(${mac}\\) is on this LAN`));
    await alice.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", HOST_ADDRESS]);
  });
  await step("a PC in both rooms that bridges them carries nothing around", async () => {
    const carol = await party.addPlayer("carol");
    await party.startClient(carol, "--no-dhcp");
    const other = carol.spawn(party.clientCommand(
      carol,
      ...["--room", "TWO", "--tap-name", "lanparty1", "--no-dhcp"],
      ...["--state-dir", party.stateDir("carol2")],
    ));
    await other.waitForLine(/adapter .* is up/);
    await carol.bridge("both");
    for (const tap of [PARTY.tap, "lanparty1"]) {
      await carol.ip("link", "set", tap, "master", "both");
    }
    await using station = await FrameStation.open(party.lan, "host");
    await first.stop();
    await second.waitForLine(FORWARDS_AGAIN, 8_000);
    await pause(2 * SAME_AGE_MS);
    const again = await party.startGateway("--interface", "br0");
    await again.waitForLine(STOPPED, 3_000);
    assertEquals(await copiesOf(station, 120, 500), 0);
    await second.stop();
    await again.waitForLine(FORWARDS_AGAIN, 8_000);
    assertEquals(await copiesOf(station, 121, 500), 0);
    await alice.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", HOST_ADDRESS]);
    await other.stop();
  });
});
