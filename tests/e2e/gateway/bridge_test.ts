/**
 * A gateway at a Linux bridge: the machine that it runs on is a host of the party, too.
 *
 * ```text
 *   lan              gateway                              relay             alice
 *  ┌────────┐       ┌───────────────────────────────┐    ┌─────────┐       ┌───────────┐
 *  │  eth0 ─┼───────┼ lan0 ─ br0 ─ lanparty-gw0     │    │         │       │ lanparty0 │
 *  │ .77.1  │       │        .77.2              wan0┼────┼ gw0  pl0┼───────┼ wan0 .77.50
 *  └────────┘       └───────────────────────────────┘    └─────────┘       └───────────┘
 * ```
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { FrameStation } from "../../support/frame_station.ts";
import { NOBODY, PublicExecutable } from "../../support/nobody.ts";
import { PARTY, type Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const BRIDGE = "br0";
const PORT = "lanparty-gw0";
/** The EtherType of CAM refreshes. */
const CAM_REFRESH = 0x88b5;
/** A multicast group. */
const GROUP = "239.1.2.3";
const BOX = "10.77.0.2";
const ALICE = "10.77.0.50";

async function makeBridge(party: Party): Promise<void> {
  await party.gateway.bridge(BRIDGE, { addresses: [`${BOX}/24`] });
  // A bridge that asks its ports for groups, and gives each only what it has asked for.
  // deno-fmt-ignore
  await party.gateway.ip("link", "set", BRIDGE, "type", "bridge", "mcast_snooping", "1",
    "mcast_querier", "1", "mcast_query_response_interval", "100");
  await party.gateway.ip("link", "set", PARTY.gatewayInterface, "master", BRIDGE);
}

function ping(from: Party["lan"], to: string) {
  return from.run(["ping", "-c", "3", "-i", "0.2", "-W", "2", to]);
}

partyTest("bridge: players reach the gateway's own machine", async (party, step) => {
  await makeBridge(party);
  await party.startRelay();
  const mac = await party.gateway.macOf(BRIDGE);
  const gateway = await party.startGateway("--interface", BRIDGE);
  const alice = await party.addPlayer("alice");
  await party.startClient(alice, "--address", `${ALICE}/24`);
  await step("a port of its own is at the bridge, whose MAC and MTU are as before", async () => {
    const { stdout } = await party.gateway.run(["bridge", "link", "show"]);
    assertMatch(stdout, new RegExp(`${PORT}.* master ${BRIDGE} state forwarding`));
    assertEquals(await party.gateway.macOf(BRIDGE), mac);
    assertMatch(await party.gateway.ip("link", "show", BRIDGE), / mtu 1500 /);
    const details = await party.gateway.run(["bridge", "-d", "link", "show", "dev", PORT]);
    assertMatch(details.stdout, /mcast_router 2/);
    assert(!/Players .* not .*this machine itself/.test(gateway.stderr), gateway.stderr);
  });
  await step("player, machine and LAN reach each other", async () => {
    await ping(alice, BOX);
    await ping(party.gateway, ALICE);
    await ping(alice, PARTY.lanAddress);
    await ping(party.lan, ALICE);
    await ping(party.lan, BOX);
  });
  await step("full packets and TCP with offloads on pass between player and machine", async () => {
    const server = party.gateway.spawn(["iperf3", "--server", "--one-off", "--forceflush"]);
    await server.waitForLine(/Server listening/);
    await alice.run(["iperf3", "--client", BOX, "--time", "1"]);
    const { mtu } = await alice.linkOf(PARTY.tap);
    await alice.run(["ping", "-c", "2", "-i", "0.2", "-s", `${mtu - 28}`, "-M", "do", BOX]);
  });
  await step("multicast of a group that nobody has asked for reaches the player", async () => {
    const capture = alice.spawn(["tcpdump", "-lni", PARTY.tap, "-c", "1", `dst ${GROUP}`]);
    await capture.waitForLine(/listening on/);
    const ping = ["ping", "-c", "1", "-W", "1", "-I", PARTY.lanInterface, GROUP];
    await eventually("the packet is seen", async () => {
      await party.lan.run(ping, { anyCode: true });
      return !capture.running;
    }, 5_000);
    assertMatch(capture.stdout, /ICMP echo request/);
  });
  await step("a bridge that is made anew is used again", async () => {
    await party.gateway.ip("link", "del", BRIDGE);
    await gateway.waitForLine(/is gone/);
    await makeBridge(party);
    await eventually("the port is back", () =>
      party.gateway.has("lanparty-gw0")
        .then((has) => has || party.gateway.has("lanparty-gw1")));
    await eventually(
      "the player is back",
      async () =>
        (await alice.run(["ping", "-c", "1", "-W", "1", BOX], { anyCode: true })).code === 0,
    );
  });
  await step("the port is gone when the gateway ends, and when it is killed", async () => {
    const ports = async () =>
      (await party.gateway.run(["bridge", "link", "show"])).stdout.split("\n")
        .filter((line) => line.includes("lanparty-gw")).length;
    assertEquals(await ports(), 1);
    await gateway.stop();
    assertEquals(await ports(), 0);
    const second = await party.startGateway("--interface", BRIDGE);
    assertEquals(await ports(), 1);
    second.kill("SIGKILL");
    await second.waitExit();
    assertEquals(await ports(), 0);
    assertMatch(await party.gateway.ip("link", "show", BRIDGE), / mtu 1500 /);
  });
});

