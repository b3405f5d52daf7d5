/**
 * Sentences as data: what a program says of how it is doing, and what to do about it, in one table for each area.
 *
 * A test that provokes what a sentence says names it by its key; docs/SENTENCES.md lists each with its tests, and one
 * without fails the tests (`tools/docs/sentences.ts`).
 *
 * @module
 */

/** One thing that is said. In both texts `{name}` stands for a value. */
export interface Sentence {
  /** What is so. */
  readonly what: string;
  /** What to do about it; where there is none all is well. */
  readonly advice?: string;
}

/** The sentences of one area by their keys, each of `a-z`, `0-9` and `-`. */
export type SentenceTable = Readonly<Record<string, Sentence>>;

/** What stands in the place of `{name}`. */
export type SentenceValues = Readonly<Record<string, string>>;

const SLOT = /\{([a-z][A-Za-z]*)\}/g;

/** A sentence with its values in it. @throws {RangeError} one is missing */
export function fillSentence(sentence: Sentence, values: SentenceValues = {}): Sentence {
  const what = fillText(sentence.what, values);
  return sentence.advice === undefined
    ? { what }
    : { what, advice: fillText(sentence.advice, values) };
}

/** What is so and what to do about it, in one line. */
export function sentenceLine({ what, advice }: Sentence): string {
  return advice === undefined ? what : `${what} ${advice}`;
}

function fillText(text: string, values: SentenceValues): string {
  return text.replaceAll(SLOT, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`no value for {${name}} in: ${text}`);
    return value;
  });
}
