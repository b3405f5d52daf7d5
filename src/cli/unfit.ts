/**
 * What a parser of an option's text gives where the text will not do.
 *
 * @module
 */

/** Why an option cannot have a text: one clause. */
export class Unfit {
  constructor(readonly why: string) {}
}
