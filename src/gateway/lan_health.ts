/**
 * How a gateway's LAN is, from one look at its interface to the next: what has changed is told once, and what keeps
 * players out is known as long as it lasts.
 *
 * @module
 */

import {
  isSameTrouble,
  type LanLinkEvent,
  type LanState,
  type LanTrouble,
} from "../observe/lan_link.ts";

/** The longest packet of a LAN: an interface that takes less loses some. */
export const LAN_MTU = 1500;

/** What a look at the interface has found. */
export interface LanLook {
  readonly name: string;
  readonly index: number;
  readonly mac: string;
  readonly state: LanState;
  readonly mtu: number;
  /** The bridge or the like that it is a port of. */
  readonly master: string | undefined;
  /** Whether it takes frames of all MACs. */
  readonly isPromiscuous: boolean;
}

/** See the module. */
export class LanHealth {
  #look: LanLook | undefined;
  #ofInterface: readonly LanTrouble[] = [];
  #ofBridge: readonly LanTrouble[] = [];
  #events: LanLinkEvent[] = [];

  /** How it was at the last look; undefined: there was none. */
  get look(): LanLook | undefined {
    return this.#look;
  }

  /** What keeps players, or some of their frames, out of the LAN now. */
  get troubles(): readonly LanTrouble[] {
    return [...this.#ofBridge, ...this.#ofInterface];
  }

  /** The interface was looked at. The first look's troubles are told by who has chosen the interface. */
  handleLook(look: LanLook): void {
    const before = this.#look;
    this.#look = look;
    const { name, index, mac, state } = look;
    const isSame = before?.index === index;
    if (isSame && before.name !== name) {
      this.#events.push({ type: "lanRenamed", before: before.name, name });
    }
    if (!isSame || before.state !== state) {
      this.#events.push({ type: "lan", name, index, mac, state });
    }
    // One that is gone has its troubles behind it, and they are no news when it is back.
    const troubles = state === "gone" ? this.#ofInterface : troublesOf(look);
    if (before !== undefined) this.#tell(this.#ofInterface, troubles);
    this.#ofInterface = troubles;
    if (state === "gone") this.#ofBridge = [];
  }

  /** What passes the bridge has been tried, or there is no bridge to be tried. */
  handleBridge(troubles: readonly LanTrouble[]): void {
    this.#tell(this.#ofBridge, troubles);
    this.#ofBridge = troubles;
  }

  /** What there is to be said since the last call. */
  drainEvents(): readonly LanLinkEvent[] {
    return this.#events.splice(0);
  }

  #tell(before: readonly LanTrouble[], now: readonly LanTrouble[]): void {
    const name = this.#look?.name ?? "";
    const isIn = (list: readonly LanTrouble[], one: LanTrouble) =>
      list.some((other) => isSameTrouble(one, other));
    const isKind = (list: readonly LanTrouble[], { kind }: LanTrouble) =>
      list.some((other) => other.kind === kind);
    for (const trouble of before) {
      // One that has only become another of its kind is not over.
      if (!isKind(now, trouble)) this.#events.push({ type: "lanTroubleOver", name, trouble });
    }
    for (const trouble of now) {
      if (!isIn(before, trouble)) this.#events.push({ type: "lanTrouble", name, trouble });
    }
  }
}

function troublesOf({ mtu, master, isPromiscuous }: LanLook): readonly LanTrouble[] {
  return [
    ...isPromiscuous ? [] : [{ kind: "own-frames-only" } as const],
    ...master === undefined ? [] : [{ kind: "port-of", master } as const],
    ...mtu >= LAN_MTU ? [] : [{ kind: "small-mtu", mtu } as const],
  ];
}
