/**
 * What drops of a client mean, where that is known: counts of frames become sentences for a doctor's report.
 *
 * @module
 */

import type { DropReason } from "./drops.ts";
import type { Finding } from "./report.ts";

interface Meaning {
  /** What the frames did; one or many. */
  readonly what: string;
  readonly advice: string;
  /** Fewer mean nothing; absent: each does. */
  readonly countMin?: number;
}

/** A few frames wait too long wherever a connection begins, or changes its way. */
const FULL_COUNT_MIN = 20;

const MEANINGS: Readonly<Partial<Record<DropReason, Meaning>>> = {
  "foreign-source": {
    what: "came from this PC, but not from the party's MAC",
    advice: "another program has changed the adapter's MAC, or an emulator or a virtual machine " +
      "bridges to it by pcap: have it use the adapter's own MAC, or NAT",
  },
  "own-traffic": {
    what: "went to the relay, or came from it, by the party's adapter",
    advice: "another program leads the way to the relay into the party, or a game is played with " +
      "the relay's own machine: end the one, and host the other elsewhere",
  },
  "own-echo": {
    what: "of this PC came back out of the party",
    advice: "something joins the party to the LAN a second time: ask the host to look for a loop",
  },
  "queue-late": {
    what: "waited too long for a line that is full",
    advice: "end what sends much on this PC or in its home, such as uploads, or use a cable",
    countMin: FULL_COUNT_MIN,
  },
  "queue-overflow": {
    what: "were too many for a line that is full",
    advice: "end what sends much into the party, such as copying files",
    countMin: FULL_COUNT_MIN,
  },
  "tap-full": {
    what: "came faster than the network adapter takes them",
    advice: "this PC is too busy: end what else keeps it busy",
    countMin: FULL_COUNT_MIN,
  },
};

/** The findings of counts by reason, in the order of the table. */
export function dropFindings(drops: Readonly<Partial<Record<string, number>>>): Finding[] {
  return Object.entries(MEANINGS).flatMap(([reason, { what, advice, countMin = 1 }]) => {
    const count = drops[reason] ?? 0;
    if (count < countMin) return [];
    return [{ what: reason, how: `${count} ${count === 1 ? "frame" : "frames"} ${what}`, advice }];
  });
}
