/**
 * Numbers that must not be taken for each other: a slot is no connection, and a peer id no drop code.
 *
 * To the machine they are plain numbers; the type checker knows them apart. Each is made by its function, where
 * such a number is born (taken out of a pool, read from a message), and nowhere else; so where a parameter has
 * one of these types, nothing else can be handed over.
 */

declare const BRAND: unique symbol;

/** A number that only its own function makes. */
export type Brand<Name extends string> = number & { readonly [BRAND]: Name };

/** Why a frame or datagram is dropped: an index of `DROP_REASONS`. Made by its table alone. */
export type DropCode = Brand<"DropCode">;

/** The reason at this place of the table. */
export function asDropCode(index: number): DropCode {
  return index as DropCode;
}
