/**
 * Who was removed stays away, over the relay's end and over those of its reactors.
 *
 * ```
 *  endpoints ── QUIC ──► relay, or its reactors ──► lanparty-relay-bans.json in the state folder
 *  lanparty-relay ctl ──► its socket                       ▲
 *  a gateway's hostRequest ──► the room's reactor ─────────┘
 * ```
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { DenoEndpoint, type HelloFields, type RelayAddress } from "../../support/deno_endpoint.ts";
import type { Message } from "../../support/deno_messages.ts";
import { roomKeyOf } from "../../support/deno_codec.ts";
import { arrive, ctl, reactorPids, roomOf } from "../../support/reactors.ts";
import { RelayProcess } from "../../support/relay_process.ts";
import { eventually } from "../../../tools/lab/wait.ts";

const MAC_A = "02:00:00:00:00:0a";
const MAC_B = "02:00:00:00:00:0b";
const MAC_C = "02:00:00:00:00:0c";
const GATEWAY_KEY = "AAECAwQFBgcICQoLDA0ODw";
const ROOM_KEY = await roomKeyOf(GATEWAY_KEY);
const REMOVAL = { features: ["removal"] };
const HOST = { features: ["removal", "host-requests"] };

function fileOf(relay: RelayProcess): string {
  return relay.caFile.replace(/ca\.pem$/, "state/lanparty-relay-bans.json");
}

/** The relay's first message to somebody who comes from this address. */
async function answer(
  relay: RelayAddress,
  fields: HelloFields,
  localHost = "127.0.0.1",
): Promise<Message> {
  await using endpoint = await DenoEndpoint.connect(relay, { localHost });
  const message = await endpoint.hello({ ...REMOVAL, ...fields });
  if (message.type === "welcome") {
    // This transport acknowledges late: what comes after the welcome shows that it has come, a `bye` does not.
    await endpoint.send({ type: "stats" });
    await endpoint.leave();
  }
  return message;
}

/** `welcome`, or the code of a refusal; where the relay sends somewhere else, of there. */
async function codeOf(
  relay: RelayAddress,
  fields: HelloFields,
  localHost?: string,
): Promise<unknown> {
  const message = await answer(relay, fields, localHost);
  if (message.type !== "redirect") return message["code"] ?? message.type;
  const port = Number(/:(\d+)$/.exec(String(message["relay"]))![1]);
  const there = await answer({ ...relay, port }, fields, localHost);
  return there["code"] ?? there.type;
}

/** Asks as a room's gateway. */
async function ask(gateway: DenoEndpoint, fields: Record<string, unknown>): Promise<Message> {
  await gateway.send({ type: "hostRequest", request: 7, ...fields });
  const message = await gateway.messageOf("hostAnswer");
  assertEquals(message["request"], 7);
  return message;
}

Deno.test("a kicked player stays away, also after the relay's death, and is told for how long", async () => {
  await using relay = await RelayProcess.start();
  const from = (localHost: string) => DenoEndpoint.connect(relay.address, { localHost });
  await using ann = await from("127.0.0.1");
  await ann.join({ room: "PARTY", mac: MAC_A });
  await using bob = await from("127.0.0.2");
  await bob.join({ room: "PARTY", mac: MAC_B, name: "Bob", ...REMOVAL });
  await using old = await from("127.0.0.3");
  await old.join({ room: "PARTY", mac: MAC_C });
  assertEquals(await ctl(relay, `kick PARTY ${bob.peerId} --for 2h --reason cheats`), [
    0,
    `peer ${bob.peerId} is out of PARTY for 2 hours\n`,
  ]);
  assertEquals(await bob.messageOf("disconnect"), {
    ...{ type: "disconnect", code: "kicked", message: "cheats", by: "operator", forMs: 7_200_000 },
  });
  await ctl(relay, `kick PARTY ${old.peerId}`);
  assertEquals(await old.messageOf("disconnect"), {
    ...{ type: "disconnect", code: "kicked" },
    message: "The relay's operator has removed you for 1 hour.",
  });
  const party = { room: "PARTY" };
  assertEquals(await codeOf(relay.address, { ...party, mac: MAC_B }, "127.0.0.4"), "removed");
  assertEquals(await codeOf(relay.address, { ...party, mac: MAC_C }, "127.0.0.2"), "removed");
  assertEquals((await Deno.stat(fileOf(relay))).mode! & 0o777, 0o600);
  relay.kill("SIGKILL");
  await relay.waitExit();
  await relay.restart();
  const again = await answer(relay.address, { ...party, mac: MAC_B }, "127.0.0.4");
  assertEquals([again["code"], again["by"], again["message"]], ["removed", "operator", "cheats"]);
  const forMs = Number(again["forMs"]);
  assert(forMs > 0 && forMs < 7_200_000, `${forMs}`);
  {
    await using late = await DenoEndpoint.connect(relay.address);
    const message = await late.hello({ ...party, mac: MAC_C });
    assertEquals(message["code"], "not-admitted", "it does not know the newer code");
    assertMatch(
      String(message["message"]),
      /^The relay's operator has removed you for \d+ minutes\.$/,
    );
  }
  const [, table] = await ctl(relay, "bans");
  assertMatch(
    table,
    /^[0-9a-f]{10} +PARTY +operator +\d+ minutes +02:\S+ 127\.0\.0\.2 token:\S+ +Bob +cheats$/m,
  );
  assertEquals((await ctl(relay, "unban 127.0.0.2"))[0], 0);
  assertEquals(await codeOf(relay.address, { ...party, mac: MAC_B }, "127.0.0.2"), "welcome");
});

