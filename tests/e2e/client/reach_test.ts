/**
 * Why there is no connection with the relay: each reason is told in words of its own within 3 s, while it is tried on,
 * and taken back when the relay answers.
 *
 * ```text
 *   player                  router                     relay
 *  ┌──────────────┐        ┌─────────────────┐        ┌──────────────────────────┐
 *  │ wan0    .2 ──┼────────┼─ in0 .1  out0 .1┼────────┼─ wan0 198.51.100.10      │
 *  └──────────────┘ 10.95  │ dnsmasq         │ 198.51 └──────────────────────────┘
 *                          └─────────────────┘
 * ```
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { sayingPattern } from "../../support/sentences.ts";
import { filterPackets } from "../../../tools/lab/packet_filter.ts";
import { type LabProcess, type Namespace, NetworkLab } from "../../../tools/lab/netns.ts";

const RELAY = "198.51.100.10";
const NOBODY = "198.51.100.99";
const ROUTER = "10.95.0.1";
const NAME = "relay.example.org";
const PORT = 443;
/** How soon it has to be said; a busy machine may take longer to start. */
const SAID_MAX_MS = 15_000;

interface Scene {
  readonly lab: NetworkLab;
  readonly player: Namespace;
  readonly router: Namespace;
  readonly relay: Namespace;
}

async function open(): Promise<Scene> {
  const lab = await NetworkLab.open();
  const resolvConf = "nameserver 10.95.0.1\noptions timeout:1 attempts:2\n";
  const player = await lab.namespace("player", { resolvConf });
  const router = await lab.namespace("router", { forwarding: true });
  const relay = await lab.namespace("relay");
  await lab.veth(
    { namespace: player, name: "wan0", addresses: ["10.95.0.2/24"] },
    { namespace: router, name: "in0", addresses: ["10.95.0.1/24"] },
  );
  await lab.veth(
    { namespace: router, name: "out0", addresses: ["198.51.100.1/24"] },
    { namespace: relay, name: "wan0", addresses: [`${RELAY}/24`] },
  );
  await player.ip("route", "add", "default", "via", "10.95.0.1");
  await relay.ip("route", "add", "default", "via", "198.51.100.1");
  return { lab, player, router, relay };
}

/** The client's whole lines; it is ended when the test is. */
function start(
  { lab, player }: Scene,
  relay: string,
  fingerprint = "A".repeat(43),
  place = player,
  ...options: string[]
): LabProcess {
  return place.spawn([
    executablePath("client"),
    ...["--relay", relay, "--relay-fingerprint", fingerprint, "--room", "PARTY"],
    ...["--state-dir", `${lab.folder}/state-${crypto.randomUUID()}`, ...options],
  ]);
}

/** Starts the relay. @returns its fingerprint, too */
async function startRelay(
  { lab, relay }: Scene,
  ...options: string[]
): Promise<{ process: LabProcess; fingerprint: string }> {
  const process = relay.spawn([
    executablePath("relay"),
    ...["--listen", `${PORT}/udp`, "--state-dir", `${lab.folder}/relay`, ...options],
  ]);
  await process.waitForLine(/fingerprint/, SAID_MAX_MS);
  const fingerprint = /fingerprint[=: ]+([A-Za-z0-9_-]{43})/.exec(process.stderr)?.[1];
  assert(fingerprint !== undefined, process.stderr);
  return { process, fingerprint };
}

/** Starts a client, waits for what it is to say, and ends it. */
async function says(
  scene: Scene,
  relay: string,
  expected: RegExp,
  fingerprint?: string,
): Promise<void> {
  const client = start(scene, relay, fingerprint);
  try {
    await client.waitForLine(expected, SAID_MAX_MS);
  } finally {
    client.kill("SIGINT");
    assertEquals(await client.waitExit(15_000), 0, client.stderr);
  }
  assert(!/UNREACHABLE|CONNECTION_|status \d|errno/.test(client.stderr), client.stderr);
}

