/**
 * OpenSSL as we build it, and our patches to msquic's file for it: they do what their heads say, and it would not do
 * it without them.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { CertificateFiles } from "../support/certificates.ts";
import { runTool } from "../support/msquic_program.ts";
import { withTlsProgram } from "../support/tls_program.ts";

const PROGRAM = new URL("./tls_messages.c", import.meta.url).pathname;

/** A program that hangs is ended by the kernel after so much time of the processor. */
const CPU_MAX_S = 5;

/** What becomes of each scene of the C program, and what is left in its memory afterwards. */
const SCENES: readonly { scene: string; name: string; says: string }[] = [
  {
    scene: "handshake",
    name: "two ends finish the handshake, and leave nothing behind",
    says: "client 1 server 1",
  },
  {
    scene: "other-key-share",
    name: "so do they where the server asks for another key share",
    says: "client 1 server 1",
  },
  {
    scene: "long-flight",
    name: "a long certificate chain is sent up to the limit, and refused above it",
    says: "1 1 0, 57344 bytes",
  },
  {
    scene: "plain-extensions",
    name: "extensions that should be encrypted are refused where they are not",
    says: "alert 10",
  },
  { scene: "short-header", name: "a message without its header is refused", says: "alert 80" },
  {
    scene: "cut-finished",
    name: "a Finished message without its end is refused",
    says: "alert 80",
  },
  {
    scene: "unknown-type",
    name: "a message of a type that TLS lacks is refused",
    says: "alert 10",
  },
  {
    scene: "key-update",
    name: "TLS's own key update is refused: QUIC has another",
    says: "alert 10",
  },
  {
    scene: "no-keys",
    name: "a handshake whose keys cannot be made ends with an alert",
    says: "alert 80",
  },
];

/** A configuration of OpenSSL's that leaves it no algorithm at all. */
const CONFIGURATION = `openssl_conf = start
[start]
providers = only
[only]
base = active
[active]
activate = 1
`;

/**
 * What the scenes say, each in two lines: what became of it, and what is left. OPENSSL_CONF names a configuration
 * that nothing can work with.
 *
 * @throws {Error} the program failed
 */
async function play(scenes: readonly string[], before?: string): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-tls-" });
  try {
    const files = await CertificateFiles.make(folder);
    const { certificateFile, keyFile } = await files.issue();
    await Deno.writeTextFile(`${folder}/openssl.cnf`, CONFIGURATION);
    return await withTlsProgram(PROGRAM, before, async (path) => {
      const limited = `ulimit -t ${CPU_MAX_S} && exec "$0" "$@"`;
      const output = await runTool("env", [
        ...[`OPENSSL_CONF=${folder}/openssl.cnf`, "sh", "-c", limited],
        ...[path, certificateFile, keyFile],
        ...scenes,
      ]);
      return output.trimEnd().split("\n");
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the TLS part hands over messages whole and in order, and keeps nothing", async (t) => {
  const lines = await play(SCENES.map(({ scene }) => scene));
  for (const [index, { scene, name, says }] of SCENES.entries()) {
    await t.step(name, () => {
      assertEquals(lines[2 * index], `${scene}: ${says}`);
      assertEquals(lines[2 * index + 1], `${scene}: 0 blocks and 0 secrets left`);
    });
  }
  assertEquals(lines.length, 2 * SCENES.length);
});

Deno.test("no configuration is read, though the environment names one", async () => {
  assertEquals((await play(["handshake"]))[0], "handshake: client 1 server 1");
  // It would be of effect.
  await assertRejects(() => play(["load-configuration", "handshake"]), Error, "no configuration");
});

Deno.test("without the patches it does not", async (t) => {
  await t.step("the send buffer's growth does not end", async () => {
    await assertRejects(() => play(["long-flight"], "0051-tls-send-buffer.patch"));
  });
  await t.step("what was not encrypted, is not whole or is unknown is taken", async () => {
    const scenes = ["plain-extensions", "short-header", "unknown-type", "key-update"];
    const lines = await play(scenes, "0052-tls-complete-messages.patch");
    assertEquals(
      lines.filter((_, index) => index % 2 === 0),
      scenes.map((scene) => `${scene}: taken`),
    );
  });
  await t.step("OpenSSL reads behind a Finished message", async () => {
    await assertRejects(() => play(["cut-finished"], "0052-tls-complete-messages.patch"));
  });
  await t.step("the first hello's transport parameters are lost", async () => {
    const [, left] = await play(["other-key-share"], "0053-tls-peer-parameters.patch");
    assertEquals(left, "other-key-share: 1 blocks and 8 secrets left");
  });
  await t.step("secrets stay in memory, and a key that is missing is no error of TLS", async () => {
    const lines = await play(["handshake", "no-keys"], "0054-tls-secrets.patch");
    assertEquals(lines[1], "handshake: 0 blocks and 8 secrets left");
    assertEquals(lines[2], "no-keys: alert 0");
  });
});
