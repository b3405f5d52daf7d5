/**
 * One view of a relay out of the views of its workers.
 *
 * @module
 */
import { TrafficCounters, type TrafficSnapshot } from "../observe/counters.ts";
import type { DropFinding } from "../observe/drop_findings.ts";
import type { LoopView, RelayView, TallyView, WorkerView } from "./relay_view.ts";

/** A worker, with its own view of itself while it is up. */
export interface WorkerPart extends Omit<WorkerView, "up" | "own"> {
  readonly view?: RelayView | undefined;
}

/** What is the relay's rather than the workers'. */
export type RelayFrame = Pick<
  RelayView,
  "version" | "unixMs" | "uptimeMs" | "draining" | "bans" | "certificate"
>;

const NO_TRAFFIC: TrafficSnapshot = new TrafficCounters().snapshot();
const NO_TALLIES: TallyView = {
  handshakes: 0,
  handshakesRefused: 0,
  connectionsRefused: 0,
  joins: 0,
  redirects: 0,
  rejects: {},
  disconnects: {},
  removals: {},
};

/** Adds up what workers say of themselves. */
export function mergeViews(frame: RelayFrame, parts: readonly WorkerPart[]): RelayView {
  const views = parts.flatMap(({ view }) => view === undefined ? [] : [view]);
  const sum = (of: (view: RelayView) => number) =>
    views.reduce((total, view) => total + of(view), 0);
  return {
    ...frame,
    certificate: firstToExpire(frame.certificate, views),
    connections: sum(({ connections }) => connections),
    reservedMacs: sum(({ reservedMacs }) => reservedMacs),
    slots: { total: sum(({ slots }) => slots.total), free: sum(({ slots }) => slots.free) },
    traffic: sumRecords(NO_TRAFFIC, views.map(({ traffic }) => traffic)),
    dropsOfLate: worstOfEach(views.flatMap(({ dropsOfLate }) => dropsOfLate)),
    lostDatagrams: {
      count: sum(({ lostDatagrams }) => lostDatagrams.count),
      grantedBytes: views.length === 0
        ? 0
        : Math.min(...views.map(({ lostDatagrams }) => lostDatagrams.grantedBytes)),
    },
    tallies: sumRecords(NO_TALLIES, views.map(({ tallies }) => tallies)),
    loop: sumLoops(views.map(({ loop }) => loop)),
    rooms: parts.flatMap(({ reactor, view }) =>
      (view?.rooms ?? []).map((room) => ({ ...room, reactor }))
    ),
    reactors: parts.map(({ view, ...same }) => ({
      ...same,
      up: view !== undefined,
      ...(view === undefined ? {} : { own: withoutRooms(view) }),
    })),
  };
}

/** Of each kind the one with the most frames. */
function worstOfEach(findings: readonly DropFinding[]): DropFinding[] {
  const sorted = findings.toSorted((one, other) => other.count - one.count);
  return sorted.filter(({ key }, index) => sorted.findIndex((one) => one.key === key) === index);
}

/** The workers' word counts: each reads the files by itself. */
function firstToExpire(
  own: RelayView["certificate"],
  views: readonly RelayView[],
): RelayView["certificate"] {
  const all = views.map(({ certificate }) => certificate);
  return all.sort((a, b) => a.expiresUnixMs - b.expiresUnixMs).at(0) ?? own;
}

function withoutRooms({ rooms: _rooms, reactors: _reactors, ...own }: RelayView) {
  return own;
}

/**
 * Sums of numbers by their keys, also inside; a key that one lacks counts as 0 there.
 *
 * @param zero has the keys that must be there
 */
function sumRecords<Shape extends object>(zero: Shape, records: readonly Shape[]): Shape {
  const sums: Record<string, unknown> = {};
  for (const key of new Set([zero, ...records].flatMap((record) => Object.keys(record)))) {
    const values = [zero, ...records].map((record) =>
      (record as Record<string, unknown>)[key] ?? 0
    );
    const inner = values.filter((value) => typeof value === "object") as object[];
    sums[key] = inner.length > 0
      ? sumRecords({}, inner)
      : values.reduce<number>((total, value) => total + Number(value), 0);
  }
  return sums as Shape;
}

function sumLoops(loops: readonly LoopView[]): LoopView {
  const [first] = loops;
  const bounds = first?.lagBoundsSeconds ?? [];
  return {
    turns: loops.reduce((total, { turns }) => total + turns, 0),
    lagBoundsSeconds: bounds,
    lagCounts: Array.from(
      { length: bounds.length + 1 },
      (_, range) => loops.reduce((total, { lagCounts }) => total + lagCounts[range], 0),
    ),
    lagSumSeconds: loops.reduce((total, { lagSumSeconds }) => total + lagSumSeconds, 0),
  };
}
