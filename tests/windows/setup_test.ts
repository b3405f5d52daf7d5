// Runs alone: it puts a driver into the tree, and compiles the client with it.
/** A PC on which the client sets up what is missing, and takes back what stays. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { prepareWindowsClient } from "../../tools/build/build.ts";
import { BuildError } from "../../tools/build/cache.ts";
import { compileWindowsClient } from "../../tools/build/executables.ts";
import { NetworkLab } from "../../tools/lab/netns.ts";
import { WINE_ADAPTER, WINE_JOURNAL, WinePc } from "../support/wine.ts";

const FINGERPRINT = "A".repeat(43);
const OPTIONS = ["--relay", "192.0.2.1", "--room", "PARTY", "--relay-fingerprint", FINGERPRINT];
const CLIENT = ["wine", "/mnt/lanparty-client.exe"];
const IDENTITY = "users/player/AppData/Roaming/lanparty-client/lanparty-client-identity.json";
const PROGRAMS = "Program Files/lanparty-client";

const INF = `[Version]
Signature = "$Windows NT$"
Class = Net
CatalogFile = tap0901.cat
[tap0901.NTamd64]
%DeviceDescription% = tap0901.ndi, root\\tap0901
[tap0901.driver]
tap0901.sys
`;
/** The driver's package beside the client, and another one, which is built into it. */
const BESIDE = { inf: "OemVista.inf", catalogue: "the catalogue", driver: "the driver" };
const INSIDE = { inf: "Inside.inf", catalogue: "a catalogue inside", driver: "a driver inside" };

/** What is asked of Windows to make the adapter and put its driver to it. */
function installation({ inf, catalogue, driver }: typeof BESIDE): string[] {
  const path = `C:\\Program Files\\lanparty-client\\tap-driver\\${inf}`;
  return [
    `SetupDiGetINFClassW ${path}`,
    "SetupDiCreateDeviceInfoList Net",
    "SetupDiCreateDeviceInfoW set Net flags=1 size=32",
    "SetupDiSetDeviceRegistryPropertyW set device=77 property=1 root\\tap0901 (ends with two zeros)",
    "SetupDiCallClassInstaller 0x19 set device=77",
    "SetupDiCreateDevRegKeyW set device=77 scope=1 profile=0 type=1 0",
    `UpdateDriverForPlugAndPlayDevicesW 0 root\\tap0901 ${path} flags=1 ` +
    `.cat=${catalogue.length} .sys=${driver.length}`,
  ];
}

const INSTALLATION = installation(BESIDE);

