/**
 * The shell of an endpoint, the same for client and gateway: one QUIC connection in use at a time, its control stream,
 * and the datagrams of the frame path. Where the path of that connection is silent, others are tried beside it.
 *
 * @module
 */
import type { ClosedReason, EndpointAction, RelayTarget } from "../../endpoint/actions.ts";
import { REACH_SENTENCES } from "../../observe/relay_reach.ts";
import { statusLine } from "../../observe/status.ts";
import { PathWatch } from "../../endpoint/path_watch.ts";
import { type RelayAddress, RelayRace } from "../../endpoint/relay_race.ts";
import type { WayMemory } from "../../endpoint/way_memory.ts";
import { equalBytes } from "../../proto/bytes.ts";
import { parseIpAddress } from "../../proto/ip.ts";
import type { Task } from "../../reactor/mod.ts";
import type { Resolved } from "./host_resolver.ts";
import type { ReachExaminer } from "./reach.ts";
import { type Logger, logText } from "../../log/logging.ts";
import type { RelayLink, RelayLinkOwner, RelayLinkParts } from "./relay_link.ts";
import { RelaySearch } from "./relay_search.ts";

/** How often the connection's round trip time and rate are read. */
const UPKEEP_INTERVAL_MS = 50;
/** Why another path is taken. */
const PATH_DIED = REACH_SENTENCES["another-way"].what;

/** What an endpoint node works with. */
export interface EndpointNodeParts extends RelayLinkParts {
  readonly logger: Logger;
  readonly reach: ReachExaminer;
  /** A relay's addresses. */
  readonly lookUp: (host: string, port: number) => Promise<Resolved>;
  /** By which addresses relays were last reached. */
  readonly ways: WayMemory;
  /** The memory has changed: it is to be written. */
  readonly saveWays: () => void;
  /**
   * Called with a relay's address, 4 or 16 bytes, before the first packet is sent there, and when it is the one in use.
   *
   * @param isAnother others are tried, or in use, as well, and count still
   */
  readonly beforeConnect?:
    | ((address: Uint8Array, nowMs: number, isAnother: boolean) => void)
    | undefined;
  /** What the program itself does at an action, after this node's part. */
  readonly onAction: (action: EndpointAction, nowMs: number) => void;
}

/** See the module. */
export class EndpointNode implements Task, RelayLinkOwner {
  /** Set when the session has ended. */
  exitCode: 0 | 1 | undefined;
  /** A bug that came up outside the reactor's own turns. */
  failure: { readonly error: unknown } | undefined;
  readonly #watch = new PathWatch();
  #link: RelayLink | undefined;
  /** Looks for a connection where there is none. */
  #search: RelaySearch | undefined;
  /** Looks for another one beside the one in use, which is silent. */
  #standby: RelaySearch | undefined;
  /** Has answered beside the one in use: the next connection. */
  #ready: RelayLink | undefined;
  /** What the names in use mean, as was last looked up. */
  readonly #known = new Map<RelayTarget, readonly RelayAddress[]>();
  /** The address that has died last, until another one has won. */
  #suspect: RelayAddress | undefined;
  /** The address whose way is watched. */
  #held: Uint8Array | undefined;
  #wasTried = false;
  #upkeepDueMs = 0;

