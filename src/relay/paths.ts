/**
 * What follows from a change of a peer's path: its width, and where it leads.
 *
 * @module
 */
import { addressKey as keyOf } from "../control/address_key.ts";
import { Feature } from "../control/messages.ts";
import { tapMtuFor } from "../proto/mtu.ts";
import type { Administration } from "./administration.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Membership } from "./membership.ts";
import { understands } from "./removal.ts";
import type { Room } from "./room.ts";
import type { Session } from "./session.ts";
import { describe } from "./snapshot.ts";
import type { RelayState } from "./state.ts";

/** How long the same is not said again of a session or a room: paths may change as often as their owners like. */
export const CHANGE_SAID_AGAIN_MS = 60_000;

/** See the module. */
export class Paths {
  readonly #state: RelayState;
  readonly #lifecycle: Lifecycle;

  readonly #admin: Administration;

  constructor(state: RelayState, lifecycle: Lifecycle, admin: Administration) {
    this.#state = state;
    this.#lifecycle = lifecycle;
    this.#admin = admin;
  }

  /**
   * A session's other side is at another address: it counts there from now on, and a ban of that address holds.
   * A room stays that of the address from which it was opened. Another port is shown, and changes nothing else.
   */
  move(session: Session, address: string, nowMs: number): void {
    if (session.address === address) return;
    const { address: before, addressKey, membership, connection, moves } = session;
    if (keyOf(address) === addressKey) return session.move(address);
    const share = this.#state.addresses.moved(session, address, nowMs);
    const who = membership === undefined ? { address, connection } : describe(membership);
    this.#say(moves, "Peer's address changed", { ...who, before }, nowMs);
    if (membership === undefined || share === undefined) return;
    membership.addressShare = share;
    this.#admin.enforce(membership, nowMs);
  }

  //= PROTOCOL.md 10
  //# Nearly all frames are between a player and the LAN, so all pass the gateway's path: what it
  //# carries decides, and who comes first does not.
  /** What a peer's path carries has changed, or it has joined: the room's MTU is its gateway's. */
  follow(peer: Membership, nowMs: number): void {
    peer.limitDatagrams();
    const { room, session, datagramBudget, isGateway } = peer;
    if (!isGateway) return;
    const { maxTapMtu } = this.#state.options;
    const tapMtu = tapMtuFor(datagramBudget, session.maxDatagramBytes, maxTapMtu);
    if (room.mtu.follow(tapMtu, nowMs)) this.#tellMtu(room, nowMs);
    this.#lifecycle.schedule(session);
  }

  /** To be called when a session's deadline has come. */
  handleTimer({ room, isGateway }: Membership, nowMs: number): void {
    if (isGateway && room.mtu.handleTimer(nowMs)) this.#tellMtu(room, nowMs);
  }

  /** A flood must not flood the log as well. @param of what has changed */
  #say(
    of: { saidMs: number },
    message: string,
    fields: Readonly<Record<string, unknown>>,
    nowMs: number,
  ): void {
    const isNews = nowMs >= of.saidMs + CHANGE_SAID_AGAIN_MS;
    if (isNews) of.saidMs = nowMs;
    this.#state.outbox.log(isNews ? "info" : "debug", message, fields);
  }

  /** The room's MTU has changed: those who understand it are told. */
  #tellMtu(room: Room, nowMs: number): void {
    const { tapMtu } = room.mtu;
    this.#say(room.mtu, "Room's MTU changed", { room: room.code, tapMtu }, nowMs);
    for (const { session, hello } of room.peers) {
      //= PROTOCOL.md 6.9
      //# Whoever has not named `room-mtu` keeps the MTU of its welcome until the next one.
      if (!understands(hello, Feature.roomMtu)) continue;
      this.#lifecycle.send(session, { type: "roomMtu", tapMtu }, nowMs);
    }
  }
}
