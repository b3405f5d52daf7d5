/** What a killed client has left at an adapter that cannot be put right now: it stays written down, and is undone later. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { NetworkLab } from "../../tools/lab/netns.ts";
import { HOME, WINE_ADAPTER, WINE_JOURNAL, WinePc } from "../support/wine.ts";

const CLIENT = ["wine", "/mnt/lanparty-client.exe"];
const OPTIONS = ["--relay", "192.0.2.1", "--room", "PARTY", "--relay-fingerprint", "A".repeat(43)];
const { guid } = WINE_ADAPTER;
const FIXED = {
  kind: "windows-dhcp",
  data: { guid, addresses: [{ address: "10.8.0.6", mask: "255.255.255.0" }], router: null },
};
const SETTINGS = {
  kind: "windows-interface",
  data: {
    guid,
    settings: [{ family: 2, automaticMetric: 0, metric: 33, mtu: 1500, disableDefaultRoutes: 0 }],
  },
};
/** The adapter's owner had set no MAC there. */
const OWNERS_MAC = {
  kind: "windows-mac",
  data: { guid, settings: { NetworkAddress: null, MAC: null } },
};
/** An adapter that this PC had once. */
const GONE = "{33333333-0000-0000-0000-000000000000}";
const GONE_JOURNAL = WINE_JOURNAL.replace(guid, GONE);
/** What undoes them, the newest first. */
const FIXING =
  "netsh interface ipv4 set address name=7 address=10.8.0.6 mask=255.255.255.0 source=static gateway=none";
const SETTING = /^SetIpInterfaceEntry ipv4 automatic=0 metric=33 mtu=1500 /;
const isUndoing = (call: string) => call.startsWith("netsh") || SETTING.test(call);

/** The journal of a client that was killed. */
async function leave(pc: WinePc, ...changes: { kind: string; data: unknown }[]): Promise<void> {
  await leaveAt(pc, WINE_JOURNAL, changes);
}

async function leaveAt(
  pc: WinePc,
  path: string,
  changes: readonly { kind: string; data: unknown }[],
): Promise<void> {
  const owner = { pid: 4_000_000, startTicks: 1 };
  const numbered = changes.map((change, index) => ({ id: index + 1, ...change }));
  const journal = { version: 1, owner, changes: numbered };
  await Deno.writeTextFile(pc.diskC(path), JSON.stringify(journal));
}

/** The kinds of what still stands in the journal. */
async function left(pc: WinePc): Promise<string[]> {
  const text = await Deno.readTextFile(pc.diskC(WINE_JOURNAL)).catch(() => '{"changes":[]}');
  return JSON.parse(text).changes.map(({ kind }: { kind: string }) => kind);
}

/** How often the adapter was stopped and started. */
async function restartings(pc: WinePc): Promise<number> {
  return (await pc.calls()).filter((call) => /^CM_(Dis|En)able_DevNode/.test(call)).length;
}

async function undoings(pc: WinePc): Promise<string[]> {
  return (await pc.calls()).filter(isUndoing);
}

