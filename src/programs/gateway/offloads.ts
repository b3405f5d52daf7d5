/**
 * The offloads of a LAN's interface that do not leave packets as they came: switched off while the
 * gateway runs, and put back when it ends, or at the next start if it was killed.
 *
 * @module
 */
import { LinkError } from "../../link/device.ts";
import { readFeatures, setFeatures } from "../../link/ethtool.ts";
import { lowerInterfaces } from "../../link/interface.ts";
import {
  type Change,
  type ChangeData,
  type ChangeJournal,
  ForeignChangeError,
  isRecord,
} from "../../system/journal/mod.ts";
import { type Logger, logText } from "../../log/logging.ts";

/** The kind of change in the journal. */
export const OFFLOADS_CHANGE = "offloads";

/**
 * Each joins received packets to larger ones, from which the originals cannot always be cut again: LRO
 * loses headers, and GRO what the IPv4 ids of a connection were. Stripped VLAN tags are put back, and
 * what a sender on the same machine leaves unfinished is finished (`src/gateway`): these may stay.
 */
const HARMFUL = ["rx-gro", "rx-lro", "rx-gro-hw", "rx-gro-list", "rx-udp-gro-forwarding"];

/** The offloads of one interface, and of those under it: a bond's cards, what a VLAN or a MACVLAN is made from. */
export class LanOffloads {
  /** By interface. */
  readonly #changes = new Map<string, Change>();
  #name: string;
  readonly #journal: ChangeJournal;
  readonly #logger: Logger;

  constructor(
    name: string,
    journal: ChangeJournal,
    logger: Logger,
  ) {
    this.#name = name;
    this.#journal = journal;
    this.#logger = logger;
  }

  /** Switches off what does harm; to be called again when the interface was made anew. */
  apply(): void {
    for (const name of [this.#name, ...lowerInterfaces(this.#name)]) this.#applyTo(name);
  }

  /** The interface has another name now: what was changed is put back under that. */
  handleRenamed(name: string): void {
    const change = this.#changes.get(this.#name);
    if (change !== undefined && isRecord(change.data)) {
      const { on } = change.data;
      this.#changes.set(name, this.#journal.record(OFFLOADS_CHANGE, { interface: name, on }));
      this.#journal.forget(change);
      this.#changes.delete(this.#name);
    }
    this.#name = name;
  }

  /** Another interface has taken its place: what was changed has gone with the one before. */
  handleReplaced(name: string): void {
    const change = this.#changes.get(this.#name);
    if (change !== undefined) this.#journal.forget(change);
    this.#changes.delete(this.#name);
    this.#name = name;
  }

  #applyTo(name: string): void {
    try {
      const features = readFeatures(name);
      const on = HARMFUL.filter((feature) => features.get(feature)?.on);
      const off = on.filter((feature) => features.get(feature)?.changeable);
      if (off.length > 0) this.#switchOff(name, off);
      const now = off.length > 0 ? readFeatures(name) : features;
      const left = on.filter((feature) => now.get(feature)?.on);
      if (left.length > 0) {
        logText(this.#logger, "warning", `${name} keeps ${left.join(", ")} on: ${ADVICE}`);
      }
    } catch (cause) {
      if (!(cause instanceof LinkError)) throw cause;
      logText(this.#logger, "warning", `The offloads of ${name} stay as they are: ${ADVICE}`, {
        reason: cause.message,
      });
    }
  }

  /** Puts back what was changed. */
  restore(): void {
    for (const [name, change] of this.#changes) {
      try {
        this.#journal.undo(change);
        this.#changes.delete(name);
      } catch (cause) {
        // It stays in the journal, for the next start.
        if (!(cause instanceof LinkError)) throw cause;
        const text = `The offloads of ${name} could not be put back: ${cause.message}`;
        logText(this.#logger, "warning", text);
      }
    }
  }

  #switchOff(name: string, off: readonly string[]): void {
    const before = this.#changes.get(name);
    if (before !== undefined) this.#journal.forget(before);
    this.#changes.set(name, this.#journal.record(OFFLOADS_CHANGE, { interface: name, on: off }));
    setFeatures(name, Object.fromEntries(off.map((feature) => [feature, false])));
    const text = `Switched off at ${name} as long as this runs: ${off.join(", ")}`;
    logText(this.#logger, "debug", text);
  }
}

const ADVICE = "packets may be joined on their way to players";

/**
 * Switches on again what a change has switched off; an interface that is gone needs nothing.
 *
 * @throws {ForeignChangeError} the journal names something else
 */
export function undoOffloads(data: ChangeData): void {
  const { interface: name, on } = isRecord(data) ? data : {};
  const isName = typeof name === "string" && /^[^/\s]{1,15}$/.test(name);
  if (!isName || !Array.isArray(on) || !on.every((feature) => HARMFUL.includes(feature))) {
    throw new ForeignChangeError(`no offloads of ours are ${JSON.stringify(data)}`);
  }
  const features = on as string[];
  try {
    setFeatures(name, Object.fromEntries(features.map((feature) => [feature, true])));
  } catch (cause) {
    const gone = cause instanceof LinkError && cause.code === "no-such-interface";
    if (!gone) throw cause;
  }
}
