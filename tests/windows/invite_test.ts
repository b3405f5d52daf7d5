/** A player's whole task on Windows: an invite in a file beside lanparty-client.exe, or on the clipboard. */
import { assertEquals } from "@std/assert";
import { PARTY } from "../../tools/lab/party.ts";
import { checkPing } from "../../tools/lab/checks.ts";
import { partyTest } from "../support/play.ts";
import { assertRow } from "../support/rows.ts";
import { WinePc } from "../support/wine.ts";
import { shown, waitForText } from "../support/wine_window.ts";

partyTest(
  "a double click and Enter, with the invite beside the program or on the clipboard",
  async (party, step) => {
    await using pc = await WinePc.open(await party.addPlayer("player"));
    await pc.installAdapter();
    await party.startRelay();
    await party.startGateway();
    await party.startDhcpServer();
    const relay = party.relayAddressFor(pc.namespace);
    const [, text] = await party.askGateway("invite", "--relay", relay, "--party", "Ann's LAN");
    const [line] = text.split("\n");
    const kept =
      `users/player/AppData/Roaming/lanparty-client/parties/party-${PARTY.room}.lanparty`;
    await step("a file beside the program: first ping", async () => {
      await pc.write("party.lanparty", `frame-log = "C:\\x"\r\n${line}\r\n`);
      const window = pc.doubleClick();
      party.clients.set("player", window);
      await waitForText(window, /invite to the party "Ann's LAN"[^]*\(party\.lanparty\)[^]*go in:/);
      await window.write("\r");
      await waitForText(window, /Joined the room/);
      await waitForText(window, /You are in the LAN as 10\.77\.0\./);
      const [, address] = /You are in the LAN as ([0-9.]+)\./.exec(shown(window)) ?? [];
      await assertRow(() => checkPing("LAN to player", party.lan, address));
      await window.write("\x03");
      await window.waitExit(20_000);
      assertEquals((await Deno.readTextFile(pc.diskC(kept))).trim(), line);
      await pc.remove("party.lanparty");
      await Deno.remove(pc.diskC(kept));
    });
    await step("the clipboard, whatever stands around it", async () => {
      await pc.copyToClipboard(`Come to us: ${line} (at 8)`);
      const window = pc.doubleClick();
      await waitForText(window, /invite to the party "Ann's LAN"[^]*\(the clipboard\)[^]*go in:/);
      await window.write("\r");
      await waitForText(window, /Joined the room/);
      await window.write("\x03");
      await window.waitExit(20_000);
      await Deno.remove(pc.diskC(kept));
    });
    await step("anything else on the clipboard is left alone", async () => {
      await pc.copyToClipboard("my password");
      const window = pc.doubleClick();
      await waitForText(window, /Paste your invite/);
      assertEquals(shown(window).includes("password"), false);
      await window.write("\x1a\r");
      window.kill("SIGTERM");
      await window.waitExit(20_000);
    });
  },
);
