import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DISCONNECT_CODES, type DisconnectCode, ErrorCode } from "../../../src/control/messages.ts";
import type { TransportFailure } from "../../../src/observe/relay_reach.ts";
import { PROTOCOL_ERRORS_MAX, STABLE_SESSION_MS } from "../../../src/endpoint/reconnection.ts";
import { CONNECT_TIMEOUT_MS, WELCOME_TIMEOUT_MS } from "../../../src/endpoint/session_state.ts";
import { saying, sentenceOf } from "../../support/sentences.ts";
import { LEAST, MOST, Stage, waitOf } from "./harness.ts";

/** A session that was joined for a while and then told to go. */
function dismissed(code: DisconnectCode, retryAfterMs?: number, random = LEAST): Stage {
  const stage = new Stage({}, { random });
  stage.join();
  stage.advance(STABLE_SESSION_MS);
  stage.clear();
  stage.relaySays({ type: "disconnect", code, message: "says the relay", retryAfterMs });
  return stage;
}

const DISCONNECTS: Readonly<Record<DisconnectCode, { errorCode: number; final: boolean }>> = {
  "bye": { errorCode: 0, final: false },
  "protocol-error": { errorCode: 2, final: false },
  "malformed-limit": { errorCode: 2, final: false },
  "hello-timeout": { errorCode: 2, final: false },
  "kicked": { errorCode: 3, final: true },
  "room-closed": { errorCode: 3, final: true },
  "relay-restarting": { errorCode: 4, final: false },
  "replaced": { errorCode: 3, final: true },
};

for (const code of DISCONNECT_CODES) {
  const { errorCode, final } = DISCONNECTS[code];
  //= PROTOCOL.md 5.3
  //# Who receives `reject`, `redirect` or `disconnect` closes the connection at once, with the same
  //# code.
  //= PROTOCOL.md 5.4
  //# After a loss, and after `relay-restarting`, `bye`, `hello-timeout` and `protocol-error`: wait,
  //# then connect again.
  //= PROTOCOL.md 5.4
  //# Final: `reject` with another code, `disconnect` `kicked` and `room-closed` without
  //# `retryAfterMs`, and `replaced` in any case (two holders of one token would push each other out
  //# for ever).
  Deno.test(`the disconnect ${code} is followed by ${final ? "the end" : "another try"}`, () => {
    const stage = dismissed(code);
    assertEquals(stage.only("close").errorCode, errorCode);
    assertEquals(stage.only("left").final, final);
    assertEquals(stage.statuses("disconnected").map((event) => event.code), [code]);
    if (final) {
      const { exitCode, message, told } = stage.only("ended");
      assertEquals({ exitCode, told }, { exitCode: 1, told: true });
      assertStringIncludes(message, "(says the relay)");
    } else {
      assertEquals(waitOf(stage), 125);
      assertEquals(stage.actions("ended"), []);
    }
  });
}

for (const code of ["kicked", "room-closed", "relay-restarting", "bye"] as const) {
  //= PROTOCOL.md 5.4
  //# Where the message has `retryAfterMs`, wait that long instead (never less; up to a quarter
  //# more, at random).
  Deno.test(`after the disconnect ${code} with a time the session comes back then`, () => {
    const stage = dismissed(code, 5000);
    assertEquals(stage.only("left").final, false);
    assertEquals(waitOf(stage), 5000);
    stage.advance(5000);
    stage.only("connect");
    const longest = waitOf(dismissed(code, 5000, MOST));
    assert(longest > 6200 && longest < 6250);
  });
}

//= PROTOCOL.md 5.4
//# Final: `reject` with another code, `disconnect` `kicked` and `room-closed` without
//# `retryAfterMs`, and `replaced` in any case (two holders of one token would push each other out
//# for ever).
Deno.test("who was replaced stays away, whatever time the relay names", () => {
  assertEquals(dismissed("replaced", 1000).only("ended").exitCode, 1);
});