  constructor(readonly parts: EndpointNodeParts) {
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
    this.#search?.work(nowMs);
    this.#standby?.work(nowMs);
    endpoint.drainActions(nowMs, this.#carryOut);
    const pump = this.#link?.pump;
    const { queue } = endpoint.path;
    if (pump === undefined || queue.queuedEntries === 0) return false;
    return pump.pump(queue, nowMs) > 0;
  }

  nextDeadlineMs(): number {
    const deadlineMs = Math.min(
      this.parts.endpoint.nextDeadlineMs(),
      this.#search?.nextDeadlineMs() ?? Infinity,
      this.#standby?.nextDeadlineMs() ?? Infinity,
    );
    return this.#link === undefined ? deadlineMs : Math.min(deadlineMs, this.#upkeepDueMs);
  }

  #upkeep(nowMs: number): void {
    this.#upkeepDueMs = nowMs + UPKEEP_INTERVAL_MS;
    const pump = this.#link?.pump;
    if (pump === undefined) return;
    pump.readRate(nowMs);
    this.parts.endpoint.handleRtt(pump.rttMs);
    const isSilent = this.#watch.look(pump.acksReceived, pump.askingPacketsSent, nowMs);
    if (!isSilent) this.#endStandby();
    else if (!this.#wasTried) this.#tryOthers();
  }

  /** Does what the session wants; a field, since it is handed over each round. */
  readonly #carryOut = (action: EndpointAction, nowMs: number): void => {
    const { logger } = this.parts;
    switch (action.type) {
      case "connect":
        this.#connect(action.targets);
        break;
      case "send":
        this.#link?.send(action.bytes);
        break;
      case "finish":
        this.#link?.finish();
        break;
      case "close":
        this.#close(action.errorCode);
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
  };

  #connect(targets: readonly RelayTarget[]): void {
    const ready = this.#ready;
    this.#link?.detach();
    this.#link = undefined;
    this.#search?.close();
    this.#search = undefined;
    this.#ready = undefined;
    this.#endStandby();
    if (ready !== undefined && targets.includes(ready.target)) return this.#use(ready);
    ready?.detach();
    this.#known.clear();
    this.#search = new RelaySearch(this.#race(targets), {
      ...this.#searchParts(),
      lookUp: async (target) => {
        const found = await this.parts.lookUp(target.host, target.port);
        if ("addresses" in found) this.#known.set(target, found.addresses);
        return found;
      },
      lost: (reason) => this.#lost(reason),
      trouble: (reason) => {
        this.parts.endpoint.session.handleTrouble(reason);
        this.parts.reactor.wake();
      },
    }, true);
  }

  /**
   * The relay is silent: its other addresses and ports are tried, if it has any, and the first that answers is used. Another
   * name is not: should it be another relay, the party would be split by one player's bad moment.
   */
  #tryOthers(): void {
    this.#wasTried = true;
    const link = this.#link;
    if (link === undefined) return;
    const others = new Map<RelayTarget, readonly RelayAddress[]>();
    for (const [target, addresses] of this.#known) {
      if (target.host !== link.target.host) continue;
      const rest = addresses.filter((address) => !isSame(address, link.address));
      if (rest.length > 0) others.set(target, rest);
    }
    if (others.size === 0) return;
    this.#standby = new RelaySearch(this.#race([...others.keys()]), {
      ...this.#searchParts(),
      lookUp: (target): Promise<Resolved> =>
        Promise.resolve({ addresses: others.get(target) ?? [] }),
    }, false);
  }

  #endStandby(): void {
    this.#wasTried = false;
    if (this.#standby === undefined) return;
    this.#standby.close();
    this.#standby = undefined;
    if (this.#link !== undefined) this.parts.endpoint.handleOthersGone();
  }

  #race(targets: readonly RelayTarget[]): RelayRace {
    const suspect = this.#suspect;
    return new RelayRace(targets, {
      isKnownGood: (target, address) => this.parts.ways.isKnownGood(target, address, Date.now()),
      isSuspect: (address) => suspect !== undefined && isSame(address, suspect),
    }, this.parts.reactor.now());
  }

  #searchParts() {
    return {
      owner: this,
      reach: this.parts.reach,
      beforeConnect: (address: Uint8Array, isAnother: boolean) => this.#hold(address, isAnother),
      failed: (error: unknown) => {
        this.failure ??= { error };
        this.parts.reactor.stop();
      },
    };
  }

  #hold(address: Uint8Array, isAnother: boolean): void {
    if (!isAnother) this.#held = address;
    this.parts.beforeConnect?.(address, this.parts.reactor.now(), isAnother);
  }

  /** A link's handshake is done; called by the link. */
  answered(link: RelayLink): boolean {
    if (this.#search?.answered(link)) {
      this.#search = undefined;
      this.#use(link);
      return true;
    }
    if (!this.#standby?.answered(link)) return false;
    // The session is told, and asks for a connection: this one.
    this.#standby = undefined;
    this.#ready = link;
    this.#suspect = this.#link?.address;
    this.parts.endpoint.session.handleNetworkChanged(PATH_DIED, this.parts.reactor.now());
    this.parts.reactor.wake();
    return true;
  }

  #use(link: RelayLink): void {
    const { ways, saveWays } = this.parts;
    this.#link = link;
    this.#suspect = undefined;
    this.#watch.reset();
    const bytes = parseIpAddress(link.address.host);
    const isHeld = bytes !== undefined && this.#held !== undefined && equalBytes(bytes, this.#held);
    if (bytes !== undefined && !isHeld) this.#hold(bytes, false);
    if (ways.remember(link.target, link.address, Date.now())) saveWays();
    link.use();
  }

  #close(errorCode: number): void {
    if (this.#link !== undefined) return this.#link.close(errorCode);
    if (this.#search !== undefined) this.#lost({});
  }

  #lost(reason: ClosedReason): void {
    this.#search?.close();
    this.#search = undefined;
    this.parts.endpoint.handleClosed(reason, this.parts.reactor.now());
    this.parts.reactor.wake();
  }

  /** What msquic calls a connection's end is for those who look closer: players read what it means. */
  noteEnd(what: string): void {
    logText(this.parts.logger, "debug", `Connection ended: ${what}`);
  }

  /** A connection is gone; called by its link. */
  ended(link: RelayLink, reason: ClosedReason): void {
    if (this.#link !== link) {
      if (this.#ready === link) this.#ready = undefined;
      this.#search?.ended(link, reason);
      return this.#standby?.ended(link, reason);
    }
    this.#link = undefined;
    this.#endStandby();
    if (reason.transport === "timeout") this.#suspect = link.address;
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

function isSame(one: RelayAddress, other: RelayAddress): boolean {
  return one.host === other.host && one.port === other.port && one.scopeId === other.scopeId;
}
