/** One round of one peer: it is started, measured part by part, and ended. */
import { pause } from "../../lab/wait.ts";
import { pingLan, type UdpBlast } from "./load.ts";
import { NoiseMeter } from "./noise.ts";
import {
  LAST_PARTS,
  LOADED_PARTS,
  measureFirstPings,
  measurePingsInUse,
  type PartContext,
} from "./parts.ts";
import type { Peer } from "./peer.ts";
import { countPings, type Ping, pingSeconds } from "./pings.ts";
import type { PeerRound, PingSecond } from "./results.ts";
import type { Part } from "./rows.ts";
import type { Place } from "./scene.ts";
import { Stand } from "./stand.ts";

const SETTLE_MS = 1_500;
const PROGRAMS_AT: readonly Place[] = ["relay", "gateway", "client", "second"];
const MINUTE_PINGS = 6_000;
const MINUTE_INTERVAL_MS = 10;

/** What a round finds, as it goes. */
class RoundRecord {
  readonly figures: Record<string, number> = {};
  readonly others: Record<string, number> = {};
  readonly failures: string[] = [];
  readonly pings: Ping[] = [];
  minute: PingSecond[] | undefined;

  /** Runs one part, and notes who else computed. */
  async measure(
    part: Part,
    context: PartContext,
    work: (context: PartContext) => Promise<Record<string, number>>,
  ): Promise<void> {
    const meter = new NoiseMeter(await context.stand.processIds(PROGRAMS_AT));
    await work(context).then((found) => Object.assign(this.figures, found), this.note(part));
    this.noteOthers(part, meter.share(await context.stand.processIds(PROGRAMS_AT)));
  }

  /** The most of a part that was measured in pieces. */
  noteOthers(part: Part, share: number | undefined): void {
    if (share !== undefined) this.others[part] = Math.max(this.others[part] ?? 0, share);
  }

  /** For `.catch`: what came between, in one line. */
  note(part: string): (error: unknown) => void {
    return (error) => {
      const message = error instanceof Error ? error.message : `${error}`;
      this.failures.push(`${part}: ${message.split("\n")[0]}`);
    };
  }
}

/** Measures a peer once. What fails is written down, and the next part goes on. */
export async function measureRound(
  peer: Peer,
  round: number,
  parts: readonly Part[],
  blast: UdpBlast,
): Promise<PeerRound> {
  const record = new RoundRecord();
  const { figures, others, failures, pings } = record;
  if (parts.some((part) => part !== "minute")) {
    await withStand(peer, blast, pings, (context) => measureParts(record, parts, context))
      .catch(record.note("start"));
  }
  // A curve is a picture of one start, not a mean: the first round's.
  if (parts.includes("minute") && round === 1) {
    await withStand(peer, blast, [], async (context) => {
      const meter = new NoiseMeter(context.processIds);
      const { scene } = context.stand;
      record.minute = pingSeconds(
        await pingLan(scene, "client", MINUTE_PINGS, MINUTE_INTERVAL_MS),
      );
      record.noteOthers("minute", meter.share(context.processIds));
    }).catch(record.note("minute"));
  }
  return {
    peer: peer.name,
    round,
    figures: rounded(figures),
    ...(pings.length > 0 && { pingCounts: countPings(pings) }),
    ...(record.minute && { minute: record.minute }),
    others: rounded(others),
    failures,
  };
}

async function measureParts(
  record: RoundRecord,
  parts: readonly Part[],
  context: PartContext,
): Promise<void> {
  await pause(SETTLE_MS);
  if (parts.includes("ping")) await record.measure("ping", context, measureFirstPings);
  for (const [part, work] of LOADED_PARTS) {
    if (parts.includes(part)) await record.measure(part, context, work);
  }
  if (parts.includes("ping")) await record.measure("ping", context, measurePingsInUse);
  for (const [part, work] of LAST_PARTS) {
    if (!parts.includes(part) || (part === "other-player" && !hasSecond(context))) continue;
    const processIds = await context.stand.processIds();
    await record.measure(part, { ...context, processIds }, work);
  }
}

/** Whether the peer can have a second player. */
function hasSecond({ stand: { peer, scene } }: PartContext): boolean {
  return peer.programs(scene).some(({ place }) => place === "second");
}

/** Four digits are more than any of this is exact. */
function rounded(values: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(values);
  return Object.fromEntries(entries.map(([id, value]) => [id, Number(value.toPrecision(4))]));
}

/** Starts a peer, waits for its first ping, and ends it after the work. */
async function withStand(
  peer: Peer,
  blast: UdpBlast,
  pings: Ping[],
  work: (context: PartContext) => Promise<void>,
): Promise<void> {
  await using stand = await Stand.open(peer);
  await stand.start();
  await stand.untilPing("client");
  await work({ stand, blast, pings, processIds: await stand.processIds() });
}
