/**
 * What it means that datagrams were lost because they were not read in time: the system lets too few of them wait, or
 * the machine is too busy. Where nothing is lost a small buffer does no harm, and nothing is said.
 *
 * @module
 */

import type { HostFinding } from "./host_findings.ts";
import { fillSentence, type SentenceTable } from "./sentences.ts";

/** So much may wait where there is much to do: 34 ms of 2 Gbit/s. */
export const RECEIVE_BYTES_WANTED = 8_388_608;
/** Fewer lost datagrams mean nothing: a program's first moments are its slowest. */
export const LOST_MIN = 20;

/** All that is said of it. */
export const RECEIVE_BUFFER_SENTENCES = {
  "small": {
    what:
      "{count} datagrams came faster than they were read, and were lost: this system lets only {size} of them wait.",
    advice:
      "Let more wait: sysctl -w net.core.rmem_max={wanted} (and a file in /etc/sysctl.d that says " +
      "so), and start this program again.",
  },
  "full": {
    what:
      "{count} datagrams came faster than they were read, and were lost, although {size} of them may wait.",
    advice: "This machine is too busy: end what else keeps it busy, or give it more cores.",
  },
} as const satisfies SentenceTable;

/** What a program has lost since its start. */
export interface LostDatagrams {
  readonly count: number;
  /** So many bytes of datagrams may wait at a socket. */
  readonly grantedBytes: number;
}

/** What there is to know of it; undefined: nothing was lost, or next to nothing. */
export function lostDatagramsFinding(
  { count, grantedBytes }: LostDatagrams,
): HostFinding | undefined {
  if (count < LOST_MIN) return undefined;
  const key = grantedBytes < RECEIVE_BYTES_WANTED ? "small" : "full";
  const sentence = fillSentence(RECEIVE_BUFFER_SENTENCES[key], {
    ...{ count: `${count}`, size: sizeText(grantedBytes), wanted: `${RECEIVE_BYTES_WANTED}` },
  });
  return { key: "datagrams-lost", weight: "disturbs", ...sentence };
}

/** See the module. */
export class ReceiveBufferWatch {
  readonly #grantedBytes: number;
  readonly #bySocket = new Map<string, number>();
  #count = 0;
  #isTold = false;

  /** @param grantedBytes so many bytes of datagrams may wait at a socket */
  constructor(grantedBytes: number) {
    this.#grantedBytes = grantedBytes;
  }

  /** What was lost so far. */
  get lost(): LostDatagrams {
    return { count: this.#count, grantedBytes: this.#grantedBytes };
  }

  /**
   * What each socket has lost since it was opened.
   *
   * @returns what is to be said, once
   */
  handleLosses(bySocket: ReadonlyMap<string, number>): HostFinding | undefined {
    for (const [socket, count] of bySocket) {
      this.#count += Math.max(0, count - (this.#bySocket.get(socket) ?? 0));
      this.#bySocket.set(socket, count);
    }
    // Sockets that are closed are not heard of any more.
    for (const socket of this.#bySocket.keys()) {
      if (!bySocket.has(socket)) this.#bySocket.delete(socket);
    }
    const finding = this.#isTold ? undefined : lostDatagramsFinding(this.lost);
    this.#isTold ||= finding !== undefined;
    return finding;
  }
}

function sizeText(bytes: number): string {
  const kibibytes = Math.round(bytes / 1024);
  return kibibytes < 1024 ? `${kibibytes} KiB` : `${(kibibytes / 1024).toFixed(1)} MiB`;
}
