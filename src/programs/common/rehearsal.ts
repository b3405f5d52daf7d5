/**
 * A party that is played before the real one, so that nobody has to wait until the code for frames is fast.
 *
 * The runtime interprets code at first, and compiles what is called often: at the first load the frames of
 * half a second come late. So a program plays frames and control messages through cores of its own kind
 * while it waits for its peers anyway. These cores have a pool, queues and counters of their own, and
 * what they send is thrown away.
 *
 * @module
 */
import { writeU16 } from "../../proto/bytes.ts";
import { DATAGRAM_HEADER_BYTES, writeDatagramHeader } from "../../proto/datagram.ts";
import { encodeArpRequest } from "../../proto/arp.ts";
import { ETHER_TYPE_OFFSET, ETHERNET_HEADER_BYTES, EtherType } from "../../proto/ethernet.ts";
import { formatMac, MAC_BYTES } from "../../proto/mac.ts";
import type { PeerId, Slot } from "../../proto/brands.ts";
import { UDP_PACKET_HEADER_BYTES, writeUdpPacket } from "../../proto/udp_packet.ts";
import { type BufferPool, HEADROOM_BYTES } from "../../queue/buffer_pool.ts";
import type { FairQueue } from "../../queue/fair_queue.ts";
import type { Reactor, Task } from "../../reactor/mod.ts";

/** Rounds of a rehearsal: after so many nothing gets faster. */
export const REHEARSAL_ROUNDS_MAX = 150;
/** How long all rounds together may take, ms. */
export const REHEARSAL_MAX_MS = 150;
/** Each round plays so many frames each way. */
export const FRAMES_A_ROUND = 16;

/** A station of the played party. */
export interface Station {
  readonly mac: Uint8Array<ArrayBuffer>;
  /** As control messages write it. */
  readonly macText: string;
  /** IPv4 address, of a network for documentation (RFC 5737). */
  readonly address: number;
}

function station(last: number): Station {
  const mac = Uint8Array.of(0x02, 0, 0x5e, 0, 0x53, last);
  return { mac, macText: formatMac(mac), address: 0xc000_0200 + last };
}

/** A player's PC. */
export const PLAYER: Station = station(1);
/** A game's server in the LAN. */
export const SERVER: Station = station(2);

const UDP_PORT = 27_015;
const HOPS = 64;
/** Payloads as games send them, and full packets as copies do. */
const PAYLOAD_BYTES: readonly number[] = [60, 60, 200, 60, 1_200, 60, 100];

/** The frames of one round, from one station to the other: datagrams of games, and a broadcast. */
export function framesOf(from: Station, to: Station): readonly Uint8Array<ArrayBuffer>[] {
  const broadcast = encodeArpRequest(from.mac, from.address, to.address);
  const all = [new Uint8Array(broadcast)];
  for (let i = 1; i < FRAMES_A_ROUND; i++) {
    all.push(udpFrame(from, to, PAYLOAD_BYTES[i % PAYLOAD_BYTES.length], UDP_PORT + i % 3));
  }
  return all;
}

function udpFrame(from: Station, to: Station, payloadBytes: number, port: number) {
  const headers = ETHERNET_HEADER_BYTES + UDP_PACKET_HEADER_BYTES;
  const frame = new Uint8Array(headers + payloadBytes);
  frame.set(to.mac);
  frame.set(from.mac, MAC_BYTES);
  writeU16(frame, ETHER_TYPE_OFFSET, EtherType.ipv4);
  writeUdpPacket(frame, ETHERNET_HEADER_BYTES, {
    ...{ source: from.address, destination: to.address, timeToLive: HOPS },
    ...{ sourcePort: port, destinationPort: UDP_PORT },
  });
  return frame;
}

/** Puts a frame into a slot, behind its headroom. */
export function putFrame(pool: BufferPool, frame: Uint8Array): { slot: Slot; offset: number } {
  const slot = pool.acquire();
  const offset = pool.offsetOf(slot) + HEADROOM_BYTES;
  pool.bytes.set(frame, offset);
  return { slot, offset };
}

/** As {@linkcode putFrame}, as a datagram with its header; its length is the frame's and that. */
export function putDatagram(pool: BufferPool, frame: Uint8Array, source: PeerId) {
  const slot = pool.acquire();
  const offset = pool.offsetOf(slot) + HEADROOM_BYTES;
  writeDatagramHeader(pool.bytes, offset, source);
  pool.bytes.set(frame, offset + DATAGRAM_HEADER_BYTES);
  return { slot, offset, length: frame.length + DATAGRAM_HEADER_BYTES };
}

/** Takes out of a queue what would be sent, and throws it away. @returns how many datagrams */
export function throwAway(queue: FairQueue, pool: BufferPool, nowMs: number): number {
  queue.beginSending(nowMs);
  let count = 0;
  while (queue.dequeue(nowMs)) {
    pool.release(queue.slot);
    count++;
  }
  return count;
}

/** What is played. */
export interface Play {
  /** Plays one round: less than a millisecond, once it is fast. */
  round(): void;
}

/** Plays round after round, between which the reactor does what else there is, and then ends for good. */
export class Rehearsal implements Task {
  rounds = 0;
  isOver = false;
  #spentMs = 0;
  #play: Play | undefined;
  readonly #makePlay: () => Play;
  readonly #now: () => number;

  /**
   * @param makePlay called by the first round, and counted with it
   * @param now a clock in ms: what the rounds have taken is counted, not the time in between
   */
  constructor(makePlay: () => Play, now: () => number) {
    this.#makePlay = makePlay;
    this.#now = now;
  }

  work(): boolean {
    if (this.isOver) return false;
    const beganMs = this.#now();
    this.#play ??= this.#makePlay();
    this.#play.round();
    this.rounds++;
    this.#spentMs += this.#now() - beganMs;
    this.isOver = this.rounds >= REHEARSAL_ROUNDS_MAX || this.#spentMs >= REHEARSAL_MAX_MS;
    if (this.isOver) this.#play = undefined;
    return !this.isOver;
  }

  nextDeadlineMs(): number {
    return Infinity;
  }
}

/** Has a play made and played by the reactor, from its next turn on. */
export function rehearse(reactor: Pick<Reactor, "addTask" | "now">, makePlay: () => Play): void {
  const rehearsal = new Rehearsal(makePlay, () => reactor.now());
  const remove = reactor.addTask({
    work: () => {
      const hasMore = rehearsal.work();
      if (rehearsal.isOver) remove();
      return hasMore;
    },
    nextDeadlineMs: () => rehearsal.nextDeadlineMs(),
  });
}
