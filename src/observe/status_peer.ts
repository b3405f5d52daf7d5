/**
 * Who a line of the status is about.
 *
 * @module
 */

/** Who somebody is, as remembered since the peer joined. */
export interface StatusPeer {
  readonly peerId: number;
  readonly role: "client" | "gateway";
  readonly mac?: string;
  readonly name?: string;
}
