/**
 * The administrator at the compiled relay.
 *
 * ```
 *  clients ── QUIC ──► relay ◄── unix socket in the state folder ── lanparty-relay ctl
 * ```
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { DenoEndpoint } from "../../support/deno_endpoint.ts";
import { NOBODY, PublicExecutable } from "../../support/nobody.ts";
import { LabProcess } from "../../../tools/lab/process.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";
const MAC_C = "02:00:00:00:00:0c";
const SILENT = 20;

function stateOf(relay: RelayProcess): string {
  return relay.caFile.replace(/ca\.pem$/, "state");
}

/** Runs `lanparty-relay ctl`: exit code and everything it wrote. */
async function ctl(
  relay: RelayProcess,
  words: string,
  executable = executablePath("relay"),
  user: Deno.CommandOptions = {},
): Promise<[number, string]> {
  const { code, stdout, stderr } = await new Deno.Command(executable, {
    args: ["ctl", ...words.split(" "), "--state-dir", stateOf(relay)],
    ...user,
  }).output();
  return [code, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr)];
}

async function listening(relay: RelayProcess): Promise<string> {
  const path = `${stateOf(relay)}/control.sock`;
  await eventually("the socket", () => Deno.stat(path).then(() => true, () => false));
  return path;
}

Deno.test("rooms and peers are listed, a peer is kicked, a room is locked and unlocked", async () => {
  await using relay = await RelayProcess.start();
  await listening(relay);
  assertEquals(await ctl(relay, "rooms"), [0, "no rooms\n"]);
  await using ann = await DenoEndpoint.connect(relay.address);
  await using bob = await DenoEndpoint.connect(relay.address);
  await ann.join({ room: "PARTY", mac: MAC_A, name: "Ann" });
  await bob.join({ room: "PARTY", mac: MAC_B });
  assertMatch((await ctl(relay, "rooms"))[1], /^PARTY\s+2\s+no\s+\d+\s+no\s/m);
  assertMatch(
    (await ctl(relay, "peers party"))[1],
    /^PARTY\s+1\s+client\s+02:00:00:00:00:0a .*Ann$/m,
  );

  assertEquals(await ctl(relay, "lock party"), [0, "PARTY is locked: nobody new is let in\n"]);
  const codeOf = async () => {
    await using newcomer = await DenoEndpoint.connect(relay.address);
    const answer = await newcomer.hello({ room: "PARTY", mac: MAC_C });
    return answer["code"] ?? answer.type;
  };
  assertEquals(await codeOf(), "not-admitted");
  assertMatch((await ctl(relay, "rooms"))[1], /^PARTY\s+2\s+no\s+\d+\s+yes\s/m);
  assertEquals((await ctl(relay, "unlock PARTY"))[0], 0);
  assertEquals(await codeOf(), "welcome");

  assertEquals(await ctl(relay, `kick PARTY ${ann.peerId}`), [
    0,
    "peer 1 is out of PARTY for 1 hour\n",
  ]);
  assertEquals((await ann.messageOf("disconnect"))["code"], "kicked");
  await ann.ended();
  assertEquals((await ctl(relay, "kick PARTY 1"))[0], 1);
  assertEquals((await ctl(relay, "dance"))[0], 1);
  assertEquals(relay.running, true);
});

Deno.test("a room is closed: everybody in it is sent away, and told why, and nobody else is", async () => {
  await using relay = await RelayProcess.start();
  await listening(relay);
  await using ann = await DenoEndpoint.connect(relay.address);
  await using bob = await DenoEndpoint.connect(relay.address);
  await using cora = await DenoEndpoint.connect(relay.address);
  await ann.join({ room: "PARTY", mac: MAC_A });
  await bob.join({ room: "PARTY", mac: MAC_B });
  await cora.join({ room: "OTHER", mac: MAC_C });
  assertEquals(await ctl(relay, "close party --reason over"), [
    0,
    "PARTY is closed: 2 have been sent away\n",
  ]);
  for (const endpoint of [ann, bob]) {
    const { code, message } = await endpoint.messageOf("disconnect");
    assertEquals([code, message], ["room-closed", "over"]);
    await endpoint.ended();
  }
  assertEquals(await ctl(relay, "close PARTY"), [1, "there is no room PARTY\n"]);
  assertMatch((await ctl(relay, "rooms"))[1], /^OTHER\s+1\s[^\n]*\n$/m);
  assertEquals(cora.ending, undefined);
});

