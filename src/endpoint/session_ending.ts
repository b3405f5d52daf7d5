/**
 * What follows when a connection has come to its end: decides it, and tells it.
 *
 * Each way to the end has a method here. It leaves the room if we were in one, emits the status event
 * that people see, and fixes `next`, which the session does as soon as the connection is gone.
 *
 * @module
 */

import { formatEndpointAddress } from "../control/address.ts";
import type { Disconnect, Redirect, Reject, RejectCode } from "../control/messages.ts";
import type { RejectCircumstances, Removed } from "../observe/relay_advice.ts";
import { type FailurePlace, lossText, reachText } from "../observe/relay_reach.ts";
import { type Sentence, sentenceLine } from "../observe/sentences.ts";
import { describeStatus, type StatusEvent } from "../observe/status.ts";
import type { ClosedReason, RelayTarget, SessionOptions } from "./actions.ts";
import {
  type Reaction,
  reactionTo,
  REJECT_REACTIONS,
  type Verdict,
  verdictOfErrorCode,
} from "./outcomes.ts";
import { type Reconnection, REPEAT_WINDOW_MS, type Retry } from "./reconnection.ts";
import type { RoomState } from "./room_state.ts";

/** What comes when the connection at hand is gone. */
export type Next =
  | { readonly kind: "connect"; readonly targets: readonly RelayTarget[]; readonly dueMs: number }
  | {
    readonly kind: "end";
    readonly exitCode: 0 | 1;
    readonly message: string;
    /** Whether a status event has said the same. */
    readonly told: boolean;
  };

/** What this PC's clock shows in so many ms, for people; undefined: nobody knows. */
export type ClockText = (inMs: number) => string | undefined;

/** See the module. */
export class SessionEnding {
  /** What has been decided; undefined while the connection is in use. */
  next: Next | undefined;
  #isConnected = false;
  #trouble: Sentence | undefined;

  readonly #reconnection: Reconnection;
  readonly #room: RoomState;
  readonly #say: (event: StatusEvent) => void;
  readonly #options: SessionOptions;
  readonly #clock: ClockText;
  /** What is to be looked at is said once, and only while no relay has ever answered. */
  readonly #advised = new Set<string>();

  constructor(
    reconnection: Reconnection,
    room: RoomState,
    say: (event: StatusEvent) => void,
    options: SessionOptions,
    clock: ClockText = () => undefined,
  ) {
    this.#reconnection = reconnection;
    this.#room = room;
    this.#say = say;
    this.#options = options;
    this.#clock = clock;
  }

  /** Why there is no connection, as was last said; undefined: there is one, or nothing is known yet. */
  get trouble(): Sentence | undefined {
    return this.#trouble;
  }

  /** A connection is being made. */
  connecting(): void {
    this.next = undefined;
    this.#isConnected = false;
  }

  /** The relay has answered. */
  connected(): void {
    this.#isConnected = true;
    this.#trouble = undefined;
  }

  /** We leave by our own wish. An end that is decided already keeps its exit code and message. */
  ofLeaving(): void {
    if (this.next?.kind !== "end") this.#end(0, "Left.", true);
  }