Deno.test("who lets nothing through, and who is not there, is told apart", async (test) => {
  const scene = await open();
  await using _ = scene.lab;
  const { player, router } = scene;
  await test.step("nobody listens there", async () => {
    await says(
      scene,
      RELAY,
      sayingPattern("relay/nobody-listens", { address: RELAY, port: "443" }),
    );
  });
  await test.step("UDP is dropped: it is said that the machine is there, and it is tried on", async () => {
    await using stack = new AsyncDisposableStack();
    stack.defer(await filterPackets(router, "forward", `udp dport ${PORT} drop`));
    await says(
      scene,
      RELAY,
      sayingPattern("relay/silent-and-there", { address: RELAY, port: "443" }),
    );
  });
  await test.step("everything is dropped: nothing comes back", async () => {
    await using stack = new AsyncDisposableStack();
    stack.defer(await filterPackets(router, "forward", `ip daddr ${RELAY} drop`));
    await says(
      scene,
      RELAY,
      sayingPattern("relay/silent", { address: RELAY, port: "443" }),
    );
  });
  await test.step("a firewall on the way says no, whatever it calls it", async () => {
    for (const kind of ["admin-prohibited", "port-unreachable"]) {
      await using stack = new AsyncDisposableStack();
      const rule = `udp dport ${PORT} reject with icmp ${kind}`;
      stack.defer(await filterPackets(router, "forward", rule));
      await says(
        scene,
        RELAY,
        sayingPattern("relay/blocked-on-the-way", { by: ROUTER, address: RELAY, port: "443" }),
      );
    }
  });
  await test.step("this PC's own firewall does", async () => {
    await using stack = new AsyncDisposableStack();
    stack.defer(await filterPackets(player, "output", `udp dport ${PORT} drop`));
    await says(scene, RELAY, sayingPattern("relay/blocked-here", { address: RELAY, port: "443" }));
  });
  await test.step("nobody is at that address", async () => {
    await says(scene, NOBODY, sayingPattern("relay/no-way-from", { address: NOBODY, by: ROUTER }));
  });
});

Deno.test("names, and networks that are not there, are told apart", async (test) => {
  const scene = await open();
  await using _ = scene.lab;
  const { player, router } = scene;
  await test.step("no name server answers", async () => {
    await using stack = new AsyncDisposableStack();
    stack.defer(await filterPackets(router, "input", "udp dport 53 drop"));
    await says(
      scene,
      NAME,
      sayingPattern("relay/no-name-server", { host: NAME }),
    );
  });
  await test.step("a name that there is not, and one of IPv6 alone", async () => {
    const names = router.spawn([
      ...["dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=/dev/null"],
      ...["--port=53", "--bind-interfaces", "--listen-address=10.95.0.1", "--pid-file="],
      ...["--local=/example.org/", "--host-record=six.example.org,2001:db8:5::1"],
    ]);
    await names.waitForLine(/started/, SAID_MAX_MS);
    await says(
      scene,
      "typo.example.org",
      sayingPattern("relay/no-address", { host: "typo.example.org" }),
    );
    await says(
      scene,
      "six.example.org",
      sayingPattern("relay/no-ipv6"),
    );
    await names.stop();
  });
  await test.step("an IPv6 address, without IPv6", async () => {
    await says(
      scene,
      "[2001:db8:5::1]:443",
      sayingPattern("relay/no-ipv6"),
    );
  });
  await test.step("no network at all", async () => {
    await player.ip("route", "del", "default");
    await says(scene, RELAY, sayingPattern("relay/no-network"));
    await says(scene, NAME, sayingPattern("relay/no-network"));
    await player.ip("route", "add", "default", "via", "10.95.0.1");
  });
});

Deno.test("what comes back in time takes back what was said of its absence", async () => {
  const scene = await open();
  await using _ = scene.lab;
  const { process, fingerprint } = await startRelay(scene, "--policy", "open");
  const clear = await filterPackets(scene.router, "forward", `udp dport ${PORT} drop`);
  const client = start(scene, RELAY, fingerprint);
  await client.waitForLine(sayingPattern("relay/silent-and-there"), SAID_MAX_MS);
  await clear();
  await client.waitForLine(/Joined the room/, SAID_MAX_MS);
  assertStringIncludes(client.stderr, "Connected to the relay");
  assertEquals(client.stderr.match(/It is tried on\./g)?.length, 1);
  assertEquals(await client.stop(), 0);
  assertEquals(await process.stop(), 0);
});

Deno.test("a relay that takes no more connections is said to be full", async () => {
  const scene = await open();
  await using _ = scene.lab;
  const options = ["--policy", "open", "--max-connections", "2"];
  const { process, fingerprint } = await startRelay(scene, ...options);
  const others = ["party0", "party1"].map((name) =>
    start(scene, RELAY, fingerprint, scene.router, "--tap-name", name)
  );
  for (const other of others) await other.waitForLine(/Joined the room/, SAID_MAX_MS);
  await says(scene, RELAY, sayingPattern("relay/full", { address: RELAY }), fingerprint);
  for (const other of others) assertEquals(await other.stop(), 0);
  assertEquals(await process.stop(), 0);
});