partyTest("bridge: one that speaks spanning tree lets a new port wait", async (party, step) => {
  const { gateway: box, lan } = party;
  // Two seconds to listen, and two to learn: the least that the kernel takes.
  // deno-fmt-ignore
  await box.ip("link", "add", BRIDGE, "up", "type", "bridge", "stp_state", "1", "forward_delay",
    "200", "mcast_snooping", "0");
  await box.ip("link", "set", PARTY.gatewayInterface, "master", BRIDGE);
  await eventually("the card's port forwards", async () => {
    return / state forwarding /.test((await box.run(["bridge", "link", "show"])).stdout);
  }, 15_000);
  await party.startRelay();
  const alice = await party.addPlayer("alice");
  await party.startClient(alice, "--address", `${ALICE}/24`);
  const mac = await alice.macOf(PARTY.tap);
  await using station = await FrameStation.open(lan, PARTY.lanInterface);
  const gateway = await party.startGateway("--interface", BRIDGE);
  await step("it is said, and not that the LAN is connected", () => {
    assertMatch(gateway.stderr, /warning: The bridge br0 lets nothing through .*spanning tree/);
    assert(!/is connected/.test(gateway.stderr), gateway.stderr);
    assertEquals(station.frames.filter(({ source }) => source === mac), []);
  });
  await step("as soon as it forwards, the switches learn the player", async () => {
    await gateway.waitForLine(/The LAN on br0 is connected/, 15_000);
    await station.waitFor(({ source, type }) => source === mac && type === CAM_REFRESH);
    await ping(lan, ALICE);
  });
});

