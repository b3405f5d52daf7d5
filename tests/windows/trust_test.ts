/** Whom lanparty-client.exe trusts when it is told nothing. */
import { assertMatch } from "@std/assert";
import { CertificateFiles, relayCertificate, SERVER_NAME } from "../support/certificates.ts";
import { partyTest } from "../support/play.ts";
import { WinePc } from "../support/wine.ts";
import { optionsFor, sayOf } from "../support/wine_joins.ts";

const DAY_MS = 86_400_000;

partyTest("without a pin Windows' own list of CAs decides, and the name", async (party, step) => {
  const player = await party.addPlayer("player");
  await using pc = await WinePc.open(player);
  await pc.installAdapter();
  const folder = await Deno.makeTempDir({ prefix: "lanparty-trust-" });
  try {
    const certificates = await CertificateFiles.make(folder);
    await party.startRelay(...relayCertificate(await certificates.issue()));
    const options = await optionsFor(party, pc);
    const named = [...options, "--server-name", SERVER_NAME];
    await step("a CA that Windows does not know is not trusted", async () => {
      assertMatch(await sayOf(pc, named), /error: .*certificate/);
    });
    await step("then the fingerprint is missing, whatever the name", async () => {
      assertMatch(await sayOf(pc, options), /error: .*nobody this PC trusts.*--relay-fingerprint/);
    });
    await pc.trust(await Deno.readTextFile(certificates.caFile));
    await step("one that it knows is", async () => {
      assertMatch(await sayOf(pc, named), /Joined the room/);
    });
    await step("but not for another name", async () => {
      const said = await sayOf(pc, [...options, "--server-name", "other.test"]);
      assertMatch(said, /error: .*certificate is for another name/);
    });
    await step(
      "a CA whose time is over is told as such, and not as one that nobody knows",
      async () => {
        await Deno.mkdir(`${folder}/old`);
        const old = await CertificateFiles.make(`${folder}/old`, Date.now() - 400 * DAY_MS);
        await party.relayProcess!.stop();
        await party.startRelay(...relayCertificate(await old.issue()));
        const ca = await pc.place(old.caFile, "old-ca.pem");
        assertMatch(
          await sayOf(pc, [...named, "--relay-ca-cert", ca]),
          /error: .*certificate has expired/,
        );
      },
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
