/**
 * The shell of an endpoint, the same for client and gateway: one QUIC connection at a time, its control stream,
 * and the datagrams of the frame path.
 *
 * @module
 */
import type { ClosedReason, EndpointAction, RelayTarget } from "../../endpoint/actions.ts";
import { statusLine } from "../../observe/status.ts";
import { parseIpAddress } from "../../proto/ip.ts";
import { QuicError } from "../../quic/mod.ts";
import type { Task } from "../../reactor/mod.ts";
import { HostResolver } from "./host_resolver.ts";
import type { ReachExaminer } from "./reach.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { RelayLink, type RelayLinkOwner, type RelayLinkParts } from "./relay_link.ts";
import { TurnClock } from "../common/turn_clock.ts";

/** How often the connection's round trip time and rate are read. */
const UPKEEP_INTERVAL_MS = 50;

/** How long an answer is waited for before the reason of the silence is looked for, which takes up to 0.7 s. */
const SILENCE_MS = 1_500;

/** What an endpoint node works with. */
export interface EndpointNodeParts extends RelayLinkParts {
  readonly logger: Logger;
  readonly reach: ReachExaminer;
  /** Called with a relay's address, 4 or 16 bytes, before the first packet is sent there. */
  readonly beforeConnect?: ((address: Uint8Array, nowMs: number) => void) | undefined;
  /** What the program itself does at an action, after this node's part. */
  readonly onAction: (action: EndpointAction, nowMs: number) => void;
}

/** See the module. */
export class EndpointNode implements Task, RelayLinkOwner {
  /** Set when the session has ended. */
  exitCode: 0 | 1 | undefined;
  /** A bug that came up outside the reactor's own turns. */
  failure: { readonly error: unknown } | undefined;
  /** The time for what comes in by datagram. */
  readonly clock: TurnClock;
  readonly #resolver: HostResolver;
  #link: RelayLink | undefined;
  #upkeepDueMs = 0;
  /** When people are told that there is no answer yet. */
  #silenceDueMs = Infinity;

  constructor(readonly parts: EndpointNodeParts) {
    this.clock = new TurnClock(parts.reactor);
    this.#resolver = new HostResolver(parts.reactor);
    parts.reactor.addTask(this);
  }

  /** Begins; from now on the reactor drives it. */
  start(): void {
    this.parts.endpoint.start(this.parts.reactor.now());
    this.parts.reactor.wake();
  }

  /** Leaves the room, tells the relay, and ends. */
  leave(): void {
    this.parts.endpoint.leave(this.parts.reactor.now());
    this.parts.reactor.wake();
  }

