/** Deno's own QUIC against the compiled relay: who has a key, who has none, and who tries some. */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { executablePath } from "../../../tools/build/executables.ts";
import { DenoEndpoint, type HelloFields } from "../../support/deno_endpoint.ts";
import type { Message } from "../../support/deno_messages.ts";
import { BROADCAST_MAC, ethernet } from "../../../tools/lab/frames.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { VECTORS } from "../../vectors/proto_vectors.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";
const [MINE, OTHERS] = VECTORS.roomKeys.map(({ value }) => value);
const NOT_ADMITTED = {
  type: "reject",
  code: "not-admitted",
  message: "You are not admitted to this room.",
};

/** The hash of a room key as a relay's list has it. */
async function hashOf(roomKey: string): Promise<string> {
  const key = Uint8Array.fromBase64(roomKey, { alphabet: "base64url" });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", key));
  return digest.toBase64({ alphabet: "base64url", omitPadding: true });
}

async function joined(
  relay: RelayProcess,
  hello: HelloFields,
  localHost = "127.0.0.1",
): Promise<DenoEndpoint> {
  const endpoint = await DenoEndpoint.connect(relay.address, { localHost });
  await endpoint.join(hello);
  return endpoint;
}

/** The answer to one hello, behind which the connection ends. */
async function refused(
  relay: RelayProcess,
  hello: Record<string, unknown>,
  localHost = "127.0.0.1",
): Promise<Message> {
  await using endpoint = await DenoEndpoint.connect(relay.address, { localHost });
  await endpoint.send({ type: "hello", protocol: 1, datagramBudget: 1_400, ...hello });
  const answer = await endpoint.message();
  await endpoint.ended();
  return answer;
}

/** A broadcast of one reaches the other: they are in one room. */
async function assertTogether(a: DenoEndpoint, source: string, b: DenoEndpoint): Promise<void> {
  b.takeFrames();
  const frame = ethernet({
    destination: BROADCAST_MAC,
    source,
    type: 0x88b6,
    payload: new Uint8Array(46),
  });
  await a.sendFrame(frame);
  assertEquals((await b.frame()).frame, frame);
}

Deno.test("keyed: the keys of one host meet, and those of another of the same name do not", async () => {
  await using relay = await RelayProcess.start({ options: ["--policy", "keyed"] });
  await using player = await joined(relay, { room: "PARTY", mac: MAC_A, roomKey: MINE.roomKey });
  await using gateway = await joined(relay, { room: "PARTY", gatewayKey: MINE.gatewayKey });
  await assertTogether(player, MAC_A, gateway);
  await using theirs = await joined(relay, { room: "PARTY", mac: MAC_A, roomKey: OTHERS.roomKey });
  await using second = await joined(relay, { room: "PARTY", gatewayKey: OTHERS.gatewayKey });
  await assertTogether(theirs, MAC_A, second);
  assertEquals([player.takeFrames(), gateway.takeFrames()], [[], []]);
  assertEquals(theirs.peerId, 1, "a room of its own");
});

Deno.test("keyed: without a key, with no key or with the wrong kind nobody is admitted", async () => {
  await using relay = await RelayProcess.start({ options: ["--policy", "keyed"] });
  for (
    const hello of [
      { role: "client", mac: MAC_A },
      { role: "client", mac: MAC_A, roomKey: "" },
      { role: "client", mac: MAC_A, roomKey: "sesame" },
      { role: "client", mac: MAC_A, gatewayKey: MINE.gatewayKey },
      { role: "gateway" },
      { role: "gateway", roomKey: MINE.roomKey },
      { role: "gateway", gatewayKey: `${MINE.gatewayKey}=` },
    ]
  ) assertEquals(await refused(relay, { room: "PARTY", ...hello }), NOT_ADMITTED);
});

