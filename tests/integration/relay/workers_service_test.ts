/**
 * The compiled relay with two reactors as a service: one main process for the service manager.
 *
 * ```
 *  manager ◄── READY, STATUS, WATCHDOG, RELOADING, STOPPING ── supervisor ◄─► reactors
 * ```
 */
import { assert, assertEquals, assertGreater, assertMatch, assertNotEquals } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { ServiceManager } from "../../support/service_manager.ts";
import { arrive, reactorPids, roomOf } from "../../support/reactors.ts";
import { LabProcess } from "../../../tools/lab/process.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { eventually } from "../../../tools/lab/wait.ts";
import { issueLeaf, makeAuthority } from "../../../tools/lab/certificates.ts";

const OPTIONS = ["--reactors", "2"];
const [ROOM_0, ROOM_1] = [roomOf(0, 2), roomOf(1, 2)];
const MAC_A = "02:00:00:00:00:0a";
/** Five times what the watchdog's interval would be. */
const WATCHDOG_PAUSE_MS = 1_000;

Deno.test("a service manager hears of all reactors by one voice", async () => {
  await using manager = await ServiceManager.open();
  await using relay = await RelayProcess.start({ prefix: manager.prefix, options: OPTIONS });
  await manager.hears(/^READY=1\nSTATUS=0 rooms, 0 peers$/);
  await using _ann = await arrive(relay.address, { room: ROOM_0, mac: MAC_A });
  await using _bob = await arrive(relay.address, { room: ROOM_1, mac: MAC_A });
  await manager.hears(/^STATUS=2 rooms, 2 peers$/);
  relay.kill("SIGHUP");
  await manager.hears(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
  await eventually("READY again", () => manager.count(/^READY=1/) === 2);
  assertEquals(relay.log.match(/"Certificate read anew"/g)?.length, 2);
  const before = manager.count(/^WATCHDOG=1$/);
  await eventually("the watchdog", () => manager.count(/^WATCHDOG=1$/) >= before + 5);
  relay.kill("SIGTERM");
  assertEquals(await relay.waitExit(), 0);
  await manager.hears(/^STOPPING=1\nSTATUS=stopping$/);
});

Deno.test("a stuck reactor silences the watchdog, is killed and started again", async () => {
  await using manager = await ServiceManager.open();
  await using relay = await RelayProcess.start({ prefix: manager.prefix, options: OPTIONS });
  await using ann = await arrive(relay.address, { room: ROOM_0, mac: MAC_A });
  const stuck = reactorPids(relay.pid).get(1)!;
  await eventually("the watchdog", () => manager.count(/^WATCHDOG=1$/) > 3);
  const fromMs = performance.now();
  Deno.kill(stuck, "SIGSTOP");
  await eventually("another process", () => {
    const pid = reactorPids(relay.pid).get(1);
    return pid !== undefined && pid !== stuck;
  });
  await using bob = await eventuallyArrive(relay);
  assertEquals(bob.address.port, relay.addresses[1].port);
  assertGreater(manager.longestPauseMs(/^WATCHDOG=1$/, fromMs), WATCHDOG_PAUSE_MS * 0.8);
  const resumed = manager.count(/^WATCHDOG=1$/);
  await eventually("the watchdog again", () => manager.count(/^WATCHDOG=1$/) > resumed + 3);
  assert(relay.log.includes("A reactor is stuck, and is killed"));
  assertEquals(ann.endpoint.ending, undefined);
});

async function eventuallyArrive(relay: RelayProcess) {
  let found: Awaited<ReturnType<typeof arrive>> | undefined;
  await eventually("reactor 1 lets in", async () => {
    found = await arrive(relay.address, { room: ROOM_1, mac: MAC_A }).catch(() => undefined);
    return found !== undefined;
  });
  return found!;
}

Deno.test("a signal to the whole group, as of a terminal or a manager, is one end and no accident", async () => {
  await using manager = await ServiceManager.open();
  const prefix = ["setsid", ...manager.prefix];
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    await using relay = await RelayProcess.start({ prefix, options: OPTIONS });
    await using ann = await arrive(relay.address, { room: ROOM_1, mac: MAC_A });
    Deno.kill(-relay.pid, "SIGHUP");
    await eventually("a reload", () => relay.log.includes("Certificate read anew"));
    Deno.kill(-relay.pid, signal);
    assertEquals((await ann.endpoint.message())["code"], "relay-restarting");
    assertEquals(await relay.waitExit(), 0);
    assert(!relay.log.includes('"level":"ERROR"'), relay.log);
  }
});

