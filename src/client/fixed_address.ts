/**
 * Whether an address that the LAN has not given, but the player, is this PC's alone: probed for when it is there,
 * announced, and watched, as a leased one is (`address_defence.ts`). Nobody takes it away: it is said who has it, too.
 *
 * @module
 */

import { ArpField } from "../proto/arp.ts";
import { formatMac } from "../proto/mac.ts";
import { AddressDefence } from "./address_defence.ts";

/** How often is looked whether who has the address, too, still has it. */
export const CONFLICT_CHECK_MS = 30_000;
/** How long an answer is waited for then. */
const ANSWER_WITHIN_MS = 2_000;

/** See the module. */
export class FixedAddress {
  readonly #defence: AddressDefence;
  #address = 0;
  #owner: string | undefined;
  #checkDueMs = Infinity;
  #goneDueMs = Infinity;

  /** @param mac the adapter's, six bytes */
  constructor(mac: Uint8Array) {
    this.#defence = new AddressDefence(mac);
  }

  /** The MAC of the station of the LAN that has the address, too; undefined: none is known. */
  get owner(): string | undefined {
    return this.#owner;
  }

  /** The adapter has this address, a 32-bit number, in this LAN; 0: it has none, or there is no LAN. */
  begin(address: number, nowMs: number): void {
    this.#address = address;
    this.#owner = undefined;
    this.#checkDueMs = this.#goneDueMs = Infinity;
    if (address === 0) this.#defence.end();
    else this.#defence.begin(address, nowMs);
  }

  /** ARP out of the LAN, at `bytes[offset … end)` behind the Ethernet header. @returns whether the owner is another now */
  handleArp(bytes: Uint8Array, offset: number, end: number, nowMs: number): boolean {
    if (!this.#defence.handleArp(bytes, offset, end, nowMs)) return false;
    const before = this.#owner;
    this.#owner = formatMac(bytes, offset + ArpField.senderMac);
    this.#defence.end();
    this.#checkDueMs = nowMs + CONFLICT_CHECK_MS;
    this.#goneDueMs = Infinity;
    return before !== this.#owner;
  }

  nextDeadlineMs(): number {
    return Math.min(this.#defence.deadlineMs, this.#checkDueMs, this.#goneDueMs);
  }

  /** To be called at {@linkcode nextDeadlineMs}. */
  handleTimer(nowMs: number): void {
    this.#defence.handleTimeout(nowMs);
    if (nowMs >= this.#goneDueMs) {
      this.#goneDueMs = Infinity;
      this.#owner = undefined;
    }
    if (nowMs < this.#checkDueMs) return;
    this.#checkDueMs = Infinity;
    this.#goneDueMs = nowMs + ANSWER_WITHIN_MS;
    this.#defence.begin(this.#address, nowMs);
  }

  /** The frames to be sent since the last call. */
  drainFrames(): Uint8Array[] {
    return this.#defence.drainFrames();
  }
}
