/**
 * The compiled relay gets other certificates while traffic flows.
 *
 * ```
 *  two clients, joined before ── frames all the time ──► relay ◄── newcomers, before and after
 *                                                        │
 *                                  cert.pem, key.pem ────┘ replaced under it
 * ```
 */
import { assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { createSelfSigned } from "../../../src/trust/self_signed.ts";
import { executablePath } from "../../../tools/build/executables.ts";
import { DenoEndpoint, type RelayAddress } from "../../support/deno_endpoint.ts";
import { LabProcess } from "../../../tools/lab/process.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { eventually, pause } from "../../../tools/lab/wait.ts";
import { issueLeaf, makeAuthority } from "../../../tools/lab/certificates.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";
const FRAMES_MIN = 400;

/** Where a relay's certificate lies. */
function filesOf(relay: RelayProcess): { readonly cert: string; readonly key: string } {
  const folder = relay.caFile.replace(/[^/]*$/, "");
  return { cert: `${folder}cert.pem`, key: `${folder}key.pem` };
}

/** A frame between the two, with a number in it. */
function numbered(count: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(100);
  frame.set([2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a, 0x88, 0xb6]);
  new DataView(frame.buffer).setUint32(14, count);
  return frame;
}

/** Sends frames from one client to the other until told to stop; resolves with how many got through. */
function flow(from: DenoEndpoint, to: DenoEndpoint) {
  let running = true;
  let sent = 0;
  const sending = (async () => {
    for (; running || sent < FRAMES_MIN; sent++) {
      await from.sendFrame(numbered(sent));
      await pause(2);
    }
  })();
  return {
    async stop(): Promise<{ readonly sent: number; readonly received: number }> {
      running = false;
      await sending;
      let received = 0;
      while (received < sent) {
        const { frame } = await to.frame();
        assertEquals(new DataView(frame.buffer, frame.byteOffset).getUint32(14), received);
        received++;
      }
      return { sent, received };
    },
  };
}

/** Whether a newcomer gets in that trusts this authority. */
async function isTrusted(address: RelayAddress, caPem: string): Promise<boolean> {
  try {
    await using _newcomer = await DenoEndpoint.connect({ ...address, caPem });
    return true;
  } catch {
    return false;
  }
}

Deno.test("another certificate is taken on SIGHUP, and when the files change, without a lost frame", async () => {
  await using relay = await RelayProcess.start();
  await using sender = await DenoEndpoint.connect(relay.address);
  await using receiver = await DenoEndpoint.connect(relay.address);
  await sender.join({ room: "PARTY", mac: MAC_A });
  await receiver.join({ room: "PARTY", mac: MAC_B });
  const traffic = flow(sender, receiver);
  const { cert, key } = filesOf(relay);
  const authorities = [await makeAuthority("CN=first"), await makeAuthority("CN=second")];
  for (const [count, authority] of authorities.entries()) {
    assertEquals(await isTrusted(relay.address, authority.certificatePem), false);
    const leaf = await issueLeaf(authority, { names: ["relay.test"] });
    await Deno.writeTextFile(cert, leaf.certificatePem);
    await Deno.writeTextFile(key, leaf.keyPem, { mode: 0o600 });
    if (count === 0) relay.kill("SIGHUP");
    await eventually("the new certificate", () => relay.log.includes(leaf.fingerprint));
    assertEquals(await isTrusted(relay.address, authority.certificatePem), true);
  }
  await assertRejects(() => DenoEndpoint.connect(relay.address));
  const { sent, received } = await traffic.stop();
  assertEquals(received, sent);
  assertMatch(relay.log, /"Certificate read anew"/);
});

Deno.test("a broken pair is refused with a line that says why, and the old one stays", async () => {
  await using relay = await RelayProcess.start();
  const { cert, key } = filesOf(relay);
  const stranger = await issueLeaf(await makeAuthority(), { names: ["relay.test"] });
  const good = await Deno.readTextFile(cert);
  const cases: readonly [RegExp, () => Promise<void>][] = [
    [/cannot be used together/, () => Deno.writeTextFile(key, stranger.keyPem)],
    [/holds no certificate in PEM form/, () => Deno.writeTextFile(cert, "not PEM")],
    [/there is no such file/, () => Deno.remove(cert)],
  ];
  for (const [why, spoil] of cases) {
    await spoil();
    relay.kill("SIGHUP");
    await eventually(String(why), () => why.test(relay.log));
    await using _newcomer = await DenoEndpoint.connect(relay.address);
  }
  assertEquals(relay.log.includes("Certificate read anew"), false);
  await Deno.writeTextFile(cert, good.replace(/^/, "a comment\n"));
  assertEquals(await isTrusted(relay.address, relay.address.caPem), true);
});

Deno.test("the relay's own certificate is made anew in its last month, and keeps its key", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-certificate-" });
  const old = await createSelfSigned({ names: ["relay.test"], days: 20, unixMs: Date.now() });
  await Deno.writeTextFile(`${folder}/relay-cert.pem`, old.certificatePem);
  await Deno.writeTextFile(`${folder}/relay-key.pem`, old.keyPem, { mode: 0o600 });
  const relay = new LabProcess([
    ...[executablePath("relay"), "--listen", "127.0.0.1:0", "--policy", "open"],
    ...["--state-dir", folder, "--cert-name", "relay.test"],
  ]);
  try {
    await relay.waitForLine(new RegExp(`Certificate made fingerprint=${old.fingerprint}$`));
    const renewed = await Deno.readTextFile(`${folder}/relay-cert.pem`);
    assertNotEquals(renewed, old.certificatePem);
    relay.kill("SIGHUP");
    await relay.waitForLine(new RegExp(`Certificate read anew fingerprint=${old.fingerprint}$`));
    assertEquals(await Deno.readTextFile(`${folder}/relay-cert.pem`), renewed);
  } finally {
    await relay.stop();
    await Deno.remove(folder, { recursive: true });
  }
});
