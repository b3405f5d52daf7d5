/**
 * Which of several workers a room lives in: each of them can tell by itself, and all say the same.
 *
 * Rendezvous hashing (Thaler, Ravishankar, 1998): every worker has a score for a room, and the highest
 * owns it. So one worker more takes over its share of the rooms, and no other room moves.
 *
 * @module
 */
import { formatEndpointAddress } from "../../control/address.ts";
import { asciiBytes, type Sha256 } from "../../control/keys.ts";
import type { Arrival, RedirectTarget, RoomDirectory } from "../directory.ts";

/** Bytes of a digest that make a score: all that a number holds exactly. */
const SCORE_BYTES = 6;

/** The worker, from 0, that owns a room: `key` is what tells it from all others. */
export function ownerOfRoom(key: string, workers: number, sha256: Sha256): number {
  let owner = 0;
  let best = -1;
  for (let worker = 0; worker < workers; worker++) {
    const digest = sha256(asciiBytes(`${worker} ${key}`));
    let score = 0;
    for (let i = 0; i < SCORE_BYTES; i++) score = score * 256 + digest[i];
    if (score > best) [owner, best] = [worker, score];
  }
  return owner;
}

/** What a {@link WorkerDirectory} is made from. */
export interface WorkerDirectoryOptions {
  /** The worker that asks, from 0. */
  readonly worker: number;
  /** The UDP ports of each worker, one for each listener. */
  readonly ports: readonly (readonly number[])[];
  /** What goes to other relays, before all else. */
  readonly elsewhere: RoomDirectory;
  readonly sha256: Sha256;
  /** The pin of the certificate that all workers show now. */
  fingerprint(): string;
}

/** See the module. */
export class WorkerDirectory implements RoomDirectory {
  readonly #options: WorkerDirectoryOptions;

  constructor(options: WorkerDirectoryOptions) {
    this.#options = options;
  }

  where(code: string, key: string, arrival: Arrival): "here" | RedirectTarget {
    const { worker, ports, elsewhere, sha256 } = this.#options;
    const other = elsewhere.where(code, key, arrival);
    if (other !== "here") return other;
    const owner = ownerOfRoom(key, ports.length, sha256);
    if (owner === worker) return "here";
    const { host, listener, serverName } = arrival;
    return {
      relay: formatEndpointAddress({ host, port: ports[owner][listener] }),
      ...(serverName === undefined ? {} : { serverName }),
      fingerprint: this.#options.fingerprint(),
    };
  }
}
