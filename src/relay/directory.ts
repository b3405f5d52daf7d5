/**
 * Which relay a room lives on: the one seam between a single process and many.
 *
 * Admission asks after the keys were checked, so a stranger learns nothing of where a room is.
 *
 * @module
 */

/** Where a room lives elsewhere; an endpoint trusts the fingerprint because its relay said so. */
export interface RedirectTarget {
  /** `HOST:PORT` */
  readonly relay: string;
  /** The name to check the certificate for, where it is not the host. */
  readonly serverName?: string;
  /** base64url SHA-256 of the relay's public key (SPKI). */
  readonly fingerprint?: string;
}

/** The way that an endpoint has come, as far as it matters for where it is sent. */
export interface Arrival {
  /** Which of the relay's listeners it came to, from 0. */
  readonly listener: number;
  /** A host by which it reaches this machine: a name, or a numeric address without brackets. */
  readonly host: string;
  /** The name that it asked for, where that is one. */
  readonly serverName?: string;
}

/** Who owns which room. Answers must be at hand: admission does not wait. */
export interface RoomDirectory {
  /**
   * Where a room lives, for an endpoint that came this way.
   *
   * @param code the room's code, upper case
   * @param key what tells it from all other rooms (`AdmissionPolicy.roomKey`)
   */
  where(code: string, key: string, arrival: Arrival): "here" | RedirectTarget;
}

/** One process: every room is here but those of a fixed table. */
export class LocalDirectory implements RoomDirectory {
  readonly #redirects: ReadonlyMap<string, RedirectTarget>;

  /** `redirects` maps room codes (upper case) to other relays. */
  constructor(redirects: Iterable<readonly [string, RedirectTarget]> = []) {
    this.#redirects = new Map(redirects);
  }

  where(code: string): "here" | RedirectTarget {
    return this.#redirects.get(code) ?? "here";
  }
}