Deno.test("what cannot be undone now is undone later", async (test) => {
  await using lab = await NetworkLab.open();
  await using pc = await WinePc.open(await lab.namespace("windows"));
  await pc.installAdapter();
  await pc.installFakes("netsh");
  // The client makes its folder, which is safe then.
  const first = pc.client(...OPTIONS);
  await first.waitForLine(/Connecting to the relay/, 30_000);
  first.kill("SIGINT");
  assertEquals(await first.waitExit(20_000), 0);
  await test.step("a disabled adapter keeps what was set: so does the journal", async () => {
    await leave(pc, SETTINGS, FIXED);
    await pc.setPresent(false);
    const before = await restartings(pc);
    await pc.setNetwork(...HOME.filter((line) => !line.includes(WINE_ADAPTER.name)));
    const { code, stderr } = await pc.run([...CLIENT, "reset"], { anyCode: true });
    assertEquals(code, 1, stderr);
    assertMatch(
      stderr,
      /"LAN party": the address that the party's adapter had before could not be undone \(it is disabled: enable it among the network connections/,
    );
    assertMatch(stderr, /the settings of the party's adapter could not be undone \(it is disabled/);
    assertEquals(await restartings(pc), before);
    const refused = await pc.run([...CLIENT, ...OPTIONS], { anyCode: true });
    assertMatch(refused.stderr, /error: the TAP adapter "LAN party" is disabled/);
    assertEquals(await left(pc), [SETTINGS.kind, FIXED.kind]);
    assertEquals(await undoings(pc), []);
  });
  await test.step("it is enabled again: everything is put back", async () => {
    await pc.setPresent(true);
    await pc.setNetwork(...HOME);
    const client = pc.client(...OPTIONS);
    await client.waitForLine(/Connecting to the relay/, 30_000);
    assertEquals(/could not be undone/.test(client.stderr), false, client.stderr);
    const [fixing, setting] = await undoings(pc);
    assertEquals(fixing, FIXING);
    assertMatch(setting, SETTING);
    client.kill("SIGINT");
    assertEquals(await client.waitExit(20_000), 0);
    assertEquals(await left(pc), []);
  });
  await test.step("who has disabled the adapter finds it disabled, and with its own MAC", () =>
    checkDisabled(pc));
  await test.step(
    "the adapter was removed: what outlives it is undone all the same",
    () => checkRemoved(pc),
  );
  await test.step("Windows does not answer: the client goes on, and it is undone at the next", async () => {
    await leave(pc, FIXED);
    await pc.write("netsh", "hangs");
    const client = pc.client(...OPTIONS);
    await client.waitForLine(/Connecting to the relay/, 40_000);
    assertMatch(
      client.stderr,
      /A change to this PC could not be undone \(the address that the party's adapter had before: .*Windows did not answer\)\)\. It is tried again/,
    );
    assert((await left(pc)).includes(FIXED.kind));
    await pc.remove("netsh");
    const before = (await undoings(pc)).length;
    client.kill("SIGINT");
    assertEquals(await client.waitExit(20_000), 0);
    assertEquals((await undoings(pc)).slice(before), [FIXING]);
    assertEquals(await left(pc), []);
  });
});

async function checkRemoved(pc: WinePc): Promise<void> {
  const rule = `lanparty-client ${GONE}`;
  for (const words of [OPTIONS, ["reset"]]) {
    await leaveAt(pc, GONE_JOURNAL, [
      { kind: "windows-inbound", data: rule },
      { kind: "windows-restart", data: "ROOT\\NET\\0042" },
      { ...FIXED, data: { ...FIXED.data, guid: GONE } },
    ]);
    const before = (await pc.calls()).length;
    const client = pc.client(...words);
    if (words === OPTIONS) {
      await client.waitForLine(/Connecting to the relay/, 30_000);
      client.kill("SIGINT");
    }
    assertEquals(await client.waitExit(30_000), 0, client.stderr);
    assertEquals(/could not be undone/.test(client.stderr), false, client.stderr);
    const calls = (await pc.calls()).slice(before);
    assert(calls.includes(`INetFwRules Remove ${rule}`), calls.join("\n"));
    assert(!calls.some((call) => call.startsWith("netsh")), calls.join("\n"));
    assertEquals(await Deno.stat(pc.diskC(GONE_JOURNAL)).then(() => true, () => false), false);
  }
}

async function checkDisabled(pc: WinePc): Promise<void> {
  const reset = async () => {
    await leave(pc, OWNERS_MAC);
    await pc.setPresent(false);
    const before = await restartings(pc);
    const { code, stderr } = await pc.run([...CLIENT, "reset"], { anyCode: true });
    assertEquals([code, await left(pc)], [0, []], stderr);
    return await restartings(pc) - before;
  };
  assertMatch(await pc.readSetting("NetworkAddress") ?? "", /^[0-9A-F]{12}$/);
  assertEquals(await reset(), 0);
  assertEquals(await pc.readSetting("NetworkAddress"), undefined);
  // A client that is killed when it has written the MAC down, and stopped the adapter, is who has disabled it.
  assertEquals(await reset(), 1);
}
