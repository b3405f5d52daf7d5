import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ErrorCode, REJECT_CODES, type RejectCode } from "../../../src/control/messages.ts";
import { BACKOFF_MAX_MS, RETRY_AFTER_MAX_MS } from "../../../src/endpoint/backoff.ts";
import { REPEAT_WINDOW_MS } from "../../../src/endpoint/reconnection.ts";
import { LEAST, MOST, Stage, waitOf } from "./harness.ts";

/** A session whose hello was refused. */
function refused(code: RejectCode, retryAfterMs?: number, random = LEAST): Stage {
  const stage = new Stage({}, { random });
  stage.start();
  stage.greet();
  stage.clear();
  stage.relaySays({ type: "reject", code, message: "says the relay", retryAfterMs });
  return stage;
}

const FINAL_REJECTS: readonly RejectCode[] = [
  "protocol-version",
  "invalid-hello",
  "removed",
  "not-admitted",
  "budget-too-small",
];
const PATIENT_REJECTS: readonly RejectCode[] = [
  "rate-limited",
  "relay-full",
  "mac-reserved",
  "room-full",
];
const REPEATED_REJECTS: readonly RejectCode[] = ["gateway-exists", "mac-in-use"];

Deno.test("every reject code is final, waited out, or repeated", () => {
  const all = [...FINAL_REJECTS, ...PATIENT_REJECTS, ...REPEATED_REJECTS];
  assertEquals(all.toSorted(), REJECT_CODES.toSorted());
});

for (const code of FINAL_REJECTS) {
  //= PROTOCOL.md 5.3
  //# Who receives `reject`, `redirect` or `disconnect` closes the connection at once, with the same
  //# code.
  //= PROTOCOL.md 5.4
  //# Final: `reject` with another code, `disconnect` `kicked` and `room-closed` without
  //# `retryAfterMs`, and `replaced` in any case (two holders of one token would push each other out
  //# for ever).
  Deno.test(`the reject ${code} ends the program with 1 and says why`, () => {
    const stage = refused(code, 1000);
    assertEquals(stage.only("close").errorCode, ErrorCode.rejected);
    const { exitCode, message, told } = stage.only("ended");
    assertEquals({ exitCode, told }, { exitCode: 1, told: true });
    assertStringIncludes(message, "(says the relay)");
    assertEquals(stage.statuses("rejected"), [{
      type: "rejected",
      code,
      message: "says the relay",
      // The relay does not say so, but who has no key knows it.
      ...(code === "not-admitted" ? { circumstances: { keyOption: "room-key" } } : {}),
    }]);
    assertEquals(stage.session.nextDeadlineMs(), Infinity);
  });
}

for (const code of PATIENT_REJECTS) {
  Deno.test(`the reject ${code} is waited out for as long as the relay says`, () => {
    const stage = refused(code, 30_000);
    assertEquals(stage.only("close").errorCode, ErrorCode.rejected);
    assertEquals(waitOf(stage), 30_000);
    assertEquals(stage.statuses("rejected").map((event) => event.retryAfterMs), [30_000]);
    stage.advance(29_999);
    assertEquals(stage.actions("connect"), []);
    stage.advance(1);
    stage.only("connect");
    const longest = waitOf(refused(code, 30_000, MOST));
    assert(longest > 37_000 && longest < 37_500, `${longest}`);
  });

  //= PROTOCOL.md 5.4
  //# After `rate-limited`, `relay-full`, `room-full`, and `mac-reserved`: as after a loss, but not
  //# within 1 s.
  Deno.test(`the reject ${code} is never answered sooner than after a second`, () => {
    assertEquals(waitOf(refused(code, 0)), 1000);
    assertEquals(waitOf(refused(code)), 1000);
    assertEquals(waitOf(refused(code, 1e12)), RETRY_AFTER_MAX_MS);
  });

  Deno.test(`the reject ${code} without a time is repeated with backoff, without an end`, () => {
    const stage = refused(code);
    let longest = 0;
    for (let round = 0; round < 20; round++) {
      const waitMs = waitOf(stage);
      assert(waitMs >= 1000 && waitMs >= longest && waitMs <= BACKOFF_MAX_MS);
      longest = waitMs;
      stage.advance(waitMs);
      stage.greet();
      stage.relaySays({ type: "reject", code, message: "" });
    }
    assertEquals(longest, BACKOFF_MAX_MS / 2);
  });
}

