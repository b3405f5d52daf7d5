/**
 * Which of a relay's addresses is used: they are tried one after the other, a quarter of a second apart, and the first that
 * completes the handshake wins (RFC 8305, "Happy Eyeballs"). So a path that is dead costs a moment, whatever it is: one IP
 * version, one address, one port.
 *
 * ```
 *  targets ─► resolve ─► addresses: as the resolver sorts them (RFC 6724), the versions by turns,
 *                        the last winner first, the one that has just died last
 *      0 ms  open A ─────────────────────────── silent … ─► abandoned, without a word
 *    250 ms         open B ──── handshake done ─► won
 * ```
 *
 * A relay's ports are tried behind each other, too. The next relay that was named waits longer: two that are not the same
 * know nothing of each other's rooms, and a party should not be split by a slow first answer.
 *
 * Pure: time is handed in, actions are drained by the shell.
 *
 * @module
 */
import type { TransportFailure } from "../observe/relay_reach.ts";
import type { ClosedReason, RelayTarget } from "./actions.ts";

/** Between two attempts at one relay (RFC 8305, section 5). */
export const ATTEMPT_DELAY_MS = 250;
/** Before the next relay that was named is tried. */
export const NEXT_RELAY_DELAY_MS = 2_000;
/** Attempts of one race. */
export const CONTENDERS_MAX = 16;

/** An address of a relay, literal, without brackets. */
export interface RelayAddress {
  readonly family: "ipv4" | "ipv6";
  readonly host: string;
  readonly port: number;
  /** Interface index of a link-local IPv6 address, else 0. */
  readonly scopeId: number;
}

/** An attempt. */
export interface Contender {
  readonly target: RelayTarget;
  readonly address: RelayAddress;
}

/** What the shell does for a race, in order. */
export type RaceAction =
  /** Look the target's host up. */
  | { readonly type: "resolve"; readonly target: RelayTarget }
  | { readonly type: "open"; readonly contender: Contender }
  /** Another has won, or the race is off: close it without a word. */
  | { readonly type: "abandon"; readonly contender: Contender }
  /** Nobody is left: the reason that tells most. */
  | { readonly type: "lost"; readonly reason: ClosedReason };

/** What is known of a relay's addresses before a race. */
export interface RacePreferences {
  /** Whether it has won the last time. */
  isKnownGood(target: RelayTarget, address: RelayAddress): boolean;
  /** Whether it has just died. */
  isSuspect(address: RelayAddress): boolean;
}

/** The ports of one host. */
interface Group {
  readonly targets: readonly RelayTarget[];
  /** Targets whose addresses are not there yet. */
  pending: number;
  waiting: Contender[];
}

/** What says most of a relay that cannot be reached, first. */
const TELLING: readonly TransportFailure[] = [
  ...["certificate", "alpn", "refused", "nobodyListens", "blocked", "unfinished", "timeout"],
  ...[
    "reset",
    "other",
    "unreachable",
    "noIpv6",
    "noIpv4",
    "noNameServer",
    "unresolved",
    "noNetwork",
  ],
] as TransportFailure[];

/** The reason that tells most. */
export function mostTelling(reasons: readonly ClosedReason[]): ClosedReason | undefined {
  const rank = ({ transport }: ClosedReason) =>
    transport === undefined ? TELLING.length : TELLING.indexOf(transport);
  return reasons.toSorted((one, other) => rank(one) - rank(other))[0];
}

/** See the module. */
export class RelayRace {
  readonly #preferences: RacePreferences;
  readonly #groups: Group[] = [];
  readonly #open = new Set<Contender>();
  readonly #failing = new Set<Contender>();
  readonly #reasons: ClosedReason[] = [];
  #actions: RaceAction[] = [];
  /** When the last attempt began, or the race. */
  #lastMs: number;
  /** Of the last attempt; relays before it have had their turn. */
  #lastGroup = 0;
  #opened = 0;
  #isOver = false;

  /** @param targets ways to one relay, the best first */
  constructor(targets: readonly RelayTarget[], preferences: RacePreferences, nowMs: number) {
    this.#preferences = preferences;
    this.#lastMs = nowMs;
    for (const host of new Set(targets.map((target) => target.host))) {
      const ofHost = targets.filter((target) => target.host === host);
      this.#groups.push({ targets: ofHost, pending: ofHost.length, waiting: [] });
    }
    for (const target of targets) this.#actions.push({ type: "resolve", target });
  }

  /** Whether there is a winner, or nobody is left. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Of each host whose addresses are not there yet, one. */
  get unresolved(): readonly RelayTarget[] {
    return this.#groups.filter(({ pending }) => pending > 0).map(({ targets }) => targets[0]);
  }

  /** Why attempts have failed so far. */
  get reasons(): readonly ClosedReason[] {
    return this.#reasons;
  }

