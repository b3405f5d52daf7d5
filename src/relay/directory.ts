/**
 * Which relay a room lives on: the one seam between a single process and many.
 *
 * Admission asks after the keys were checked, so a stranger learns nothing of where a room is.
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

/** Who owns which room. Answers must be at hand: admission does not wait. */
export interface RoomDirectory {
  /** Where `room` (its code, upper case) lives. */
  where(room: string): "here" | RedirectTarget;
}

/** One process: every room is here but those of a fixed table. */
export class LocalDirectory implements RoomDirectory {
  private readonly redirects: ReadonlyMap<string, RedirectTarget>;

  /** `redirects` maps room codes (upper case) to other relays. */
  constructor(redirects: Iterable<readonly [string, RedirectTarget]> = []) {
    this.redirects = new Map(redirects);
  }

  where(room: string): "here" | RedirectTarget {
    return this.redirects.get(room) ?? "here";
  }
}
