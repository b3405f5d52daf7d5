import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeMessage } from "../../../src/control/framing.ts";
import { Stage, WELCOME } from "./harness.ts";

const STATS = { type: "stats", uptimeMs: 1 };
const PEER = { peerId: 3, role: "client", mac: "02:00:00:00:00:03" };

/** That the relay was told of its error, and left a second to read that. */
function assertProtocolError(stage: Stage, name: string): void {
  assertEquals(stage.sent().map(({ type, code }) => ({ type, code })), [
    { type: "disconnect", code: "protocol-error" },
  ], name);
  stage.only("finish");
  assertEquals(stage.actions("close"), [], name);
  stage.advance(1000);
  assertEquals(stage.only("close").errorCode, 2, name);
  assertEquals(stage.actions("ended"), [], name);
}

function greeted(): Stage {
  const stage = new Stage();
  stage.start();
  stage.greet();
  stage.clear();
  return stage;
}

function joined(): Stage {
  const stage = new Stage();
  stage.join();
  stage.clear();
  return stage;
}

const BEFORE_WELCOME: Record<string, object> = {
  "stats": STATS,
  "a peer": { type: "peerJoined", ...PEER },
  "a leave": { type: "peerLeft", ...PEER, reason: "bye" },
  "a hello": { type: "hello", protocol: 1 },
  "an unknown type": { type: "hug" },
  "no type": {},
  "an array": [],
  "a welcome to another room": { ...WELCOME, room: "OTHER" },
  "a welcome of another version": { ...WELCOME, protocol: 2 },
  "a welcome without a peer id": { ...WELCOME, peerId: null },
  "a welcome with a tiny MTU": { ...WELCOME, tapMtu: 576 },
  "a welcome with an MTU that no frame carries": { ...WELCOME, tapMtu: 1501 },
  "a reject without a known code": { type: "reject", code: "bad-hair-day", message: "" },
  "a redirect to nowhere": { type: "redirect", relay: "not an address" },
  "a redirect to a name with a zero in it": {
    type: "redirect",
    relay: "b.example.org",
    serverName: "b.example.org\0.evil",
  },
};
for (const [name, message] of Object.entries(BEFORE_WELCOME)) {
  //= PROTOCOL.md 5.1
  //# **greeting**: […] anything else is a protocol error.
  Deno.test(`${name} in place of the welcome is a protocol error`, () => {
    const stage = greeted();
    stage.relaySays(message);
    assertProtocolError(stage, name);
  });
}

const AFTER_WELCOME: Record<string, object> = {
  "a second welcome": WELCOME,
  "a reject": { type: "reject", code: "room-full", message: "" },
  "a redirect": { type: "redirect", relay: "b.example.org" },
  "a hello": { type: "hello", protocol: 1 },
  "an unknown type": { type: "hug" },
  "a peer with a group address": { type: "peerJoined", ...PEER, mac: "03:00:00:00:00:03" },
  "a leave without a reason": { type: "peerLeft", ...PEER },
};
for (const [name, message] of Object.entries(AFTER_WELCOME)) {
  //= PROTOCOL.md 5.1
  //# **joined**: `peerJoined`, `peerLeft`, `stats`, `disconnect`, (with `room-mtu`) `roomMtu` and
  //# (a gateway that has asked) `hostAnswer` are expected, and frames flow.
  Deno.test(`${name} after the welcome is a protocol error, and the room is left`, () => {
    const stage = joined();
    stage.relaySays(message);
    assertEquals(stage.only("left").final, false);
    assertProtocolError(stage, name);
  });
}

//= PROTOCOL.md 4
//# What breaks these rules, a message of unknown type, a message that the schema of section 6 does
//# not allow, a second hello, a second stream, and a message that belongs to the other side are
//# **protocol errors**:
Deno.test("bad lengths and bad JSON are protocol errors", () => {
  const wrong: Record<string, Uint8Array> = {
    "length 0": Uint8Array.of(0, 0, 0, 0),
    "length 65537": Uint8Array.of(0, 1, 0, 1),
    "length of 4 GiB": Uint8Array.of(255, 255, 255, 255),
    "no JSON": Uint8Array.of(0, 0, 0, 2, 0x7b, 0x7b),
    "no UTF-8": Uint8Array.of(0, 0, 0, 3, 0x22, 0xff, 0x22),
  };
  for (const [name, bytes] of Object.entries(wrong)) {
    const stage = joined();
    stage.relaySends(bytes);
    assertProtocolError(stage, name);
  }
});

Deno.test("a message that takes longer than 10 s to arrive is a protocol error", () => {
  const stage = joined();
  stage.relaySends(encodeMessage(STATS).subarray(0, 9));
  stage.advance(9999);
  assertEquals(stage.session.state, "joined");
  stage.advance(1);
  assertEquals(stage.session.state, "finishing");
  assertEquals(stage.sent().at(-1)?.code, "protocol-error");
});

Deno.test("a relay that answers the protocol error's end by closing is not waited for", () => {
  const stage = joined();
  stage.relaySays({ type: "hug" });
  stage.closed({ errorCode: 2 });
  assertEquals(stage.session.state, "waiting");
});

Deno.test("a protocol error before the hello closes without a message, which would be the first", () => {
  const stage = new Stage();
  stage.start();
  stage.connected();
  stage.clear();
  stage.relaySays(STATS);
  assertEquals(stage.sent(), []);
  assertEquals(stage.only("close").errorCode, 2);
});

Deno.test("good messages in front of a bad one count, those behind it do not", () => {
  const stage = joined();
  const good = encodeMessage({ type: "peerJoined", ...PEER });
  const bad = encodeMessage({ type: "hug" });
  const late = encodeMessage({ type: "peerJoined", ...PEER, peerId: 4 });
  const all = new Uint8Array(good.length + bad.length + late.length);
  all.set(good);
  all.set(bad, good.length);
  all.set(late, good.length + bad.length);
  stage.relaySends(all);
  assertEquals(stage.actions("peerJoined").map(({ peer }) => peer.peerId), [3]);
});

Deno.test("the player is told what is wrong with a welcome or a redirect", () => {
  const rows: [object, string][] = [
    [{ ...WELCOME, tapMtu: 9000 }, "(tapMtu: more than 1500)"],
    [{ ...WELCOME, tapMtu: 1279 }, "(tapMtu: less than 1280)"],
    [
      { type: "redirect", relay: "b.example.org", serverName: "b\0" },
      "(serverName: not a host name or an address)",
    ],
  ];
  for (const [message, text] of rows) {
    const stage = greeted();
    stage.relaySays(message);
    const [event] = stage.statuses("retrying");
    assertStringIncludes(event.reason, text);
  }
});

Deno.test("the player is told that the relay is at fault, and when the next try comes", () => {
  const stage = joined();
  stage.relaySays({ type: "hug" });
  const [event] = stage.statuses("retrying");
  assertStringIncludes(event.reason, "The relay sent something wrong");
  assertEquals(event.delayMs, 125);
});