//= PROTOCOL.md 5.4
//# An endpoint should come back by itself after everything but what is final:
//= PROTOCOL.md 5.4
//# After a loss, and after `relay-restarting`, `bye`, `hello-timeout` and `protocol-error`: wait,
//# then connect again.
Deno.test("a path that breaks is tried again after an eighth to a quarter of a second", () => {
  for (const [random, least, most] of [[LEAST, 125, 125], [MOST, 249, 250]] as const) {
    const stage = new Stage({}, { random });
    stage.join();
    stage.closed({ transport: "timeout" });
    const waitMs = waitOf(stage);
    assert(waitMs >= least && waitMs <= most, `${waitMs}`);
    assertEquals(stage.only("left").final, false);
    assertEquals(stage.statuses("retrying").length, 1);
  }
});

Deno.test("attempts that fail wait twice as long each time, up to half a minute", () => {
  const stage = new Stage();
  stage.start();
  const waits: number[] = [];
  for (let round = 0; round < 12; round++) {
    stage.closed({ transport: "refused" });
    waits.push(waitOf(stage));
    stage.advance(waits[round]);
    assertEquals(stage.session.state, "connecting");
  }
  assertEquals(waits, [
    125,
    250,
    500,
    1000,
    2000,
    4000,
    8000,
    15_000,
    15_000,
    15_000,
    15_000,
    15_000,
  ]);
  assertEquals(stage.statuses("connecting").map((event) => event.attempt), [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
  ]);
});

Deno.test("a session that lasted takes the backoff back, one that broke at once does not", () => {
  const stage = new Stage();
  stage.start();
  for (let round = 0; round < 5; round++) {
    stage.closed({ transport: "refused" });
    stage.advance(waitOf(stage));
  }
  stage.join();
  stage.advance(STABLE_SESSION_MS - 1);
  stage.closed({ transport: "timeout" });
  assertEquals(waitOf(stage), 4000);
  stage.advance(4000);
  stage.join();
  stage.advance(STABLE_SESSION_MS);
  stage.closed({ transport: "timeout" });
  assertEquals(waitOf(stage), 125);
});

Deno.test("a relay that cannot be reached is tried for as long as it takes", () => {
  const stage = new Stage();
  stage.start();
  const failures: TransportFailure[] = [
    "refused",
    "timeout",
    "unreachable",
    "unresolved",
    "reset",
    "other",
  ];
  for (let round = 0; round < 60; round++) {
    stage.closed({ transport: failures[round % failures.length] });
    stage.advance(waitOf(stage));
    assertEquals(stage.session.state, "connecting");
  }
});

Deno.test("a certificate that is refused at the first attempt ends the program with 1", () => {
  const stage = new Stage();
  stage.start();
  stage.closed({ transport: "certificate", message: "expired on Monday" });
  const { exitCode, message, told } = stage.only("ended");
  assertEquals({ exitCode, told }, { exitCode: 1, told: false });
  assertStringIncludes(message, "certificate");
  assertStringIncludes(message, "expired on Monday");
  assertEquals(stage.actions("send"), []);
});

Deno.test("what is wrong with a certificate is told as such", () => {
  const stage = new Stage();
  stage.start();
  stage.closed({
    transport: "certificate",
    certificateProblem: "wrong-name",
    message: "a.example",
  });
  assertEquals(stage.statuses("certificateRefused"), [{
    type: "certificateRefused",
    relay: "relay.example.org:443",
    problem: "wrong-name",
    detail: "a.example",
  }]);
  const { exitCode, told } = stage.only("ended");
  assertEquals({ exitCode, told }, { exitCode: 1, told: true });
});

Deno.test("something that is no lanparty relay ends the first attempt with 1", () => {
  const stage = new Stage();
  stage.start();
  stage.closed({ transport: "alpn" });
  assertEquals(stage.only("ended").exitCode, 1);
});

Deno.test("once a session was joined, a wrong certificate does not end the party", () => {
  const stage = new Stage();
  stage.join();
  stage.closed({ transport: "timeout" });
  stage.advance(200);
  stage.closed({ transport: "certificate", certificateProblem: "untrusted" });
  assertEquals(waitOf(stage), 250);
  assertEquals(stage.statuses("certificateRefused").length, 1);
});

