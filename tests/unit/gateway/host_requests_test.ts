import { assertEquals } from "@std/assert";
import type { HostRequest, ListedBan } from "../../../src/control/host_messages.ts";
import {
  ANSWER_TIMEOUT_MS,
  BANS_MAX,
  type HostOrder,
  type HostOutcome,
  HostRequests,
  LOCK_AGAIN_MS,
  REQUESTS_MAX,
  REQUESTS_PENDING_MAX,
  REQUESTS_WINDOW_MS,
} from "../../../src/gateway/host_requests.ts";
import { asPeerId } from "../../../src/proto/brands.ts";

class Host {
  /** What is to be remembered of the lock, and what came of renewing it. */
  readonly kept: boolean[] = [];
  readonly renewed: boolean[] = [];
  readonly requests: HostRequests;
  readonly sent: HostRequest[] = [];
  readonly outcomes: HostOutcome[] = [];
  nowMs = 1_000;
  mayAsk = true;

  constructor(locked = false) {
    this.requests = new HostRequests(locked, {
      keep: (isLocked) => this.kept.push(isLocked),
      renewed: ({ ok }) => this.renewed.push(ok),
    });
  }

  readonly #send = (request: HostRequest) => {
    if (this.mayAsk) this.sent.push(request);
    return this.mayAsk;
  };

  ask(order: HostOrder = { action: "lock" }): void {
    this.requests.ask(order, this.#send, (outcome) => this.outcomes.push(outcome), this.nowMs);
  }

  join(): void {
    this.requests.handleJoined(this.#send, this.nowMs);
  }

  /** Lets time pass, and says what was asked for by itself meanwhile. */
  pass(ms: number): string[] {
    this.nowMs += ms;
    this.sent.splice(0);
    this.requests.handleTimer(this.nowMs);
    return this.sent.map(({ action }) => action);
  }

  answer(request: number, ok = true, fields: { bans?: ListedBan[]; more?: boolean } = {}): void {
    this.requests.handleAnswer({
      type: "hostAnswer",
      request,
      ok,
      message: `to ${request}`,
      ...fields,
    });
  }
}

const BAN: ListedBan = { id: "0000000001", by: "host", targets: ["192.0.2.7"] };

//= PROTOCOL.md 6.7
//# | **`request`** | count | comes back in the answer
//= PROTOCOL.md 6.7
//# | **`request`** | count | of which request
//= PROTOCOL.md 6.7
//# | **`ok`** | boolean | whether it was done
Deno.test("requests are numbered, and each gets the answer to its number", () => {
  const host = new Host();
  host.ask({ action: "kick", peerId: asPeerId(2), reason: "cheats" });
  host.ask();
  assertEquals(host.sent, [
    { type: "hostRequest", request: 1, action: "kick", peerId: asPeerId(2), reason: "cheats" },
    { type: "hostRequest", request: 2, action: "lock" },
  ]);
  host.answer(2, false);
  host.answer(2);
  host.answer(9);
  host.answer(1);
  assertEquals(host.outcomes, [
    { ok: false, message: "to 2", bans: [] },
    { ok: true, message: "to 1", bans: [] },
  ]);
  assertEquals(host.requests.nextDeadlineMs(), Infinity);
});

Deno.test("bans are collected over several answers, and there is an end to them", () => {
  const host = new Host();
  host.ask({ action: "bans" });
  host.answer(1, true, { bans: [BAN, BAN], more: true });
  assertEquals(host.outcomes, []);
  host.answer(1, true, { bans: [BAN] });
  assertEquals(host.outcomes[0].bans.length, 3);
  host.ask({ action: "bans" });
  for (let i = 0; i < BANS_MAX; i++) host.answer(2, true, { bans: [BAN, BAN], more: true });
  assertEquals(host.outcomes[1].bans.length, BANS_MAX);
});

Deno.test("who gets no answer is told so: in time, when the room is left, and where nobody can be asked", () => {
  const host = new Host();
  host.ask();
  assertEquals(host.requests.nextDeadlineMs(), host.nowMs + ANSWER_TIMEOUT_MS);
  host.requests.handleTimer(host.nowMs + ANSWER_TIMEOUT_MS - 1);
  assertEquals(host.outcomes, []);
  host.requests.handleTimer(host.nowMs + ANSWER_TIMEOUT_MS);
  host.ask();
  host.requests.handleLeft();
  host.mayAsk = false;
  host.ask();
  assertEquals(host.outcomes.map(({ ok, message }) => `${ok} ${message}`), [
    "false the relay does not answer",
    "false the gateway has left its room before the relay answered",
    "false the gateway is not in its room, or the relay is too old for this",
  ]);
  host.answer(1);
  assertEquals(host.outcomes.length, 3, "a late answer");
});

Deno.test("a script of the host's does not make the gateway flood the relay", () => {
  const host = new Host();
  for (let i = 0; i < REQUESTS_PENDING_MAX + 1; i++) host.ask();
  assertEquals([host.sent.length, host.outcomes.length], [REQUESTS_PENDING_MAX, 1]);
  for (let i = 0; i < 2 * REQUESTS_MAX; i++) {
    for (const { request } of host.sent) host.answer(request);
    host.ask();
  }
  assertEquals(host.sent.length, REQUESTS_MAX);
  assertEquals(host.outcomes.at(-1)!.message, "too much at once: wait ten seconds");
  host.nowMs += REQUESTS_WINDOW_MS;
  host.ask();
  assertEquals(host.sent.length, REQUESTS_MAX + 1);
});

//= PROTOCOL.md 6.7
//# A gateway that is to keep it should ask for it again in each new session, a while (this project:
//# 60 s) after its welcome: a relay that was started anew knows no tokens, and would shut out the
//# players who were there before.
Deno.test("a lock that the relay has taken is renewed in each session, when its players had time to come back", () => {
  const host = new Host();
  host.join();
  assertEquals(host.pass(LOCK_AGAIN_MS), [], "nobody has locked it");
  host.ask();
  assertEquals([host.requests.lockState, host.kept], ["open", []], "nobody knows yet");
  host.answer(1);
  assertEquals([host.requests.lockState, host.kept], ["locked", [true]]);
  host.requests.handleLeft();
  assertEquals([host.pass(10 * LOCK_AGAIN_MS), host.requests.nextDeadlineMs()], [[], Infinity]);
  host.join();
  assertEquals(host.requests.lockState, "again");
  assertEquals(host.requests.nextDeadlineMs(), host.nowMs + LOCK_AGAIN_MS);
  assertEquals(host.pass(LOCK_AGAIN_MS - 1), []);
  assertEquals([host.pass(1), host.requests.lockState], [["lock"], "again"]);
  host.answer(2);
  assertEquals([host.requests.lockState, host.renewed, host.kept], ["locked", [true], [true]]);
  assertEquals(host.pass(10 * LOCK_AGAIN_MS), []);
});

Deno.test("a lock of the gateway's process before is renewed, each minute anew until the relay has done it", () => {
  const host = new Host(true);
  host.join();
  assertEquals(host.pass(LOCK_AGAIN_MS), ["lock"]);
  host.answer(1, false);
  assertEquals(host.pass(LOCK_AGAIN_MS), ["lock"]);
  assertEquals(host.pass(ANSWER_TIMEOUT_MS), []);
  assertEquals([host.renewed, host.requests.lockState], [[false, false], "again"]);
  assertEquals(host.pass(LOCK_AGAIN_MS), ["lock"]);
  host.answer(3);
  assertEquals([host.renewed, host.requests.lockState], [[false, false, true], "locked"]);
  assertEquals(host.kept, [], "nothing new");
});

Deno.test("the host's unlock ends a lock, also where the relay has none any more, and a refused lock is none", () => {
  const host = new Host(true);
  host.join();
  host.ask({ action: "unlock" });
  host.answer(1, false);
  assertEquals([host.requests.lockState, host.kept], ["open", [false]]);
  assertEquals(host.pass(LOCK_AGAIN_MS), []);
  host.ask();
  host.answer(2, false);
  assertEquals([host.requests.lockState, host.kept], ["open", [false]]);
});
