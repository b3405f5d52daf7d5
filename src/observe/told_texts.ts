/**
 * What has been said already, so that nothing is said twice.
 *
 * @module
 */

/** So many texts are remembered, the latest. */
export const TOLD_TEXTS_MAX = 256;

/** Remembers texts. Of more than {@linkcode TOLD_TEXTS_MAX} different ones the first is forgotten, and new again. */
export class ToldTexts {
  readonly #texts = new Set<string>();

  /** Whether a text has not been told yet; from now on it has. */
  isNew(text: string): boolean {
    if (this.#texts.has(text)) return false;
    if (this.#texts.size >= TOLD_TEXTS_MAX) this.#forgetFirst();
    this.#texts.add(text);
    return true;
  }

  #forgetFirst(): void {
    for (const text of this.#texts) {
      this.#texts.delete(text);
      return;
    }
  }
}