async function placePackage(
  folder: string,
  { inf, catalogue, driver }: typeof BESIDE,
): Promise<void> {
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/${inf}`, INF);
  await Deno.writeTextFile(`${folder}/tap0901.cat`, catalogue);
  await Deno.writeTextFile(`${folder}/tap0901.sys`, driver);
}

/** Starts a client whose relay does not answer, waits for a line of its, and ends it. */
async function startAndEnd(pc: WinePc, line: RegExp, ...options: string[]): Promise<string> {
  const client = pc.client(...OPTIONS, ...options);
  await client.waitForLine(line, 60_000);
  client.kill("SIGINT");
  await client.waitExit(20_000);
  return client.stderr;
}

/** A PC without an adapter, and the package beside the client. */
async function withPc(run: (pc: WinePc) => Promise<void>, client?: string): Promise<void> {
  await using lab = await NetworkLab.open();
  const namespace = await lab.namespace("windows");
  await using pc = await WinePc.open(namespace, client);
  await pc.installDriver();
  await pc.installFakes("setupapi", "newdev", "netsh");
  await placePackage(`${pc.folder}/tap-driver`, BESIDE);
  await run(pc);
}

Deno.test("the driver that is built into the client goes before the one beside it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-driver-" });
  try {
    await placePackage(`${folder}/package`, INSIDE);
    await Deno.writeTextFile(`${folder}/package/readme.txt`, "not the driver's");
    const parts = await prepareWindowsClient({ tapDriver: `${folder}/package` });
    const client = await compileWindowsClient(parts);
    await withPc(async (pc) => {
      const said = await startAndEnd(pc, /Connecting to the relay/);
      assertMatch(said, /installing the driver of Inside\.inf/);
      assertMatch(said, /Installed the TAP adapter "LAN party"/);
      const wanted = installation(INSIDE);
      assertEquals((await pc.calls()).slice(0, wanted.length), wanted);
    }, client);
    await Deno.remove(`${folder}/package/tap0901.cat`);
    await assertRejects(
      () => compileWindowsClient(parts),
      BuildError,
      "no package of TAP-Windows6 is there",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** What is asked of Windows to make an adapter with the driver that it has. */
const MAKING = [
  "SetupDiCreateDeviceInfoList Net",
  "SetupDiCreateDeviceInfoW set Net flags=1 size=32",
  "SetupDiSetDeviceRegistryPropertyW set device=77 property=1 root\\tap0901 (ends with two zeros)",
  "SetupDiCallClassInstaller 0x19 set device=77",
  "SetupDiCreateDevRegKeyW set device=77 scope=1 profile=0 type=1 0",
  "DiInstallDevice 0 set=5e7 device=77 driver=best flags=0",
];
const REMOVAL = "SetupDiCallClassInstaller 0x5 set device=77";
/** Of the adapter that is there. */
const DELETION = "SetupDiCallClassInstaller 0x5 set device=78";
const DESTRUCTION = "SetupDiDestroyDeviceInfoList set";
const NAMING = 'netsh interface set interface name="Ethernet 7" newname="LAN party"';

const CONTROL = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control";
const CLASS = "{4D36E972-E325-11CE-BFC1-08002BE10318}";
const OTHERS_GUID = "{22222222-0000-0000-0000-000000000000}";
/** OpenVPN's adapter. */
const OTHERS = [
  `[${CONTROL}\\Class\\${CLASS}\\0006]`,
  '"ComponentId"="root\\\\tap0901"',
  `"NetCfgInstanceId"="${OTHERS_GUID}"`,
  '"DriverVersion"="9.27.0.0"',
  "",
  `[${CONTROL}\\Network\\${CLASS}\\${OTHERS_GUID}\\Connection]`,
  '"Name"="OpenVPN TAP-Windows6"',
];

Deno.test("a PC that has the driver, and no adapter of the party's", (test) =>
  withPc(async (pc) => {
    await Deno.remove(`${pc.folder}/tap-driver`, { recursive: true });
    await test.step("no driver at all: where it comes from is said", async () => {
      const { code, stderr } = await pc.run([...CLIENT, ...OPTIONS], { anyCode: true });
      assertEquals(code, 1);
      assertMatch(stderr, /error: no TAP adapter: install the driver TAP-Windows6/);
      const byOldId = MAKING.map((call) => call.replace("root\\tap0901", "tap0901"));
      assertEquals(await pc.calls(), [
        ...[...MAKING, REMOVAL, DESTRUCTION],
        ...[...byOldId, REMOVAL, DESTRUCTION],
      ]);
    });
    await pc.register(...OTHERS);
    await test.step("another program's adapter is not taken, and none is made: what to do", async () => {
      const { code, stderr } = await pc.run([...CLIENT, ...OPTIONS], { anyCode: true });
      assertEquals(code, 1);
      assertMatch(
        stderr,
        /Windows made no adapter for the party \(Windows has no driver for it; .+\), and "OpenVPN TAP-Windows6" may be other programs': add one with/,
      );
    });
    await pc.write("store", "yes");
    await test.step("an adapter is made, has the party's name, and is the one that is used", async () => {
      const before = (await pc.calls()).length;
      const said = await startAndEnd(pc, /Connecting to the relay/);
      assertMatch(said, /Making a network adapter for the party/);
      assertMatch(said, /Installed the TAP adapter "LAN party"/);
      assertMatch(said, /Giving the adapter "LAN party" the MAC/);
      const calls = (await pc.calls()).slice(before);
      assertEquals(calls.slice(0, MAKING.length + 2), [...MAKING, DESTRUCTION, NAMING]);
      assertEquals(await pc.readSetting("LanPartyAdapter"), "made");
      const again = await startAndEnd(pc, /Connecting to the relay/);
      assert(!/Making|Installed/.test(again), again);
    });
    await test.step("reset removes it, and leaves the other one alone", async () => {
      const before = (await pc.calls()).length;
      const { stdout } = await pc.run([...CLIENT, "reset"]);
      assertMatch(stdout, /"LAN party", which the client had made, is removed/);
      assertMatch(stdout, /"OpenVPN TAP-Windows6" has its own MAC/);
      assertEquals((await pc.calls()).slice(before), [
        "SetupDiCreateDeviceInfoList Net",
        "SetupDiOpenDeviceInfoW set ROOT\\NET\\0000 flags=0 size=32",
        DELETION,
        DESTRUCTION,
      ]);
    });
    await test.step("where it cannot be named it is known all the same", async () => {
      await pc.write("nameless", "");
      const said = await startAndEnd(pc, /Connecting to the relay/);
      assertMatch(said, /Installed the TAP adapter "Ethernet 7"/);
      const again = await startAndEnd(pc, /Connecting to the relay/);
      assert(!/Making|Installed/.test(again), again);
    });
  }));

/** What Windows writes down when the adapter appears. */
const APPEARING = [
  `[${CONTROL}\\Class\\${CLASS}\\0007]`,
  '"ComponentId"="root\\\\tap0901"',
  `"NetCfgInstanceId"="${WINE_ADAPTER.guid}"`,
  '"DriverVersion"="9.27.0.0"',
  "",
  `[${CONTROL}\\Network\\${CLASS}\\${WINE_ADAPTER.guid}\\Connection]`,
  '"Name"="Ethernet 7"',
  '"PnpInstanceID"="ROOT\\\\NET\\\\0000"',
];
/** What the client writes down of a device that it makes. */
const MARKED = [
  "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Enum\\ROOT\\NET\\0000\\Device Parameters]",
  '"LanPartyAdapter"="made"',
];

Deno.test("an adapter that appears later than it is waited for, or never", (test) =>
  withPc(async (pc) => {
    await Deno.remove(`${pc.folder}/tap-driver`, { recursive: true });
    await pc.write("store", "late");
    const makings = async () =>
      (await pc.calls()).filter((call) => call.startsWith("DiInstallDevice")).length;
    await test.step("what to do is said", async () => {
      const { code, stderr } = await pc.run([...CLIENT, ...OPTIONS], { anyCode: true });
      assertEquals(code, 1);
      assertMatch(
        stderr,
        /error: the driver is installed, but its adapter does not appear: restart/,
      );
    });
    await test.step("it has appeared: the next start takes it for the party's, and makes no other", async () => {
      await pc.register(...APPEARING);
      const said = await startAndEnd(pc, /Connecting to the relay/);
      assertMatch(said, /Installed the TAP adapter "LAN party"/);
      assert(!/Making|Waiting/.test(said), said);
      assertEquals(await makings(), 1);
      assertEquals(await pc.readSetting("LanPartyAdapter"), "made");
    });
    await test.step("reset removes it, and one that has not appeared", async () => {
      const { stdout } = await pc.run([...CLIENT, "reset"]);
      assertMatch(stdout, /"LAN party", which the client had made, is removed/);
      await pc.register(...MARKED);
      const before = (await pc.calls()).length;
      const late = await pc.run([...CLIENT, "reset"]);
      assertMatch(
        late.stdout,
        /An adapter that the client had made, and that did not appear, is rem/,
      );
      assert((await pc.calls()).slice(before).includes(DELETION));
      assertMatch(
        (await pc.run([...CLIENT, "reset"])).stdout,
        /^This PC has no TAP adapter.*\r?\n$/,
      );
    });
    await test.step("one that never appears gives its place to a new one", async () => {
      await pc.register(...MARKED);
      await pc.write("store", "yes");
      const before = (await pc.calls()).length;
      const said = await startAndEnd(pc, /Connecting to the relay/);
      assertMatch(said, /Waiting for the network adapter [^]*It did not appear, and was removed/);
      assertMatch(said, /Installed the TAP adapter "LAN party"/);
      const calls = (await pc.calls()).slice(before);
      assert(calls.indexOf(DELETION) >= 0 && calls.indexOf(DELETION) < calls.indexOf(MAKING[0], 3));
      assertEquals(await makings(), 2);
    });
  }));

Deno.test("a PC without a TAP adapter", (test) =>
  withPc(async (pc) => {
    await test.step("the driver beside the client is installed, unless it is refused", async () => {
      await pc.write("refused", "");
      const refused = await pc.run([...CLIENT, ...OPTIONS], { anyCode: true });
      assertEquals(refused.code, 1);
      assertMatch(refused.stderr, /installing the driver of OemVista\.inf/);
      assertMatch(refused.stderr, /error: the TAP driver could not be installed: .*not trusted/);
      // The device that has no driver is removed again.
      assertEquals(await pc.calls(), [
        ...INSTALLATION,
        "SetupDiCallClassInstaller 0x5 set device=77",
        "SetupDiDestroyDeviceInfoList set",
      ]);
      await pc.remove("refused");
    });
    await test.step("it is installed, and the client goes on", async () => {
      const before = (await pc.calls()).length;
      const said = await startAndEnd(pc, /Connecting to the relay/);
      assertMatch(said, /Installed the TAP adapter "LAN party"/);
      assertEquals((await pc.calls()).slice(before, before + INSTALLATION.length + 1), [
        ...INSTALLATION,
        "SetupDiDestroyDeviceInfoList set",
      ]);
      const left = [...Deno.readDirSync(pc.diskC(PROGRAMS))].map(({ name }) => name);
      assertEquals(
        left.filter((name) => !/^(msquic-[0-9a-f]{32}\.dll|changes-.*)$/.test(name)),
        [],
      );
    });
    await test.step("an adapter is chosen by its name", async () => {
      const options = [...OPTIONS, "--tap", "Ethernet 7"];
      const wrong = await pc.run([...CLIENT, ...options], { anyCode: true });
      assertEquals(wrong.code, 1);
      assertMatch(wrong.stderr, /there is no TAP adapter "Ethernet 7"; this PC has "LAN party"/);
      await startAndEnd(pc, /192\.0\.2\.1/, "--tap", "lan PARTY");
    });
    await test.step("the identity is the player's, and repaired when it is damaged", () =>
      checkIdentity(pc));
    await test.step("an adapter that a killed client had stopped is started", () =>
      checkStopped(pc));
    await test.step("a damaged journal is put aside, and that is said", () => checkDamaged(pc));
    await test.step("reset takes back what stays", () => checkReset(pc));
  }));

async function checkIdentity(pc: WinePc): Promise<void> {
  const path = pc.diskC(IDENTITY);
  const { mac } = JSON.parse(await Deno.readTextFile(path));
  assertMatch(mac, /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
  assertEquals(await pc.readSetting("NetworkAddress"), mac.replaceAll(":", "").toUpperCase());
  await Deno.writeTextFile(path, '{"version":1,"mac":"02-00-00-00-00-5');
  const said = await startAndEnd(pc, /Connecting to the relay/);
  assertMatch(said, /lanparty-client-identity\.json was damaged/);
  const repaired = JSON.parse(await Deno.readTextFile(path)).mac;
  assert(repaired !== mac);
  assertEquals(await pc.readSetting("NetworkAddress"), repaired.replaceAll(":", "").toUpperCase());
}

/** A client that was killed while the adapter stood still: here its journal, and a disabled adapter. */
async function checkStopped(pc: WinePc): Promise<void> {
  const journal = pc.diskC(WINE_JOURNAL);
  const change = { id: 1, kind: "windows-restart", data: "ROOT\\NET\\0000" };
  const owner = { pid: 4_000_000, startTicks: 1 };
  await Deno.writeTextFile(journal, JSON.stringify({ version: 1, owner, changes: [change] }));
  await pc.setPresent(false);
  const before = (await pc.calls()).length;
  await startAndEnd(pc, /Connecting to the relay/);
  assertEquals((await pc.calls()).slice(before, before + 2), [
    "CM_Locate_DevNodeW ROOT\\NET\\0000 0",
    "CM_Enable_DevNode 7 0",
  ]);
  assertEquals(await Deno.stat(journal).then(() => true, () => false), false);
}

async function checkDamaged(pc: WinePc): Promise<void> {
  const [journal, aside] = [pc.diskC(WINE_JOURNAL), pc.diskC(`${WINE_JOURNAL}.damaged`)];
  await Deno.writeTextFile(journal, '{"version":1,"chan');
  const said = await startAndEnd(pc, /Connecting to the relay/);
  assertMatch(
    said,
    /is damaged, and was put aside as C:\\Program Files\\.*\.json\.damaged: what a/,
  );
  assertEquals(await Deno.readTextFile(aside), '{"version":1,"chan');
  assertEquals(await Deno.stat(journal).then(() => true, () => false), false);
  await Deno.remove(aside);
  await Deno.writeTextFile(journal, "");
  const reset = await pc.run([...CLIENT, "reset"], { anyCode: true });
  assertEquals(reset.code, 1);
  assertMatch(
    reset.stderr,
    /error: "LAN party": the record of what a killed client changed is dam/,
  );
  await Deno.remove(aside);
}

async function checkReset(pc: WinePc): Promise<void> {
  await startAndEnd(pc, /Connecting to the relay/);
  const before = (await pc.calls()).length;
  const { stdout } = await pc.run([...CLIENT, "reset"]);
  assertMatch(stdout, /"LAN party", which the client had made, is removed/);
  assertMatch(stdout, /The client's library was removed/);
  assertEquals(await pc.readSetting("NetworkAddress"), undefined);
  assertEquals((await pc.calls()).slice(before), [
    "SetupDiCreateDeviceInfoList Net",
    "SetupDiOpenDeviceInfoW set ROOT\\NET\\0000 flags=0 size=32",
    DELETION,
    DESTRUCTION,
  ]);
  const left = [...Deno.readDirSync(pc.diskC(PROGRAMS))].map(({ name }) => name);
  assertEquals(left, []);
  const again = await pc.run([...CLIENT, "reset"]);
  assertMatch(again.stdout, /This PC has no TAP adapter/);
}