  /** Takes the actions that have come up, in order. */
  drainActions(): RaceAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  /** A target's addresses, as the system's resolver sorts them. */
  handleAddresses(target: RelayTarget, addresses: readonly RelayAddress[], nowMs: number): void {
    const group = this.#answered(target);
    if (group === undefined) return;
    const contenders = byTurns(addresses).map((address) => ({ target, address }));
    group.waiting = this.#sorted([...group.waiting, ...contenders]);
    this.handleTimer(nowMs);
  }

  /** A target has no address. */
  handleNoAddress(target: RelayTarget, reason: ClosedReason, nowMs: number): void {
    if (this.#answered(target) === undefined) return;
    this.#reasons.push(reason);
    this.handleTimer(nowMs);
  }

  /** Its handshake is done: it wins. False: another has, and it is to be abandoned. */
  handleWon(contender: Contender): boolean {
    if (this.#isOver || !this.#open.delete(contender)) return false;
    this.close();
    return true;
  }

  /** It has failed, and why is still being looked for: the next one need not wait. */
  handleFailing(contender: Contender, nowMs: number): void {
    if (!this.#open.has(contender)) return;
    this.#failing.add(contender);
    this.#lastMs = Math.min(this.#lastMs, nowMs - ATTEMPT_DELAY_MS);
    this.handleTimer(nowMs);
  }

  /** It has failed. */
  handleFailed(contender: Contender, reason: ClosedReason, nowMs: number): void {
    if (!this.#open.delete(contender)) return;
    this.#failing.delete(contender);
    this.#reasons.push(reason);
    this.#lastMs = Math.min(this.#lastMs, nowMs - ATTEMPT_DELAY_MS);
    this.handleTimer(nowMs);
  }

  /** To be called at {@linkcode nextDeadlineMs}: the next attempt. */
  handleTimer(nowMs: number): void {
    while (!this.#isOver) {
      const next = this.#next();
      if (next === undefined) break;
      if (nowMs < next.dueMs) return;
      this.#begin(next.group, nowMs);
    }
    if (this.#isOver || this.#open.size > 0) return;
    if (this.#groups.some(({ pending }) => pending > 0)) return;
    this.#isOver = true;
    const reason = mostTelling(this.#reasons) ?? { transport: "other" };
    this.#actions.push({ type: "lost", reason });
  }

  /** When the next attempt is due; Infinity: not before something happens. */
  nextDeadlineMs(): number {
    return this.#isOver ? Infinity : this.#next()?.dueMs ?? Infinity;
  }

  /** Ends the race without a winner. */
  close(): void {
    this.#isOver = true;
    for (const contender of this.#open) {
      if (!this.#failing.has(contender)) this.#actions.push({ type: "abandon", contender });
    }
    this.#open.clear();
    this.#failing.clear();
  }

  #answered(target: RelayTarget): Group | undefined {
    const group = this.#groups.find(({ targets }) => targets.includes(target));
    if (this.#isOver || group === undefined || group.pending === 0) return undefined;
    group.pending--;
    return group;
  }

  /** The group whose attempt is next, and when. */
  #next(): { readonly group: Group; readonly dueMs: number } | undefined {
    if (this.#opened >= CONTENDERS_MAX) return undefined;
    const isAlone = this.#open.size === this.#failing.size;
    let isEarlierPending = false;
    for (const [index, group] of this.#groups.entries()) {
      if (group.waiting.length > 0) {
        const isNextRelay = isEarlierPending || (!isAlone && index > this.#lastGroup);
        const delayMs = isNextRelay ? NEXT_RELAY_DELAY_MS : isAlone ? 0 : ATTEMPT_DELAY_MS;
        return { group, dueMs: this.#lastMs + delayMs };
      }
      isEarlierPending ||= group.pending > 0;
    }
    return undefined;
  }

  #begin(group: Group, nowMs: number): void {
    const contender = group.waiting.shift();
    if (contender === undefined) return;
    this.#lastGroup = this.#groups.indexOf(group);
    this.#lastMs = nowMs;
    this.#opened++;
    this.#open.add(contender);
    this.#actions.push({ type: "open", contender });
  }

  /** The last winner first, the one that has just died last; the ports of a host behind each other. */
  #sorted(contenders: readonly Contender[]): Contender[] {
    const rank = ({ target, address }: Contender) =>
      this.#preferences.isSuspect(address)
        ? 1
        : this.#preferences.isKnownGood(target, address)
        ? -1
        : 0;
    return contenders.toSorted((one, other) => rank(one) - rank(other));
  }
}

/** The IP versions by turns, that of the first address first (RFC 8305, section 4). */
function byTurns(addresses: readonly RelayAddress[]): RelayAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0].family);
  const second = addresses.filter(({ family }) => family !== addresses[0].family);
  const sorted: RelayAddress[] = [];
  for (let index = 0; index < addresses.length; index++) {
    sorted.push(...first.slice(index, index + 1), ...second.slice(index, index + 1));
  }
  return sorted;
}
