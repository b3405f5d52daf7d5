/**
 * What a LAN's device counts as lost, brought into the totals that everybody sees.
 *
 * @module
 */
import type { LinkCounters } from "../../link/device.ts";
import type { TrafficCounters } from "../../observe/counters.ts";
import { DropCode } from "../../observe/drops.ts";

/** What {@link LanLosses} must know of a device. */
export interface LossyLan {
  readonly counters: LinkCounters;
  /** A port at a bridge: it says of each frame at once whether it was sent. */
  readonly portName?: string;
  updateCounters?(): void;
}

/** Counts each loss once, over all the devices of a gateway. */
export class LanLosses {
  #lan: LossyLan | undefined;
  #overflow = 0;
  #truncated = 0;
  #unsent = 0;
  #slotless = 0;
  readonly #traffic: TrafficCounters;

  constructor(traffic: TrafficCounters) {
    this.#traffic = traffic;
  }

  /** Reads the device's counters, and the kernel's; to be called about once a second. */
  count(lan: LossyLan): void {
    if (lan !== this.#lan) {
      this.#lan = lan;
      this.#overflow =
        this.#truncated =
        this.#unsent =
        this.#slotless =
          0;
    }
    lan.updateCounters?.();
    const { counters } = lan;
    // A packet socket sends in batches: what it could not send shows here alone.
    const unsent = lan.portName !== undefined
      ? 0
      : counters.sendFull + counters.sendTooLong + counters.sendDown + counters.sendFailed;
    this.#traffic.dropMany(DropCode.captureOverflow, counters.kernelDrops - this.#overflow);
    this.#traffic.dropMany(DropCode.captureTruncated, counters.receivedTruncated - this.#truncated);
    this.#traffic.dropMany(DropCode.noBuffer, counters.receivedWithoutSlot - this.#slotless);
    this.#traffic.dropMany(DropCode.lanSendFailed, unsent - this.#unsent);
    this.#overflow = counters.kernelDrops;
    this.#truncated = counters.receivedTruncated;
    this.#slotless = counters.receivedWithoutSlot;
    this.#unsent = unsent;
  }
}