for (const code of REPEATED_REJECTS) {
  //= PROTOCOL.md 5.4
  //# After `reject` `mac-in-use` and `gateway-exists`: repeat each second for 20 s, since the one
  //# who is in the way is probably the endpoint's own session, which the relay has not yet given
  //# up.
  //= PROTOCOL.md 5.4
  //# Then it is final.
  Deno.test(`a hello refused by ${code} is repeated each second for 20 s, and no longer`, () => {
    const stage = refused(code);
    const beganMs = stage.nowMs;
    let repeated = 0;
    while (stage.session.state !== "ended") {
      assertEquals(waitOf(stage), 1000);
      stage.advance(1000);
      stage.connected();
      stage.advance(100);
      stage.relaySays({ type: "reject", code, message: "", retryAfterMs: 1000 });
      repeated++;
    }
    assert(stage.nowMs - beganMs >= REPEAT_WINDOW_MS);
    assert(stage.nowMs - beganMs < REPEAT_WINDOW_MS + 1100);
    assertEquals(repeated, 19);
    assertEquals(stage.only("ended").exitCode, 1);
  });

  Deno.test(`a repeated ${code} is told once at the beginning and once at the end`, () => {
    const stage = refused(code);
    assertEquals(stage.statuses("rejected").length, 1);
    stage.clear();
    while (stage.session.state !== "ended") {
      stage.advance(1000);
      stage.greet();
      stage.relaySays({ type: "reject", code, message: "" });
    }
    assertEquals(stage.statuses("rejected"), [{
      ...{ type: "rejected", code, message: "", circumstances: { gaveUpAfterMs: 20_000 } },
    }]);
    assertEquals(stage.statuses("connecting"), []);
    assertEquals(stage.statuses("connected"), []);
  });

  Deno.test(`a hello refused by ${code} is let in as soon as the place is free`, () => {
    const stage = refused(code);
    stage.advance(1000);
    stage.join();
    // The window begins anew with the next refusal.
    stage.closed({ transport: "timeout" });
    stage.advance(60_000);
    stage.greet();
    stage.relaySays({ type: "reject", code, message: "" });
    assertEquals(waitOf(stage), 1000);
  });

  Deno.test(`the relay's retryAfterMs with ${code} is not cut short`, () => {
    const stage = refused(code, 15_000);
    assertEquals(waitOf(stage), 15_000);
    stage.advance(15_000);
    stage.greet();
    stage.relaySays({ type: "reject", code, message: "", retryAfterMs: 15_000 });
    assertEquals(waitOf(stage), 15_000);
    stage.advance(15_000);
    stage.greet();
    stage.relaySays({ type: "reject", code, message: "", retryAfterMs: 15_000 });
    assertEquals(stage.only("ended").exitCode, 1);
  });
}

Deno.test("another refusal in between ends the repetition", () => {
  const stage = refused("mac-in-use");
  stage.advance(1000);
  stage.greet();
  stage.relaySays({ type: "reject", code: "room-full", message: "", retryAfterMs: 60_000 });
  assertEquals(waitOf(stage), 60_000);
  stage.advance(60_000);
  stage.greet();
  stage.relaySays({ type: "reject", code: "mac-in-use", message: "" });
  assertEquals(waitOf(stage), 1000);
});

Deno.test("a relay that goes away while a hello is repeated begins the 20 s anew", () => {
  const stage = refused("mac-in-use");
  stage.advance(1000);
  stage.closed({ transport: "timeout" });
  assertEquals(stage.statuses("retrying").length, 1);
  stage.advance(REPEAT_WINDOW_MS);
  stage.greet();
  stage.relaySays({ type: "reject", code: "mac-in-use", message: "" });
  assertEquals(waitOf(stage), 1000);
});
