/** How lanparty-client.exe starts: on a fresh Windows, by a double click, with and without rights. */
import { assertEquals, assertMatch } from "@std/assert";
import { VERSION } from "../../src/cli/version.ts";
import { executablePath, WINDOWS_CLIENT } from "../../tools/build/executables.ts";
import { dependentLoadFlags, SEARCH_SYSTEM32 } from "../../tools/build/pe_file.ts";
import { fileVersion } from "../../tools/build/pe_resources.ts";
import {
  ensureWindowsLibrary,
  isSystemDll,
  readTables,
} from "../../tools/build/windows_library.ts";
import { readWindowsCalls } from "../../tools/docs/windows_calls.ts";
import { NetworkLab } from "../../tools/lab/netns.ts";
import { WinePc } from "../support/wine.ts";
import { waitForText } from "../support/wine_window.ts";

const CLIENT = ["wine", "/mnt/lanparty-client.exe"];
const OPTIONS = ["--relay", "192.0.2.1", "--room", "PARTY"];
const KEY = "AAAAAAAAAAAAAAAAAAAAAA";
const NO_DRIVER = /error: no TAP adapter: install the driver TAP-Windows6/;

/** Import lists, without ".dll" and in the alphabet's order. */
const IMPORTS = {
  client:
    "advapi32 api-ms-win-core-synch-l1-2-0 bcrypt bcryptprimitives combase crypt32 dbghelp gdi32 " +
    "kernel32 ntdll oleaut32 psapi setupapi shell32 user32 userenv winmm ws2_32",
  library: "advapi32 crypt32 iphlpapi kernel32 msvcrt ncrypt ntdll user32 winmm ws2_32",
};

Deno.test("the client and its library need only DLLs that every Windows has", async () => {
  const paths = { client: WINDOWS_CLIENT, library: (await ensureWindowsLibrary()).path };
  for (const part of ["client", "library"] as const) {
    const { imports } = await readTables(paths[part]);
    const names = new Set(imports.map((name) => name.toLowerCase().replace(/\.dll$/, "")));
    assertEquals([...names].sort().join(" "), IMPORTS[part]);
    assertEquals(imports.filter((name) => !isSystemDll(name)), []);
  }
  // And takes them from System32, whatever lies beside it.
  const file = await Deno.readFile(WINDOWS_CLIENT);
  assertEquals(dependentLoadFlags(file), SEARCH_SYSTEM32);
  assertEquals(fileVersion(file), `${VERSION}.0`);
});

