/**
 * A relay's metrics in the text format of Prometheus (version 0.0.4).
 *
 * @module
 */
import type { TrafficSnapshot } from "../observe/counters.ts";
import { DROP_DESCRIPTIONS } from "../observe/drops.ts";
import { countByWeight } from "../observe/host_findings.ts";
import { relayFindings } from "./relay_findings.ts";
import type { RelayView, TallyView, WorkerView } from "./relay_view.ts";

/** The media type of {@link formatMetrics}. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Labels of a sample. */
export type Labels = Readonly<Record<string, string>>;
/** One value of a metric. */
export type Sample = readonly [labels: Labels, value: number];

interface Histogram {
  readonly labels: Labels;
  readonly bounds: readonly number[];
  /** One more than `bounds`: of each range alone. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** A whole relay, or one of its workers, whose samples have these labels. */
interface Part {
  readonly labels: Labels;
  readonly view: Omit<RelayView, "reactors">;
}

/** Collects metrics; each name comes once, with all its samples. */
export class Exposition {
  #text = "";

  counter(name: string, help: string, samples: readonly Sample[]): void {
    this.#family(name, "counter", help, samples);
  }

  gauge(name: string, help: string, samples: readonly Sample[]): void {
    this.#family(name, "gauge", help, samples);
  }

  histogram(name: string, help: string, histograms: readonly Histogram[]): void {
    this.#head(name, "histogram", help);
    for (const { labels, bounds, counts, sum } of histograms) {
      let count = 0;
      for (const [i, bound] of [...bounds, Infinity].entries()) {
        count += counts[i];
        const le = bound === Infinity ? "+Inf" : String(bound);
        this.#sample(`${name}_bucket`, { ...labels, le }, count);
      }
      this.#sample(`${name}_sum`, labels, sum);
      this.#sample(`${name}_count`, labels, count);
    }
  }

  toString(): string {
    return this.#text;
  }

  #family(name: string, type: string, help: string, samples: readonly Sample[]): void {
    this.#head(name, type, help);
    for (const [labels, value] of samples) this.#sample(name, labels, value);
  }

  #head(name: string, type: string, help: string): void {
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }

  #sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
    this.#text += `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** A record as samples with its keys as values of a label. */
function byKey(label: string, record: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(record).map(([key, value]) => [{ [label]: key }, value]);
}

/**
 * The metrics of a relay. Rooms and peers are counted, not named: their codes let people in, and their
 * number would have no bound. Of several workers each has its own samples: a sum would fall when one of
 * them starts anew, and what counts rates would take that for a leap.
 */
export function formatMetrics(view: RelayView): string {
  const out = new Exposition();
  out.gauge("lanparty_build_info", "The program's version.", [[{ version: view.version }, 1]]);
  writeWorkers(out, view.reactors ?? []);
  out.gauge(
    "lanparty_bans",
    "Bans in force, by who made them: the relay's operator, or the hosts of rooms.",
    byKey("by", view.bans),
  );
  out.gauge(
    "lanparty_findings",
    "What is found that stops the relay, or disturbs players; /api/rooms has it.",
    byKey("weight", countByWeight(relayFindings(view))),
  );
  const parts = partsOf(view);
  const each = (of: (view: Part["view"]) => number) => samplesOf(parts, (one) => [[{}, of(one)]]);
  out.gauge(
    "lanparty_uptime_seconds",
    "Time since the start.",
    each(({ uptimeMs }) => uptimeMs / 1_000),
  );
  out.gauge(
    "lanparty_draining",
    "1 if nobody is let in any more.",
    each(({ draining }) => Number(draining)),
  );
  out.gauge(
    "lanparty_certificate_expires_timestamp_seconds",
    "When the certificate expires that new connections get, in seconds since 1970.",
    each(({ certificate }) => Math.floor(certificate.expiresUnixMs / 1_000)),
  );
  writePopulation(out, parts);
  writeTraffic(out, parts);
  writeTallies(out, parts);
  out.counter(
    "lanparty_loop_turns_total",
    "Turns of the loop that carries the frames.",
    each(({ loop }) => loop.turns),
  );
  out.histogram(
    "lanparty_loop_lag_seconds",
    "How much later than it should each turn of the loop began.",
    parts.map(({ labels, view: { loop } }) => ({
      labels,
      bounds: loop.lagBoundsSeconds,
      counts: loop.lagCounts,
      sum: loop.lagSumSeconds,
    })),
  );
  return out.toString();
}

/** What has samples of its own: the relay, or each worker that is up. */
function partsOf(view: RelayView): Part[] {
  if (view.reactors === undefined) return [{ labels: {}, view }];
  return view.reactors.flatMap(({ reactor, own }) => {
    if (own === undefined) return [];
    const rooms = view.rooms.filter((room) => room.reactor === reactor);
    return [{ labels: { reactor: String(reactor) }, view: { ...own, rooms } }];
  });
}

/** Samples of all parts, with the parts' labels in front. */
function samplesOf(
  parts: readonly Part[],
  of: (view: Part["view"]) => readonly Sample[],
): Sample[] {
  return parts.flatMap(({ labels, view }) =>
    of(view).map(([own, value]): Sample => [{ ...labels, ...own }, value])
  );
}

