/**
 * An endpoint's life with its relay: connect, wait for the path's MTU, hello, welcome, and back again
 * after whatever happens in between. The same for a client and for a gateway.
 *
 * Its states are drawn in `session_state.ts`.
 *
 * Pure: time and randomness are handed in, actions are drained by the shell (`actions.ts`).
 *
 * @module
 */
import { formatEndpointAddress } from "../control/address.ts";
import { encodeMessage, MessageReader } from "../control/framing.ts";
import type { HostRequest } from "../control/host_messages.ts";
import {
  type Disconnect,
  DISCONNECT_ERROR_CODES,
  ErrorCode,
  Feature,
  parseRelayMessage,
  type RelayMessage,
  type Welcome,
} from "../control/messages.ts";
import type { Sentence } from "../observe/sentences.ts";
import { DISCONNECT_ADVICE, type StatusEvent } from "../observe/status.ts";
import type {
  ClosedReason,
  EndpointAction,
  RelayTarget,
  SessionOptions,
  SessionSurroundings,
} from "./actions.ts";
import { SessionEnding } from "./session_ending.ts";
import { buildHello } from "./hello.ts";
import { PathBudget } from "./path_budget.ts";
import { Reconnection } from "./reconnection.ts";
import { RoomState } from "./room_state.ts";
import {
  CLOSE_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  FINISH_TIMEOUT_MS,
  type SessionState,
  WELCOME_TIMEOUT_MS,
} from "./session_state.ts";
import { SessionStats } from "./session_stats.ts";
import type { TokenKey } from "./token_store.ts";

/** The session of one endpoint. */
export class EndpointSession {
  readonly #options: SessionOptions;
  readonly #surroundings: SessionSurroundings;
  readonly #reconnection: Reconnection;
  readonly #room: RoomState;
  readonly #ending: SessionEnding;
  readonly #stats = new SessionStats();
  readonly #budget: PathBudget;
  #actions: EndpointAction[] = [];

  #state: SessionState = "idle";
  /** End of the present state, if it has one. */
  #deadlineMs = Infinity;
  #leaving = false;
  /** With what the connection is closed when "finishing" is over. */
  #finishErrorCode: number = ErrorCode.done;
  #reader = new MessageReader();
  /** The fingerprint of the key that the relay at hand has shown; undefined: none is known yet. */
  relayKey: string | undefined;

  constructor(options: SessionOptions, surroundings: SessionSurroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#reconnection = new Reconnection(options, surroundings.random);
    this.#budget = new PathBudget(options.datagramBudget);
    this.#room = new RoomState(options.role, (action) => this.#push(action));
    const say = (event: StatusEvent) => this.#say(event);
    const { clockText } = surroundings;
    this.#ending = new SessionEnding(this.#reconnection, this.#room, say, options, clockText);
  }

  /** Where the session is. */
  get state(): SessionState {
    return this.#state;
  }

  /** The relay that is, or will next be, connected to. */
  get relay(): RelayTarget {
    return this.#reconnection.target;
  }

  /** Whether a relay's host is one of the invitation's: others are known by a relay's word alone. */
  isNamed({ host }: RelayTarget): boolean {
    return this.#reconnection.home.some((home) => home.host === host);
  }

  /** The room we are in, and who else is. */
  get room(): Readonly<RoomState> {
    return this.#room;
  }

  /** Bytes that one datagram may have: what the connection carries, under the budget's cap. */
  get datagramBytesMax(): number {
    return this.#budget.bytes;
  }

  /** Why there is no connection with the relay; undefined: there is one, or nothing is known yet. */
  get trouble(): Sentence | undefined {
    return this.#ending.trouble;
  }

  /** Round trip time of the connection in ms; 0 while unknown. */
  get rttMs(): number {
    return this.#budget.rttMs;
  }

  /** Takes the actions that have come up, in order. */
  drainActions(): EndpointAction[] {
    const actions = this.#actions;
    if (actions.length > 0) this.#actions = [];
    return actions;
  }

