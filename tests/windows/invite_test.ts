/** A player's whole task on Windows: an invite in a file beside lanparty-client.exe, or on the clipboard. */
import { assertEquals, assertMatch } from "@std/assert";
import { PARTY } from "../../tools/lab/party.ts";
import { checkPing } from "../../tools/lab/checks.ts";
import { leaseAddress } from "../support/dhcp_lease.ts";
import { partyTest } from "../support/play.ts";
import { assertRow } from "../support/rows.ts";
import { WinePc } from "../support/wine.ts";
import { interrupt, shown, waitForText } from "../support/wine_window.ts";

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
      // Asked once, ever.
      await waitForText(window, /Open invites that you click on .*\[y\/N\]/);
      await window.write("\r");
      await waitForText(window, /adapter LAN party is up: MAC [0-9a-f:]{17}/);
      const [, mac] = /is up: MAC ([0-9a-f:]{17})/.exec(shown(window)) ?? [];
      // Wine asks no DHCP server: the namespace's own stack does it, in the place of Windows'.
      await pc.connectStack(PARTY.tap, mac);
      const lease = await leaseAddress(pc.namespace, PARTY.tap, party.folder);
      await pc.recordLease(lease);
      await assertRow(() => checkPing("player to LAN", pc.namespace, PARTY.lanAddress));
      await assertRow(() => checkPing("LAN to player", party.lan, lease.address));
      assertEquals(await interrupt(window), 0);
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
      assertEquals(await interrupt(window), 0);
      await Deno.remove(pc.diskC(kept));
    });
    await step(
      "a link, which Windows hands to the client where it was asked to",
      () => checkLink(pc, line),
    );
    await step("anything else on the clipboard is left alone", async () => {
      await pc.copyToClipboard("my password");
      const window = pc.doubleClick();
      await waitForText(window, /Paste your invite/);
      assertEquals(shown(window).includes("password"), false);
      await interrupt(window);
    });
  },
);

const CLIENT = ["wine", "/mnt/lanparty-client.exe"];
const QUERY = ["wine", "reg", "query", "HKCU\\Software\\Classes\\lanparty", "/s"];

/** What is registered, what a click on a link comes to, and that all of it is gone again. */
async function checkLink(pc: WinePc, line: string): Promise<void> {
  assertEquals((await pc.run(QUERY, { anyCode: true })).code, 1);
  assertMatch((await pc.run([...CLIENT, "register-link"])).stdout, /are opened by this program/);
  const { stdout } = await pc.run(QUERY);
  assertMatch(stdout, /URL Protocol\s+REG_SZ/);
  assertMatch(stdout, /"Z:\\mnt\\lanparty-client\.exe" open-link -- "%1"/);
  const window = pc.doubleClick("open-link", "--", `lanparty://join/${line}/`);
  await waitForText(window, /A link invites this PC to the party "Ann's LAN"[^]*Join\? \[y\/N\]/);
  await window.write("y\r");
  await waitForText(window, /Joined the room/);
  assertEquals(await interrupt(window), 0);
  const hostile = ["open-link", "--", `lanparty://join/${line}`, "--frame-log", "C:\\x.json"];
  const refused = await pc.run([...CLIENT, ...hostile], { anyCode: true });
  assertEquals(refused.code, 2);
  assertMatch(refused.stderr, /This link does not lead to a party/);
  assertMatch((await pc.run([...CLIENT, "unregister-link"])).stdout, /are not opened by/);
  assertEquals((await pc.run(QUERY, { anyCode: true })).code, 1);
  assertMatch((await pc.run([...CLIENT, "unregister-link"])).stdout, /were not opened by/);
}
