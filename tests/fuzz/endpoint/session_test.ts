import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { encodeMessage, MessageReader } from "../../../src/control/framing.ts";
import { DISCONNECT_CODES, LEAVE_REASONS, REJECT_CODES } from "../../../src/control/messages.ts";
import type { ClosedReason, EndpointAction } from "../../../src/endpoint/actions.ts";
import { EndpointSession } from "../../../src/endpoint/session.ts";
import { CLOSE_TIMEOUT_MS, FINISH_TIMEOUT_MS } from "../../../src/endpoint/session_state.ts";
import { TokenStore } from "../../../src/endpoint/token_store.ts";

/** A number and no time: how much is tried does not depend on how busy the machine is. */
const RUNS = { numRuns: 10_000 };

const mac = fc.constantFrom("02:00:00:00:00:01", "02:00:00:00:00:02");
const peerId = fc.integer({ min: 1, max: 4 });
const retryAfterMs = fc.option(fc.integer({ min: 0, max: 40_000 }), { nil: undefined });
const peer = fc.oneof(
  fc.record({ role: fc.constant("client"), peerId, mac }),
  fc.record({ role: fc.constant("gateway"), peerId }),
);
const welcome = fc.record({
  type: fc.constant("welcome"),
  protocol: fc.constant(1),
  peerId,
  room: fc.constantFrom("LAN", "LAN", "LAN", "OTHER"),
  tapMtu: fc.integer({ min: 1280, max: 1400 }),
  gatewayPresent: fc.boolean(),
  relayTime: fc.constant(1),
  resume: fc.constantFrom("a", "b"),
  features: fc.constantFrom(undefined, [], ["removal"], [
    "removal",
    "host-requests",
    "room-mtu",
    "later",
  ]),
});

/** Everything a relay can say, and a few things that it must not. */
const message: fc.Arbitrary<object> = fc.oneof(
  { weight: 6, arbitrary: welcome },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("reject"),
      code: fc.constantFrom(...REJECT_CODES),
      message: fc.string(),
      retryAfterMs,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("redirect"),
      relay: fc.constantFrom("b.example.org", "c.example.org:4433", "[2001:db8::1]:443"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("disconnect"),
      code: fc.constantFrom(...DISCONNECT_CODES),
      message: fc.string(),
      retryAfterMs,
    }),
  },
  { weight: 4, arbitrary: peer.map((who) => ({ type: "peerJoined", ...who })) },
  {
    weight: 4,
    arbitrary: fc.tuple(peer, fc.constantFrom(...LEAVE_REASONS)).map(([who, reason]) => (
      { type: "peerLeft", ...who, reason }
    )),
  },
  { weight: 1, arbitrary: fc.constant({ type: "stats", uptimeMs: 5 }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("roomMtu"),
      tapMtu: fc.integer({ min: 1279, max: 1500 }),
    }),
  },
  { weight: 1, arbitrary: fc.object() },
);

