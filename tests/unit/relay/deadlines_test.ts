/** Who is looked at when: against a plain search, for any order of events. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { asConnectionId } from "../../../src/proto/brands.ts";
import { Deadlines } from "../../../src/relay/deadlines.ts";
import { CONTROL_MESSAGES_MAX } from "../../../src/relay/limits.ts";
import { Session } from "../../../src/relay/session.ts";

const SESSIONS = 12;

/** A session's deadline is set, it is forgotten, or time passes. */
const EVENTS = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("set" as const),
      session: fc.nat(SESSIONS - 1),
      afterMs: fc.oneof(fc.nat(50), fc.constant(Infinity)),
    }),
    fc.record({ kind: fc.constant("remove" as const), session: fc.nat(SESSIONS - 1) }),
    fc.record({ kind: fc.constant("pass" as const), afterMs: fc.nat(30) }),
  ),
  { maxLength: 200 },
);

Deno.test("every session is looked at when its deadline comes, and none that was forgotten", () => {
  fc.assert(fc.property(EVENTS, (events) => {
    const deadlines = new Deadlines();
    const sessions = Array.from({ length: SESSIONS }, (_, i) => {
      const path = { address: "192.0.2.1:1", maxDatagramBytes: 1_400 };
      return new Session(asConnectionId(i), path, 0, CONTROL_MESSAGES_MAX);
    });
    /** The deadlines that must be kept. */
    const due = new Map<Session, number>();
    let nowMs = 0;
    for (const event of events) {
      if (event.kind === "pass") {
        nowMs += event.afterMs;
        const taken = deadlines.takeDue(nowMs);
        assertEquals(new Set(taken).size, taken.length);
        for (const [session, dueMs] of due) {
          if (dueMs <= nowMs) assert(taken.includes(session), "too late");
        }
        for (const session of taken) {
          // One that came too early is scheduled anew, as the core does.
          if (session.deadlineMs > nowMs) deadlines.schedule(session);
          else due.delete(session);
        }
        continue;
      }
      const session = sessions[event.session];
      if (event.kind === "remove") {
        deadlines.remove(session);
        due.delete(session);
        continue;
      }
      session.deadlineMs = nowMs + event.afterMs;
      deadlines.schedule(session);
      if (event.afterMs === Infinity) due.delete(session);
      else due.set(session, session.deadlineMs);
    }
    for (const dueMs of due.values()) assert(deadlines.nextMs <= dueMs);
    for (const session of sessions) deadlines.remove(session);
    assertEquals(deadlines.nextMs, Infinity);
  }));
});