  /** The relay refuses the hello. */
  ofReject(reject: Reject, nowMs: number): void {
    const { code, message } = reject;
    const repeated = this.#reconnection.repeating;
    const retry = this.#reconnection.afterReject(code, reject.retryAfterMs, nowMs);
    const removed = this.#removedBy(reject);
    const circumstances = this.#circumstances(code, retry === undefined);
    const event = {
      ...{
        type: "rejected",
        code,
        message,
        ...delayOf(retry),
        ...removed,
        ...circumstances,
      } as const,
    };
    // While a hello is repeated each second, the first refusal says it, and the last.
    if (!repeated || !this.#reconnection.repeating || retry === undefined) this.#say(event);
    this.#decide(retry, describeStatus(event), true, nowMs);
  }

  //= PROTOCOL.md 6.3
  //# After a redirect the endpoint connects there and says hello again.
  /** The relay sends us to another one. */
  ofRedirect(redirect: Redirect, nowMs: number): void {
    const retry = this.#reconnection.afterRedirect(redirect);
    if (retry === undefined) {
      return this.ofLoss({ reaction: "retry", text: "The relays send us in circles" }, nowMs);
    }
    this.#say({ type: "redirected", relay: formatEndpointAddress(retry.targets[0]) });
    this.#decide(retry, "", true, nowMs);
  }

  /** The relay ends the session. */
  ofDisconnect(disconnect: Disconnect, nowMs: number): void {
    const { code, message, retryAfterMs } = disconnect;
    const retry = this.#afterLoss(reactionTo(disconnect), false, retryAfterMs, nowMs);
    const removed = this.#removedBy(disconnect);
    const event = { type: "disconnected", code, message, ...delayOf(retry), ...removed } as const;
    const text = describeStatus(event);
    this.#room.leave(text, retry === undefined);
    this.#say(event);
    this.#decide(retry, text, true, nowMs);
  }

  /** The transport is gone without a word on the control stream. */
  ofClosed(reason: ClosedReason, nowMs: number): void {
    if (reason.errorCode !== undefined) {
      return this.ofLoss(verdictOfErrorCode(reason.errorCode), nowMs);
    }
    const transport = reason.transport ?? "other";
    // At the first start a wrong certificate is a wrong setting, or an attack. Later, or where a
    // redirect led to, it must not end the party.
    const final = this.#reconnection.untried &&
      (transport === "certificate" || transport === "alpn");
    if (transport === "certificate" && reason.certificateProblem !== undefined) {
      const event: StatusEvent = {
        type: "certificateRefused",
        relay: formatEndpointAddress(this.#placeOf(reason)),
        problem: reason.certificateProblem,
        ...(reason.message === undefined ? {} : { detail: reason.message }),
      };
      this.#say(event);
      if (final) return this.#end(1, describeStatus(event), true);
    }
    const text = this.#closedText(reason);
    this.ofLoss({ reaction: final ? "final" : "retry", text }, nowMs);
  }

  /** There is no connection yet, for this reason as it seems; it goes on being tried. */
  ofTrouble(reason: ClosedReason): void {
    const { transport: failure = "other" } = reason;
    const place = this.#placeOf(reason);
    const text = reachText(failure, place);
    if (text.what === this.#trouble?.what) return;
    this.#trouble = text;
    this.#advised.add(text.advice ?? "");
    this.#say({ type: "relayTrouble", failure, place });
  }

  #placeOf({ place }: ClosedReason): FailurePlace {
    const { host, port } = this.#reconnection.target;
    return place ?? { host, port };
  }

  #closedText(reason: ClosedReason): string {
    const { transport = "other", message } = reason;
    const place = this.#placeOf(reason);
    if (this.#isConnected) return withDetail(lossText(transport, place), message);
    const text = reachText(transport, place);
    this.#trouble = text;
    const what = withDetail(text.what, message);
    const { advice } = text;
    if (advice === undefined || !this.#reconnection.untried || this.#advised.has(advice)) {
      return what;
    }
    this.#advised.add(advice);
    return sentenceLine({ what, advice });
  }

  #circumstances(
    code: RejectCode,
    isFinal: boolean,
  ): { readonly circumstances?: RejectCircumstances } {
    const { role, roomKey, gatewayKey, identityFile } = this.#options;
    if (code === "not-admitted" && role === "client" && roomKey === undefined) {
      return { circumstances: { keyOption: "room-key" } };
    }
    if (code === "not-admitted" && role === "gateway" && gatewayKey === undefined) {
      return { circumstances: { keyOption: "gateway-key" } };
    }
    if (!isFinal || REJECT_REACTIONS[code] !== "repeat") return {};
    return {
      circumstances: {
        gaveUpAfterMs: REPEAT_WINDOW_MS,
        ...(identityFile === undefined ? {} : { identityFile }),
      },
    };
  }

  #removedBy({ by, forMs }: Pick<Reject, "by" | "forMs">): { removed?: Removed } {
    if (by === undefined) return {};
    if (forMs === undefined) return { removed: { by } };
    const until = forMs === 0 ? undefined : this.#clock(forMs);
    return { removed: { by, forMs, ...(until === undefined ? {} : { until }) } };
  }

  /** The machine's way to the relay is another one: the connection by the old one is of no more use. */
  ofNetworkChange(text: string, nowMs: number): void {
    const retry = this.#reconnection.afterNetworkChange(this.#room.welcome !== undefined);
    this.#room.leave(text, false);
    this.#say({ type: "retrying", reason: text, delayMs: retry.delayMs });
    this.#decide(retry, text, false, nowMs);
  }

  /** The connection is of no more use, for this reason. */
  ofLoss(verdict: Verdict, nowMs: number): void {
    const stay = this.#room.welcome !== undefined && verdict.reaction === "retry";
    const retry = this.#afterLoss(verdict.reaction, stay, undefined, nowMs);
    this.#room.leave(verdict.text, retry === undefined);
    if (retry !== undefined) {
      this.#say({ type: "retrying", reason: verdict.text, delayMs: retry.delayMs });
    }
    this.#decide(retry, verdict.text, false, nowMs);
  }

  #afterLoss(
    reaction: Reaction,
    stay: boolean,
    retryAfterMs: number | undefined,
    nowMs: number,
  ): Retry | undefined {
    if (this.#room.welcome !== undefined) {
      this.#reconnection.sessionEnded(nowMs - this.#room.enteredMs);
    }
    return this.#reconnection.afterLoss(reaction, stay, retryAfterMs);
  }

  #decide(retry: Retry | undefined, message: string, told: boolean, nowMs: number): void {
    if (retry === undefined) return this.#end(1, message, told);
    this.next = { kind: "connect", targets: retry.targets, dueMs: nowMs + retry.delayMs };
  }

  #end(exitCode: 0 | 1, message: string, told: boolean): void {
    this.next = { kind: "end", exitCode, message, told };
  }
}

function delayOf(retry: Retry | undefined): { retryAfterMs?: number } {
  return retry === undefined ? {} : { retryAfterMs: retry.delayMs };
}

function withDetail(text: string, detail: string | undefined): string {
  return detail === undefined || detail === "" ? text : `${text.replace(/\.$/, "")} (${detail}).`;
}