type Event =
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "connected" | "finished" | "leave" | "start" }
  | { readonly do: "say"; readonly bytes: Uint8Array }
  | { readonly do: "maximum" | "rtt"; readonly value: number }
  | { readonly do: "closed"; readonly reason: ClosedReason };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.oneof(fc.constantFrom(100, 250, 1000), fc.integer({ min: 0, max: 40_000 })),
    }),
  },
  { weight: 8, arbitrary: fc.constant({ do: "connected" } as const) },
  {
    weight: 12,
    arbitrary: message.map((said) => ({ do: "say" as const, bytes: encodeMessage(said) })),
  },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 8 }).map((bytes) => ({ do: "say" as const, bytes })),
  },
  { weight: 1, arbitrary: fc.constant({ do: "finished" } as const) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("maximum" as const, "rtt" as const),
      value: fc.integer({ min: 0, max: 1500 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.oneof(
      fc.integer({ min: 0, max: 5 }).map((errorCode): ClosedReason => ({ errorCode })),
      fc.constantFrom("refused", "timeout", "certificate", "alpn", "reset", "other").map(
        (transport): ClosedReason => ({ transport }) as ClosedReason,
      ),
    ).map((reason) => ({ do: "closed" as const, reason })),
  },
);

/** A transport and a relay that check what the session asks of them. */
class Judge {
  nowMs = 1000;
  readonly session: EndpointSession;
  /** The connection as the shell sees it. */
  connection: "none" | "connecting" | "connected" | "closing" = "none";
  closedAskedMs = 0;
  finished = false;
  sentOnConnection: Record<string, unknown>[] = [];
  joined = false;
  ended = false;
  leftMs = Infinity;
  readonly counts = new Map<string, number>();

  constructor(seed: number) {
    let state = seed;
    const random = (count: number) =>
      Uint8Array.from({ length: count }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return state >>> 16;
      });
    this.session = new EndpointSession({
      role: "client",
      relays: [{ host: "relay.example.org", port: 443 }],
      room: "LAN",
      mac: "02:00:00:00:00:51",
      agent: "test",
      tokens: new TokenStore(),
    }, { random });
  }

  play(event: Event): void {
    const { session, nowMs } = this;
    switch (event.do) {
      case "start":
        session.start(nowMs);
        break;
      case "wait":
        this.wait(event.ms);
        break;
      case "connected":
        if (this.connection !== "connecting") return;
        this.connection = "connected";
        session.handleConnected(1200, nowMs);
        break;
      case "say":
        if (this.sentOnConnection.length > 0 && this.connection !== "none") {
          session.handleControl(event.bytes, nowMs);
        }
        break;
      case "finished":
        if (this.sentOnConnection.length > 0) session.handleControlFinished(nowMs);
        break;
      case "maximum":
        if (this.connection === "connected") session.handleMaxDatagram(event.value, nowMs);
        break;
      case "rtt":
        session.handleRtt(event.value);
        break;
      case "closed":
        if (this.connection === "none") return;
        this.connection = "none";
        session.handleClosed(event.reason, nowMs);
        break;
      case "leave":
        session.leave(nowMs);
        this.leftMs = Math.min(this.leftMs, nowMs);
        break;
    }
    this.drain();
  }

  wait(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let rounds = 0;; rounds++) {
      assert(rounds < 1000, "the timer is always due");
      const dueMs = this.session.nextDeadlineMs();
      if (dueMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.session.handleTimer(this.nowMs);
      this.drain();
    }
    this.nowMs = endMs;
  }

  drain(): void {
    for (const action of this.session.drainActions()) {
      assert(!this.ended, `${action.type} after the end`);
      this.check(action);
      const key = action.type === "status" ? `status ${action.event.type}` : action.type;
      this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    }
    const { state } = this.session;
    if (state !== "idle" && state !== "ended") {
      assert(this.session.nextDeadlineMs() < Infinity, `${state} could last for ever`);
    }
  }

  check(action: EndpointAction): void {
    switch (action.type) {
      case "connect":
        if (this.connection !== "none") {
          assertEquals(this.connection, "closing", "a second connection");
          assert(this.nowMs - this.closedAskedMs >= CLOSE_TIMEOUT_MS);
        }
        this.connection = "connecting";
        this.finished = false;
        this.sentOnConnection = [];
        break;
      case "send": {
        assertEquals(this.connection, "connected");
        assert(!this.finished, "sent behind FIN");
        const reader = new MessageReader();
        reader.push(action.bytes, 0);
        const said = reader.next()?.json as Record<string, unknown>;
        assertEquals(said.type === "hello", this.sentOnConnection.length === 0);
        this.sentOnConnection.push(said);
        break;
      }
      case "finish":
        assertEquals(this.connection, "connected");
        assertEquals(this.sentOnConnection.at(-1)?.type, "disconnect");
        this.finished = true;
        break;
      case "close":
        assert(this.connection === "connecting" || this.connection === "connected");
        this.connection = "closing";
        this.closedAskedMs = this.nowMs;
        break;
      case "joined":
        assert(!this.joined);
        this.joined = true;
        break;
      case "left":
        assert(this.joined);
        this.joined = false;
        break;
      case "mtu":
      case "peerJoined":
      case "peerLeft":
        assert(this.joined, `${action.type} outside`);
        break;
      case "saveToken":
        assert(!this.joined, "a token too late");
        break;
      case "ended":
        assert(!this.joined);
        this.ended = true;
        break;
    }
  }
}

Deno.test("whatever happens in whatever order, the session keeps to its contract", () => {
  const totals = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60, size: "max" }), fc.nat(), (events, seed) => {
      const judge = new Judge(seed);
      judge.play({ do: "start" });
      for (const next of events) judge.play(next);
      judge.play({ do: "leave" });
      judge.wait(FINISH_TIMEOUT_MS + CLOSE_TIMEOUT_MS);
      assert(judge.ended, "leaving takes too long");
      assertEquals(judge.session.nextDeadlineMs(), Infinity);
      assertLessOrEqual(judge.session.room.peers.size, 4);
      for (const [key, count] of judge.counts) totals.set(key, (totals.get(key) ?? 0) + count);
    }),
    RUNS,
  );
  for (const key of ["joined", "left", "peerLeft", "finish", "status redirected", "saveToken"]) {
    assert((totals.get(key) ?? 0) > 20, `too tame: ${totals.get(key)} × ${key}`);
  }
});