Deno.test("listed: only the list's rooms with their keys; all others get one answer", async () => {
  const hashes = [`PARTY=${await hashOf(MINE.roomKey)}`, `PARTY=${await hashOf(OTHERS.roomKey)}`];
  const options = ["--policy", "listed", "--allow-room", `ONE=${await hashOf(MINE.roomKey)}`];
  for (const hash of hashes) options.push("--allow-room", hash);
  await using relay = await RelayProcess.start({ options });
  await using player = await joined(relay, { room: "party", mac: MAC_A, roomKey: MINE.roomKey });
  await using gateway = await joined(relay, { room: "PARTY", gatewayKey: OTHERS.gatewayKey });
  await assertTogether(player, MAC_A, gateway);
  const client = { role: "client", mac: MAC_B };
  for (
    const hello of [
      { ...client, room: "ONE", roomKey: OTHERS.roomKey },
      { ...client, room: "ONE", roomKey: MINE.gatewayKey },
      { ...client, room: "ONE" },
      { ...client, room: "UNKNOWN", roomKey: MINE.roomKey },
      { role: "gateway", room: "ONE", gatewayKey: OTHERS.gatewayKey },
      { role: "gateway", room: "UNKNOWN", gatewayKey: MINE.gatewayKey },
    ]
  ) assertEquals(await refused(relay, hello), NOT_ADMITTED);
});

Deno.test("keys that are tried cost time where they come from, and their room nothing", async () => {
  const options = ["--policy", "listed", "--allow-room", `PARTY=${await hashOf(MINE.roomKey)}`];
  await using relay = await RelayProcess.start({ options });
  await using player = await joined(relay, { room: "PARTY", mac: MAC_A, roomKey: MINE.roomKey });
  const guess = { role: "client", mac: MAC_B, room: "PARTY", roomKey: OTHERS.roomKey };
  const stranger = "127.0.0.9";
  const answers = [];
  for (let i = 0; i < 13; i++) answers.push(await refused(relay, guess, stranger));
  const codes = answers.map((answer) => answer["code"]);
  assertEquals(codes.slice(0, 10), Array(10).fill("not-admitted"));
  assertEquals(codes.slice(-2), ["rate-limited", "rate-limited"]);
  const last = answers.at(-1)!;
  assertGreater(Number(last["retryAfterMs"]), 1_000);
  assert(Number(last["retryAfterMs"]) <= 10_000);
  const right = { ...guess, roomKey: MINE.roomKey };
  assertEquals((await refused(relay, right, stranger))["code"], "rate-limited");
  // The owners, from elsewhere, come in as ever.
  await using gateway = await joined(relay, { room: "PARTY", gatewayKey: MINE.gatewayKey });
  await assertTogether(player, MAC_A, gateway);
});

Deno.test("new-key makes keys that fit, check-config says so, and the relay takes them from a file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "lanparty-keys-" });
  try {
    const made = await new Deno.Command(executablePath("gateway"), { args: ["new-key"] }).output();
    const lines = new TextDecoder().decode(made.stdout).trim().split("\n");
    const keys = new Map(lines.map((line) => line.split(/ +/) as [string, string]));
    assertEquals([...keys.keys()], ["gateway-key", "room-key", "key-hash"]);
    const config = `${folder}/relay.toml`;
    const text = `policy = "listed"\n[allow-room]\nPARTY = "${keys.get("key-hash")}"\n`;
    await Deno.writeTextFile(config, text);
    assertEquals(await checkConfig(config), [0, "The configuration is good.\n", ""]);
    await using relay = await RelayProcess.start({
      options: ["--config", config, "--policy", "listed"],
    });
    const [roomKey, gatewayKey] = ["room", "gateway"].map((kind) => onWire(keys, kind));
    await using player = await joined(relay, { room: "PARTY", mac: MAC_A, roomKey });
    await using gateway = await joined(relay, { room: "PARTY", gatewayKey });
    await assertTogether(player, MAC_A, gateway);
    await Deno.writeTextFile(config, `${text}\n\nNEXT = "short"\n`);
    const [code, stdout, stderr] = await checkConfig(config);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, /^lanparty-relay: \S+relay\.toml:6: allow-room\.NEXT: .*expected[^\n]*\n$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** A key as messages have it: without the prefix and the check character that it has in print. */
function onWire(keys: ReadonlyMap<string, string>, kind: string): string {
  const [, key] = new RegExp(`^${kind}_(.{22}).$`).exec(keys.get(`${kind}-key`)!)!;
  return key;
}

async function checkConfig(file: string): Promise<[number, string, string]> {
  const args = ["check-config", "--config", file];
  const { code, stdout, stderr } = await new Deno.Command(executablePath("relay"), { args })
    .output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return [code, out, error];
}
