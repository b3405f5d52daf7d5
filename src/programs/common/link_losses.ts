/**
 * What a device counts as lost, brought into the totals that everybody sees.
 *
 * @module
 */
import type { TrafficCounters } from "../../observe/counters.ts";
import { DropCode } from "../../observe/drops.ts";

/** What {@link LinkLosses} must know of a device. */
export interface LossyLink {
  readonly counters: {
    readonly receivedWithoutSlot: number;
    readonly receivedBadOffload: number;
    readonly receivedTruncated: number;
    readonly kernelDrops: number;
    readonly sendLostLater: number;
  };
  updateCounters?(): void;
}

/** What of it is counted here: as drops of a LAN's interface, or of a player's adapter. */
export type LinkKind = "lan" | "adapter";

/** Counts each loss once, over all the devices of a program. */
export class LinkLosses {
  #link: LossyLink | undefined;
  #overflow = 0;
  #truncated = 0;
  #unsent = 0;
  #slotless = 0;
  #badOffload = 0;
  readonly #traffic: TrafficCounters;
  readonly #kind: LinkKind;

  constructor(traffic: TrafficCounters, kind: LinkKind) {
    this.#traffic = traffic;
    this.#kind = kind;
  }

  /** Reads the device's counters, and the kernel's; to be called about once a second. */
  count(link: LossyLink): void {
    if (link !== this.#link) {
      this.#link = link;
      this.#overflow =
        this.#truncated =
        this.#unsent =
        this.#slotless =
        this.#badOffload =
          0;
    }
    link.updateCounters?.();
    const { counters } = link;
    const traffic = this.#traffic;
    const isLan = this.#kind === "lan";
    if (isLan) {
      traffic.dropMany(DropCode.captureOverflow, counters.kernelDrops - this.#overflow);
    }
    traffic.dropMany(DropCode.captureTruncated, counters.receivedTruncated - this.#truncated);
    traffic.dropMany(DropCode.noBuffer, counters.receivedWithoutSlot - this.#slotless);
    traffic.dropMany(DropCode.badOffload, counters.receivedBadOffload - this.#badOffload);
    // Of what was refused at once the core knows.
    const unsentCode = isLan ? DropCode.lanSendFailed : DropCode.tapFull;
    traffic.dropMany(unsentCode, counters.sendLostLater - this.#unsent);
    this.#overflow = counters.kernelDrops;
    this.#truncated = counters.receivedTruncated;
    this.#slotless = counters.receivedWithoutSlot;
    this.#badOffload = counters.receivedBadOffload;
    this.#unsent = counters.sendLostLater;
  }
}