//= PROTOCOL.md 5.3
//# An endpoint whose *relay* closes without a last message (or before it arrived) takes 0, 1 and 4
//# for a loss, 2 for a `protocol-error`, and 3 for final.
Deno.test("a relay that closes with an error code alone is understood", () => {
  const expected: Record<number, "waiting" | "ended"> = {
    [ErrorCode.done]: "waiting",
    [ErrorCode.rejected]: "waiting",
    [ErrorCode.protocol]: "waiting",
    [ErrorCode.policy]: "ended",
    [ErrorCode.shuttingDown]: "waiting",
    99: "waiting",
  };
  for (const [errorCode, state] of Object.entries(expected)) {
    const stage = new Stage();
    stage.join();
    stage.closed({ errorCode: Number(errorCode) });
    assertEquals(stage.session.state, state, errorCode);
    assertEquals(stage.only("left").final, state === "ended");
  }
});

//= PROTOCOL.md 5.3
//# FIN from a relay without a last message is a loss, as if the connection had broken.
Deno.test("a relay that finishes the stream without a word has left", () => {
  const stage = new Stage();
  stage.join();
  stage.finished();
  assertEquals(stage.only("close").errorCode, ErrorCode.done);
  assertEquals(stage.only("left").final, false);
  assertEquals(waitOf(stage), 125);
});

Deno.test("the relay's FIN behind its reject is no further event", () => {
  const stage = new Stage();
  stage.answersClose = false;
  stage.start();
  stage.greet();
  stage.relaySays({ type: "reject", code: "room-full", message: "", retryAfterMs: 10_000 });
  stage.finished();
  stage.closed({ errorCode: 1 });
  stage.only("close");
  assertEquals(waitOf(stage), 10_000);
});

Deno.test("nothing of a connection is carried over to the next", () => {
  const stage = new Stage();
  stage.join();
  stage.session.handleRtt(33);
  // Half a message, which the rest of another one must not complete.
  stage.relaySends(Uint8Array.of(0, 0, 0, 9, 0x7b));
  stage.closed({ transport: "timeout" });
  stage.advance(200);
  assertEquals(stage.session.state, "connecting");
  assertEquals(stage.session.datagramBytesMax, 0);
  assertEquals(stage.session.rttMs, 0);
  stage.join();
});

//= PROTOCOL.md 5.1
//# **connecting**: […] Give up after 15 s.
Deno.test("a handshake that takes too long is given up", () => {
  const stage = new Stage();
  stage.start();
  stage.advance(CONNECT_TIMEOUT_MS - 1);
  assertEquals(stage.actions("close"), []);
  stage.advance(1);
  stage.only("close");
  assertEquals(waitOf(stage), 125);
});

Deno.test("a relay that does not answer the hello is given up", () => {
  const stage = new Stage();
  stage.start();
  stage.greet();
  stage.advance(WELCOME_TIMEOUT_MS - 1);
  assertEquals(stage.session.state, "greeting");
  stage.advance(1);
  stage.only("close");
  assertEquals(waitOf(stage), 125);
});

Deno.test("what to look at is said once, and only while no relay has ever answered", () => {
  const stage = new Stage();
  stage.start();
  for (const transport of ["unresolved", "timeout", "timeout"] as const) {
    stage.closed({ transport });
    stage.advance(waitOf(stage));
  }
  assertEquals(stage.statuses("retrying").map(({ reason }) => reason), [
    saying("relay/no-address", { host: "relay.example.org" }),
    saying("relay/silent", { address: "relay.example.org", port: "443" }),
    sentenceOf("relay/silent", { address: "relay.example.org", port: "443" }).what,
  ]);
  const joined = new Stage();
  joined.join();
  joined.closed({ transport: "timeout" });
  assertEquals(joined.statuses("retrying").map(({ reason }) => reason), [
    sentenceOf("relay/lost").what,
  ]);
});

Deno.test("that there is no answer yet is said while it is tried on, once for each reason, and taken back", () => {
  const stage = new Stage();
  stage.start();
  const place = { host: "relay.example.org", port: 443, address: "192.0.2.7" };
  for (const transport of ["timeout", "timeout", "nobodyListens"] as const) {
    stage.session.handleTrouble({ transport, place });
    stage.drain();
  }
  assertEquals(stage.statuses("relayTrouble").map(({ failure }) => failure), [
    "timeout",
    "nobodyListens",
  ]);
  assertEquals(stage.session.state, "connecting");
  const at = { address: "192.0.2.7", port: "443" };
  assertEquals(stage.session.trouble, sentenceOf("relay/nobody-listens", at));
  stage.closed({ transport: "timeout", place });
  // The advice was given with the trouble.
  assertEquals(stage.statuses("retrying").map(({ reason }) => reason), [
    sentenceOf("relay/silent", at).what,
  ]);
  stage.advance(waitOf(stage));
  stage.connected();
  assertEquals(stage.session.trouble, undefined);
  stage.session.handleTrouble({ transport: "timeout", place });
  stage.drain();
  assertEquals(stage.statuses("relayTrouble").length, 2);
});

