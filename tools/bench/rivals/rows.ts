/** The rows of the table of rivals: what is measured, in which part of a round, and which way is better. */

/** The parts of a round, in the order in which they are measured; each can be asked for by its name. */
export const PARTS = [
  "ping",
  "fixed",
  "rate",
  "tcp",
  "loaded",
  "uplink",
  "memory",
  "join",
  "other-player",
  "minute",
] as const;

/** One of them. */
export type Part = typeof PARTS[number];

/** One row. */
export interface Row {
  /** The figure's name in the results, with its unit at the end. */
  readonly id: string;
  readonly part: Part;
  readonly title: string;
  /** Digits behind the decimal point. */
  readonly digits: number;
  readonly better: "less" | "more";
}

/** Median, 99th percentile and maximum of some pings, in milliseconds. */
function pingRows(part: Part, id: string, title: string, withMax: boolean): Row[] {
  const less = { part, better: "less" } as const;
  return [
    { ...less, id: `${id}MedianMs`, title: `${title}: median, ms`, digits: 2 },
    { ...less, id: `${id}P99Ms`, title: `${title}: p99, ms`, digits: 2 },
    ...(withMax ? [{ ...less, id: `${id}MaxMs`, title: `${title}: longest, ms`, digits: 1 }] : []),
  ];
}

function more(part: Part, id: string, title: string, digits = 0): Row {
  return { part, id, title, digits, better: "more" };
}

function less(part: Part, id: string, title: string, digits = 1): Row {
  return { part, id, title, digits, better: "less" };
}

/** All of them, in the table's order. */
export const ROWS: readonly Row[] = [
  ...pingRows("ping", "pingFirst", "ping, first seconds", true),
  ...pingRows("ping", "pingInUse", "ping, in use", true),
  less("fixed", "delayMedianUs", "one-way delay at 10,000/s: median, µs", 0),
  less("fixed", "delayStartP99Us", "the same, first 2 s: p99, µs", 0),
  less("fixed", "delayP99Us", "the same, afterwards: p99, µs", 0),
  less("fixed", "lostPercent", "the same: lost, %", 3),
  less("fixed", "cpuSecondsPerMpkt", "CPU s per million packets, at 10,000/s", 0),
  ...pingRows("loaded", "loaded", "ping under one's own bulk TCP", false),
  more("loaded", "loadedMbit", "its TCP, Mbit/s"),
  ...pingRows("other-player", "otherUp", "another player's ping, bulk up", false),
  more("other-player", "otherUpMbit", "its TCP, Mbit/s"),
  ...pingRows("other-player", "otherDown", "another player's ping, bulk down", false),
  more("other-player", "otherDownMbit", "its TCP, Mbit/s"),
  ...pingRows("uplink", "uplink", "ping under TCP on a 20 Mbit/s uplink", false),
  more("uplink", "uplinkMbit", "its TCP, Mbit/s", 1),
  more("tcp", "tcpUpMbit", "TCP up, Mbit/s"),
  more("tcp", "tcpDownMbit", "TCP down, Mbit/s"),
  more("rate", "smallKpps", "packets of 100 B, 1,000/s, at most 0.1 % lost", 1),
  more("rate", "largeKpps", "packets of 1000 B, 1,000/s, at most 0.1 % lost", 1),
  less("tcp", "cpuSecondsPerGbUp", "CPU s per GB, up"),
  less("tcp", "cpuSecondsPerGbDown", "CPU s per GB, down"),
  less("join", "joinSeconds", "client's start to its first ping, s", 2),
  less("memory", "residentMb", "memory of the three programs, MB", 0),
];

/** Rows that are there once something was measured: figures of a part that was left out are not. */
export function rowsOf(parts: readonly Part[]): Row[] {
  return ROWS.filter(({ part }) => parts.includes(part));
}