Deno.test("bans by MAC and address hold in one room or all, and what is wrong with a question is said", async () => {
  await using relay = await RelayProcess.start();
  assertEquals(await ctl(relay, "ban 127.0.0.2 --room party --for 1h"), [
    0,
    "127.0.0.2 is kept out of PARTY for 1 hour\n",
  ]);
  assertEquals((await ctl(relay, `ban ${MAC_B}`))[0], 0);
  assertEquals(await codeOf(relay.address, { room: "PARTY", mac: MAC_A }, "127.0.0.2"), "removed");
  assertEquals(await codeOf(relay.address, { room: "OTHER", mac: MAC_A }, "127.0.0.2"), "welcome");
  assertEquals(await codeOf(relay.address, { room: "OTHER", mac: MAC_B }, "127.0.0.3"), "removed");
  assertEquals((await ctl(relay, "ban somebody"))[0], 1);
  assertEquals((await ctl(relay, "ban 127.0.0.2 --for later"))[0], 2);
  assertEquals((await ctl(relay, "unban 127.0.0.9"))[0], 1);
  assertEquals((await ctl(relay, `unban ${MAC_B}`))[0], 0);
  assertEquals(await codeOf(relay.address, { room: "OTHER", mac: MAC_B }, "127.0.0.3"), "welcome");
});

Deno.test("a damaged file is put aside and said, and what it still holds is in force", async () => {
  await using relay = await RelayProcess.start();
  await ctl(relay, `ban ${MAC_B}`);
  relay.kill("SIGTERM");
  await relay.waitExit();
  const text = await Deno.readTextFile(fileOf(relay));
  const file = JSON.parse(text);
  file.bans.push({ id: "nonsense" });
  await Deno.writeTextFile(fileOf(relay), JSON.stringify(file));
  await relay.restart();
  assertMatch(relay.log, /was damaged: 1 bans of it are in force/);
  assertEquals(await codeOf(relay.address, { room: "PARTY", mac: MAC_B }), "removed");
  assertEquals(JSON.parse(await Deno.readTextFile(`${fileOf(relay)}.damaged`)), file);
  relay.kill("SIGTERM");
  await relay.waitExit();
  assertEquals(JSON.parse(await Deno.readTextFile(fileOf(relay))).bans.length, 1);
  await Deno.writeTextFile(fileOf(relay), "{");
  await relay.restart();
  assertMatch(relay.log, /was damaged: none of its bans is in force/);
  assertEquals(await codeOf(relay.address, { room: "PARTY", mac: MAC_B }), "welcome");
});

