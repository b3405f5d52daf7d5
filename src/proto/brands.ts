/**
 * Numbers that must not be taken for each other: a slot is no connection, and a peer id no drop code.
 *
 * To the machine they are plain numbers; the type checker knows them apart. Each is made by its function, where
 * such a number is born (taken out of a pool, read from a message), and nowhere else; so where a parameter has
 * one of these types, nothing else can be handed over.
 *
 * @module
 */

declare const BRAND: unique symbol;

/** A number that only its own function makes. */
export type Brand<Name extends string> = number & { readonly [BRAND]: Name };

/** A place in a `BufferPool`; negative: none (`NO_SLOT`). Made by the pool. */
export type Slot = Brand<"Slot">;

/** One party to a room, 1 … 65535; {@link NO_PEER}: nobody. Made where a relay gives it out, and where it is read. */
export type PeerId = Brand<"PeerId">;

/** A connection of a relay's, small numbers from 0; free again after its end. Made by the relay's shell. */
export type ConnectionId = Brand<"ConnectionId">;

/** Why a frame or datagram is dropped: an index of `DROP_REASONS`. Made by its table alone. */
export type DropCode = Brand<"DropCode">;

/** The slot at this place of a pool. */
export function asSlot(index: number): Slot {
  return index as Slot;
}

/** The peer id that stands here. */
export function asPeerId(value: number): PeerId {
  return value as PeerId;
}

/** Nobody in the room: what an endpoint writes where the relay puts the sender. */
export const NO_PEER: PeerId = asPeerId(0);

/** The connection at this place of a shell's. */
export function asConnectionId(index: number): ConnectionId {
  return index as ConnectionId;
}

/** None of them. */
export const NO_CONNECTION: ConnectionId = asConnectionId(-1);

/** The reason at this place of the table. */
export function asDropCode(index: number): DropCode {
  return index as DropCode;
}
