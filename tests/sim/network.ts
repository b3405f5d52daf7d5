/**
 * Connections between endpoints and relays over paths that lose, reorder, duplicate, stall and break:
 *
 * ```
 *  endpoint ── control: in order, in any portions ──┐                    ┌── relay
 *           ── datagrams: late, twice or never ─────┴── SimConnection ───┴──
 * ```
 *
 * It behaves as QUIC does: streams survive a path that is down for less than the idle timeout,
 * CONNECTION_CLOSE overtakes what is still on its way, a peer that died is noticed late.
 */
import type { ClosedReason } from "../../src/endpoint/actions.ts";
import type { SeededRandom } from "./random.ts";
import type { Timeline } from "./timeline.ts";

/** QUIC's idle timeout, as the protocol fixes it. */
const IDLE_TIMEOUT_MS = 15_000;
/** A handshake that nobody answers. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How often what waits for a path is tried again. */
const RETRANSMIT_MS = 100;
/** What a transport takes ahead of its path. */
const SEND_AHEAD_MS = 2;

/** One endpoint's way to the relays, whatever connection uses it. */
export class Path {
  latencyMs = 5;
  jitterMs = 0;
  loss = 0;
  duplicate = 0;
  bytesPerMs = 10_000;
  /** What one datagram carries, towards the relay and back. */
  upBytes = 1_450;
  downBytes = 1_450;
  /** Whether packets get through at all. */
  isUp = true;
  /** Counts how often it went down: tells one outage from the next. */
  outage = 0;
  /** Since when packets get through, ms; while they do. */
  upSinceMs = -Infinity;

  /** Packets get through again. */
  restore(nowMs: number): void {
    if (!this.isUp) this.upSinceMs = nowMs;
    this.isUp = true;
  }

  /** No fault any more. */
  heal(nowMs: number): void {
    this.restore(nowMs);
    this.loss = this.duplicate = this.jitterMs = 0;
    this.bytesPerMs = 10_000;
  }
}

/** What one side of a connection hears. */
export interface Side {
  connected(connection: SimConnection): void;
  maxDatagram(connection: SimConnection, bytes: number): void;
  control(connection: SimConnection, bytes: Uint8Array): void;
  controlFinished(connection: SimConnection): void;
  /** Of what was sent on the control stream, this much has arrived. */
  controlSent(connection: SimConnection, bytes: number): void;
  datagram(connection: SimConnection, bytes: Uint8Array): void;
  /** The transport may take more. */
  writable(connection: SimConnection): void;
  closed(connection: SimConnection, reason: ClosedReason): void;
}

type Which = "endpoint" | "relay";

interface Segment {
  /** `undefined` is FIN. */
  readonly bytes: Uint8Array | undefined;
  readonly readyMs: number;
}

/** One side's sending half, and whether that side still lives. */
class Half {
  isOpen = false;
  readonly segments: Segment[] = [];
  draining = false;
  /** When the path has sent what was given to it. */
  freeMs = 0;
  /** Whether somebody waits for `writable`. */
  wanted = false;
  datagramsSent = 0;

  constructor(readonly side: Side) {}
}

/** One QUIC connection. */
export class SimConnection {
  readonly #halves: Readonly<Record<Which, Half>>;
  readonly #timeline: Timeline;
  readonly #random: SeededRandom;

  constructor(
    timeline: Timeline,
    random: SeededRandom,
    readonly path: Path,
    endpoint: Side,
    relay: Side | undefined,
  ) {
    this.#timeline = timeline;
    this.#random = random;
    this.#halves = {
      endpoint: new Half(endpoint),
      relay: new Half(relay ?? NOBODY),
    };
    this.#halves.endpoint.isOpen = true;
    if (relay === undefined) {
      timeline.after(path.latencyMs * 2, () => this.#end("endpoint", { transport: "refused" }));
    } else this.#shakeHands(timeline.nowMs + HANDSHAKE_TIMEOUT_MS);
  }

  #shakeHands(untilMs: number): void {
    const { path } = this;
    const timeline = this.#timeline;
    const halves = this.#halves;
    timeline.after(path.latencyMs, () => {
      if (!halves.endpoint.isOpen) return;
      if (!path.isUp) {
        if (timeline.nowMs >= untilMs) return this.#end("endpoint", { transport: "timeout" });
        return timeline.after(RETRANSMIT_MS, () => this.#shakeHands(untilMs));
      }
      halves.relay.isOpen = true;
      halves.relay.side.connected(this);
      timeline.after(path.latencyMs, () => {
        if (halves.endpoint.isOpen) halves.endpoint.side.connected(this);
      });
    });
  }

  /** What one datagram of a side may have, bytes. */
  maxDatagramBytes(from: Which): number {
    return from === "endpoint" ? this.path.upBytes : this.path.downBytes;
  }

  /** Whether a side still lives. */
  isOpen(which: Which): boolean {
    return this.#halves[which].isOpen;
  }

  /** Both sides learn what a datagram carries now. */
  pathWidthChanged(): void {
    for (const which of ["endpoint", "relay"] as const) {
      const { isOpen, side } = this.#halves[which];
      if (isOpen) side.maxDatagram(this, this.maxDatagramBytes(which));
    }
  }

