/** A PC whose adapters, or folders, are not as the client wants them: what the player is told, and what is left. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type LabProcess, NetworkLab } from "../../tools/lab/netns.ts";
import { eventually } from "../../tools/lab/wait.ts";
import { WINE_ADAPTER, WinePc } from "../support/wine.ts";

const CLIENT = ["wine", "/mnt/lanparty-client.exe"];
/** A relay that does not answer: nobody is joined here. */
const OPTIONS = ["--relay", "192.0.2.1", "--room", "PARTY", "--relay-fingerprint", "A".repeat(43)];
const PROGRAMS = "Program Files/lanparty-client";
const CONNECTING = /Connecting to the relay/;

const CLASS = "{4D36E972-E325-11CE-BFC1-08002BE10318}";
const CONTROL = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control";
const OLD_GUID = "{22222222-0000-0000-0000-000000000000}";
/** A second TAP adapter, in front of the first, which cannot be opened, as one that is disabled. */
const OLD_ADAPTER = [
  `[${CONTROL}\\Class\\${CLASS}\\0006]`,
  '"ComponentId"="tap0901"',
  `"NetCfgInstanceId"="${OLD_GUID}"`,
  '"DriverVersion"="9.24.7.601"',
  "",
  `[${CONTROL}\\Network\\${CLASS}\\${OLD_GUID}\\Connection]`,
  '"Name"="Old VPN"',
];
const RESTARTED = [
  "CM_Locate_DevNodeW ROOT\\NET\\0000 0",
  "CM_Disable_DevNode 7 4",
  "CM_Enable_DevNode 7 0",
];

/** Starts a client that gets as far as looking for its relay, and ends it. */
async function startAndEnd(pc: WinePc, ...options: string[]): Promise<string> {
  const client = pc.client(...OPTIONS, ...options);
  await client.waitForLine(CONNECTING, 30_000);
  await end(client);
  return client.stderr;
}

async function end(client: LabProcess): Promise<void> {
  client.kill("SIGINT");
  assertEquals(await client.waitExit(20_000), 0);
}

/** What a client says that cannot start: one line, no stack trace. */
async function refusalOf(pc: WinePc, ...words: string[]): Promise<string> {
  const { code, stderr } = await pc.run([...CLIENT, ...words], { anyCode: true });
  assertEquals(code, 1, stderr);
  const lines = stderr.trim().split(/\r?\n/);
  assertEquals(lines.filter((line) => / error: /.test(line)).length, 1, stderr);
  assertMatch(lines.at(-1)!, / error: /);
  return lines.at(-1)!;
}

async function filesOf(pc: WinePc): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(pc.diskC(PROGRAMS)))).map(({ name }) => name).sort();
}

Deno.test("a PC that is not as it should be", async (test) => {
  await using lab = await NetworkLab.open();
  const namespace = await lab.namespace("windows");
  // A network in which nobody answers: what is sent to the relay goes to a MAC that nobody has.
  const nobody = await lab.namespace("nobody");
  await lab.veth(
    { namespace, name: "wan0", addresses: ["192.0.2.20/24"] },
    { namespace: nobody, name: "wan0" },
  );
  await namespace.ip("neigh", "add", "192.0.2.1", "lladdr", "02:00:00:00:00:99", "dev", "wan0");
  await using pc = await WinePc.open(namespace);
  await test.step("reset without an adapter says that there is nothing", async () => {
    const { stdout } = await pc.run([...CLIENT, "reset"]);
    assertMatch(stdout, /^This PC has no TAP adapter: there is no MAC to be taken back\r?\n$/);
    assertMatch(await refusalOf(pc, "reset", "--tap", "x"), /no TAP adapter "x"; this PC has none/);
  });
  await test.step("a driver that Windows does not take, or not at once: what to do is said", () =>
    checkDriver(pc));
  await pc.installAdapter();
  await test.step("a folder of programs that others may write is not used", () => checkFolder(pc));
  await test.step("a library that somebody has changed is written anew", () => checkLibrary(pc));
  await test.step("two clients at a time: the second says who has the adapter", () =>
    checkTwoClients(pc));
  await test.step("a MAC that cannot be set: what to do is said, and the adapter runs", () =>
    checkMacRefused(pc));
  await test.step("Ctrl-C while the adapter restarts does not leave it stopped", () =>
    checkInterruptedRestart(pc));
  await pc.register(...OLD_ADAPTER);
  await test.step("of several adapters one is taken that can be used", () => checkSeveral(pc));
  await test.step("an owner's MAC is put back at the end, and after a crash", () => checkOwner(pc));
  await test.step("a driver up to 9.23 reads its MAC elsewhere", () => checkOldDriver(pc));
  await test.step("the doctor knows a driver with a hole", async () => {
    const { stdout } = await pc.run([...CLIENT, "doctor", "--tap", "old vpn"]);
    assertMatch(stdout, /^ {2}adapters: +"Old VPN", "LAN party"\r?$/m);
    assertMatch(stdout, /^! version: +9\.24\.7\.601\r?\n +→ .*update TAP-Windows6 to 9\.27/m);
  });
  await test.step("the doctor tells what Windows' DHCP client has got", () => checkLease(pc));
  await test.step("reset does what it can, and says what it cannot", () => checkReset(pc));
});