  /** Begins. */
  start(nowMs: number): void {
    if (this.#state === "idle") this.#connect(this.#reconnection.home, nowMs);
  }

  /** The handshake is done and the certificate accepted; tokens are kept by its key's fingerprint. */
  handleConnected(
    maxDatagramBytes: number,
    nowMs: number,
    relayKey?: string,
    target: RelayTarget = this.relay,
  ): void {
    if (this.#state !== "connecting") return;
    this.#reconnection.connected(target);
    this.relayKey = relayKey;
    this.#ending.connected();
    this.#budget.begin(maxDatagramBytes, nowMs);
    this.#enter("settling", Infinity);
    if (!this.#reconnection.repeating) this.#say({ type: "connected", relay: this.#relayText() });
  }

  /** There is no connection yet, for this reason as it seems: people are told. It goes on being tried. */
  handleTrouble(reason: ClosedReason): void {
    if (this.#state === "connecting") this.#ending.ofTrouble(reason);
  }

  /** The connection's largest datagram has changed. */
  handleMaxDatagram(bytes: number, nowMs: number): void {
    this.#budget.handleMaximum(bytes, nowMs);
  }

  /** A new measurement of the round trip time. */
  handleRtt(rttMs: number): void {
    this.#budget.handleRtt(rttMs);
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
    //= PROTOCOL.md 5.3
    //# FIN from a relay without a last message is a loss, as if the connection had broken.
    this.#ending.ofLoss({ reaction: "retry", text: DISCONNECT_ADVICE.bye }, nowMs);
    this.#close(ErrorCode.done, nowMs);
  }

  /** The connection is gone, whatever the reason. */
  handleClosed(reason: ClosedReason, nowMs: number): void {
    switch (this.#state) {
      case "connecting":
      case "settling":
      case "greeting":
      case "joined":
        this.#ending.ofClosed(reason, nowMs);
        return this.#proceed(nowMs);
      case "finishing":
      case "closing":
        return this.#proceed(nowMs);
    }
  }

  /**
   * The machine has another network, or one again, or was asleep: a connection that is there is given up
   * without a word, and a new one begins at once.
   */
  handleNetworkChanged(reason: string, nowMs: number): void {
    switch (this.#state) {
      case "connecting":
      case "settling":
      case "greeting":
      case "joined":
      case "waiting":
        this.#ending.ofNetworkChange(reason, nowMs);
        return this.#proceed(nowMs);
    }
  }

  /** To be called when `nextDeadlineMs` is reached; earlier calls do no harm. */
  handleTimer(nowMs: number): void {
    if (this.#listens() && this.#reader.stalled(nowMs)) {
      return this.#protocolError("a message did not arrive in time", nowMs);
    }
    if (this.#state === "settling") {
      //= PROTOCOL.md 5.1
      //# **settling**: waits as section 10 says, then sends `hello`.
      if (this.#budget.dueMs <= nowMs) this.#greet(nowMs);
      return;
    }
    if (this.#state === "joined" && this.#stats.dueMs <= nowMs) this.#sendStats(nowMs);
    if (this.#budget.dueMs <= nowMs) {
      const message = { type: "budget", datagramBudget: this.#budget.tell(nowMs) } as const;
      this.#push({ type: "send", bytes: encodeMessage(message) });
    }
    if (nowMs < this.#deadlineMs) return;
    switch (this.#state) {
      case "connecting":
      case "greeting":
        this.#ending.ofClosed({ transport: "timeout" }, nowMs);
        return this.#close(ErrorCode.done, nowMs);
      case "finishing":
        return this.#close(this.#finishErrorCode, nowMs);
      case "closing":
      case "waiting":
        return this.#proceed(nowMs);
    }
  }

  /** When `handleTimer` is due; Infinity: not before something happens. */
  nextDeadlineMs(): number {
    let dueMs = Math.min(this.#deadlineMs, this.#budget.dueMs);
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
    this.#ending.ofLeaving();
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
        if (this.#state === "joined") this.#say({ type: "left", room: this.#options.room });
        this.#room.leave("We left.", true);
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

  //= PROTOCOL.md 6.7
  //# With the feature `host-requests` in its welcome, a room's gateway may ask the relay to remove
  //# players from its own room and to say who may come.
  /** Whether this is a room's gateway, and its relay takes {@link askRelay}. */
  get mayAskRelay(): boolean {
    return this.#state === "joined" && this.#options.role === "gateway" &&
      this.#has(Feature.hostRequests);
  }

  /** Whether the relay has named a feature, too. */
  #has(feature: Feature): boolean {
    return this.#room.welcome?.features?.includes(feature) === true;
  }

  /** Asks the relay for something in the host's name; a `hostAnswer` follows. False: it cannot be asked. */
  askRelay(request: HostRequest): boolean {
    if (!this.mayAskRelay) return false;
    this.#push({ type: "send", bytes: encodeMessage(request) });
    return true;
  }

  // ---- messages -----------------------------------------------------------------------------

  /** Whether what the relay says still counts. */
  #listens(): boolean {
    //= PROTOCOL.md 5.3
    //# From then on nothing more that the other side sent counts.
    return this.#state === "settling" || this.#state === "greeting" || this.#state === "joined";
  }

  #handleMessage(message: RelayMessage, nowMs: number): void {
    switch (message.type) {
      case "disconnect":
        this.#ending.ofDisconnect(message, nowMs);
        //= PROTOCOL.md 5.3
        //# Who receives `reject`, `redirect` or `disconnect` closes the connection at once, with
        //# the same code.
        return this.#close(DISCONNECT_ERROR_CODES[message.code], nowMs);
      case "reject":
        if (this.#state === "joined") break;
        this.#ending.ofReject(message, nowMs);
        return this.#close(ErrorCode.rejected, nowMs);
      case "redirect":
        if (this.#state === "joined") break;
        this.#ending.ofRedirect(message, nowMs);
        return this.#close(ErrorCode.rejected, nowMs);
      case "welcome":
        //= PROTOCOL.md 5.1
        //# **greeting**: […] anything else is a protocol error.
        if (this.#state === "greeting") return this.#handleWelcome(message, nowMs);
        break;
      //= PROTOCOL.md 5.1
      //# **joined**: `peerJoined`, `peerLeft`, `stats`, `disconnect`, (with `room-mtu`) `roomMtu` and
      //# (a gateway that has asked) `hostAnswer` are expected, and frames flow.
      case "peerJoined":
        if (this.#state === "joined") return this.#room.handlePeerJoined(message, nowMs);
        break;
      case "peerLeft":
        if (this.#state === "joined") return this.#room.handlePeerLeft(message);
        break;
      case "stats":
        if (this.#state === "joined") return this.#room.handleStats(message);
        break;
      case "roomMtu":
        if (this.#state !== "joined" || !this.#has(Feature.roomMtu)) break;
        return this.#room.handleMtu(message.tapMtu);
      case "hostAnswer":
        if (!this.mayAskRelay) break;
        return this.#push({ type: "hostAnswer", answer: message });
    }
    //= PROTOCOL.md 4
    //# What breaks these rules, a message of unknown type, a message that the schema of section 6
    //# does not allow, a second hello, a second stream, and a message that belongs to the other
    //# side are **protocol errors**:
    this.#protocolError(`${message.type} while ${this.#state}`, nowMs);
  }

  #handleWelcome(welcome: Welcome, nowMs: number): void {
    //= PROTOCOL.md 5.1
    //# A `welcome` for another room than the one asked for is a protocol error.
    if (welcome.room !== this.#options.room) {
      return this.#protocolError("a welcome to another room", nowMs);
    }
    this.#reconnection.joined();
    this.#enter("joined", Infinity);
    this.#stats.begin(this.#surroundings.statistics?.().traffic, nowMs);
    // First: the adapter takes its time, and a program that ends meanwhile must get its place again.
    const key = this.#tokenKey();
    if (this.#options.tokens?.set(key, welcome.resume)) {
      this.#push({ type: "saveToken", key, token: welcome.resume });
    }
    this.#room.enter(welcome, this.#reconnection.target, nowMs);
    if (this.#has(Feature.roomMtu)) this.#budget.report(nowMs);
  }

  // ---- steps --------------------------------------------------------------------------------

  #connect(targets: readonly RelayTarget[], nowMs: number): void {
    const { repeating, attempt } = this.#reconnection;
    this.#reconnection.connecting(targets);
    this.#ending.connecting();
    this.#reader = new MessageReader();
    this.#budget.reset();
    //= PROTOCOL.md 5.1
    //# **connecting**: […] Give up after 15 s.
    this.#enter("connecting", nowMs + CONNECT_TIMEOUT_MS);
    this.#push({ type: "connect", targets });
    const relay = targets.map(formatEndpointAddress).join(", ");
    if (!repeating) this.#say({ type: "connecting", relay, attempt });
  }

  #greet(nowMs: number): void {
    const resume = this.#options.tokens?.get(this.#tokenKey());
    //= PROTOCOL.md 10
    //# The endpoint sends its hello then, with what the maximum is now (or less: a user may cap it,
    //# and then the cap holds for all that the endpoint sends).
    const hello = buildHello(this.#options, this.#budget.tell(nowMs), resume);
    this.#push({ type: "send", bytes: encodeMessage(hello) });
    this.#enter("greeting", nowMs + WELCOME_TIMEOUT_MS);
  }

  #sendStats(nowMs: number): void {
    const source = this.#surroundings.statistics?.();
    const message = this.#stats.message(source, this.rttMs, nowMs);
    this.#push({ type: "send", bytes: encodeMessage(message) });
  }

  /** The relay has broken the protocol: it is told so, and tried again a few times. */
  #protocolError(what: string, nowMs: number): void {
    const greeted = this.#state !== "settling";
    const text = `The relay sent something wrong (${what})`;
    this.#ending.ofLoss({ reaction: "suspicious", text }, nowMs);
    if (greeted) this.#finish("protocol-error", what, ErrorCode.protocol, nowMs);
    else this.#close(ErrorCode.protocol, nowMs);
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
    const next = this.#ending.next;
    if (next === undefined) return;
    if (next.kind === "end") {
      this.#enter("ended", Infinity);
      const { exitCode, message, told } = next;
      this.#push({ type: "ended", exitCode, message, told });
    } else if (nowMs >= next.dueMs) {
      this.#connect(next.targets, nowMs);
    } else {
      this.#enter("waiting", next.dueMs);
    }
  }

  #enter(state: SessionState, deadlineMs: number): void {
    this.#state = state;
    if (!this.#listens()) this.#budget.end();
    this.#deadlineMs = deadlineMs;
  }

  #tokenKey(): TokenKey {
    const { role, room, mac } = this.#options;
    //= PROTOCOL.md 7.4
    //# Endpoints should keep the latest token per relay, room and identity, on disk and readable by
    //# their owner only: per relay by the key of its certificate, since one relay has many names,
    //# and since another one must not be shown the token.
    const relay = this.relayKey ?? this.#relayText();
    return { relay, room, peer: role === "gateway" ? role : mac ?? "" };
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
