/**
 * Sentences of the programs, asked for by their keys: where a test does so it provokes what the sentence says, and
 * docs/SENTENCES.md lists the test there. The key stands in the call itself, as a text.
 */
import {
  fillSentence,
  type Sentence,
  sentenceLine,
  type SentenceValues,
} from "../../src/observe/sentences.ts";
import { type SentenceKey, sentenceOfKey } from "../../tools/docs/sentence_areas.ts";

/** A sentence with its values in it. */
export function sentenceOf(key: SentenceKey, values: SentenceValues = {}): Sentence {
  return fillSentence(sentenceOfKey(key), values);
}

/** The same as one line. */
export function saying(key: SentenceKey, values: SentenceValues = {}): string {
  return sentenceLine(sentenceOf(key, values));
}

/** What finds a sentence in a program's output, in one line or as a doctor's two; a value that is not given may be any. */
export function sayingPattern(key: SentenceKey, values: SentenceValues = {}): RegExp {
  const { what, advice } = sentenceOfKey(key);
  const pattern = (text: string) =>
    text.split(/(\{[a-z][A-Za-z]*\})/).map((part, index) => {
      if (index % 2 === 0) return RegExp.escape(part);
      const value = values[part.slice(1, -1)];
      return value === undefined ? ".+" : RegExp.escape(value);
    }).join("");
  const parts = [what, ...advice === undefined ? [] : [advice]].map(pattern);
  return new RegExp(parts.join("[\\s→]+"));
}