Deno.test("bans that cannot be written are in force, and that is said", async () => {
  await using relay = await RelayProcess.start();
  await Deno.mkdir(fileOf(relay));
  const [code, text] = await ctl(relay, `ban ${MAC_B}`);
  assertEquals(code, 0);
  assertMatch(text, /\(the bans end with the relay: /);
  assertMatch(relay.log, /Cannot write .*lanparty-relay-bans\.json/);
  assertEquals(await codeOf(relay.address, { room: "PARTY", mac: MAC_B }), "removed");
});

Deno.test("a host removes players from its own room, and its bans outlast gateway and relay", async () => {
  await using relay = await RelayProcess.start({ options: ["--policy", "keyed"] });
  const hostFields = { room: "PARTY", gatewayKey: GATEWAY_KEY, ...HOST };
  const player = { room: "PARTY", roomKey: ROOM_KEY };
  {
    await using gateway = await DenoEndpoint.connect(relay.address);
    const welcome = await gateway.join(hostFields);
    assertEquals(welcome["features"], HOST.features);
    await using bob = await DenoEndpoint.connect(relay.address, { localHost: "127.0.0.2" });
    await bob.join({ ...player, mac: MAC_B, ...REMOVAL });
    const kicked = await ask(gateway, { action: "kick", peerId: bob.peerId, reason: "cheats" });
    assertEquals([kicked["ok"], kicked["message"]], [
      true,
      `player ${bob.peerId} is out for 1 hour`,
    ]);
    const { by, forMs, message } = await bob.messageOf("disconnect") as Record<string, unknown>;
    assertEquals([by, forMs, message], ["host", 3_600_000, "cheats"]);
    const denied = await ask(gateway, { action: "ban", target: "127.0.0.3" });
    assertEquals(denied["ok"], true);
    await gateway.leave();
  }
  assertEquals(await codeOf(relay.address, { ...player, mac: MAC_B }, "127.0.0.4"), "removed");
  await eventually("both bans are written", async () => {
    const text = await Deno.readTextFile(fileOf(relay)).catch(() => "");
    return text.includes("127.0.0.3") && text.includes(MAC_B);
  });
  relay.kill("SIGKILL");
  await relay.waitExit();
  await relay.restart();
  assertEquals(await codeOf(relay.address, { ...player, mac: MAC_C }, "127.0.0.3"), "removed");
  await using gateway = await DenoEndpoint.connect(relay.address);
  await gateway.join(hostFields);
  const { bans } = await ask(gateway, { action: "bans" }) as { bans?: { targets: string[] }[] };
  assertEquals(bans?.map(({ targets }) => targets.length), [3, 1]);
  assertEquals((await ask(gateway, { action: "unban", target: MAC_B }))["ok"], true);
  assertEquals(await codeOf(relay.address, { ...player, mac: MAC_B }, "127.0.0.4"), "welcome");
  assertMatch((await ctl(relay, "bans"))[1], /^[0-9a-f]{10} +PARTY\.\S{8} +host /m);
});

Deno.test("a player who asks what only the host may ask is sent away, and nothing is done", async () => {
  await using relay = await RelayProcess.start();
  await using ann = await DenoEndpoint.connect(relay.address);
  await ann.join({ room: "PARTY", mac: MAC_A });
  await using bob = await DenoEndpoint.connect(relay.address);
  await bob.join({ room: "PARTY", mac: MAC_B, ...HOST });
  await bob.send({ type: "hostRequest", request: 1, action: "kick", peerId: ann.peerId });
  assertEquals((await bob.messageOf("disconnect"))["code"], "protocol-error");
  await using gateway = await DenoEndpoint.connect(relay.address);
  const welcome = await gateway.join({ room: "PARTY", features: ["removal"] });
  assertEquals(welcome["features"], ["removal"]);
  await gateway.send({ type: "hostRequest", request: 1, action: "lock" });
  assertEquals((await gateway.messageOf("disconnect"))["code"], "protocol-error");
  assertEquals(ann.messages.some(({ type }) => type === "disconnect"), false);
});

Deno.test("a departed player's MAC is kept for the token, until the gateway releases it", async () => {
  await using relay = await RelayProcess.start({ options: ["--policy", "keyed"] });
  const player = { room: "PARTY", roomKey: ROOM_KEY };
  await using gateway = await DenoEndpoint.connect(relay.address);
  await gateway.join({ room: "PARTY", gatewayKey: GATEWAY_KEY, ...HOST });
  const welcome = await answer(relay.address, { ...player, mac: MAC_B });
  assertEquals(welcome.type, "welcome");
  const villain = await answer(relay.address, { ...player, mac: MAC_B }, "127.0.0.2");
  assertEquals([villain["code"], villain["retryAfterMs"]], ["mac-reserved", 15_000]);
  assertEquals(await codeOf(relay.address, { ...player, mac: MAC_B, features: [] }), "mac-in-use");
  const resume = String(welcome["resume"]);
  assertEquals(await codeOf(relay.address, { ...player, mac: MAC_B, resume }), "welcome");
  assertEquals(await codeOf(relay.address, { ...player, mac: MAC_B }, "127.0.0.2"), "mac-reserved");
  assertEquals((await ask(gateway, { action: "release", target: MAC_B }))["ok"], true);
  assertEquals(await codeOf(relay.address, { ...player, mac: MAC_B }, "127.0.0.2"), "welcome");
});

Deno.test("the operator's and the hosts' bans are known to all reactors, also those started again", async () => {
  const reactors = 2;
  await using relay = await RelayProcess.start({ options: ["--reactors", String(reactors)] });
  const rooms = [roomOf(0, reactors), roomOf(1, reactors)];
  const all = async () =>
    await Promise.all(
      rooms.map((room, reactor) =>
        codeOf(relay.addresses[reactor], { room, mac: MAC_B }, "127.0.0.2")
      ),
    );
  assertEquals((await ctl(relay, `ban ${MAC_B} --for 1h`))[0], 0);
  assertEquals(await all(), ["removed", "removed"]);
  {
    await using cora = await arrive(relay.address, { room: rooms[1], mac: MAC_C, ...REMOVAL });
    assertEquals((await ctl(relay, `kick ${rooms[1]} ${cora.endpoint.peerId} --for 1h`))[0], 0);
    assertEquals((await cora.endpoint.messageOf("disconnect"))["by"], "operator");
  }
  await eventually(
    "the supervisor knows",
    async () => (await ctl(relay, "bans"))[1].includes(MAC_C),
  );
  Deno.kill(reactorPids(relay.pid).get(1)!, "SIGKILL");
  const restarted = () => codeOf(relay.addresses[1], { room: rooms[1], mac: MAC_C }, "127.0.0.3");
  await eventually(
    "reactor 1 is back",
    () => restarted().then((code) => code === "removed", () => false),
    20_000,
  );
  assertEquals(await all(), ["removed", "removed"]);
  relay.kill("SIGTERM");
  await relay.waitExit();
  await relay.restart();
  assertEquals(await all(), ["removed", "removed"]);
  assertEquals(await restarted(), "removed");
  assertEquals((await ctl(relay, `unban ${MAC_B}`))[0], 0);
  assertEquals(await all(), ["welcome", "welcome"]);
});

Deno.test("what a host has said in one reactor is kept by the supervisor, and known after its restart", async () => {
  const options = ["--reactors", "2", "--policy", "keyed"];
  await using relay = await RelayProcess.start({ options });
  {
    const host = { room: "PARTY", gatewayKey: GATEWAY_KEY, ...HOST };
    await using gateway = await arrive(relay.address, host);
    assertEquals((await ask(gateway.endpoint, { action: "ban", target: MAC_B }))["ok"], true);
    assertEquals((await ask(gateway.endpoint, { action: "ban", target: MAC_C }))["ok"], true);
    assertEquals((await ask(gateway.endpoint, { action: "unban", target: MAC_C }))["ok"], true);
  }
  const listed = async () => (await ctl(relay, "bans"))[1];
  await eventually(
    "it is listed",
    async () => /^[0-9a-f]{10} +PARTY\.\S{8} +host /m.test(await listed()),
  );
  await eventually(
    "it is written",
    async () => (await Deno.readTextFile(fileOf(relay)).catch(() => "")).includes(MAC_B),
  );
  assertEquals((await listed()).includes(MAC_C), false);
  relay.kill("SIGKILL");
  await relay.waitExit();
  await relay.restart();
  for (const address of relay.addresses) {
    assertEquals(
      await codeOf(address, { room: "PARTY", roomKey: ROOM_KEY, mac: MAC_B }),
      "removed",
    );
  }
});