const INF = "[tap0901.NTamd64]\n%D% = tap0901.ndi, root\\tap0901\n; tap0901.sys, tap0901.cat\n";

async function checkDriver(pc: WinePc): Promise<void> {
  await pc.installFakes("setupapi", "newdev");
  const names = ["tap.inf", "tap0901.sys", "tap0901.cat"];
  for (const name of names) await pc.write(name, INF);
  for (
    const [matter, said] of [
      ["publisher", /could not be installed: its publisher is not known to Windows; take the pack/],
      ["catalogue", /could not be installed: its catalogue does not fit its files; take the pack/],
      [
        "kind",
        /could not be installed: this kind of Windows takes it from its own installer alone/,
      ],
      ["restart", /error: the driver is installed: restart Windows, then start lanparty-client/],
    ] as const
  ) {
    await pc.write("driver", matter);
    assertMatch(await refusalOf(pc, ...OPTIONS), said);
    assertEquals(await filesOf(pc), []); // the package is not left there
  }
  for (const name of [...names, "driver"]) await pc.remove(name);
  // The device that waits for the restart, and would be the client's own from then on.
  await pc.register("[-HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Enum\\ROOT\\NET\\0000]");
  await Deno.remove(pc.diskC(PROGRAMS));
}

async function checkFolder(pc: WinePc): Promise<void> {
  const folder = pc.diskC(PROGRAMS);
  await Deno.mkdir(folder);
  await Deno.chmod(folder, 0o777);
  const unsafe = new RegExp(
    "error: C:\\\\Program Files\\\\lanparty-client may be written by others than administrators " +
      "\\(.+\\): remove it, and start lanparty-client again",
  );
  assertMatch(await refusalOf(pc, ...OPTIONS), unsafe);
  assertMatch(await refusalOf(pc, "reset"), unsafe);
  assertEquals(await filesOf(pc), []);
  await Deno.remove(folder);
}

async function checkLibrary(pc: WinePc): Promise<void> {
  await startAndEnd(pc);
  const [name, ...others] = await filesOf(pc);
  assertMatch(name, /^msquic-[0-9a-f]{32}\.dll$/);
  assertEquals(others, []);
  const path = pc.diskC(`${PROGRAMS}/${name}`);
  const before = await Deno.readFile(path);
  const changed = before.slice();
  changed[changed.length >> 1] ^= 1;
  await Deno.writeFile(path, changed);
  const old = `msquic-${"0".repeat(32)}.dll`;
  await Deno.writeFile(pc.diskC(`${PROGRAMS}/${old}`), before);
  await startAndEnd(pc);
  assertEquals(await filesOf(pc), [name]);
  assert((await Deno.readFile(path)).every((byte, index) => byte === before[index]));
}

async function checkTwoClients(pc: WinePc): Promise<void> {
  const first = pc.client(...OPTIONS);
  await first.waitForLine(CONNECTING, 30_000);
  await eventually("the first client has changed something", async () => {
    return (await filesOf(pc)).some((name) => name.startsWith("changes-"));
  });
  assertMatch(
    await refusalOf(pc, ...OPTIONS),
    /lanparty-client runs already \(process \d+\) with the TAP adapter "LAN party": close its window/,
  );
  assertMatch(
    await refusalOf(pc, "reset"),
    /"LAN party" is in use: end the client \(process \d+\)/,
  );
  await end(first);
  const other = pc.spawn(["/mnt/wire.exe", "hold"]);
  await other.waitForLine(/holding/);
  assertMatch(await refusalOf(pc, ...OPTIONS), /another program uses the TAP adapter "LAN party"/);
  other.kill("SIGKILL");
  await other.exited;
}