Deno.test("a drained relay lets nobody in, and ends when the last has gone", async () => {
  await using relay = await RelayProcess.start();
  await listening(relay);
  await using ann = await DenoEndpoint.connect(relay.address);
  await ann.join({ room: "PARTY", mac: MAC_A });
  assertEquals((await ctl(relay, "drain"))[0], 0);
  {
    await using bob = await DenoEndpoint.connect(relay.address);
    const answer = await bob.hello({ room: "PARTY", mac: MAC_B });
    assertEquals([answer.type, answer["code"]], ["reject", "relay-full"]);
  }
  assertEquals(relay.running, true);
  await ann.leave();
  assertEquals(await relay.waitExit(5_000), 0);
});

Deno.test("only the relay's user can open the socket, which goes with the relay", async () => {
  await using relay = await RelayProcess.start();
  const path = await listening(relay);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  await Deno.chmod(relay.caFile.replace(/\/ca\.pem$/, ""), 0o755);
  await Deno.chmod(stateOf(relay), 0o755);
  using executable = new PublicExecutable("relay");
  const [code, text] = await ctl(relay, "rooms", executable.path, {
    uid: NOBODY,
    gid: NOBODY,
    cwd: "/",
  });
  assertEquals(code, 1, text);
  assertMatch(text, /only its user and root may control it/);
  relay.kill("SIGTERM");
  await relay.waitExit();
  assertMatch((await ctl(relay, "rooms"))[1], /no relay runs there/);
});

Deno.test("a socket that a killed relay left is taken over, one in use is not", async () => {
  await using relay = await RelayProcess.start();
  await listening(relay);
  relay.kill("SIGKILL");
  await relay.waitExit();
  await relay.restart();
  await eventually("an answer", async () => (await ctl(relay, "rooms"))[0] === 0);
  const second = new LabProcess([
    ...[executablePath("relay"), "--listen", "127.0.0.1:0", "--policy", "open"],
    ...["--state-dir", stateOf(relay)],
  ]);
  await second.waitForLine(/cannot be controlled: .*another relay listens there/);
  await second.stop();
  assertEquals((await ctl(relay, "rooms"))[0], 0);
});

Deno.test("noise, endless questions and silent visitors do not keep the administrator out", async () => {
  await using relay = await RelayProcess.start();
  const path = await listening(relay);
  const visit = async (bytes: Uint8Array): Promise<string> => {
    const connection = await Deno.connect({ transport: "unix", path });
    try {
      await connection.write(bytes);
      const answer = new Uint8Array(1_024);
      return new TextDecoder().decode(answer.subarray(0, await connection.read(answer) ?? 0));
    } catch {
      return "";
    } finally {
      connection.close();
    }
  };
  assertMatch(await visit(new TextEncoder().encode("\n")), /^{"ok":false/);
  assertMatch(await visit(new TextEncoder().encode('{"a":1}\n')), /^{"ok":false/);
  await visit(crypto.getRandomValues(new Uint8Array(60_000)));
  await visit(new Uint8Array(100_000).fill(0x61));
  const silent = [];
  for (let i = 0; i < SILENT; i++) silent.push(await Deno.connect({ transport: "unix", path }));
  await eventually("an answer", async () => (await ctl(relay, "rooms"))[0] === 0, 10_000);
  for (const connection of silent) connection.close();
  assert(relay.running);
});
