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
import { type Logger, logText } from "../../log/logging.ts";
import { RelayLink, type RelayLinkOwner, type RelayLinkParts } from "./relay_link.ts";
import { TurnClock } from "../common/turn_clock.ts";

/** How often the connection's round trip time and rate are read. */
const UPKEEP_INTERVAL_MS = 50;

/** What an endpoint node works with. */
export interface EndpointNodeParts extends RelayLinkParts {
  readonly logger: Logger;
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
    endpoint.drainActions(nowMs, (action) => this.#carryOut(action, nowMs));
    const pump = this.#link?.pump;
    const { queue } = endpoint.path;
    if (pump === undefined || queue.queuedEntries === 0) return false;
    return pump.pump(queue, nowMs) > 0;
  }

  nextDeadlineMs(): number {
    const deadlineMs = this.parts.endpoint.nextDeadlineMs();
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
    this.#resolver.resolve(target.host, target.port).then(
      (resolved) => {
        if (this.#link !== link) return;
        if ("failure" in resolved) return this.ended(link, { transport: resolved.failure });
        const { address } = resolved;
        link.onlyIpv6 = resolved.onlyIpv6;
        const bytes = parseIpAddress(address.host);
        if (bytes !== undefined) this.parts.beforeConnect?.(bytes, this.parts.reactor.now());
        try {
          link.open(address);
        } catch (error) {
          if (!(error instanceof QuicError)) throw error;
          this.noteEnd(error.message);
          this.ended(link, { transport: link.onlyIpv6 ? "noIpv6" : "unreachable" });
        }
      },
    ).catch((error) => {
      this.failure ??= { error };
      this.parts.reactor.stop();
    });
  }

  /** What msquic calls a connection's end is for those who look closer: players read what it means. */
  noteEnd(what: string): void {
    logText(this.parts.logger, "debug", `Connection ended: ${what}`);
  }

  /** A connection is gone; called by its link. */
  ended(link: RelayLink, reason: ClosedReason): void {
    if (this.#link !== link) return;
    this.#link = undefined;
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