async function checkMacRefused(pc: WinePc): Promise<void> {
  await pc.write("device", "veto");
  const before = (await pc.calls()).length;
  const refusal = await refusalOf(pc, ...OPTIONS, "--virtual-mac", "02:00:00:00:00:77");
  assertMatch(
    refusal,
    /the adapter "LAN party" did not take the MAC 02:00:00:00:00:77 \(CM_Disable_DevNode failed: error 23 \(another program uses it\)\): set it in Device Manager, .*, as 020000000077/,
  );
  // What may stand still is started at once, not at the next start.
  assertEquals((await pc.calls()).slice(before), [
    ...RESTARTED.slice(0, 2),
    ...[RESTARTED[0], RESTARTED[2]],
  ]);
  assertEquals((await filesOf(pc)).filter((name) => name.startsWith("changes-")), []);
  const { code, stderr } = await pc.run([...CLIENT, "reset"], { anyCode: true });
  assertEquals(code, 1);
  assertMatch(stderr, /error: "LAN party" could not be given its own MAC .*: restart Windows/);
  assertEquals((await pc.calls()).at(-1), RESTARTED[2]);
  await pc.remove("device");
}

async function checkInterruptedRestart(pc: WinePc): Promise<void> {
  await pc.write("device", "slow");
  const before = (await pc.calls()).length;
  const client = pc.client(...OPTIONS, "--virtual-mac", "02:00:00:00:00:78");
  await eventually("the adapter stops", async () => {
    return (await pc.calls()).slice(before).includes(RESTARTED[1]);
  }, 30_000);
  client.kill("SIGINT");
  await client.waitForLine(CONNECTING, 30_000);
  assertEquals((await pc.calls()).slice(before, before + 3), RESTARTED);
  await pc.remove("device");
  await end(client);
}

async function checkSeveral(pc: WinePc): Promise<void> {
  const said = await startAndEnd(pc, "--virtual-mac", "02:00:00:00:00:79");
  assertMatch(said, /Giving the adapter "LAN party" the MAC 02:00:00:00:00:79/);
  const gone = /the TAP adapter "Old VPN" is disabled, or its driver does not run: enable it among/;
  assertMatch(await refusalOf(pc, ...OPTIONS, "--tap", "old vpn"), gone);
  const other = pc.spawn(["/mnt/wire.exe", "hold"]);
  await other.waitForLine(/holding/);
  // The other one is somebody's: it is not even tried.
  assertMatch(
    await refusalOf(pc, ...OPTIONS),
    /error: another program uses the TAP adapter "LAN party"/,
  );
  other.kill("SIGKILL");
  await other.exited;
}

async function checkLease(pc: WinePc): Promise<void> {
  const key = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\" +
    `Interfaces\\${WINE_ADAPTER.guid}`;
  const report = async (...lines: string[]) => {
    await pc.register(`[${key}]`, ...lines);
    return (await pc.run([...CLIENT, "doctor", "--tap", "LAN party"])).stdout;
  };
  const lease = ['"DhcpIPAddress"="10.77.0.50"', '"DhcpServer"="10.77.0.1"'];
  assertMatch(await report('"EnableDHCP"=dword:00000001'), /^ {2}DHCP: +no lease\r?$/m);
  assertMatch(await report(...lease), /^ {2}DHCP: +10\.77\.0\.50 from 10\.77\.0\.1\r?$/m);
  const off = await report('"EnableDHCP"=dword:00000000');
  assertMatch(off, /^ {2}DHCP: +off: it has a fixed address\r?$/m);
}

const OWNERS_MAC = "00FF55667788";
const SETTINGS = `[${CONTROL}\\Class\\${CLASS}\\0007]`;
const CONNECTION = `[${CONTROL}\\Network\\${CLASS}\\${WINE_ADAPTER.guid}\\Connection]`;

async function macsOf(pc: WinePc): Promise<(string | undefined)[]> {
  return [await pc.readSetting("NetworkAddress"), await pc.readSetting("MAC")];
}