Deno.test("the next connection is not opened before the last one is gone", () => {
  const stage = new Stage();
  stage.answersClose = false;
  stage.start();
  stage.greet();
  stage.clear();
  stage.relaySays({ type: "redirect", relay: "b.example.org" });
  stage.only("close");
  assertEquals(stage.actions("connect"), []);
  stage.closed({ errorCode: 1 });
  stage.only("connect");
});

Deno.test("a transport that never reports the end does not hold the session up", () => {
  const stage = new Stage();
  stage.answersClose = false;
  stage.join();
  stage.clear();
  stage.relaySays({ type: "disconnect", code: "relay-restarting", message: "" });
  stage.advance(500);
  stage.only("connect");
});

//= PROTOCOL.md 5.3
//# From then on nothing more that the other side sent counts.
Deno.test("what a relay says after its last word is not heard", () => {
  const stage = new Stage();
  stage.answersClose = false;
  stage.join();
  stage.clear();
  stage.relaySays({ type: "disconnect", code: "kicked", message: "" });
  stage.relaySays({ type: "peerJoined", peerId: 3, role: "gateway" });
  stage.relaySays({ type: "disconnect", code: "bye", message: "" });
  stage.closed({ errorCode: 4 });
  assertEquals(stage.actions("peerJoined"), []);
  assertEquals(stage.only("ended").exitCode, 1);
});

//= PROTOCOL.md 5.4
//# After the fifth `protocol-error` in a row, none of them after a session of 10 s or more: final.
Deno.test("after too many protocol errors in a row the program ends with 1", () => {
  const stage = new Stage();
  stage.start();
  for (let round = 1;; round++) {
    stage.greet();
    stage.relaySays({ type: "nonsense" });
    stage.advance(1000);
    if (round === PROTOCOL_ERRORS_MAX) break;
    if (stage.session.state === "waiting") stage.advance(waitOf(stage));
  }
  assertEquals(stage.only("ended").exitCode, 1);
});

Deno.test("protocol errors with good sessions between them never end the program", () => {
  const stage = new Stage();
  stage.start();
  for (let round = 0; round < 3 * PROTOCOL_ERRORS_MAX; round++) {
    stage.join();
    stage.advance(STABLE_SESSION_MS);
    stage.relaySays({ type: "nonsense" });
    stage.advance(1000);
  }
  assertEquals(stage.session.state, "connecting");
});

Deno.test("another network: the connection is given up without a word, and a new one begins at once", () => {
  const stage = new Stage();
  stage.join();
  stage.clear();
  stage.session.handleNetworkChanged("This PC has another network.", stage.nowMs);
  stage.drain();
  assertEquals(stage.actions("close").length, 0);
  assertEquals(stage.actions("send").length, 0);
  assertEquals(stage.only("left").final, false);
  assertEquals(stage.only("connect").targets[0].host, "relay.example.org");
  assertEquals(stage.statuses("retrying").map(({ delayMs }) => delayMs), [0]);
  stage.join();
});

Deno.test("a network that is back ends the wait, and its length begins anew", () => {
  const stage = new Stage();
  stage.start();
  for (let round = 0; round < 8; round++) {
    stage.closed({ transport: "unreachable" });
    stage.advance(waitOf(stage));
  }
  stage.closed({ transport: "unreachable" });
  assertEquals(waitOf(stage) > 5000, true);
  stage.clear();
  stage.session.handleNetworkChanged("This PC has its network again.", stage.nowMs);
  stage.drain();
  stage.only("connect");
  stage.closed({ transport: "unreachable" });
  assertEquals(waitOf(stage), 125);
});

Deno.test("a session that leaves or has ended does not care about networks", () => {
  const stage = new Stage();
  stage.answersClose = false;
  stage.join();
  stage.leave();
  stage.clear();
  stage.session.handleNetworkChanged("This PC has another network.", stage.nowMs);
  stage.drain();
  assertEquals(stage.seen, []);
});