partyTest("bridge: on a card it is said what players do not reach", async (party, step) => {
  await party.startRelay();
  await step("in one line, with the remedy", async () => {
    const gateway = await party.startGateway();
    const lines = gateway.stderr.split("\n").filter((line) =>
      line.includes("not this machine itself")
    );
    assertEquals(lines.length, 1);
    assertMatch(lines[0], /make lan0 a port of a Linux bridge/);
    await gateway.stop();
  });
  await step("a cable that is not plugged in is said, too", async () => {
    await party.lan.ip("link", "set", PARTY.lanInterface, "down");
    const gateway = await party.startGateway();
    assertMatch(gateway.stderr, /About lan0: it has no carrier/);
    await gateway.stop();
    await party.lan.ip("link", "set", PARTY.lanInterface, "up");
  });
  await step("so is a MACVLAN, which hears its own MAC alone", async () => {
    const { gateway: box } = party;
    await box.ip("link", "add", "mv0", "link", PARTY.gatewayInterface, "type", "macvlan");
    await box.ip("link", "set", "mv0", "up");
    const gateway = await party.startGateway("--interface", "mv0");
    assertMatch(
      gateway.stderr,
      /warning: About mv0: it is a MACVLAN, .* players will not be reached/,
    );
    await gateway.stop();
  });
  await step("what cannot be bridged is refused, with the reason", async () => {
    const { gateway: box } = party;
    await box.ip("tuntap", "add", "tun0", "mode", "tun");
    for (const [name, reason] of [["lo", "loopback"], ["tun0", "does not speak Ethernet"]]) {
      const gateway = box.spawn(party.gatewayCommand("--interface", name));
      assertEquals(await gateway.waitExit(), 1);
      assertMatch(gateway.stderr, new RegExp(`error: "${name}" cannot be bridged: .*${reason}`));
      assertEquals(gateway.stderr.trim().split("\n").length, 1, gateway.stderr);
    }
  });
});

/** Whether the device is everyone's, as udev makes it: what the unit counts on. */
function everyoneMakesTaps(): boolean {
  return (Deno.statSync("/dev/net/tun").mode! & 0o006) === 0o006;
}

partyTest("bridge: the rights of the unit are enough", async (party, step) => {
  await makeBridge(party);
  await party.startRelay();
  const folder = Deno.makeTempDirSync({ prefix: "lanparty-nobody-" });
  using executable = new PublicExecutable("gateway");
  try {
    const [key, certificate] = [`${folder}/party.key`, `${folder}/relay.der`];
    Deno.copyFileSync(party.keyFile, key);
    Deno.copyFileSync(party.certificateFile, certificate);
    for (const path of [folder, key, certificate]) Deno.chownSync(path, NOBODY, NOBODY);
    const rights = "-all,+net_raw,+net_admin";
    const options = ["--gateway-key-file", key, "--relay-ca-cert", certificate];
    const asNobody = (name: string) =>
      party.gateway.spawn([
        ...["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"],
        ...[`--inh-caps=${rights}`, `--ambient-caps=${rights}`, `--bounding-set=${rights}`],
        executable.path,
        ...party.gatewayCommand(...options, "--interface", name, "--state-dir", `${folder}/state`)
          .slice(1),
      ]);
    for (const name of [BRIDGE, PARTY.gatewayInterface]) {
      await step(`at ${name}`, async () => {
        const gateway = asNobody(name);
        await gateway.waitForLine(/Joined the room/, 20_000);
        const port = name === BRIDGE && everyoneMakesTaps();
        assertEquals(/without a port of its own/.test(gateway.stderr), name === BRIDGE && !port);
        assert(!/error|stay as they are/.test(gateway.stderr), gateway.stderr);
        const { stdout } = await party.gateway.run(["bridge", "-d", "link", "show"]);
        assertEquals(/lanparty-gw0[^]*mcast_router 2/.test(stdout), port);
        assertEquals(await gateway.stop(), 0);
      });
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  await step(
    "the list of interfaces says which can be bridged, and why others cannot",
    async () => {
      const [executable] = party.gatewayCommand();
      const { stdout } = await party.gateway.run([executable, "interfaces"]);
      const lines = new Map(stdout.split("\n").map((line) => [line.split(" ")[0], line]));
      assertMatch(
        lines.get(BRIDGE)!,
        /^br0 +bridge +..:..:..:..:..:.. +yes +players reach this machine/,
      );
      assertMatch(lines.get("wan0")!, /^wan0 +Ethernet +..:..:..:..:..:.. +yes$/);
      assertMatch(lines.get(PARTY.gatewayInterface)!, / +yes, but +it is a port of br0: name br0/);
      assertMatch(lines.get("lo")!, /^lo +loopback +no +it is the loopback/);
    },
  );
});