Deno.test("a fresh Windows", async (test) => {
  await using lab = await NetworkLab.open();
  await using pc = await WinePc.open(await lab.namespace("windows"));
  await test.step("the client starts, and its command line is that of Linux", async () => {
    const version = await pc.run([...CLIENT, "--version"]);
    assertEquals(version.stdout.trim(), `lanparty-client ${VERSION}`);
    const help = await pc.run([...CLIENT, "--help"]);
    const { stdout } = await pc.namespace.run([executablePath("client"), "--help"]);
    assertEquals(help.stdout.replaceAll("\r", ""), stdout);
    const wrong = await pc.run([...CLIENT, "--no-such-option"], { anyCode: true });
    assertEquals(wrong.code, 2);
  });
  // Windows looks for a driver in its store, which Wine cannot.
  await pc.installFakes("newdev");
  await test.step("a missing driver is said, with what to do", async () => {
    const bare = await pc.run([...CLIENT, ...OPTIONS], { anyCode: true });
    assertEquals(bare.code, 1);
    assertMatch(bare.stderr, NO_DRIVER);
  });
  await test.step("a DLL beside the client is not loaded", () => checkPlanted(pc));
  await test.step("double click: the player is asked, and can read what came of it", () =>
    checkDoubleClick(pc));
  await pc.installFakes("shell32");
  await test.step("without rights: Windows is asked for them once, with all that was given", () =>
    checkRights(pc));
  await test.step("a stranger's file beside the program opens nothing by itself", () =>
    checkStrangersFile(pc));
  await test.step("without rights, and the player says no: a clear line", async () => {
    await pc.write("rights", "no");
    const refused = await pc.run([...CLIENT, ...OPTIONS], { anyCode: true });
    assertEquals(refused.code, 1);
    assertMatch(refused.stderr, /error: without an administrator's rights there is no adapter/);
    // A second start that still has none does not ask again.
    const calls = await pc.calls();
    const second = await pc.run([...CLIENT, "--as-administrator=Z:\\mnt", ...OPTIONS], {
      anyCode: true,
    });
    assertEquals(second.code, 1);
    assertMatch(second.stderr, /start it as administrator/);
    assertEquals(await pc.calls(), calls);
  });
});

/**
 * Every DLL that the client or msquic.dll names lies beside the client. Wine does not know the flag
 * that keeps Windows from looking there for what the executable itself imports; the test above reads
 * it. Everything else is opened by its path, or looked for in System32, as Wine does, too.
 */
async function checkPlanted(pc: WinePc): Promise<void> {
  const { imports } = await readTables(WINDOWS_CLIENT);
  const lower = imports.map((name) => name.toLowerCase());
  const { functions } = await readWindowsCalls();
  const opened = functions.map(({ dll }) => dll);
  const names = new Set([...lower, ...opened, "msquic.dll", "secur32.dll", "ncrypt.dll"]);
  for (const core of ["kernel32.dll", "ntdll.dll"]) names.delete(core);
  await pc.plant([...names]);
  const started = await pc.run([...CLIENT, ...OPTIONS], { anyCode: true });
  assertMatch(started.stderr, NO_DRIVER);
  const doctor = await pc.run([...CLIENT, "doctor"], { anyCode: true });
  assertMatch(doctor.stdout, /TAP driver/);
  const loaded = (await pc.calls()).filter((line) => line.startsWith("planted "))
    .map((line) => line.replace(/^.*\\/, "").toLowerCase());
  assertEquals(loaded.filter((name) => !lower.includes(name)), []);
  for (const name of names) await pc.remove(name);
}

async function checkDoubleClick(pc: WinePc): Promise<void> {
  const window = pc.doubleClick();
  const answer = async (question: RegExp, text: string): Promise<void> => {
    await waitForText(window, question);
    await window.write(`${text}\r`);
  };
  await answer(/Paste your invite/, "192.0.2.1");
  await answer(/Its fingerprint/, "");
  await answer(/The room's code:/, "PARTY");
  await answer(/The room's key/, KEY);
  await answer(/May the LAN reach games/, "");
  await answer(/Keep these answers/, "y");
  await answer(/Open invites that you click on/, "");
  // The window stays until the player has read why there is no party yet.
  await answer(/no TAP adapter[^]*Press Enter to close this window/, "");
  assertEquals(await window.waitExit(20_000), 1);
  const next = pc.doubleClick();
  const says = /lanparty.toml says: room PARTY on the relay 192.0.2.1/;
  await waitForText(next, says);
  await next.write("\r");
  await waitForText(next, /Press Enter to close/);
  await next.write("\r");
  assertEquals(await next.waitExit(20_000), 1);
  const report = pc.doubleClick();
  await waitForText(report, says);
  await report.write("d\r");
  await waitForText(report, /TAP driver[^]*things to look at[^]*Press Enter to close/);
  await report.write("\r");
  assertEquals(await report.waitExit(20_000), 0);
  await pc.remove("lanparty.toml");
}

/** A file that came with a download: what it says is done only as far as it opens nothing. */
async function checkStrangersFile(pc: WinePc): Promise<void> {
  const hosts = pc.diskC("windows/system32/drivers/etc/hosts");
  await Deno.writeTextFile(hosts, "127.0.0.1 localhost\n");
  const party = 'relay = "192.0.2.1"\nroom = "PARTY"\n';
  await pc.write(
    "lanparty.toml",
    `${party}frame-log = 'C:\\windows\\system32\\drivers\\etc\\hosts'\nallow-inbound = true\n`,
  );
  const before = (await pc.calls()).length;
  const refused = pc.doubleClick();
  await waitForText(
    refused,
    /lanparty.toml sets frame-log: a file that lies beside[^]*Press Enter to close/,
  );
  await refused.write("\r");
  assertEquals(await refused.waitExit(20_000), 2);
  assertEquals((await pc.calls()).slice(before), []);
  assertEquals(await Deno.readTextFile(hosts), "127.0.0.1 localhost\n");
  // Whoever presses Enter all the way opens nothing.
  await pc.write(
    "lanparty.toml",
    `${party}allow-lan-default-route = true\nallow-inbound = true\ntap-name = "Other"\n`,
  );
  const window = pc.doubleClick();
  for (const question of [/go in:/, /Other/, /way to the internet/, /May the LAN reach/]) {
    await waitForText(window, question);
    await window.write("\r");
  }
  await waitForText(window, /no TAP adapter|Press Enter to close/);
  // The window that asked for the rights closes by itself when the raised program has begun.
  await window.write("\r").catch(() => {});
  await window.waitExit(20_000);
  assertEquals(
    (await pc.calls()).slice(before).filter((call) => /ShellExecuteExW with/.test(call)),
    [
      "ShellExecuteExW with --as-administrator=Z:\\ --relay=192.0.2.1 --room=PARTY " +
      "--state-dir=C:\\users\\player\\AppData\\Roaming\\lanparty-client",
    ],
  );
  await pc.remove("lanparty.toml");
}

async function checkRights(pc: WinePc): Promise<void> {
  await pc.write("rights", "user");
  const before = (await pc.calls()).length;
  const started = await pc.run(
    ["env", `LANPARTY_ROOM_KEY=${KEY}`, ...CLIENT, ...OPTIONS, "--name", 'Ann "B"'],
    { anyCode: true },
  );
  assertMatch(started.stderr, /it needs an administrator's rights: Windows asks for them now/);
  // The second start went on with what the first was given, and its exit code came back.
  assertEquals(started.code, 1);
  assertMatch(started.stderr, NO_DRIVER);
  const asked = (await pc.calls()).slice(before).filter((call) => /^ShellExecuteExW/.test(call));
  assertEquals(asked, [
    "ShellExecuteExW size=112 mask=0x540 show=1",
    "ShellExecuteExW runas Z:\\mnt\\lanparty-client.exe in Z:\\",
    "ShellExecuteExW with --as-administrator=Z:\\ --relay 192.0.2.1 --room PARTY --name " +
    '"Ann \\"B\\"" --state-dir=C:\\users\\player\\AppData\\Roaming\\lanparty-client ' +
    `--room-key=${KEY}`,
  ]);
  // Windows starts it elsewhere: it goes back to where the player's paths lead from.
  await pc.write("room.key", `${KEY}\n`);
  const relative = [...CLIENT, ...OPTIONS, "--room-key-file", "mnt/room.key"];
  assertMatch((await pc.run(relative, { anyCode: true })).stderr, NO_DRIVER);
}
