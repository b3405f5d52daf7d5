/**
 * Keeps the party's adapter as it has to be while other programs change it: what is to be put back, and when that is
 * given up.
 *
 * ```
 *  a look ─► other than wanted ─► put back, 5 times at once, then once a minute
 *                                  └── nothing left: contested, and said ── a minute without: kept again
 * ```
 *
 * What one program sets and another sets back would go on for as long as both run, and keep the adapter from working
 * at all; so the other one has its way in between.
 *
 * @module
 */

import type { AdapterEvent, AdapterFault, AdapterTrait } from "../observe/adapter_events.ts";

/** How often something is put back at once. */
export const REPAIRS_MAX = 5;
/** Each so long it may be put back once more, ms; and so long nothing must have changed it to be kept again. */
export const REPAIR_INTERVAL_MS = 60_000;

/** How an adapter is, or has to be. */
export interface AdapterState {
  readonly mac: string;
  readonly mtu: number;
  /** With prefix lengths, such as `192.168.1.77/24`. */
  readonly addresses: readonly string[];
}

/** What a look at the adapter has found. */
export interface FoundAdapter extends AdapterState {
  /** While it is switched off its addresses are unknown. */
  readonly isUp: boolean;
  /** Whether IPv6 may be on it. */
  readonly hasIpv6: boolean;
}

/** What is to be done to the adapter. */
export type AdapterRepair =
  | { readonly trait: "up" }
  | { readonly trait: "mac"; readonly mac: string }
  | { readonly trait: "mtu"; readonly mtu: number }
  | { readonly trait: "address" | "ipv6"; readonly address: string };

/** In this order: a switched-off adapter takes no addresses, and loses those of IPv6. */
const ORDER: readonly AdapterTrait[] = ["up", "mac", "mtu", "address", "ipv6"];
/** Without these the party is not reached at all. */
const VITAL: readonly AdapterTrait[] = ["up", "mac", "address"];

/** How often a trait may still be put back, and whether another program has won. */
interface TraitLedger {
  left: number;
  refilledMs: number;
  wrongMs: number;
  isContested: boolean;
}

/** See the module. */
export class AdapterUpkeep {
  readonly #name: string;
  readonly #likely: () => readonly string[];
  readonly #ledgers = new Map<AdapterTrait, TraitLedger>();
  #wanted: AdapterState;
  /** Its own address of the link, which the kernel has made and does not make again. */
  #linkAddress: string | undefined;
  #events: AdapterEvent[] = [];

  /** @param likely the programs of this system that may change adapters, asked when it matters */
  constructor(name: string, wanted: AdapterState, likely: () => readonly string[]) {
    this.#name = name;
    this.#wanted = wanted;
    this.#likely = likely;
  }

  /** From now on it has to be otherwise; it is so, or is made so by who says it. */
  want(changes: Partial<AdapterState>): void {
    this.#wanted = { ...this.#wanted, ...changes };
  }

  /** What keeps this PC out of the party, as long as it cannot be put right. */
  get fault(): AdapterFault | undefined {
    const trait = VITAL.find((one) => this.#ledgers.get(one)?.isContested);
    return trait && { name: this.#name, trait, likely: this.#likely() };
  }

  /** The adapter was looked at. @returns what is to be done to it now, in this order */
  handleFound(found: FoundAdapter, nowMs: number): readonly AdapterRepair[] {
    this.#linkAddress ??= found.addresses.find(isOfTheLink);
    return ORDER.flatMap((trait) => {
      const repair = this.#repairOf(trait, found);
      if (repair === undefined) {
        this.#settle(trait, nowMs);
        return [];
      }
      return this.#mayRepair(repair, nowMs) ? [repair] : [];
    });
  }

  /** What there is to be said since the last call. */
  drainEvents(): readonly AdapterEvent[] {
    return this.#events.splice(0);
  }

  #repairOf(trait: AdapterTrait, found: FoundAdapter): AdapterRepair | undefined {
    const { mac, mtu, addresses } = this.#wanted;
    switch (trait) {
      case "up":
        return found.isUp ? undefined : { trait };
      case "mac":
        return found.mac === mac ? undefined : { trait, mac };
      case "mtu":
        return found.mtu === mtu ? undefined : { trait, mtu };
      case "address": {
        const address = addresses.find((one) => !found.addresses.includes(one));
        return found.isUp && address !== undefined ? { trait, address } : undefined;
      }
      case "ipv6": {
        const address = this.#linkAddress;
        if (address === undefined || !found.isUp || !found.hasIpv6) return undefined;
        return found.addresses.some(isOfTheLink) ? undefined : { trait, address };
      }
    }
  }

  #mayRepair(repair: AdapterRepair, nowMs: number): boolean {
    const { trait } = repair;
    const ledger = this.#ledgerOf(trait, nowMs);
    ledger.wrongMs = nowMs;
    if (ledger.left === 0) {
      if (!ledger.isContested) {
        ledger.isContested = true;
        const likely = this.#likely();
        this.#events.push({ type: "adapterContested", name: this.#name, trait, likely });
      }
      return false;
    }
    // One that is changed again and again is told of once, and then when it is given up.
    if (ledger.left === REPAIRS_MAX) {
      const address = "address" in repair ? { address: repair.address } : {};
      this.#events.push({ type: "adapterRestored", name: this.#name, trait, ...address });
    }
    ledger.left--;
    return true;
  }

  #settle(trait: AdapterTrait, nowMs: number): void {
    const ledger = this.#ledgers.get(trait);
    if (!ledger?.isContested || nowMs - ledger.wrongMs < REPAIR_INTERVAL_MS) return;
    ledger.isContested = false;
    this.#events.push({ type: "adapterKept", name: this.#name, trait });
  }

  /** How it stands with a trait; what has come back meanwhile is added. */
  #ledgerOf(trait: AdapterTrait, nowMs: number): TraitLedger {
    const known = this.#ledgers.get(trait);
    const ledger = known ??
      { left: REPAIRS_MAX, refilledMs: nowMs, wrongMs: nowMs, isContested: false };
    if (known === undefined) this.#ledgers.set(trait, ledger);
    const more = Math.floor((nowMs - ledger.refilledMs) / REPAIR_INTERVAL_MS);
    ledger.refilledMs += more * REPAIR_INTERVAL_MS;
    ledger.left = Math.min(REPAIRS_MAX, ledger.left + more);
    return ledger;
  }
}

function isOfTheLink(address: string): boolean {
  return address.startsWith("fe80:");
}
