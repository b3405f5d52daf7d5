/** A relay's metrics in the text format of Prometheus (version 0.0.4). */
import { DROP_DESCRIPTIONS } from "../obs/drops.ts";
import type { RelayView } from "./relay_view.ts";

/** The media type of {@link formatMetrics}. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** Collects metrics; each name comes once, with all its samples. */
class Exposition {
  private text = "";

  counter(name: string, help: string, samples: readonly Sample[]): void {
    this.family(name, "counter", help, samples);
  }

  gauge(name: string, help: string, samples: readonly Sample[]): void {
    this.family(name, "gauge", help, samples);
  }

  /** @param counts one more than `bounds`: of each range alone */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    counts: readonly number[],
    sum: number,
  ): void {
    this.head(name, "histogram", help);
    let count = 0;
    for (const [i, bound] of [...bounds, Infinity].entries()) {
      count += counts[i];
      const le = bound === Infinity ? "+Inf" : String(bound);
      this.sample(`${name}_bucket`, { le }, count);
    }
    this.sample(`${name}_sum`, {}, sum);
    this.sample(`${name}_count`, {}, count);
  }

  toString(): string {
    return this.text;
  }

  private family(name: string, type: string, help: string, samples: readonly Sample[]): void {
    this.head(name, type, help);
    for (const [labels, value] of samples) this.sample(name, labels, value);
  }

  private head(name: string, type: string, help: string): void {
    this.text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  }

  private sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
    this.text += `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** A record as samples with its keys as values of a label. */
function byKey(label: string, record: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(record).map(([key, value]) => [{ [label]: key }, value]);
}

function only(value: number): Sample[] {
  return [[{}, value]];
}

/**
 * The metrics of a relay. Rooms and peers are counted, not named: their codes let people in, and their
 * number would have no bound.
 */
export function formatMetrics(view: RelayView): string {
  const out = new Exposition();
  out.gauge("lanparty_build_info", "The program's version.", [[{ version: view.version }, 1]]);
  out.gauge("lanparty_uptime_seconds", "Time since the start.", only(view.uptimeMs / 1_000));
  out.gauge("lanparty_draining", "1 if nobody is let in any more.", only(Number(view.draining)));
  writePopulation(out, view);
  writeTraffic(out, view);
  writeTallies(out, view);
  const { turns, lagBoundsSeconds, lagCounts, lagSumSeconds } = view.loop;
  out.counter(
    "lanparty_loop_turns_total",
    "Turns of the loop that carries the frames.",
    only(turns),
  );
  out.histogram(
    "lanparty_loop_lag_seconds",
    "How much later than it should each turn of the loop began.",
    lagBoundsSeconds,
    lagCounts,
    lagSumSeconds,
  );
  return out.toString();
}

function writePopulation(out: Exposition, view: RelayView): void {
  const peers = view.rooms.flatMap((room) => room.peers);
  const ofRole = (role: string): Sample => {
    return [{ role }, peers.filter((peer) => peer.role === role).length];
  };
  out.gauge("lanparty_rooms", "Rooms that somebody is in.", only(view.rooms.length));
  out.gauge("lanparty_peers", "Peers in rooms, by role.", [ofRole("client"), ofRole("gateway")]);
  out.gauge("lanparty_connections", "Connections, in a room or not.", only(view.connections));
  const queued = peers.reduce((sum, peer) => sum + peer.queuedBytes, 0);
  out.gauge("lanparty_queued_bytes", "Bytes that wait to be sent to peers.", only(queued));
  const { total, free } = view.slots;
  out.gauge("lanparty_buffer_slots", "Buffers for datagrams, by state.", [
    [{ state: "free" }, free],
    [{ state: "used" }, total - free],
  ]);
}

function writeTraffic(out: Exposition, { traffic }: RelayView): void {
  const both = (received: number, sent: number): Sample[] => [
    [{ action: "receive" }, received],
    [{ action: "send" }, sent],
  ];
  const { framesReceived, framesSent, bytesReceived, bytesSent } = traffic;
  out.counter(
    "lanparty_frames_total",
    "Frames taken from peers (receive) and given to peers (send; a broadcast counts for each).",
    both(framesReceived, framesSent),
  );
  out.counter(
    "lanparty_frame_bytes_total",
    "Bytes of these frames, without headers of the tunnel.",
    both(bytesReceived, bytesSent),
  );
  out.counter(
    "lanparty_datagrams_total",
    "Datagrams from peers and to peers.",
    both(traffic.datagramsReceived, traffic.datagramsSent),
  );
  out.counter("lanparty_frames_split_total", "Frames sent in pieces.", only(traffic.framesSplit));
  const drops: Readonly<Record<string, number>> = traffic.drops;
  out.counter(
    "lanparty_drops_total",
    "Frames and datagrams that were dropped, by reason.",
    DROP_DESCRIPTIONS
      .filter(({ reason, side }) => side === "relay" || side === "all" || reason in drops)
      .map(({ reason }) => [{ reason }, drops[reason] ?? 0]),
  );
}

function writeTallies(out: Exposition, { tallies }: RelayView): void {
  out.counter("lanparty_handshakes_total", "Handshakes, by what became of them.", [
    [{ result: "done" }, tallies.handshakes],
    [{ result: "refused" }, tallies.handshakesRefused],
  ]);
  out.counter(
    "lanparty_connections_refused_total",
    "Connections closed unheard: too many, of all or of their address.",
    only(tallies.connectionsRefused),
  );
  out.counter("lanparty_joins_total", "Peers that joined a room.", only(tallies.joins));
  out.counter("lanparty_redirects_total", "Peers sent to another relay.", only(tallies.redirects));
  out.counter("lanparty_rejects_total", "Refused hellos, by code.", byKey("code", tallies.rejects));
  out.counter(
    "lanparty_disconnects_total",
    "Sessions that the relay ended, by code.",
    byKey("code", tallies.disconnects),
  );
}
