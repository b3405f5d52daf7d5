/**
 * What drops mean, where that is known: counts of frames become sentences, for live lines, a doctor's report and pages.
 *
 * @module
 */

import type { DropReason } from "./drops.ts";
import type { Finding } from "./report.ts";
import { fillSentence, type Sentence } from "./sentences.ts";

/** Whose counts they are. */
export type DropCounter = "client" | "gateway" | "relay";

/** Counts of frames by the reason of their drop. */
export type DropCounts = Readonly<Partial<Record<string, number>>>;

/** What was dropped, and sent, in some time. */
export interface Counts {
  readonly drops: DropCounts;
  readonly framesSent: number;
}

/**
 * Drops that are daily work, by who counts them, and no sign of anything: nobody is warned of them, and live lines and
 * pages leave them out of what is lost. Metrics, `stats` and doctors show them as they do all others.
 */
export const DAILY_DROPS: Readonly<Record<DropCounter, readonly DropReason[]>> = {
  client: ["queue-codel"],
  gateway: ["queue-codel", "not-for-tunnel", "probe", "own-traffic", "switch-control"],
  relay: ["queue-codel"],
};

const BUSY_LINE = "End what sends much on this PC or in its home, such as uploads, or use a cable.";

/** What is said of each, by who counts and the reason. `{frames}`: "1 frame", or how many. */
export const DROP_SENTENCES = {
  "client-foreign-source": {
    what: "{frames} came from this PC, but not from the party's MAC, and did not leave it.",
    advice: "Another program has changed the adapter's MAC, or an emulator or a virtual machine " +
      "bridges to it by pcap: have it use the adapter's own MAC, or NAT.",
  },
  "client-own-traffic": {
    what: "{frames} of the client's own connection to the relay went into the party's adapter.",
    advice: "Another program leads the way to the relay into the party, such as a VPN: end it.",
  },
  "client-own-echo": {
    what: "{frames} of this PC came back out of the party.",
    advice: "Something joins the party to the LAN a second time: ask the host to look for a loop.",
  },
  "client-vlan-tag": {
    what: "{frames} of a VLAN came out of the party, and did not reach this PC.",
    advice: "If your game is in a VLAN, the host, the relay and you need --allow-vlan.",
  },
  "client-queue-late": {
    what: "{frames} waited too long for a line that is full.",
    advice: BUSY_LINE,
  },
  "client-queue-overflow": {
    what: "{frames} were too many for a line that is full.",
    advice: "End what sends much into the party, such as copying files.",
  },
  "client-reassembly-expired": {
    what: "{frames} came in pieces of which some were lost on the way.",
    advice: "Packets get lost: a cable in the place of Wi-Fi helps most.",
  },
  "client-tap-full": {
    what: "{frames} came faster than the network adapter takes them.",
    advice: "This PC is too busy: end what else keeps it busy.",
  },
  "gateway-jumbo": {
    what: "{frames} of the LAN were longer than 1522 bytes, and no player can get them.",
    advice: "Switch jumbo frames off at the LAN's machines: an MTU of 1500.",
  },
  "gateway-lan-broadcast-limit": {
    what: "{frames} were more broadcasts of the LAN than its players should get.",
    advice: "Find out who sends that many, such as a broken card or a loop behind a small switch.",
  },
  "gateway-capture-overflow": {
    what: "{frames} of the LAN came faster than this machine reads them.",
    advice: "It is too busy, or too slow: end what else keeps it busy.",
  },
  "gateway-lan-send-failed": {
    what: "{frames} for the LAN were refused by its interface.",
    advice: "Look at its cable and its driver: dmesg, ethtool -S.",
  },
  "gateway-queue-late": {
    what: "{frames} waited too long for the party's line to the relay, which is full.",
    advice: "End what sends much from the party, such as uploads.",
  },
  "gateway-queue-overflow": {
    what: "{frames} were too many for the party's line to the relay, which is full.",
    advice: "End what sends much from the party, such as copying files to players.",
  },
  "relay-queue-late": {
    what: "{frames} waited too long for a player's line, or a party's, that is full.",
    advice: "/api/rooms shows for whom: queuedBytes of each peer.",
  },
  "relay-queue-overflow": {
    what: "{frames} were too many for a player's line, or a party's, that is full.",
    advice: "/api/rooms shows for whom: queuedBytes of each peer.",
  },
  "relay-no-buffer": {
    what: "{frames} found no buffer free.",
    advice: "The relay has more to do than it can: let fewer rooms in, or give it more cores.",
  },
} as const satisfies Readonly<Partial<Record<`${DropCounter}-${DropReason}`, Sentence>>>;

/** The key of a sentence. */
export type DropSentence = keyof typeof DROP_SENTENCES;

/** Some drops happen wherever a connection begins or changes its way, and mean something only where there are many. */
const COUNT_MIN: Readonly<Partial<Record<DropSentence, number>>> = {
  "client-queue-late": 20,
  "client-queue-overflow": 20,
  "client-reassembly-expired": 20,
  "client-tap-full": 20,
  "gateway-queue-late": 20,
  "gateway-queue-overflow": 20,
  "gateway-capture-overflow": 20,
  "gateway-lan-broadcast-limit": 20,
  "relay-queue-late": 1_000,
  "relay-queue-overflow": 1_000,
};

/** A line is full where more than this part of what is sent is dropped: less is how TCP finds out how fast it may be. */
const FULL_LINE_RATIO = 0.01;
const FULL_LINES: ReadonlySet<DropReason> = new Set(["queue-late", "queue-overflow"]);

/** One of them: the reason, and what is said. */
export interface DropFinding extends Sentence {
  readonly key: DropSentence;
  readonly reason: DropReason;
  readonly count: number;
}

/**
 * What counts of drops mean, in the order of the table; those that mean nothing are left out.
 *
 * @param framesSent in the time of these counts
 */
export function dropFindings(
  counter: DropCounter,
  drops: DropCounts,
  framesSent: number,
): DropFinding[] {
  return (Object.keys(DROP_SENTENCES) as DropSentence[]).flatMap((key) => {
    if (!key.startsWith(`${counter}-`)) return [];
    const reason = key.slice(counter.length + 1) as DropReason;
    const count = drops[reason] ?? 0;
    if (count < (COUNT_MIN[key] ?? 1)) return [];
    if (FULL_LINES.has(reason) && count < framesSent * FULL_LINE_RATIO) return [];
    const frames = count === 1 ? "1 frame" : `${count} frames`;
    return [{ key, reason, count, ...fillSentence(DROP_SENTENCES[key], { frames }) }];
  });
}

/**
 * The same for a doctor's report: what has happened in the last minutes is to be seen to, what has not is told.
 *
 * @param total since the start
 * @param lately the same of the last minutes, and how many ms that is
 */
export function dropReport(
  counter: DropCounter,
  total: Counts,
  lately: Counts & { readonly forMs: number },
): Finding[] {
  const minutes = `the last ${Math.max(1, Math.round(lately.forMs / 60_000))} min`;
  const now = dropFindings(counter, lately.drops, lately.framesSent);
  const before = dropFindings(counter, total.drops, total.framesSent)
    .filter(({ reason }) => !now.some((found) => found.reason === reason));
  return [
    ...now.map(({ reason, what, advice }) => ({
      what: reason,
      how: `In ${minutes}: ${what}`,
      ...advice === undefined ? {} : { advice },
    })),
    ...before.map(({ reason, what }) => ({
      what: reason,
      how: `Since the start, and hardly any in ${minutes}: ${what}`,
    })),
  ];
}
