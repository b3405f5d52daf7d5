/** Plays the shell and the relay for one endpoint session, with a clock of its own. */

import { assert, assertEquals } from "@std/assert";
import { encodeMessage, MessageReader } from "../../../src/control/framing.ts";
import type { Welcome } from "../../../src/control/messages.ts";
import type {
  ClosedReason,
  EndpointAction,
  SessionOptions,
  SessionSurroundings,
} from "../../../src/endpoint/actions.ts";
import { EndpointSession } from "../../../src/endpoint/session.ts";
import type { StatusEvent } from "../../../src/observe/status.ts";
import { asPeerId } from "../../../src/proto/brands.ts";

/** Every wait as short as it can be. */
export const LEAST: (count: number) => Uint8Array = (count) => new Uint8Array(count);
/** Every wait as long as it can be. */
export const MOST: (count: number) => Uint8Array = (count) => new Uint8Array(count).fill(0xff);

export const CLIENT: SessionOptions = {
  role: "client",
  relays: [{ host: "relay.example.org", port: 443 }],
  room: "LAN",
  mac: "02:00:00:00:00:51",
  agent: "lanparty-client/test",
};

export const WELCOME: Welcome = {
  type: "welcome",
  protocol: 1,
  peerId: asPeerId(7),
  room: "LAN",
  tapMtu: 1400,
  gatewayPresent: true,
  relayTime: 1_700_000_000_000,
  resume: "token-1",
};

type ActionOf<Type extends EndpointAction["type"]> = Extract<EndpointAction, { type: Type }>;
type EventOf<Type extends StatusEvent["type"]> = Extract<StatusEvent, { type: Type }>;

/** Another player of the room; ids of one digit. */
export function player<Name extends string>(id: number, name: Name) {
  return { peerId: asPeerId(id), role: "client", mac: `02:00:00:00:00:0${id}`, name } as const;
}

/** One session, and everything that it has asked for so far. */
export class Stage {
  /** The fingerprint of the relay that is connected to, where it is known. */
  relayKey: string | undefined;
  nowMs = 5000;
  readonly session: EndpointSession;
  /** All actions since the last `clear`, with their times. */
  readonly seen: { readonly atMs: number; readonly action: EndpointAction }[] = [];
  /** Closing is answered at once, as a transport does. */
  answersClose = true;

  constructor(
    options: Partial<SessionOptions> = {},
    surroundings: Partial<SessionSurroundings> = {},
  ) {
    this.session = new EndpointSession({ ...CLIENT, ...options }, {
      random: LEAST,
      ...surroundings,
    });
  }

  /** Takes the session's actions, and does for `close` what the transport does. */
  drain(): void {
    for (let rounds = 0;; rounds++) {
      assert(rounds < 100, "the session goes in circles");
      const actions = this.session.drainActions();
      if (actions.length === 0) return;
      for (const action of actions) this.seen.push({ atMs: this.nowMs, action });
      if (this.answersClose && actions.some((action) => action.type === "close")) {
        this.session.handleClosed({}, this.nowMs);
      }
    }
  }

  clear(): void {
    this.seen.length = 0;
  }

  /** Lets time pass, with the timers that come due in it. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let rounds = 0;; rounds++) {
      assert(rounds < 10_000, "the session's timer is always due");
      const dueMs = this.session.nextDeadlineMs();
      if (dueMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.session.handleTimer(this.nowMs);
      this.drain();
    }
    this.nowMs = endMs;
  }

  start(): void {
    this.session.start(this.nowMs);
    this.drain();
  }

  connected(maximumBytes = 1439): void {
    this.session.handleConnected(maximumBytes, this.nowMs, this.relayKey);
    this.drain();
  }

  /** The relay says something. */
  relaySays(...messages: object[]): void {
    for (const message of messages) this.relaySends(encodeMessage(message));
  }

  relaySends(bytes: Uint8Array): void {
    this.session.handleControl(bytes, this.nowMs);
    this.drain();
  }

  finished(): void {
    this.session.handleControlFinished(this.nowMs);
    this.drain();
  }

  closed(reason: ClosedReason = {}): void {
    this.session.handleClosed(reason, this.nowMs);
    this.drain();
  }

  leave(): void {
    this.session.leave(this.nowMs);
    this.drain();
  }

  /** From the connect action that is there to the hello. */
  greet(maximumBytes = 1439): void {
    assertEquals(this.session.state, "connecting");
    this.connected(maximumBytes);
    this.advance(0);
    assertEquals(this.session.state, "greeting");
  }

  /** From the start, or from the connect action that is there, into the room. */
  join(welcome: Partial<Welcome> = {}): void {
    if (this.session.state === "idle") this.start();
    this.greet();
    this.relaySays({ ...WELCOME, ...welcome });
    assertEquals(this.session.state, "joined");
  }

  actions<Type extends EndpointAction["type"]>(type: Type): ActionOf<Type>[] {
    return this.seen.map((entry) => entry.action)
      .filter((action): action is ActionOf<Type> => action.type === type);
  }

  timesOf(type: EndpointAction["type"]): number[] {
    return this.seen.filter((entry) => entry.action.type === type).map((entry) => entry.atMs);
  }

  /** The only action of its type since the last `clear`. */
  only<Type extends EndpointAction["type"]>(type: Type): ActionOf<Type> {
    const found = this.actions(type);
    assertEquals(found.length, 1, `actions of type ${type}`);
    return found[0];
  }

  statuses<Type extends StatusEvent["type"]>(type: Type): EventOf<Type>[] {
    return this.actions("status").map((action) => action.event)
      .filter((event): event is EventOf<Type> => event.type === type);
  }

  /** What was sent on the control stream since the last `clear`. */
  sent(): Record<string, unknown>[] {
    const reader = new MessageReader();
    const messages: Record<string, unknown>[] = [];
    for (const action of this.actions("send")) reader.push(action.bytes, this.nowMs);
    for (let read = reader.next(); read !== undefined; read = reader.next()) {
      messages.push(read.json as Record<string, unknown>);
    }
    assertEquals(reader.bufferedBytes, 0);
    return messages;
  }
}

/** How long a session that waits does so before it connects again, ms. */
export function waitOf(stage: Stage): number {
  assertEquals(stage.session.state, "waiting");
  return stage.session.nextDeadlineMs() - stage.nowMs;
}