function writeWorkers(out: Exposition, reactors: readonly WorkerView[]): void {
  if (reactors.length === 0) return;
  const each = (of: (reactor: WorkerView) => number): Sample[] =>
    reactors.map((one) => [{ reactor: String(one.reactor) }, of(one)]);
  out.gauge("lanparty_reactor_up", "1 if the reactor answers.", each(({ up }) => Number(up)));
  out.counter(
    "lanparty_reactor_restarts_total",
    "How often the reactor was started again.",
    each(({ restarts }) => restarts),
  );
}

function writePopulation(out: Exposition, parts: readonly Part[]): void {
  const each = (of: (view: Part["view"]) => number) => samplesOf(parts, (one) => [[{}, of(one)]]);
  const peersOf = ({ rooms }: Part["view"]) => rooms.flatMap(({ peers }) => peers);
  const ofRole = (view: Part["view"], role: string): Sample => {
    return [{ role }, peersOf(view).filter((peer) => peer.role === role).length];
  };
  out.gauge("lanparty_rooms", "Rooms that somebody is in.", each(({ rooms }) => rooms.length));
  out.gauge(
    "lanparty_peers",
    "Peers in rooms, by role.",
    samplesOf(parts, (view) => [ofRole(view, "client"), ofRole(view, "gateway")]),
  );
  out.gauge(
    "lanparty_connections",
    "Connections, in a room or not.",
    each(({ connections }) => connections),
  );
  out.gauge(
    "lanparty_reserved_macs",
    "MACs that are kept for players who have left.",
    each(({ reservedMacs }) => reservedMacs),
  );
  out.gauge(
    "lanparty_queued_bytes",
    "Bytes that wait to be sent to peers.",
    each((view) => peersOf(view).reduce((sum, peer) => sum + peer.queuedBytes, 0)),
  );
  out.gauge(
    "lanparty_buffer_slots",
    "Buffers for datagrams, by state.",
    samplesOf(parts, ({ slots: { total, free } }) => [
      [{ state: "free" }, free],
      [{ state: "used" }, total - free],
    ]),
  );
}

function writeTraffic(out: Exposition, parts: readonly Part[]): void {
  const both = (of: (traffic: TrafficSnapshot) => readonly [received: number, sent: number]) =>
    samplesOf(parts, ({ traffic }) => {
      const [received, sent] = of(traffic);
      return [[{ action: "receive" }, received], [{ action: "send" }, sent]];
    });
  out.counter(
    "lanparty_frames_total",
    "Frames taken from peers (receive) and given to peers (send; a broadcast counts for each).",
    both(({ framesReceived, framesSent }) => [framesReceived, framesSent]),
  );
  out.counter(
    "lanparty_frame_bytes_total",
    "Bytes of these frames, without headers of the tunnel.",
    both(({ bytesReceived, bytesSent }) => [bytesReceived, bytesSent]),
  );
  out.counter(
    "lanparty_datagrams_total",
    "Datagrams from peers and to peers.",
    both(({ datagramsReceived, datagramsSent }) => [datagramsReceived, datagramsSent]),
  );
  out.counter(
    "lanparty_frames_split_total",
    "Frames sent in pieces.",
    samplesOf(parts, ({ traffic }) => [[{}, traffic.framesSplit]]),
  );
  out.counter(
    "lanparty_drops_total",
    "Frames and datagrams that were dropped, by reason.",
    samplesOf(parts, ({ traffic }) => dropSamples(traffic.drops)),
  );
}

function dropSamples(drops: Readonly<Record<string, number>>): Sample[] {
  return DROP_DESCRIPTIONS
    .filter(({ reason, side }) => side === "relay" || side === "all" || reason in drops)
    .map(({ reason }) => [{ reason }, drops[reason] ?? 0]);
}

function writeTallies(out: Exposition, parts: readonly Part[]): void {
  const each = (of: (tallies: TallyView) => number) =>
    samplesOf(parts, ({ tallies }) => [[{}, of(tallies)]]);
  out.counter(
    "lanparty_handshakes_total",
    "Handshakes, by what became of them.",
    samplesOf(parts, ({ tallies }) => [
      [{ result: "done" }, tallies.handshakes],
      [{ result: "refused" }, tallies.handshakesRefused],
    ]),
  );
  out.counter(
    "lanparty_connections_refused_total",
    "Connections closed unheard: too many, of all or of their address.",
    each(({ connectionsRefused }) => connectionsRefused),
  );
  out.counter("lanparty_joins_total", "Peers that joined a room.", each(({ joins }) => joins));
  out.counter(
    "lanparty_redirects_total",
    "Peers sent to another relay, or to the reactor of their room.",
    each(({ redirects }) => redirects),
  );
  out.counter(
    "lanparty_rejects_total",
    "Refused hellos, by code.",
    samplesOf(parts, ({ tallies }) => byKey("code", tallies.rejects)),
  );
  out.counter(
    "lanparty_disconnects_total",
    "Sessions that the relay ended, by code.",
    samplesOf(parts, ({ tallies }) => byKey("code", tallies.disconnects)),
  );
  out.counter(
    "lanparty_removals_total",
    "Peers that were removed from their rooms, by whom.",
    samplesOf(parts, ({ tallies }) => byKey("by", tallies.removals)),
  );
}
