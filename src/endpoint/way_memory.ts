/**
 * By which address each relay was last reached: that one is tried first the next time. A file of JSON:
 *
 * ```json
 * { "version": 1, "ways": [
 *   { "relay": "relay.example.org", "address": "192.0.2.7", "port": 443, "unixMs": 1700000000000 }
 * ] }
 * ```
 *
 * The newest entry stands last. It is of no use for long: networks change.
 *
 * @module
 */
import { isRecord } from "../control/schema.ts";
import type { RelayTarget } from "./actions.ts";
import type { RelayAddress } from "./relay_race.ts";

/** Entries kept; the oldest gives way. */
export const WAYS_MAX = 16;
/** How long an entry counts, ms: a day. */
export const WAY_LIFE_MS = 86_400_000;
/** Name of the file in the endpoint's state folder. */
export const WAY_FILE_NAME = "lanparty-relay-ways.json";

interface WayEntry {
  readonly relay: string;
  readonly address: string;
  readonly port: number;
  readonly unixMs: number;
}

/** The ways of one state folder. */
export class WayMemory {
  #entries: WayEntry[] = [];

  /** Reads a file's text; what cannot be used is left out. */
  static parse(text: string): WayMemory {
    const memory = new WayMemory();
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return memory;
    }
    if (!isRecord(json) || json.version !== 1 || !Array.isArray(json.ways)) return memory;
    for (const entry of json.ways.slice(-WAYS_MAX)) {
      if (!isRecord(entry)) continue;
      const { relay, address, port, unixMs } = entry;
      if (
        typeof relay === "string" && typeof address === "string" && typeof port === "number" &&
        typeof unixMs === "number"
      ) memory.#entries.push({ relay, address, port, unixMs });
    }
    return memory;
  }

  /** The file's text. */
  format(): string {
    return JSON.stringify({ version: 1, ways: this.#entries }, null, 2) + "\n";
  }

  /** Whether a relay was last reached by this address and port. */
  isKnownGood({ host, port }: RelayTarget, address: RelayAddress, unixMs: number): boolean {
    const entry = this.#entries.findLast(({ relay }) => relay === host);
    return entry !== undefined && entry.address === address.host && entry.port === port &&
      Math.abs(unixMs - entry.unixMs) < WAY_LIFE_MS;
  }

  /** A relay was reached. False: that is known already. */
  remember(target: RelayTarget, address: RelayAddress, unixMs: number): boolean {
    const isKnown = this.isKnownGood(target, address, unixMs);
    this.#entries = this.#entries.filter(({ relay }) => relay !== target.host);
    const { host: relay, port } = target;
    this.#entries.push({ relay, address: address.host, port, unixMs });
    if (this.#entries.length > WAYS_MAX) this.#entries.shift();
    return !isKnown;
  }
}
