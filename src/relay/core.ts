/**
 * The relay: rooms, admission and forwarding, without a socket, a clock or a random source of its own.
 *
 * The shell reports what happens to connections by `handle…`, carries out the drained actions, and empties
 * the queues of `nextReady`. Control messages and timers are rare and may allocate; `handleDatagram` and the
 * queues do not.
 *
 * ```
 *  handleControl ──► admission ──► lifecycle ──► drainActions
 *  handleDatagram ─► forwarding (filters) ─────► nextReady, queueOf(…).dequeue
 *  handleTimer ────► deadlines, stats, queues that nobody empties
 * ```
 *
 * @module
 */
import {
  ErrorCode,
  Feature,
  type Hello,
  parseEndpointMessage,
  parseHello,
} from "../control/messages.ts";
import type { ReadMessage } from "../control/framing.ts";
import { TrafficCounters } from "../observe/counters.ts";
import { type ConnectionId, NO_CONNECTION, type Slot } from "../proto/brands.ts";
import type { FairQueue } from "../queue/fair_queue.ts";
import type { RelayAction } from "./actions.ts";
import { Administration } from "./administration.ts";
import { decideAdmission, reject } from "./admission.ts";
import { Forwarder } from "./forwarding.ts";
import { HostRequests } from "./host_requests.ts";
import { Lifecycle } from "./lifecycle.ts";
import { RELAY_DEFAULTS, type RelayOptions, SWEEP_INTERVAL_MS, TIMER_GRAIN_MS } from "./limits.ts";
import type { Membership } from "./membership.ts";
import { ReadyList } from "./outbound.ts";
import { Paths } from "./paths.ts";
import { understands } from "./removal.ts";
import { Session, type SessionPath } from "./session.ts";
import { SessionsWithoutHello } from "./sessions_without_hello.ts";
import { type RoomSnapshot, snapshotRoom } from "./snapshot.ts";
import { newRelayState, type RelayResources, type RelayState } from "./state.ts";
import type { RelayTallies } from "./tallies.ts";

/** The relay's core: see the module. */
export class RelayCore {
  readonly options: RelayOptions;
  /** What its operator, and what a room's host may do. */
  readonly admin: Administration;
  readonly #hostRequests: HostRequests;
  readonly #state: RelayState;
  readonly #sessions: (Session | undefined)[] = [];
  readonly #lifecycle: Lifecycle;
  readonly #paths: Paths;
  readonly #forwarder: Forwarder;
  readonly #ready = new ReadyList();
  readonly #withoutHello: SessionsWithoutHello;
  /** What sessions that are no more have counted. */
  readonly #past = new TrafficCounters();
  #connectionsCount = 0;
  #timerMs = -Infinity;
  #sweepDueMs = Infinity;
  #stopping = false;

