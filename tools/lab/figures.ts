/** Reads the figures out of what ping and iperf3 print. */

/** Round trips of one ping run, in milliseconds. */
export interface PingFigures {
  readonly sent: number;
  readonly received: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** Reads `ping`'s lines `… time=0.321 ms` and its summary `50 packets transmitted, 50 received`. */
export function readPing(output: string): PingFigures {
  const times = [...output.matchAll(/ time=([0-9.]+) ms/g)].map((match) => Number(match[1]));
  const summary = /(\d+) packets transmitted, (\d+) received/.exec(output);
  return {
    sent: Number(summary?.[1] ?? 0),
    received: Number(summary?.[2] ?? 0),
    medianMs: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
  };
}

/** The value below which the given share (0 … 1) of the values lies; NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** What one iperf3 run moved. */
export interface IperfFigures {
  readonly megabitsPerSecond: number;
  readonly packets: number;
  readonly lostPackets: number;
  readonly error?: string;
}

/** Reads `iperf3 --json`: the receiver's view, and for UDP its losses. */
export function readIperf(output: string): IperfFigures {
  const none = { megabitsPerSecond: 0, packets: 0, lostPackets: 0 };
  let json: IperfJson;
  try {
    json = JSON.parse(output) as IperfJson;
  } catch {
    return { ...none, error: output.trim().split("\n").pop() ?? "no output" };
  }
  if (json.error !== undefined) return { ...none, error: json.error };
  const sum = json.end?.sum_received ?? json.end?.sum;
  const udp = json.end?.sum;
  return {
    megabitsPerSecond: (sum?.bits_per_second ?? 0) / 1e6,
    packets: udp?.packets ?? 0,
    lostPackets: udp?.lost_packets ?? 0,
  };
}

interface IperfSum {
  readonly bits_per_second?: number;
  readonly packets?: number;
  readonly lost_packets?: number;
}

interface IperfJson {
  readonly error?: string;
  readonly end?: { readonly sum?: IperfSum; readonly sum_received?: IperfSum };
}
