/**
 * An endpoint's life with its relay: connect, wait for the path's MTU, hello, welcome, and back again
 * after whatever happens in between. The same for a client and for a gateway.
 *
 * ```
 *             connected          settled           welcome
 * connecting ───────────> settling ─────> greeting ───────> joined
 *     ^                      │               │                │
 *     │ due                  └───────────────┴────────────────┘
 *     │                         refused, ended, broken, leave()
 *  waiting <── closed ── closing <── peer closed or 1 s ── finishing
 *                           └──────────────> ended
 * ```
 *
 * Pure: time and randomness are handed in, actions are drained by the shell (`actions.ts`).
 *
 * @module
 */

import { formatEndpointAddress } from "../ctrl/address.ts";
import { encodeMessage, MessageReader } from "../ctrl/framing.ts";
import {
  type Disconnect,
  ErrorCode,
  parseRelayMessage,
  type Redirect,
  type Reject,
  type RelayMessage,
  type Welcome,
} from "../ctrl/messages.ts";
import { describeStatus, DISCONNECT_ADVICE, type StatusEvent } from "../obs/status.ts";
import { MtuSettler } from "../proto/mtu.ts";
import type {
  ClosedReason,
  EndpointAction,
  RelayTarget,
  SessionOptions,
  SessionSurroundings,
} from "./actions.ts";
import { buildHello } from "./hello.ts";
import {
  errorCodeOf,
  type Reaction,
  reactionTo,
  TRANSPORT_TEXTS,
  type Verdict,
  verdictOfErrorCode,
} from "./outcomes.ts";
import { Reconnection, type Retry } from "./reconnection.ts";
import { RoomState } from "./room_state.ts";
import { SessionStats } from "./session_stats.ts";
import type { TokenKey } from "./token_store.ts";

/** A handshake takes no longer; the transport's own limit should be shorter. */
export const CONNECT_TIMEOUT_MS = 15_000;
/** A relay answers a hello within this time. */
export const WELCOME_TIMEOUT_MS = 10_000;
/** After our last message the relay has this long to close the connection. */
export const FINISH_TIMEOUT_MS = 1000;
/** A connection that we closed is gone after this time, whatever the transport says. */
export const CLOSE_TIMEOUT_MS = 500;
/** Where a session is; see the drawing above. */
export type SessionState =
  | "idle"
  | "connecting"
  | "settling"
  | "greeting"
  | "joined"
  | "finishing"
  | "closing"
  | "waiting"
  | "ended";

/** What comes when the connection at hand is gone. */
type Next =
  | { readonly kind: "connect"; readonly target: RelayTarget; readonly dueMs: number }
  | ({ readonly kind: "end" } & Ending);

interface Ending {
  readonly exitCode: 0 | 1;
  readonly message: string;
  readonly told: boolean;
}

/** The session of one endpoint. */
export class EndpointSession {
  readonly #options: SessionOptions;
  readonly #surroundings: SessionSurroundings;
  readonly #reconnection: Reconnection;
  readonly #room: RoomState;
  readonly #stats = new SessionStats();
  #actions: EndpointAction[] = [];

  #state: SessionState = "idle";
  /** End of the present state, if it has one. */
  #deadlineMs = Infinity;
  #next: Next | undefined;
  #leaving = false;
  /** With what the connection is closed when "finishing" is over. */
  #finishErrorCode: number = ErrorCode.done;

  #reader = new MessageReader();
  #settler: MtuSettler | undefined;
  #maximumBytes = 0;
  #rttMs = 0;

  constructor(options: SessionOptions, surroundings: SessionSurroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#reconnection = new Reconnection(options, surroundings.random);
    this.#room = new RoomState(options.role, (action) => this.#push(action));
  }

  /** Where the session is. */
  get state(): SessionState {
    return this.#state;
  }

  /** The relay that is, or will next be, connected to. */
  get relay(): RelayTarget {
    return this.#reconnection.target;
  }