  constructor(options: Partial<RelayOptions>, resources: RelayResources) {
    this.options = { ...RELAY_DEFAULTS, ...options };
    this.#state = newRelayState(this.options, resources, this.#sessions);
    this.#lifecycle = new Lifecycle(this.#state);
    this.admin = new Administration(this.#state, this.#lifecycle);
    this.#paths = new Paths(this.#state, this.#lifecycle, this.admin);
    this.#hostRequests = new HostRequests(this.#state, this.#lifecycle, this.admin);
    this.#withoutHello = new SessionsWithoutHello(this.options.connectionsMax);
    this.#forwarder = new Forwarder(this.#state, this.#ready);
  }

  /**
   * Whether a handshake is to go on, for which `open` others must not be too many already, connections
   * and handshakes together. What is refused here costs next to nothing.
   */
  mayBegin(address: string, open: number, nowMs: number): boolean {
    const mayByAddress = !this.#stopping && this.#state.addresses.mayBegin(address, nowMs);
    if (mayByAddress && open < this.options.connectionsMax) return true;
    this.#state.tallies.handshakesRefused++;
    const longest = mayByAddress ? this.#withoutHello.next(nowMs) : undefined;
    if (longest !== undefined) this.#refuseConnection(longest);
    return false;
  }

  /** A connection's handshake is done. */
  handleConnected(connection: ConnectionId, path: SessionPath, nowMs: number): void {
    if (this.#sessions[connection] !== undefined) {
      throw new Error(`connection ${connection} is in use`);
    }
    const { addresses, tallies } = this.#state;
    const { connectionsMax, controlMessagesMax } = this.options;
    const session = new Session(connection, path, nowMs, controlMessagesMax);
    this.#sessions[connection] = session;
    this.#connectionsCount++;
    tallies.handshakes++;
    const fits = addresses.connected(session, nowMs) && this.#connectionsCount <= connectionsMax;
    if (this.#stopping) this.#lifecycle.close(session, ErrorCode.shuttingDown);
    else if (!fits) this.#refuseConnection(session);
    else {
      this.#withoutHello.add(session);
      this.#lifecycle.schedule(session);
    }
  }

  #refuseConnection(session: Session): void {
    this.#state.tallies.connectionsRefused++;
    //= PROTOCOL.md 5.3
    //# It closes with code 1, without a message, a connection that is one too many.
    this.#lifecycle.close(session, ErrorCode.rejected);
  }

  /** The largest datagram that a connection carries has changed. */
  handleMaxDatagram(connection: ConnectionId, bytes: number, nowMs: number): void {
    const session = this.#sessions[connection];
    if (session === undefined) return;
    session.maxDatagramBytes = bytes;
    //= PROTOCOL.md 10
    //# Maximums may change later, in either direction.
    session.settler.handleMaximum(bytes, nowMs);
    if (session.membership !== undefined) this.#paths.follow(session.membership, nowMs);
    else if (session.state === "settling" && session.hello !== undefined) {
      // The hello may have waited long enough.
      this.#admit(session, session.hello, nowMs);
      this.#lifecycle.schedule(session);
    }
  }

  /** The other side has shown that it is at this address and port now: its router has another mapping, or it moved. */
  handleAddress(connection: ConnectionId, address: string, nowMs: number): void {
    const session = this.#sessions[connection];
    if (session !== undefined && !session.ended) this.#paths.move(session, address, nowMs);
  }

  /** A connection's smoothed round trip time. */
  handleRtt(connection: ConnectionId, rttMs: number): void {
    const session = this.#sessions[connection];
    if (session === undefined) return;
    session.rttMs = rttMs;
    session.settler.handleRtt(rttMs);
  }

  /** Bytes of the endpoint's control stream; they are copied where they must wait. */
  handleControl(connection: ConnectionId, bytes: Uint8Array, nowMs: number): void {
    const session = this.#sessions[connection];
    if (session === undefined) return;
    session.streamOpen = true;
    if (session.ended) return;
    session.reader.push(bytes, nowMs);
    for (;;) {
      const message = session.reader.next();
      if (message === undefined) break;
      this.#handleMessage(session, message, nowMs);
      if (session.ended) return;
    }
    this.#lifecycle.schedule(session);
  }

  /** FIN on the control stream: the endpoint leaves. */
  handleControlFinished(connection: ConnectionId, nowMs: number): void {
    const session = this.#sessions[connection];
    if (session === undefined || session.ended) return;
    //= PROTOCOL.md 5.3
    //# An endpoint that leaves sends `disconnect` `bye`, or only FIN; the relay treats both alike
    //# and closes at once.
    this.#lifecycle.handleFarewell(session, "bye", nowMs);
  }

  /** The endpoint's transport has acknowledged the next `bytes` of what `send` actions gave. */
  handleControlSent(connection: ConnectionId, bytes: number): void {
    const session = this.#sessions[connection];
    if (session === undefined) return;
    session.controlUnsentBytes = Math.max(0, session.controlUnsentBytes - bytes);
    if (session.membership !== undefined) session.membership.welcomeUnsentBytes -= bytes;
  }

  /** The endpoint opened a stream beside its control stream. */
  handleSecondStream(connection: ConnectionId, nowMs: number): void {
    const session = this.#sessions[connection];
    if (session === undefined || session.ended) return;
    this.#protocolError(session, "There is one stream only.", nowMs);
  }

  /**
   * The connection is no more, and its handle is free. `errorCode` is the application error code with
   * which the endpoint closed it, if it did.
   */
  handleClosed(connection: ConnectionId, nowMs: number, errorCode?: number): void {
    const session = this.#sessions[connection];
    if (session === undefined) return;
    //= PROTOCOL.md 5.3
    //# | none | the connection timed out, was reset, or the endpoint died | | `lost`
    //= PROTOCOL.md 5.3
    //# The code with which an *endpoint* closes without a word decides in the same way: 0 is `bye`,
    //# 2 is `error`, all others are `lost`.
    const reason = errorCode === ErrorCode.done
      ? "bye"
      : errorCode === ErrorCode.protocol
      ? "error"
      : "lost";
    this.#lifecycle.leave(session, reason, nowMs);
    session.state = "closing";
    this.#state.addresses.gone(session);
    this.#state.deadlines.remove(session);
    this.#withoutHello.forget(session);
    this.#sessions[connection] = undefined;
    this.#connectionsCount--;
    this.#past.add(session.counters);
  }

  /** A datagram: its slot's reference is taken over, its bytes lie at `pool.bytes[offset …]`. */
  handleDatagram(
    connection: ConnectionId,
    slot: Slot,
    offset: number,
    length: number,
    nowMs: number,
  ): void {
    const session = this.#sessions[connection];
    if (session !== undefined) {
      const peer = session.membership;
      if (peer !== undefined) {
        if (this.#forwarder.forward(peer, slot, offset, length, nowMs)) {
          this.#noteMalformed(peer, nowMs);
        }
        if (this.#sweepDueMs === Infinity) this.#sweepDueMs = nowMs + SWEEP_INTERVAL_MS;
        //= PROTOCOL.md 8
        //# Datagrams that come before the sender's welcome are dropped and counted apart; they are
        //# neither read nor malformed.
      } else this.#forwarder.refuse(session, nowMs);
    }
    this.#state.pool.release(slot);
  }

  /** To be called when `nextDeadlineMs` has come; sooner is harmless. */
  handleTimer(nowMs: number): void {
    if (nowMs >= this.#sweepDueMs) this.#sweepQueues(nowMs);
    if (nowMs < this.#state.deadlines.nextMs) return;
    this.#timerMs = nowMs;
    for (const session of this.#state.deadlines.takeDue(nowMs)) {
      if (session.state === "closing") continue;
      if (session.nextDeadlineMs() <= nowMs) this.#handleDeadline(session, nowMs);
      this.#lifecycle.schedule(session);
    }
  }

  /** When `handleTimer` is to be called, ms; `Infinity` for never. */
  nextDeadlineMs(): number {
    const dueMs = Math.max(this.#state.deadlines.nextMs, this.#timerMs + TIMER_GRAIN_MS);
    return Math.min(dueMs, this.#sweepDueMs);
  }

  /** The relay stops: everyone is told to come back after `retryAfterMs`, nobody is let in. */
  handleShutdown(retryAfterMs: number, nowMs: number): void {
    this.#stopping = true;
    for (const session of this.#sessions) {
      if (session === undefined || session.ended) continue;
      const message = "The relay restarts.";
      this.#lifecycle.disconnect(
        session,
        { code: "relay-restarting", message, retryAfterMs },
        nowMs,
      );
    }
  }

  /** From now on nobody new is let in; who is here stays, and may come back. */
  drain(): void {
    this.#state.draining = true;
  }

  /** Whether {@link drain} was called. */
  get draining(): boolean {
    return this.#state.draining;
  }

  /** Whether `handleShutdown` was called and every connection is gone. */
  get stopped(): boolean {
    return this.#stopping && this.#connectionsCount === 0;
  }

  /** What the shell has to do, in this order. */
  drainActions(): RelayAction[] {
    return this.#state.outbox.drain();
  }

  /** What waits for a joined peer. The shell dequeues as much as the transport can send soon. */
  queueOf(connection: ConnectionId): FairQueue | undefined {
    return this.#sessions[connection]?.membership?.queue;
  }

  /**
   * A connection in whose queue something was put since it was last returned, or `NO_CONNECTION`. A shell that cannot
   * empty the queue now comes back by itself when the transport has sent.
   */
  nextReady(): ConnectionId {
    return this.#ready.take()?.session.connection ?? NO_CONNECTION;
  }

  /** All rooms as values. */
  rooms(): RoomSnapshot[] {
    const { rooms, locks } = this.#state;
    return Array.from(rooms.values(), (room) => snapshotRoom(room, locks));
  }

  /** How many rooms there are, and how many peers in them. */
  get population(): { readonly rooms: number; readonly peers: number } {
    return { rooms: this.#state.rooms.size, peers: this.#state.peersCount };
  }

  /** Connections, joined or not. */
  get connections(): number {
    return this.#connectionsCount;
  }

  /** Totals of all sessions that are and were: a copy. */
  get counters(): TrafficCounters {
    const sum = new TrafficCounters();
    sum.add(this.#past);
    for (const session of this.#sessions) {
      if (session === undefined) continue;
      session.membership?.queue.countDrops();
      sum.add(session.counters);
    }
    return sum;
  }

  /** How often the relay did what is rare: a copy. */
  get tallies(): RelayTallies {
    return structuredClone(this.#state.tallies);
  }

  #handleMessage(session: Session, message: ReadMessage, nowMs: number): void {
    //= PROTOCOL.md 7.1
    //# | – | (`disconnect` `protocol-error`) | bad length or bad JSON, in the first message, too
    if (message.error !== undefined) {
      const text = message.error === "bad-length" ? "A message's length is wrong." : "Bad JSON.";
      return this.#protocolError(session, text, nowMs);
    }
    if (session.state === "hello") return this.#handleHello(session, message.json, nowMs);
    //= PROTOCOL.md 4
    //# What breaks these rules, a message of unknown type, a message that the schema of section 6
    //# does not allow, a second hello, a second stream, and a message that belongs to the other
    //# side are **protocol errors**:
    const result = parseEndpointMessage(message.json);
    if (!result.ok) {
      return this.#protocolError(session, result.message, nowMs);
    }
    //= PROTOCOL.md 4
    //# A relay should treat more than 100 control messages within 10 s as one, too (this project's:
    //# unless its host says another number).
    if (session.controlMeter.exceeds(nowMs)) {
      return this.#protocolError(session, "Too many messages.", nowMs);
    }
    if (result.message.type === "disconnect") {
      return this.#lifecycle.handleFarewell(session, result.message.code, nowMs);
    }
    if (result.message.type === "hostRequest") {
      return this.#hostRequests.handle(session, result.message, nowMs);
    }
    const { membership } = session;
    if (result.message.type === "budget" && !understands(session.hello, Feature.roomMtu)) {
      return this.#protocolError(session, "Nothing was said of budgets.", nowMs);
    }
    if (membership === undefined) return;
    if (result.message.type === "budget") {
      //= PROTOCOL.md 6.9
      //# It takes the place of the hello's.
      membership.datagramBudget = result.message.datagramBudget;
      return this.#paths.follow(membership, nowMs);
    }
    //= PROTOCOL.md 6.5
    //# The relay keeps the last of each peer.
    membership.lastStats = result.message;
  }

  #protocolError(session: Session, message: string, nowMs: number): void {
    this.#lifecycle.disconnect(session, { code: "protocol-error", message }, nowMs);
  }

  #handleHello(session: Session, json: unknown, nowMs: number): void {
    const waitMs = this.#state.addresses.hello(session, nowMs);
    const result = parseHello(json);
    if (!result.ok) {
      return this.#lifecycle.refuse(session, reject(result.code, result.message), nowMs);
    }
    //= PROTOCOL.md 7.1
    //# | 4 | `rate-limited` | too many hellos, too many that showed no right key (a locked room
    //# behind the right one is no such), or (unless 8 applies) too many peers from this address, or
    //# too many rooms that were opened from it
    if (waitMs > 0) {
      const tooMany = reject("rate-limited", "Too many attempts from your address.", waitMs);
      return this.#lifecycle.refuse(session, tooMany, nowMs);
    }
    session.hello = result.hello;
    this.#withoutHello.spoke(session);
    this.#admit(session, result.hello, nowMs);
  }

  /** Decides on a session's hello, now or when its path's MTU has settled. */
  #admit(session: Session, hello: Hello, nowMs: number): void {
    const decision = decideAdmission(this.#state, session, hello, nowMs);
    if (decision.kind === "settle") {
      session.state = "settling";
      session.deadlineMs = Math.max(decision.untilMs, nowMs + 1);
    } else if (decision.kind === "join") {
      this.#lifecycle.join(session, hello, decision, nowMs);
      if (session.membership !== undefined) this.#paths.follow(session.membership, nowMs);
    } else {
      const isFailure = decision.kind === "reject" && decision.keyFailed;
      if (isFailure) this.#state.addresses.failed(session, nowMs);
      this.#lifecycle.refuse(session, decision, nowMs);
    }
  }

  #handleDeadline(session: Session, nowMs: number): void {
    if (session.unread) {
      this.#state.outbox.log("info", "Peer does not read", { connection: session.connection });
      return this.#lifecycle.abort(session, ErrorCode.protocol, "error", nowMs);
    }
    if (session.messageDeadlineMs() <= nowMs) {
      return this.#protocolError(session, "A message took too long to arrive.", nowMs);
    }
    const { hello, membership } = session;
    if (membership !== undefined) {
      if (membership.statsDueMs <= nowMs) this.#lifecycle.sendStats(membership, nowMs);
      this.#paths.handleTimer(membership, nowMs);
    }
    if (session.deadlineMs > nowMs) return;
    if (session.state === "settling" && hello !== undefined) this.#admit(session, hello, nowMs);
    else if (session.state === "ending") this.#lifecycle.close(session, session.endErrorCode);
    else if (session.state === "hello") {
      const message = "No hello came in time.";
      //= PROTOCOL.md 5.2
      //# No complete hello within 10 s of the handshake: `disconnect` `hello-timeout`.
      this.#lifecycle.disconnect(session, { code: "hello-timeout", message }, nowMs);
    }
  }

  #noteMalformed({ malformedMeter, session }: Membership, nowMs: number): void {
    //= PROTOCOL.md 8
    //# When one endpoint has sent more than 100 within any 10 s, the relay ends its session with
    //# `malformed-limit`.
    if (!malformedMeter.exceeds(nowMs)) return;
    const message = "Too many malformed datagrams.";
    this.#lifecycle.disconnect(session, { code: "malformed-limit", message }, nowMs);
  }

  /** Clears what waits too long for peers that take nothing: it would hold slots for ever. */
  #sweepQueues(nowMs: number): void {
    this.#sweepDueMs = Infinity;
    for (const session of this.#sessions) {
      const queue = session?.membership?.queue;
      if (queue === undefined || queue.queuedEntries === 0) continue;
      queue.dropLate(nowMs);
      if (queue.queuedEntries > 0) this.#sweepDueMs = nowMs + SWEEP_INTERVAL_MS;
    }
  }
}