/** The adapter as a work VPN has it, which goes by its MAC; the driver takes it for a permanent one, and no more. */
async function checkOwner(pc: WinePc): Promise<void> {
  const remove = '"LanPartyAdapter"=-';
  await pc.register(SETTINGS, remove, `"NetworkAddress"="${OWNERS_MAC}"`, '"MAC"=-');
  await pc.register(CONNECTION, '"Name"="Work VPN"');
  assertMatch(
    await refusalOf(pc, ...OPTIONS),
    /Windows made no adapter for the party \(.+\), and "Old VPN", "Work VPN" may be other programs'/,
  );
  const options = [...OPTIONS, "--tap", "work vpn", "--virtual-mac", "02:00:00:00:00:80"];
  const before = (await pc.calls()).length;
  const killed = pc.client(...options);
  await killed.waitForLine(CONNECTING, 30_000);
  assertEquals(await macsOf(pc), ["020000000080", "020000000080"]);
  assertEquals(await pc.readSetting("LanPartyAdapter"), undefined);
  killed.kill("SIGKILL");
  await killed.waitExit(10_000);
  const next = pc.client(...options);
  await next.waitForLine(CONNECTING, 30_000);
  assertEquals(await macsOf(pc), ["020000000080", "020000000080"]);
  await end(next);
  assertEquals(await macsOf(pc), [OWNERS_MAC, undefined]);
  // Set, put back and set again, put back.
  const restarts = (await pc.calls()).slice(before).filter((call) => call === RESTARTED[1]);
  assertEquals(restarts.length, 4);
  assertEquals((await filesOf(pc)).filter((name) => name.startsWith("changes-")), []);
  await checkOwnerAfterCrash(pc);
  await pc.register(CONNECTION, `"Name"="${WINE_ADAPTER.name}"`);
  await pc.register(SETTINGS, '"NetworkAddress"=-');
}

/** One whose name is no product's is known for its owner's by its MAC alone, which a killed client has covered up. */
async function checkOwnerAfterCrash(pc: WinePc): Promise<void> {
  await pc.register(CONNECTION, '"Name"="Ethernet 3"');
  const kill = async () => {
    const client = pc.client(...OPTIONS, "--tap", "ethernet 3");
    await client.waitForLine(CONNECTING, 30_000);
    assertEquals((await macsOf(pc)).includes(OWNERS_MAC), false);
    client.kill("SIGKILL");
    await client.waitExit(10_000);
  };
  await kill();
  assertMatch(
    await refusalOf(pc, ...OPTIONS),
    /Windows made no adapter for the party \(.+\), and "Old VPN", "Ethernet 3" may be other/,
  );
  assertEquals(await macsOf(pc), [OWNERS_MAC, undefined]);
  await kill();
  const { stdout } = await pc.run([...CLIENT, "reset"]);
  assertMatch(stdout, /"Ethernet 3" has its own MAC again/);
  assertEquals(await macsOf(pc), [OWNERS_MAC, undefined]);
}

async function checkOldDriver(pc: WinePc): Promise<void> {
  await pc.register(SETTINGS, '"DriverVersion"="9.21.2.0"');
  const said = await startAndEnd(pc, "--virtual-mac", "02:00:00:00:00:81");
  assertMatch(said, /Giving the adapter "LAN party" the MAC 02:00:00:00:00:81/);
  assertEquals(await macsOf(pc), ["020000000081", "020000000081"]);
  // The driver has it: it is not given anew.
  const again = await startAndEnd(pc, "--virtual-mac", "02:00:00:00:00:81");
  assert(!again.includes("Giving the adapter"), again);
  await pc.register(SETTINGS, '"DriverVersion"="9.27.0.0"');
}

/** The other adapter's device has no instance id, and is not the client's. */
async function checkReset(pc: WinePc): Promise<void> {
  await pc.register(`[${CONTROL}\\Class\\${CLASS}\\0006]`, '"NetworkAddress"="020000000001"');
  const { stdout } = await pc.run([...CLIENT, "reset"]);
  assertMatch(stdout, /"LAN party" has its own MAC again/);
  assertMatch(stdout, /"Old VPN" keeps its MAC, which is not the client's \(reset --tap "Old VPN"/);
  assertEquals(await macsOf(pc), [undefined, undefined]);
  assertMatch(
    await refusalOf(pc, "reset", "--tap", "old vpn"),
    /error: "Old VPN" could not be given its own MAC \(its device has no instance/,
  );
}
