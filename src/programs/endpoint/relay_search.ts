/**
 * A race for the relay, with real names and connections (`relay_race.ts`), and why there is no winner.
 *
 * @module
 */
import type { ClosedReason, RelayTarget } from "../../endpoint/actions.ts";
import { type Contender, mostTelling, type RelayRace } from "../../endpoint/relay_race.ts";
import { parseIpAddress } from "../../proto/ip.ts";
import { QuicError } from "../../quic/mod.ts";
import type { Resolved } from "./host_resolver.ts";
import type { ReachExaminer } from "./reach.ts";
import { RelayLink, type RelayLinkOwner } from "./relay_link.ts";

/** How long an answer is waited for before the reason of the silence is looked for, which takes up to 0.7 s. */
const SILENCE_MS = 1_500;
/** How often it is looked for again: what no router knew at first it may know by then. */
const LOOK_AGAIN_MS = 3_000;
/** So many addresses are looked at, for a reason. */
const EXAMINED_MAX = 4;

/** What a search works with. */
export interface SearchParts {
  /** Owns the links. */
  readonly owner: RelayLinkOwner;
  readonly reach: ReachExaminer;
  readonly lookUp: (target: RelayTarget) => Promise<Resolved>;
  /**
   * Called with an address, 4 or 16 bytes, before the first packet is sent there.
   *
   * @param isAnother others are tried, or in use, as well
   */
  readonly beforeConnect: (address: Uint8Array, isAnother: boolean) => void;
  /** Nobody answers; absent: nobody has to know. */
  readonly lost?: (reason: ClosedReason) => void;
  /** There is no answer yet; absent: nobody has to know. */
  readonly trouble?: (reason: ClosedReason) => void;
  /** A bug that came up outside the reactor's own turns. */
  readonly failed: (error: unknown) => void;
}

/** See the module. */
export class RelaySearch {
  readonly #race: RelayRace;
  readonly #parts: SearchParts;
  readonly #links = new Map<RelayLink, Contender>();
  #silenceDueMs: number;
  #isFirst: boolean;

  /** @param isOnly no connection is in use beside it */
  constructor(race: RelayRace, parts: SearchParts, isOnly: boolean) {
    this.#race = race;
    this.#parts = parts;
    this.#isFirst = isOnly;
    this.#silenceDueMs = parts.trouble === undefined ? Infinity : this.#nowMs + SILENCE_MS;
    this.#carryOut();
  }

  /** To be called at {@linkcode nextDeadlineMs}; earlier calls do no harm. */
  work(nowMs: number): void {
    if (nowMs >= this.#race.nextDeadlineMs()) this.#race.handleTimer(nowMs);
    if (nowMs >= this.#silenceDueMs) this.#lookIntoSilence();
    this.#carryOut();
  }

  nextDeadlineMs(): number {
    return Math.min(this.#silenceDueMs, this.#race.nextDeadlineMs());
  }

  /** A link's handshake is done: whether it is the winner. The others are closed then, without a word. */
  answered(link: RelayLink): boolean {
    const contender = this.#links.get(link);
    if (contender === undefined || !this.#race.handleWon(contender)) return false;
    this.#links.delete(link);
    this.#silenceDueMs = Infinity;
    this.#carryOut();
    return true;
  }

  /** A link's connection is gone. */
  ended(link: RelayLink, reason: ClosedReason): void {
    const contender = this.#links.get(link);
    if (contender === undefined) return;
    const { transport } = reason;
    if (transport !== "unreachable" && transport !== "timeout") {
      return this.#failed(link, contender, reason);
    }
    if (transport === "timeout" && link.trouble !== undefined) {
      return this.#failed(link, contender, link.trouble);
    }
    this.#race.handleFailing(contender, this.#nowMs);
    this.#carryOut();
    this.#runAside(
      this.#explain(link).then((explained) => {
        const isSilent = transport === "unreachable" && explained.transport === "timeout";
        this.#failed(link, contender, isSilent ? { ...explained, transport } : explained);
      }),
    );
  }

  /** Ends it: nobody hears of it any more. */
  close(): void {
    this.#silenceDueMs = Infinity;
    this.#race.close();
    this.#carryOut();
    this.#links.clear();
  }

  #failed(link: RelayLink, contender: Contender, reason: ClosedReason): void {
    this.#links.delete(link);
    this.#race.handleFailed(contender, reason, this.#nowMs);
    this.#carryOut();
  }

  #carryOut(): void {
    for (const action of this.#race.drainActions()) {
      switch (action.type) {
        case "resolve":
          this.#runAside(this.#resolve(action.target));
          break;
        case "open":
          this.#open(action.contender);
          break;
        case "abandon":
          this.#linkOf(action.contender)?.detach();
          break;
        case "lost":
          this.#silenceDueMs = Infinity;
          this.#parts.lost?.(action.reason);
          break;
      }
    }
  }

  async #resolve(target: RelayTarget): Promise<void> {
    const resolved = await this.#parts.lookUp(target);
    const { host, port } = target;
    if ("failure" in resolved) {
      const reason = this.#parts.reach.explainName(resolved.failure, host, port);
      this.#race.handleNoAddress(target, reason, this.#nowMs);
    } else this.#race.handleAddresses(target, resolved.addresses, this.#nowMs);
    this.#carryOut();
    this.#parts.owner.parts.reactor.wake();
  }

  #open(contender: Contender): void {
    const { owner, beforeConnect } = this.#parts;
    const { target, address } = contender;
    const link = new RelayLink(owner, target, address);
    this.#links.set(link, contender);
    const bytes = parseIpAddress(address.host);
    if (bytes !== undefined) beforeConnect(bytes, !this.#isFirst);
    this.#isFirst = false;
    try {
      link.open();
    } catch (error) {
      if (!(error instanceof QuicError)) throw error;
      owner.noteEnd(error.message);
      this.ended(link, { transport: "unreachable" });
    }
  }

  #linkOf(contender: Contender): RelayLink | undefined {
    for (const [link, of] of this.#links) if (of === contender) return link;
    return undefined;
  }

  #explain({ target, address }: RelayLink): Promise<ClosedReason> {
    const { reach, owner } = this.#parts;
    const isNamed = owner.parts.endpoint.session.isNamed(target);
    return reach.explainAddress(target.host, address, isNamed);
  }

  /** There is no answer yet: why, as far as can be seen, while it is waited for one. */
  #lookIntoSilence(): void {
    this.#silenceDueMs = this.#nowMs + LOOK_AGAIN_MS;
    this.#runAside(this.#findTrouble());
  }

  async #findTrouble(): Promise<void> {
    const links = [...this.#links.keys()].slice(0, EXAMINED_MAX);
    const found = await Promise.all(links.map(async (link) => {
      const reason = await this.#explain(link);
      // Routers do not say each time what they have said once.
      if (reason.transport !== "timeout") link.trouble = reason;
      return link.trouble ??= reason;
    }));
    if (this.#race.isOver) return;
    const unresolved = this.#race.unresolved.map(({ host, port }) =>
      this.#parts.reach.explainName("noNameServer", host, port)
    );
    const reason = mostTelling([...this.#race.reasons, ...found, ...unresolved]);
    if (reason !== undefined) this.#parts.trouble?.(reason);
  }

  /** Something that waits for the runtime's own loop: what it throws is a bug. */
  #runAside(work: Promise<void>): void {
    work.catch((error) => this.#parts.failed(error));
  }

  get #nowMs(): number {
    return this.#parts.owner.parts.reactor.now();
  }
}