  /** The room we are in, and who else is. */
  get room(): Readonly<RoomState> {
    return this.#room;
  }

  /** Bytes that one datagram may have: what the connection carries, under the budget's cap. */
  get datagramBytesMax(): number {
    return Math.min(this.#maximumBytes, this.#options.datagramBudget ?? Infinity);
  }

  /** Round trip time of the connection in ms; 0 while unknown. */
  get rttMs(): number {
    return this.#rttMs;
  }

  /** When the next attempt begins; undefined unless waiting for it. */
  get retryAtMs(): number | undefined {
    return this.#state === "waiting" ? this.#deadlineMs : undefined;
  }

  /** Takes the actions that have come up, in order. */
  drainActions(): EndpointAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** Begins. */
  start(nowMs: number): void {
    if (this.#state === "idle") this.#connect(this.#reconnection.home, nowMs);
  }

  /** The handshake is done and the certificate accepted. */
  handleConnected(maxDatagramBytes: number, nowMs: number): void {
    if (this.#state !== "connecting") return;
    this.#maximumBytes = maxDatagramBytes;
    this.#settler = new MtuSettler(nowMs);
    this.#settler.handleMaximum(maxDatagramBytes, nowMs);
    this.#enter("settling", Infinity);
    if (!this.#reconnection.repeating) this.#say({ type: "connected", relay: this.#relayText() });
  }

  /** The connection's largest datagram has changed. */
  handleMaxDatagram(bytes: number, nowMs: number): void {
    this.#maximumBytes = bytes;
    if (this.#state === "settling") this.#settler?.handleMaximum(bytes, nowMs);
  }

  /** A new measurement of the round trip time. */
  handleRtt(rttMs: number): void {
    this.#rttMs = rttMs;
    this.#settler?.handleRtt(rttMs);
  }

  /** Bytes of the control stream. */
  handleControl(bytes: Uint8Array, nowMs: number): void {
    if (!this.#listens()) return;
    this.#reader.push(bytes, nowMs);
    while (this.#listens()) {
      const read = this.#reader.next();
      if (read === undefined) return;
      if (read.error !== undefined) {
        return this.#protocolError(`control stream: ${read.error}`, nowMs);
      }
      const parsed = parseRelayMessage(read.json);
      if (!parsed.ok) return this.#protocolError(parsed.message, nowMs);
      this.#handleMessage(parsed.message, nowMs);
    }
  }

  /** The relay has finished its side of the control stream. */
  handleControlFinished(nowMs: number): void {
    if (this.#state === "finishing") return this.#close(this.#finishErrorCode, nowMs);
    // After a reject or a disconnect we are closing already; without one the relay just left.
    if (!this.#listens()) return;
    this.#lose({ reaction: "retry", text: DISCONNECT_ADVICE.bye }, nowMs);
    this.#close(ErrorCode.done, nowMs);
  }

  /** The connection is gone, whatever the reason. */
  handleClosed(reason: ClosedReason, nowMs: number): void {
    switch (this.#state) {
      case "connecting":
      case "settling":
      case "greeting":
      case "joined":
        this.#loseConnection(reason, nowMs);
        return this.#proceed(nowMs);
      case "finishing":
      case "closing":
        return this.#proceed(nowMs);
    }
  }

  /** To be called when `nextDeadlineMs` is reached; earlier calls do no harm. */
  handleTimer(nowMs: number): void {
    if (this.#listens() && this.#reader.stalled(nowMs)) {
      return this.#protocolError("a message did not arrive in time", nowMs);
    }
    if (this.#state === "settling") {
      if (this.#settler?.settled(nowMs)) this.#greet(nowMs);
      return;
    }
    if (this.#state === "joined" && this.#stats.dueMs <= nowMs) this.#sendStats(nowMs);
    if (nowMs < this.#deadlineMs) return;
    switch (this.#state) {
      case "connecting":
      case "greeting":
        this.#lose({ reaction: "retry", text: TRANSPORT_TEXTS.timeout }, nowMs);
        return this.#close(ErrorCode.done, nowMs);
      case "finishing":
        return this.#close(this.#finishErrorCode, nowMs);
      case "closing":
      case "waiting":
        return this.#proceed(nowMs);
    }
  }

  /** When `handleTimer` is due; Infinity: not before something happens. */
  nextDeadlineMs(nowMs: number): number {
    let dueMs = this.#deadlineMs;
    if (this.#state === "settling" && this.#settler !== undefined) {
      dueMs = Math.min(dueMs, this.#settler.deadlineMs(nowMs));
    }
    if (this.#state === "joined") dueMs = Math.min(dueMs, this.#stats.dueMs);
    return this.#listens() ? Math.min(dueMs, this.#reader.deadlineMs) : dueMs;
  }

  /**
   * Leaves: says goodbye if the relay knows us, and ends with exit code 0 within
   * FINISH_TIMEOUT_MS + CLOSE_TIMEOUT_MS. A second call ends at once.
   */
  leave(nowMs: number): void {
    const again = this.#leaving;
    this.#leaving = true;
    // An end that is decided already keeps its exit code and its message.
    if (this.#next?.kind !== "end") this.#end(0, "Left.", true);
    switch (this.#state) {
      case "ended":
        return;
      case "idle":
      case "waiting":
        return this.#proceed(nowMs);
      case "connecting":
      case "settling":
        // Nothing was said yet, so there is nothing to take leave of.
        return this.#close(ErrorCode.done, nowMs);
      case "greeting":
      case "joined":
        this.#room.leave("We left.", true);
        this.#say({ type: "left", room: this.#options.room });
        return this.#finish("bye", "", ErrorCode.done, nowMs);
      case "finishing":
        if (again) this.#push({ type: "close", errorCode: this.#finishErrorCode });
        if (again) this.#proceed(nowMs);
        return;
      case "closing":
        if (again) this.#proceed(nowMs);
        return;
    }
  }

  // ---- messages -----------------------------------------------------------------------------

  /** Whether what the relay says still counts. */
  #listens(): boolean {
    return this.#state === "settling" || this.#state === "greeting" || this.#state === "joined";
  }

  #handleMessage(message: RelayMessage, nowMs: number): void {
    switch (message.type) {
      case "disconnect":
        return this.#handleDisconnect(message, nowMs);
      case "reject":
        if (this.#state !== "joined") return this.#handleReject(message, nowMs);
        break;
      case "redirect":
        if (this.#state !== "joined") return this.#handleRedirect(message, nowMs);
        break;
      case "welcome":
        if (this.#state === "greeting") return this.#handleWelcome(message, nowMs);
        break;
      case "peerJoined":
        if (this.#state === "joined") return this.#room.handlePeerJoined(message, nowMs);
        break;
      case "peerLeft":
        if (this.#state === "joined") return this.#room.handlePeerLeft(message);
        break;
      case "stats":
        if (this.#state === "joined") {
          this.#room.relayStats = message;
          return;
        }
        break;
    }
    this.#protocolError(`${message.type} while ${this.#state}`, nowMs);
  }

  #handleWelcome(welcome: Welcome, nowMs: number): void {
    if (welcome.room !== this.#options.room) {
      return this.#protocolError("a welcome to another room", nowMs);
    }
    this.#reconnection.joined();
    this.#enter("joined", Infinity);
    this.#stats.begin(this.#surroundings.statistics?.().traffic, nowMs);
    this.#room.enter(welcome, this.#reconnection.target, nowMs);
    const key = this.#tokenKey();
    if (this.#options.tokens?.set(key, welcome.resume)) {
      this.#push({ type: "saveToken", key, token: welcome.resume });
    }
  }

  #handleReject(reject: Reject, nowMs: number): void {
    const { code, message } = reject;
    const repeated = this.#reconnection.repeating;
    const retry = this.#reconnection.afterReject(code, reject.retryAfterMs, nowMs);
    const event: StatusEvent = {
      type: "rejected",
      code,
      message,
      ...(retry === undefined ? {} : { retryAfterMs: retry.delayMs }),
    };
    // While a hello is repeated each second, the first refusal says it, and the last.
    if (!repeated || !this.#reconnection.repeating || retry === undefined) this.#say(event);
    this.#decide(retry, describeStatus(event), true, nowMs);
    this.#close(ErrorCode.rejected, nowMs);
  }

  #handleRedirect(redirect: Redirect, nowMs: number): void {
    const retry = this.#reconnection.afterRedirect(redirect);
    if (retry === undefined) {
      this.#lose({ reaction: "retry", text: "The relays send us in circles" }, nowMs);
    } else {
      this.#say({ type: "redirected", relay: formatEndpointAddress(retry.target) });
      this.#decide(retry, "", true, nowMs);
    }
    this.#close(ErrorCode.rejected, nowMs);
  }

  #handleDisconnect(disconnect: Disconnect, nowMs: number): void {
    const { code, message } = disconnect;
    const reaction = reactionTo(disconnect);
    const retry = this.#reconnectAfter(reaction, false, disconnect.retryAfterMs, nowMs);
    const event: StatusEvent = {
      type: "disconnected",
      code,
      message,
      ...(retry === undefined ? {} : { retryAfterMs: retry.delayMs }),
    };
    const text = describeStatus(event);
    this.#room.leave(text, retry === undefined);
    this.#say(event);
    this.#decide(retry, text, true, nowMs);
    this.#close(errorCodeOf(code), nowMs);
  }

  // ---- steps --------------------------------------------------------------------------------

  #connect(target: RelayTarget, nowMs: number): void {
    const { repeating, attempt } = this.#reconnection;
    this.#reconnection.connecting(target);
    this.#next = undefined;
    this.#reader = new MessageReader();
    this.#settler = undefined;
    this.#maximumBytes = 0;
    this.#rttMs = 0;
    this.#enter("connecting", nowMs + CONNECT_TIMEOUT_MS);
    this.#push({ type: "connect", ...target });
    if (!repeating) this.#say({ type: "connecting", relay: this.#relayText(), attempt });
  }

  #greet(nowMs: number): void {
    const resume = this.#options.tokens?.get(this.#tokenKey());
    const hello = buildHello(this.#options, this.datagramBytesMax, resume);
    this.#push({ type: "send", bytes: encodeMessage(hello) });
    this.#enter("greeting", nowMs + WELCOME_TIMEOUT_MS);
  }

  #sendStats(nowMs: number): void {
    const source = this.#surroundings.statistics?.();
    const message = this.#stats.message(source, this.#rttMs, nowMs);
    this.#push({ type: "send", bytes: encodeMessage(message) });
  }

  /** The relay has broken the protocol: it is told so, and tried again a few times. */
  #protocolError(what: string, nowMs: number): void {
    const greeted = this.#state !== "settling";
    const text = `The relay sent something wrong (${what})`;
    this.#lose({ reaction: "suspicious", text }, nowMs);
    if (greeted) this.#finish("protocol-error", what, ErrorCode.protocol, nowMs);
    else this.#close(ErrorCode.protocol, nowMs);
  }

  /** The connection is of no more use: decides what follows once it is gone, and says so. */
  #lose(verdict: Verdict, nowMs: number): void {
    const stay = this.#state === "joined" && verdict.reaction === "retry";
    const retry = this.#reconnectAfter(verdict.reaction, stay, undefined, nowMs);
    this.#room.leave(verdict.text, retry === undefined);
    if (retry !== undefined) {
      this.#say({ type: "retrying", reason: verdict.text, delayMs: retry.delayMs });
    }
    this.#decide(retry, verdict.text, false, nowMs);
  }

  #reconnectAfter(
    reaction: Reaction,
    stay: boolean,
    retryAfterMs: number | undefined,
    nowMs: number,
  ): Retry | undefined {
    if (this.#state === "joined") this.#reconnection.sessionEnded(nowMs - this.#room.enteredMs);
    return this.#reconnection.afterLoss(reaction, stay, retryAfterMs);
  }

  /** The transport is gone without a word on the control stream. */
  #loseConnection(reason: ClosedReason, nowMs: number): void {
    if (reason.errorCode !== undefined) {
      return this.#lose(verdictOfErrorCode(reason.errorCode), nowMs);
    }
    const transport = reason.transport ?? "other";
    const text = withDetail(TRANSPORT_TEXTS[transport], reason.message);
    // At the first start a wrong certificate is a wrong setting, or an attack. Later, or where a
    // redirect led to, it must not end the party.
    const final = this.#reconnection.untried &&
      (transport === "certificate" || transport === "alpn");
    if (transport === "certificate" && reason.certificateProblem !== undefined) {
      const event: StatusEvent = {
        type: "certificateRefused",
        relay: this.#relayText(),
        problem: reason.certificateProblem,
        ...(reason.message === undefined ? {} : { detail: reason.message }),
      };
      this.#say(event);
      if (final) return this.#end(1, describeStatus(event), true);
    }
    this.#lose({ reaction: final ? "final" : "retry", text }, nowMs);
  }

  /** Fixes what follows: the next attempt, or the end with this message. */
  #decide(retry: Retry | undefined, message: string, told: boolean, nowMs: number): void {
    if (retry === undefined) return this.#end(1, message, told);
    this.#next = { kind: "connect", target: retry.target, dueMs: nowMs + retry.delayMs };
  }

  #end(exitCode: 0 | 1, message: string, told: boolean): void {
    this.#next = { kind: "end", exitCode, message, told };
  }

  /** Says the last word, and leaves the relay a second to read it. */
  #finish(
    code: "bye" | "protocol-error",
    message: string,
    errorCode: number,
    nowMs: number,
  ): void {
    const disconnect: Disconnect = { type: "disconnect", code, message };
    this.#finishErrorCode = errorCode;
    this.#push({ type: "send", bytes: encodeMessage(disconnect) });
    this.#push({ type: "finish" });
    this.#enter("finishing", nowMs + FINISH_TIMEOUT_MS);
  }

  #close(errorCode: number, nowMs: number): void {
    this.#push({ type: "close", errorCode });
    this.#enter("closing", nowMs + CLOSE_TIMEOUT_MS);
  }

  /** The connection is gone, or the wait is over: does what was decided. */
  #proceed(nowMs: number): void {
    const next = this.#next;
    if (next === undefined) return;
    if (next.kind === "end") {
      this.#enter("ended", Infinity);
      const { exitCode, message, told } = next;
      this.#push({ type: "ended", exitCode, message, told });
    } else if (nowMs >= next.dueMs) {
      this.#connect(next.target, nowMs);
    } else {
      this.#enter("waiting", next.dueMs);
    }
  }

  #enter(state: SessionState, deadlineMs: number): void {
    this.#state = state;
    this.#deadlineMs = deadlineMs;
  }

  #tokenKey(): TokenKey {
    const { role, room, mac } = this.#options;
    return { relay: this.#relayText(), room, peer: role === "gateway" ? role : mac ?? "" };
  }

  #relayText(): string {
    return formatEndpointAddress(this.#reconnection.target);
  }

  #push(action: EndpointAction): void {
    this.#actions.push(action);
  }

  #say(event: StatusEvent): void {
    this.#push({ type: "status", event });
  }
}

function withDetail(text: string, detail: string | undefined): string {
  return detail === undefined || detail === "" ? text : `${text} (${detail})`;
}
