/**
 * Mistakes of those who start the programs, and what they are told: one line each, which says what to do. Wrong command lines
 * are in `usage_test.ts`, a relay that is not reached in `client/reach_test.ts`.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { DAY_MS } from "../../../tools/lab/certificates.ts";
import type { LabProcess } from "../../../tools/lab/netns.ts";
import { CertificateFiles, relayCertificate, SERVER_NAME } from "../../support/certificates.ts";
import type { Party } from "../../../tools/lab/party.ts";
import { partyTest } from "../../support/play.ts";
import { sayingPattern } from "../../support/sentences.ts";

const TIMEOUT_MS = 20_000;

/** The one line with which a program ends that was not started well. */
async function failure(program: LabProcess): Promise<string> {
  assertEquals(await program.waitExit(TIMEOUT_MS), 1, program.stderr);
  const last = program.stderr.trimEnd().split("\n").at(-1) ?? "";
  assertMatch(last, /^\d\d:\d\d:\d\d error: /);
  return last;
}

partyTest(
  "a client is started twice, without a home, and where no adapter can be made",
  async (party, step) => {
    const player = await party.addPlayer("alice");
    await party.startRelay();
    const first = await party.startClient(player, "--address", "10.77.0.70/24");
    await step("twice with one state folder: which process has it", async () => {
      const line = await failure(player.spawn(party.clientCommand(player)));
      assertMatch(
        line,
        /lanparty-client runs already \(process \d+\) and has the adapter "lanparty0"/,
      );
      assertMatch(line, /end that one, or give this one another --tap-name and --state-dir$/);
    });
    await step("an adapter of this name is there", async () => {
      const other = party.clientCommand(player).map((word) =>
        word === party.stateDir("client-alice") ? `${word}-2` : word
      );
      assertMatch(await failure(player.spawn(other)), /there is an interface "lanparty0" already/);
    });
    first.kill("SIGINT");
    assertEquals(await first.waitExit(TIMEOUT_MS), 0);
    await step("without HOME, and not root", async () => {
      const words = [executablePath("relay"), "--listen", "127.0.0.1:0"];
      // Whoever is not root in a namespace of its own can still run what is root's.
      const nobody = ["unshare", "--user", "env", "-i", ...words];
      assertStringIncludes(await failure(player.spawn(nobody)), "HOME is not set");
    });
    await step("without /dev/net/tun, as in a container", async () => {
      const hidden = 'mount -t tmpfs none /dev/net && exec "$@"';
      const command = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        hidden,
        "sh",
        ...party.clientCommand(player),
      ];
      assertMatch(
        await failure(player.spawn(command)),
        /there is no \/dev\/net\/tun.*--device \/dev\/net\/tun/,
      );
    });
  },
);

/** A relay of a party's machine, in a state folder of its own. */
function relayOf(party: Party) {
  const { relay } = party;
  const state = `${party.folder}/moved`;
  return {
    relay,
    state,
    start(...options: string[]): LabProcess {
      const words = ["--listen", "127.0.0.1:4500", "--state-dir", state, ...options];
      return relay.spawn([executablePath("relay"), ...words]);
    },
    async end(program: LabProcess): Promise<void> {
      program.kill("SIGTERM");
      assertEquals(await program.waitExit(TIMEOUT_MS), 0, program.stderr);
    },
  };
}

partyTest("a relay's certificate has expired, or will soon", async (party) => {
  const { relay, start, end } = relayOf(party);
  const files = await CertificateFiles.make(party.folder);
  const issue = (notAfterMs: number) =>
    files.issue({ names: [SERVER_NAME], notBeforeMs: Date.now() - 30 * DAY_MS, notAfterMs });
  const expired = await issue(Date.now() - DAY_MS);
  const program = start(...relayCertificate(expired));
  await program.waitForLine(
    sayingPattern("certificate/expired", { file: expired.certificateFile }),
    TIMEOUT_MS,
  );
  await program.waitForLine(/Certificate in use/, TIMEOUT_MS);
  await end(program);
  const soon = await issue(Date.now() + 5.5 * DAY_MS);
  const next = start(...relayCertificate(soon));
  await next.waitForLine(
    sayingPattern("certificate/expires", { file: soon.certificateFile }),
    TIMEOUT_MS,
  );
  await next.waitForLine(/Certificate in use/, TIMEOUT_MS);
  await end(next);
  const words = [executablePath("relay"), "check-config", ...relayCertificate(soon)];
  const { stdout, stderr } = await relay.run(words);
  assertMatch(stdout, /is good/);
  assertMatch(stderr, sayingPattern("certificate/expires"));
});

partyTest("a relay's state is restored without its key", async (party) => {
  const { relay, state, start, end } = relayOf(party);
  const first = start();
  const [, made] = await first.waitForLine(/--relay-fingerprint ([A-Za-z0-9_-]{43})/, TIMEOUT_MS);
  await first.waitForLine(/Certificate made/, TIMEOUT_MS);
  await end(first);
  const key = await Deno.readTextFile(`${state}/relay-key.pem`);
  await Deno.remove(`${state}/relay-key.pem`);
  const line = await failure(start());
  for (const part of [state, "relay-key.pem, is gone", made, "--new-key"]) {
    assertStringIncludes(line, part);
  }
  const check = await relay.run(
    [executablePath("relay"), "check-config", "--state-dir", state],
    { anyCode: true },
  );
  assertEquals(check.code, 1);
  assertStringIncludes(check.stderr, "is gone");
  // Put back, all is as it was; without the certificate, too.
  await Deno.writeTextFile(`${state}/relay-key.pem`, key, { mode: 0o600 });
  await Deno.remove(`${state}/relay-cert.pem`);
  const again = start();
  const [, same] = await again.waitForLine(/--relay-fingerprint ([A-Za-z0-9_-]{43})/, TIMEOUT_MS);
  await again.waitForLine(/Certificate made/, TIMEOUT_MS);
  await end(again);
  assertEquals(same, made);
  await Deno.remove(`${state}/relay-key.pem`);
  const anew = start("--new-key");
  const [, other] = await anew.waitForLine(/--relay-fingerprint ([A-Za-z0-9_-]{43})/, TIMEOUT_MS);
  await anew.waitForLine(/Certificate made/, TIMEOUT_MS);
  await end(anew);
  assert(other !== made);
});
