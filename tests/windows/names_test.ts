/** An adapter whose name has letters beyond ASCII, as the player's own language has them. */
import { assertEquals, assertMatch } from "@std/assert";
import { partyTest } from "../support/play.ts";
import { HOME, WINE_ADAPTER, WinePc } from "../support/wine.ts";
import { startClient } from "../support/wine_joins.ts";

const NAME = "LAN-Verbindung für Жöß";
const CONNECTION = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Network\\" +
  "{4D36E972-E325-11CE-BFC1-08002BE10318}\\{11111111-2222-3333-4444-555555555555}\\Connection";
const SETTINGS = `Windows Registry Editor Version 5.00\r
\r
[${CONNECTION}]\r
"Name"="${NAME}"\r
`;

/** UTF-16 with a byte order mark, as the registry's editor has it. */
function wideFile(text: string): Uint8Array {
  const units = Uint16Array.from([0xfeff, ...text].map((unit) => {
    return typeof unit === "string" ? unit.charCodeAt(0) : unit;
  }));
  return new Uint8Array(units.buffer);
}

partyTest("an adapter with a name in the player's language", async (party) => {
  await using pc = await WinePc.open(await party.addPlayer("player"));
  await pc.installAdapter();
  await Deno.writeFile(`${pc.folder}/name.reg`, wideFile(SETTINGS));
  await pc.run(["wine", "regedit", "/S", "Z:\\mnt\\name.reg"]);
  await pc.setNetwork(
    ...HOME.map((line) => line.replace(WINE_ADAPTER.name, NAME)),
    "address 7 10.77.0.60/24",
  );
  const config = await pc.write("party.toml", `tap-name = "${NAME.toLowerCase()}"\n`);
  await party.startRelay();
  const client = await startClient(
    party,
    pc,
    ["--config", config],
    new RegExp(`adapter ${NAME} has the address 10\\.77\\.0\\.60/24`),
  );
  assertMatch((await pc.doctor()).stdout, new RegExp(`adapters: +"${NAME}"`));
  client.kill("SIGINT");
  assertEquals(await client.waitExit(15_000), 0);
});