/** What the unit leaves a service: no right but this one, for its children, too. */
const RIGHTS: readonly string[] = [
  "setpriv",
  ...["--bounding-set", "-all,+net_bind_service", "--inh-caps", "-all,+net_bind_service"],
  ...["--ambient-caps", "-all,+net_bind_service", "--no-new-privs"],
];

Deno.test("reactors listen below 1024 with CAP_NET_BIND_SERVICE alone, also when started again", async () => {
  // All of 127.0.0.0/8 is this machine: nobody else has this port of it.
  const host = [127, ...crypto.getRandomValues(new Uint8Array(3)).map((byte) => byte | 1)];
  const listen = [`${host.join(".")}:443`];
  await using relay = await RelayProcess.start({ prefix: RIGHTS, listen, options: OPTIONS });
  assertEquals(relay.addresses.map(({ port }) => port), [443, 444]);
  const pids = reactorPids(relay.pid);
  for (const pid of pids.values()) {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    assertMatch(status, /^CapEff:\t0000000000000400$/m);
    assertMatch(status, /^NoNewPrivs:\t1$/m);
  }
  Deno.kill(pids.get(1)!, "SIGKILL");
  await eventually("another process", () => {
    const pid = reactorPids(relay.pid).get(1);
    return pid !== undefined && pid !== pids.get(1);
  });
  await using bob = await eventuallyArrive(relay);
  assertEquals(bob.address.port, 444);
});

Deno.test("a new certificate is every reactor's, and redirects name its key", async () => {
  await using relay = await RelayProcess.start({ options: OPTIONS });
  const pinOf = async (caPem: string) => {
    await using ann = await arrive({ ...relay.address, caPem }, { room: ROOM_1, mac: MAC_A });
    return String(ann.redirects[0]["fingerprint"]);
  };
  const before = await pinOf(relay.address.caPem);
  const folder = relay.caFile.replace(/ca\.pem$/, "");
  const authority = await makeAuthority();
  const leaf = await issueLeaf(authority, { names: ["relay.test"] });
  await Deno.writeTextFile(`${folder}/cert.pem`, leaf.certificatePem);
  await Deno.writeTextFile(`${folder}/key.pem`, leaf.keyPem, { mode: 0o600 });
  relay.kill("SIGHUP");
  await eventually(
    "both have read it",
    () =>
      [0, 1].every((reactor) =>
        new RegExp(`"Certificate read anew".*"reactor":${reactor}`).test(relay.log)
      ),
  );
  assertNotEquals(await pinOf(authority.certificatePem), before);
});

Deno.test("at the first start one certificate is made, for all", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-relay-" });
  try {
    const relay = new LabProcess([
      ...[executablePath("relay"), "--listen", "127.0.0.1:0", "--state-dir", `${folder}/state`],
      ...["--dev-cert-der-out", `${folder}/relay.der`, "--reactors", "4"],
    ]);
    const [, made] = await relay.waitForLine(/Certificate made fingerprint=(\S+)/, 30_000);
    assertEquals(await relay.stop(), 0);
    const { stdout } = await new Deno.Command(executablePath("relay"), {
      args: ["fingerprint", "--state-dir", `${folder}/state`],
    }).output();
    assertEquals(new TextDecoder().decode(stdout).trim(), made);
    assertEquals(relay.stderr.match(/Certificate (made|renewed)/g)?.length, 1);
    assertEquals(relay.stderr.match(/Listening/g)?.length, 4);
    assertEquals((await Deno.stat(`${folder}/relay.der`)).isFile, true);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