  work(nowMs: number): boolean {
    const { endpoint } = this.parts;
    endpoint.handleTimer(nowMs);
    if (nowMs >= this.#upkeepDueMs) this.#upkeep(nowMs);
    if (nowMs >= this.#silenceDueMs) this.#lookIntoSilence();
    endpoint.drainActions(nowMs, (action) => this.#carryOut(action, nowMs));
    const pump = this.#link?.pump;
    const { queue } = endpoint.path;
    if (pump === undefined || queue.queuedEntries === 0) return false;
    return pump.pump(queue, nowMs) > 0;
  }

  nextDeadlineMs(): number {
    const deadlineMs = Math.min(this.parts.endpoint.nextDeadlineMs(), this.#silenceDueMs);
    return this.#link === undefined ? deadlineMs : Math.min(deadlineMs, this.#upkeepDueMs);
  }

  #upkeep(nowMs: number): void {
    this.#upkeepDueMs = nowMs + UPKEEP_INTERVAL_MS;
    const pump = this.#link?.pump;
    if (pump === undefined) return;
    pump.readRate(nowMs);
    this.parts.endpoint.handleRtt(pump.rttMs);
  }

  #carryOut(action: EndpointAction, nowMs: number): void {
    const { logger } = this.parts;
    switch (action.type) {
      case "connect":
        this.#connect(action);
        break;
      case "send":
        this.#link?.send(action.bytes);
        break;
      case "finish":
        this.#link?.finish();
        break;
      case "close":
        this.#link?.close(action.errorCode);
        break;
      case "status": {
        const { level, text } = statusLine(action.event);
        logText(logger, level, text, { event: action.event.type });
        break;
      }
      case "ended":
        this.exitCode = action.exitCode;
        if (action.exitCode !== 0 && !action.told) logText(logger, "error", action.message);
        break;
    }
    this.parts.onAction(action, nowMs);
    if (action.type === "ended") this.parts.reactor.stop();
  }

  #connect(target: RelayTarget): void {
    this.#link?.detach();
    const link = new RelayLink(this, target);
    this.#link = link;
    this.#silenceDueMs = this.parts.reactor.now() + SILENCE_MS;
    this.#runAside(this.#open(link, target));
  }

  async #open(link: RelayLink, { host, port }: RelayTarget): Promise<void> {
    const resolved = await this.#resolver.resolve(host, port);
    if (this.#link !== link) return;
    if ("failure" in resolved) {
      return this.#ended(link, this.parts.reach.explainName(resolved.failure, host, port));
    }
    const { address } = resolved;
    link.address = address;
    const bytes = parseIpAddress(address.host);
    if (bytes !== undefined) this.parts.beforeConnect?.(bytes, this.parts.reactor.now());
    try {
      link.open(address);
    } catch (error) {
      if (!(error instanceof QuicError)) throw error;
      this.noteEnd(error.message);
      this.ended(link, { transport: "unreachable" });
    }
  }

  /** Something that waits for the runtime's own loop: what it throws is a bug. */
  #runAside(work: Promise<void>): void {
    work.catch((error) => {
      this.failure ??= { error };
      this.parts.reactor.stop();
    });
  }

  /** There is no answer yet: why, as far as can be seen, while it is waited for one. */
  #lookIntoSilence(): void {
    this.#silenceDueMs = Infinity;
    const link = this.#link;
    if (link === undefined || link.wasConnected) return;
    this.#runAside(
      this.#explain(link).then((reason) => {
        if (this.#link !== link || link.wasConnected) return;
        link.trouble = reason;
        this.parts.endpoint.session.handleTrouble(reason);
        this.parts.reactor.wake();
      }),
    );
  }

  async #explain({ address, target: { host, port } }: RelayLink): Promise<ClosedReason> {
    const { reach } = this.parts;
    return address === undefined
      ? reach.explainName("noNameServer", host, port)
      : await reach.explainAddress(host, address);
  }

  /** What msquic calls a connection's end is for those who look closer: players read what it means. */
  noteEnd(what: string): void {
    logText(this.parts.logger, "debug", `Connection ended: ${what}`);
  }

  /** A connection is gone; called by its link. */
  ended(link: RelayLink, reason: ClosedReason): void {
    if (this.#link !== link) return;
    const { transport } = reason;
    const isVague = transport === "unreachable" || transport === "timeout";
    if (!isVague || link.wasConnected) return this.#ended(link, reason);
    if (link.trouble !== undefined && transport === "timeout") {
      return this.#ended(link, link.trouble);
    }
    this.#runAside(
      this.#explain(link).then((explained) => {
        const isSilent = transport === "unreachable" && explained.transport === "timeout";
        this.#ended(link, isSilent ? { ...explained, transport } : explained);
      }),
    );
  }

  #ended(link: RelayLink, reason: ClosedReason): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#silenceDueMs = Infinity;
    if (reason.transport !== undefined && !link.wasConnected) this.#resolver.next();
    this.parts.endpoint.handleClosed(reason, this.parts.reactor.now());
    this.parts.reactor.wake();
  }

  /** Packets lost of those sent on the live connection; undefined: there is none. */
  get lossRatio(): number | undefined {
    return this.#link?.pump?.lossRatio;
  }

  /** Whether a link is the one in use. */
  uses(link: RelayLink): boolean {
    return this.#link === link;
  }
}
