/**
 * Which of several reactors a room lives in: each of them can tell by itself, and all say the same.
 *
 * Rendezvous hashing (Thaler, Ravishankar, 1998): every reactor has a score for a room, and the highest
 * owns it. So one reactor more takes over its share of the rooms, and no other room moves.
 */
import { formatEndpointAddress } from "../../control/address.ts";
import { asciiBytes, type Sha256 } from "../../control/keys.ts";
import type { Arrival, RedirectTarget, RoomDirectory } from "../directory.ts";

/** Bytes of a digest that make a score: all that a number holds exactly. */
const SCORE_BYTES = 6;

/** The reactor, from 0, that owns a room: `key` is what tells it from all others. */
export function ownerOfRoom(key: string, reactors: number, sha256: Sha256): number {
  let owner = 0;
  let best = -1;
  for (let reactor = 0; reactor < reactors; reactor++) {
    const digest = sha256(asciiBytes(`${reactor} ${key}`));
    let score = 0;
    for (let i = 0; i < SCORE_BYTES; i++) score = score * 256 + digest[i];
    if (score > best) [owner, best] = [reactor, score];
  }
  return owner;
}

/** What a {@link ReactorDirectory} is made from. */
export interface ReactorDirectoryOptions {
  /** The reactor that asks, from 0. */
  readonly reactor: number;
  /** The UDP ports of each reactor, one for each listener. */
  readonly ports: readonly (readonly number[])[];
  /** What goes to other relays, before all else. */
  readonly elsewhere: RoomDirectory;
  readonly sha256: Sha256;
  /** The pin of the certificate that all reactors show now. */
  fingerprint(): string;
}

/** See the module. */
export class ReactorDirectory implements RoomDirectory {
  constructor(private readonly options: ReactorDirectoryOptions) {}

  where(code: string, key: string, arrival: Arrival): "here" | RedirectTarget {
    const { reactor, ports, elsewhere, sha256 } = this.options;
    const other = elsewhere.where(code, key, arrival);
    if (other !== "here") return other;
    const owner = ownerOfRoom(key, ports.length, sha256);
    if (owner === reactor) return "here";
    const { host, listener, serverName } = arrival;
    return {
      relay: formatEndpointAddress({ host, port: ports[owner][listener] }),
      ...(serverName === undefined ? {} : { serverName }),
      fingerprint: this.options.fingerprint(),
    };
  }
}