  /** Sends on the control stream, in portions of any size. */
  sendControl(from: Which, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const left = bytes.length - at;
      const count = this.#random.chance(0.5) ? left : this.#random.integer(1, left);
      this.#pushSegment(from, bytes.slice(at, at + count));
      at += count;
    }
  }

  finishControl(from: Which): void {
    this.#pushSegment(from, undefined);
  }

  #pushSegment(from: Which, bytes: Uint8Array | undefined): void {
    const half = this.#halves[from];
    const readyMs = this.#timeline.nowMs + this.path.latencyMs +
      this.#random.next() * this.path.jitterMs;
    half.segments.push({ bytes, readyMs });
    this.#drainSegments(from);
  }

  #drainSegments(from: Which): void {
    const half = this.#halves[from];
    if (half.draining || half.segments.length === 0) return;
    half.draining = true;
    this.#timeline.at(half.segments[0].readyMs, () => this.#deliverSegment(from));
  }

  #deliverSegment(from: Which): void {
    const half = this.#halves[from];
    const other = this.#halves[from === "endpoint" ? "relay" : "endpoint"];
    if (!other.isOpen) return;
    if (!this.path.isUp || this.#random.chance(this.path.loss)) {
      return this.#timeline.after(RETRANSMIT_MS, () => this.#deliverSegment(from));
    }
    const { bytes } = half.segments.shift()!;
    half.draining = false;
    this.#drainSegments(from);
    if (bytes === undefined) return other.side.controlFinished(this);
    other.side.control(this, bytes);
    this.#timeline.after(this.path.latencyMs, () => {
      if (half.isOpen) half.side.controlSent(this, bytes.length);
    });
  }

  /** Whether the transport takes a datagram now; if not, `writable` follows. */
  canSend(from: Which): boolean {
    const half = this.#halves[from];
    if (!half.isOpen) return false;
    const { nowMs } = this.#timeline;
    if (half.freeMs <= nowMs + SEND_AHEAD_MS) return true;
    if (!half.wanted) {
      half.wanted = true;
      this.#timeline.at(half.freeMs - SEND_AHEAD_MS, () => {
        half.wanted = false;
        if (half.isOpen) half.side.writable(this);
      });
    }
    return false;
  }

  /** Sends a datagram; `bytes` are the connection's from now on. */
  sendDatagram(from: Which, bytes: Uint8Array): void {
    const half = this.#halves[from];
    const { path } = this;
    const timeline = this.#timeline;
    const random = this.#random;
    if (bytes.length > this.maxDatagramBytes(from)) {
      throw new Error("a datagram beyond the maximum");
    }
    half.datagramsSent++;
    half.freeMs = Math.max(half.freeMs, timeline.nowMs) + bytes.length / path.bytesPerMs;
    const copies = random.chance(path.loss) ? 0 : random.chance(path.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const atMs = half.freeMs + path.latencyMs + random.next() * path.jitterMs;
      timeline.at(atMs, () => {
        const other = this.#halves[from === "endpoint" ? "relay" : "endpoint"];
        if (path.isUp && other.isOpen) other.side.datagram(this, bytes);
      });
    }
  }

  /** One side closes with an application error code. */
  close(from: Which, errorCode: number): void {
    const half = this.#halves[from];
    const other = from === "endpoint" ? "relay" : "endpoint";
    if (!half.isOpen) return;
    this.#timeline.after(1, () => this.#end(from, {}));
    const reason = { errorCode };
    if (this.path.isUp) this.#timeline.after(this.path.latencyMs, () => this.#end(other, reason));
    else this.#timeline.after(IDLE_TIMEOUT_MS, () => this.#end(other, { transport: "timeout" }));
  }

  /** A side's process has died without a word. The other learns of it late. */
  abandon(which: Which): void {
    this.#halves[which].isOpen = false;
    const other = which === "endpoint" ? "relay" : "endpoint";
    this.#timeline.after(IDLE_TIMEOUT_MS, () => this.#end(other, { transport: "timeout" }));
  }

  /** The relay is back without its memory: its stateless reset ends the connection. */
  reset(): void {
    if (this.path.isUp) {
      this.#timeline.after(
        this.path.latencyMs,
        () => this.#end("endpoint", { transport: "reset" }),
      );
    }
  }

  /** The path has gone down: if it stays so, both sides give up. */
  pathDown(): void {
    const { outage } = this.path;
    this.#timeline.after(IDLE_TIMEOUT_MS, () => {
      if (this.path.isUp || this.path.outage !== outage) return;
      this.#end("endpoint", { transport: "timeout" });
      this.#end("relay", { transport: "timeout" });
    });
  }

  #end(which: Which, reason: ClosedReason): void {
    const half = this.#halves[which];
    if (!half.isOpen) return;
    half.isOpen = false;
    half.side.closed(this, reason);
  }
}

/** Stands where no relay listens. */
const NOBODY: Side = {
  connected() {},
  maxDatagram() {},
  control() {},
  controlFinished() {},
  controlSent() {},
  datagram() {},
  writable() {},
  closed() {},
};
