// Runs alone: it puts another msquic.dll into the tree, and compiles the client with it.
/** lanparty-client.exe with an msquic.dll that others built. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { prepareWindowsClient } from "../../tools/build/build.ts";
import { BuildError } from "../../tools/build/cache.ts";
import { compileWindowsClient } from "../../tools/build/executables.ts";
import { ensureWindowsLibrary, takeWindowsLibrary } from "../../tools/build/windows_library.ts";
import { withExports } from "../support/plain_dll.ts";
import { partyTest } from "../support/play.ts";
import { WinePc } from "../support/wine.ts";
import { sayOf, trustingOptionsFor } from "../support/wine_joins.ts";

partyTest("a client with an msquic.dll that others built", async (party) => {
  const { path } = await ensureWindowsLibrary();
  const folder = await Deno.makeTempDir({ prefix: "lanparty-dll-" });
  try {
    const plain = withExports(await Deno.readFile(path), ["MsQuicClose", "MsQuicOpenVersion"]);
    await Deno.writeFile(`${folder}/msquic.dll`, plain);
    await Deno.writeTextFile(`${folder}/text.dll`, "MZ");
    await assertRejects(
      () => takeWindowsLibrary(`${folder}/text.dll`),
      BuildError,
      "this is no DLL for Windows on x86-64",
    );
    await Deno.writeFile(`${folder}/empty.dll`, withExports(plain, []));
    await assertRejects(
      () => takeWindowsLibrary(`${folder}/empty.dll`),
      BuildError,
      "it does not export MsQuicOpenVersion",
    );
    const client = await compileWindowsClient(
      await prepareWindowsClient({ msquic: `${folder}/msquic.dll` }),
    );
    const player = await party.addPlayer("player");
    await using pc = await WinePc.open(player, client);
    await pc.installAdapter();
    await party.startRelay();
    const said = await sayOf(pc, await trustingOptionsFor(party, pc));
    assertMatch(said, /Joined the room LANPARTY as peer 1/);
  } finally {
    await Deno.remove(folder, { recursive: true });
    assertEquals((await ensureWindowsLibrary()).path, path); // and back in the source tree
  }
});
