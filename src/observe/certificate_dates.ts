/**
 * What an administrator should know of the dates of a certificate: for the log, `check-config` and the pages.
 *
 * @module
 */
import { formatTimeSpan } from "../proto/time_span.ts";
import { fillSentence, type Sentence, type SentenceTable } from "./sentences.ts";

const RENEW = "Renew it: a pair whose files change is read anew, without a restart.";

/** All that is said of them. */
export const CERTIFICATE_SENTENCES = {
  "expired": {
    what:
      "The certificate {file} expired on {day}: whoever does not have its fingerprint is kept out.",
    advice: RENEW,
  },
  "expires": { what: "The certificate {file} expires in {time} ({day}).", advice: RENEW },
  "not-yet": {
    what: "The certificate {file} is valid from {day} on, and here it is {today}.",
    advice: "Is the clock right?",
  },
} as const satisfies SentenceTable;

/** When a certificate is valid, in ms since 1970. */
export interface Validity {
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
}

const DAY_MS = 86_400_000;
/** A certificate that ends sooner should have been renewed: those of 90 days are, 30 days before their end. */
export const SOON_MS = 14 * DAY_MS;

/** What is wrong with a certificate's dates; undefined: nothing. */
export function certificateFinding(
  file: string,
  { fromUnixMs, toUnixMs }: Validity,
  unixMs: number,
): Sentence | undefined {
  const told = (key: keyof typeof CERTIFICATE_SENTENCES, dayMs: number) =>
    fillSentence(CERTIFICATE_SENTENCES[key], {
      file,
      day: dayOf(dayMs),
      today: dayOf(unixMs),
      time: formatTimeSpan(Math.max(0, toUnixMs - unixMs)),
    });
  if (unixMs > toUnixMs) return told("expired", toUnixMs);
  if (unixMs < fromUnixMs) return told("not-yet", fromUnixMs);
  return toUnixMs - unixMs < SOON_MS ? told("expires", toUnixMs) : undefined;
}

function dayOf(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 10);
}
