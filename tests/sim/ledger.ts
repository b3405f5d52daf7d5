/**
 * What was sent and what may arrive: the invariants of a party.
 *
 * Each frame ends with a number of its own, so that whatever comes out of the tunnel anywhere can be
 * compared with what went in.
 */
import { assert, assertEquals } from "@std/assert";
import { EtherType } from "../../src/proto/ethernet.ts";
import type { Timeline } from "./timeline.ts";

const MAGIC = 0x6c61_6e70;
/** Magic and number at the end of each frame. */
export const TRAILER_BYTES = 8;

/** A station at the party: a player's PC, or the LAN behind a gateway. */
export interface Station {
  readonly name: string;
  readonly role: "client" | "gateway";
  /** A client's MAC. */
  readonly mac: string | undefined;
  readonly room: string;
  /** The host's gateway key, where relays ask for keys: stations of one host alone are in one room. */
  readonly key?: Uint8Array;
  /** The features of an older program, in the place of the present one's. */
  readonly features?: readonly string[] | undefined;
}

/** One frame that somebody has sent. */
export interface SentFrame {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly from: Station;
  readonly room: string;
  readonly sentMs: number;
  /** A rule says that it must reach nobody. */
  readonly forbidden: string | undefined;
  /** How often it has reached whom. */
  readonly reached: Map<Station, number>;
}

/** All frames of one simulation. */
export class Ledger {
  readonly frames: SentFrame[] = [];
  delivered = 0;
  /** Frame numbers, where they came out and when, in that order. */
  readonly arrivals: [number: number, at: Station, atMs: number][] = [];
  readonly #timeline: Timeline;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** Enters a frame, whose trailer is written into `bytes`. */
  enter(
    bytes: Uint8Array,
    from: Station,
    nowMs: number,
    forbidden?: string,
  ): SentFrame {
    const number = this.frames.length;
    const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - TRAILER_BYTES);
    view.setUint32(0, MAGIC);
    view.setUint32(4, number);
    const frame: SentFrame = {
      number,
      bytes: bytes.slice(),
      from,
      room: from.room,
      sentMs: nowMs,
      forbidden,
      reached: new Map(),
    };
    this.frames.push(frame);
    return frame;
  }

  /** A frame has come out of the tunnel: checks that it may. */
  arrive(bytes: Uint8Array, at: Station): void {
    // A gateway's own: refreshes to its LAN, probes to its players, too.
    if ((bytes[12] << 8 | bytes[13]) === EtherType.camRefresh) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - TRAILER_BYTES);
    assertEquals(view.getUint32(0), MAGIC, `${at.name} got a frame that nobody sent`);
    const frame = this.frames[view.getUint32(4)];
    assert(frame !== undefined, `${at.name} got a frame that nobody sent`);
    const what = `frame ${frame.number} of ${frame.from.name} in ${frame.room} at ${at.name}`;
    assert(sameBytes(bytes, frame.bytes), `${what} was altered`);
    assert(frame.forbidden === undefined, `${what} should not be: ${frame.forbidden}`);
    assert(frame.from !== at, `${what} was reflected`);
    assertEquals(at.room, frame.room, `${what} leaked out of its room`);
    assertEquals(at.key, frame.from.key, `${what} leaked to another host's party`);
    this.#checkDestination(frame, at, what);
    frame.reached.set(at, (frame.reached.get(at) ?? 0) + 1);
    this.arrivals.push([frame.number, at, this.#timeline.nowMs]);
    this.delivered++;
  }

  #checkDestination(frame: SentFrame, at: Station, what: string): void {
    if ((frame.bytes[0] & 1) === 1) return;
    const destination = macText(frame.bytes, 0);
    if (at.role === "client") assertEquals(destination, at.mac, `${what} is for another`);
    else assertEquals(frame.from.role, "client", `${what} came back to the LAN`);
  }
}

/** `02:00:00:00:00:51` */
export function macText(bytes: Uint8Array, offset: number): string {
  return Array.from(
    bytes.subarray(offset, offset + 6),
    (byte) => byte.toString(16).padStart(2, "0"),
  )
    .join(":");
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
