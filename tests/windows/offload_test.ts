// Runs alone: it puts another msquic.dll into the tree, and compiles the client with it.
/**
 * Windows can cut what a program sends at once into datagrams, join those that it receives, and hands over
 * at once what has come already. Wine does none of it. msquic is not to use the first two, which go wrong
 * on some PCs, and must understand the third: here a DLL of the tests does it (`offload.c`), and
 * msquic.dll takes its Winsock from it.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { prepareWindowsClient } from "../../tools/build/build.ts";
import { hashOf } from "../../tools/build/cache.ts";
import { checkPing, checkTcp } from "../../tools/lab/checks.ts";
import { compileWindowsClient } from "../../tools/build/executables.ts";
import { DLL_IN_TREE, ensureWindowsLibrary } from "../../tools/build/windows_library.ts";
import { PARTY } from "../../tools/lab/party.ts";
import { partyTest } from "../support/play.ts";
import { assertRow, assertRows } from "../support/rows.ts";
import { WinePc } from "../support/wine.ts";
import { OFFLOAD_DLL } from "../support/wine_fakes.ts";
import { optionsFor, startClient } from "../support/wine_joins.ts";

const CLIENT = ["wine", "/mnt/lanparty-client.exe"];
const MAC = "02:00:00:00:00:54";
const ADDRESS = "10.77.0.54";

/** The file with another name, as long as it is, in the place of a DLL's. */
function withImport(file: Uint8Array<ArrayBuffer>, name: string, other: string) {
  assertEquals(name.length, other.length);
  const text = new TextDecoder("latin1").decode(file);
  const at = text.indexOf(`${name}\0`);
  assert(at > 0 && text.indexOf(`${name}\0`, at + 1) < 0, `${name} is there once`);
  const bytes = file.slice();
  bytes.set(new TextEncoder().encode(other), at);
  return bytes;
}

/** A client whose msquic.dll takes its Winsock from the DLL of the tests. */
async function compileClient(): Promise<string> {
  const { library, ...parts } = await prepareWindowsClient();
  const own = await Deno.readFile(library.path);
  const dll = withImport(own, "WS2_32.dll", `${OFFLOAD_DLL.toUpperCase()}.dll`);
  try {
    await Deno.writeFile(DLL_IN_TREE, dll);
    const key = await hashOf(["offload", dll]);
    return await compileWindowsClient({ ...parts, library: { key, path: DLL_IN_TREE } });
  } finally {
    await ensureWindowsLibrary(); // and back in the source tree
  }
}

partyTest(
  "a client on a Windows that offloads datagrams, and hands them over at once",
  async (party, step) => {
    const player = await party.addPlayer("player");
    await using pc = await WinePc.open(player, await compileClient());
    await pc.installAdapter();
    await step("a library that Windows does not load is named, without a stack trace", async () => {
      const options = [...await optionsFor(party, pc), "--virtual-mac", MAC];
      const { code, stderr } = await pc.run([...CLIENT, ...options], { anyCode: true });
      assertEquals(code, 1);
      assertMatch(
        stderr,
        /error: Windows does not load C:\\Program Files\\lanparty-client\\msquic-[0-9a-f]{32}\.dll \(.*\): if a virus scanner holds it back, tell it to allow that file\r?\n$/,
      );
    });
    await pc.installFakes(OFFLOAD_DLL);
    await party.startRelay();
    await party.startGateway();
    await startClient(party, pc, ["--virtual-mac", MAC, "--address", `${ADDRESS}/24`]);
    await pc.connectStack(PARTY.tap, MAC);
    await pc.namespace.ip("addr", "add", `${ADDRESS}/24`, "dev", PARTY.tap);
    const ends = { lan: party.lan, player, playerAddress: ADDRESS };
    await step("ping, both ways", async () => {
      await assertRow(() => checkPing("player to LAN", player, PARTY.lanAddress));
      await assertRow(() => checkPing("LAN to player", party.lan, ADDRESS));
    });
    await step("TCP, both ways", async () => {
      assertRows(await checkTcp("player to LAN", ends, false));
      assertRows(await checkTcp("LAN to player", ends, true));
    });
    await step("datagrams were handed over at once, and msquic asked for no offload", async () => {
      const calls = (await pc.calls()).filter((call) => /^(WSARecvMsg|offload) /.test(call));
      assertEquals(calls, ["WSARecvMsg at once"]);
    });
  },
);
