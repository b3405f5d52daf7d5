/**
 * The address that the LAN gives this PC's adapter: asked for by DHCP as soon as the room is joined, kept, and
 * defended against others who use it.
 *
 * ```
 *  joined, gateway, replies, ARP, time ─► DhcpClient ── lease ──► AddressDefence
 *                                             │  ▲── conflict ────────┘ │
 *                                             ▼                         ▼
 *                                  events for the shell       frames for the tunnel
 * ```
 *
 * @module
 */

import { SOURCE_MAC_OFFSET } from "../proto/ethernet.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { AddressDefence } from "./address_defence.ts";
import { DhcpClient, type DhcpClientOptions, type DhcpEvent } from "./dhcp_client.ts";
import type { DhcpReply } from "./dhcp_reply.ts";

/** What the shell is told. */
export type LeaseEvent =
  | DhcpEvent
  /** Somebody else in the LAN uses the address; `lost` follows. The MAC has six bytes. */
  | { readonly type: "conflict"; readonly address: number; readonly mac: Uint8Array };

/** What a lease is made with. */
export interface LanLeaseOptions extends DhcpClientOptions {
  /** The address of an earlier run, and when its lease ends, by the clock of `nowMs`; it may be over. */
  readonly remembered?: { readonly address: number; readonly endsMs: number } | undefined;
}

/** Events that wait to be drained at most: a shell that does not look learns of the newest. */
const EVENTS_MAX = 64;
const NO_FRAMES: readonly Uint8Array[] = [];
const NO_EVENTS: readonly LeaseEvent[] = [];

/** See the module. */
export class LanLease {
  readonly #options: LanLeaseOptions;
  readonly #client: DhcpClient;
  readonly #defence: AddressDefence;
  #isStarted = false;
  /** For how long the PC has slept: leases go on meanwhile, and the clock of `nowMs` does not. */
  #sleptMs = 0;
  #frames: Uint8Array[] = [];
  #events: LeaseEvent[] = [];

  constructor(options: LanLeaseOptions) {
    this.#options = options;
    this.#client = new DhcpClient(options);
    this.#defence = new AddressDefence(options.mac);
  }

  /** When {@linkcode handleTimer} is to be called at the latest, ms. */
  nextDeadlineMs(): number {
    return Math.min(this.#client.deadlineMs - this.#sleptMs, this.#defence.deadlineMs);
  }

  /** A room was entered: an address is asked for, or the one at hand confirmed. */
  handleJoined(nowMs: number): void {
    const timeMs = nowMs + this.#sleptMs;
    if (this.#isStarted) this.#client.handleReconnect(timeMs);
    else {
      const { remembered } = this.#options;
      this.#isStarted = true;
      this.#client.start(
        timeMs,
        remembered && { address: remembered.address, leftMs: remembered.endsMs - timeMs },
      );
    }
    this.#settle(nowMs);
  }

  /** The LAN has come into reach: before, nobody could be asked. */
  handleGateway(nowMs: number): void {
    this.#client.handleReconnect(nowMs + this.#sleptMs);
    this.#settle(nowMs);
  }

  /** This PC was asleep for so long. */
  handleSlept(sleptMs: number, nowMs: number): void {
    this.#sleptMs += sleptMs;
    this.handleTimer(nowMs);
  }

  /** To be called at {@linkcode nextDeadlineMs}. */
  handleTimer(nowMs: number): void {
    if (nowMs < this.nextDeadlineMs()) return;
    this.#client.handleTimeout(nowMs + this.#sleptMs);
    this.#defence.handleTimeout(nowMs);
    this.#settle(nowMs);
  }

  /** A reply for this PC, scrubbed. @param serverMac where its frame came from, six bytes, copied */
  handleReply(reply: DhcpReply, serverMac: Uint8Array, nowMs: number): void {
    this.#client.handleReply(reply, serverMac, nowMs + this.#sleptMs);
    this.#settle(nowMs);
  }

  /** ARP of a station of the LAN's, behind the Ethernet header of a frame that begins at `bytes[frame]`. */
  handleArp(bytes: Uint8Array, frame: number, arp: number, end: number, nowMs: number): void {
    const address = this.#client.lease?.address;
    if (address === undefined) return;
    if (this.#defence.handleArp(bytes, arp, end, nowMs)) {
      const source = frame + SOURCE_MAC_OFFSET;
      this.#say({ type: "conflict", address, mac: bytes.slice(source, source + MAC_BYTES) });
      this.#client.handleConflict(nowMs + this.#sleptMs);
    }
    this.#settle(nowMs);
  }

  /** Gives the address back, and asks for nothing more. */
  release(nowMs: number): void {
    this.#client.release(nowMs + this.#sleptMs);
    this.#settle(nowMs);
  }

  /** The frames to be sent since the last call. */
  drainFrames(): readonly Uint8Array[] {
    return this.#frames.length === 0 ? NO_FRAMES : this.#frames.splice(0);
  }

  /** What has happened since the last call. */
  drainEvents(): readonly LeaseEvent[] {
    return this.#events.length === 0 ? NO_EVENTS : this.#events.splice(0);
  }

  /** What the client has done is known to the defence, and both have said what is to be sent. */
  #settle(nowMs: number): void {
    for (const event of this.#client.drainEvents()) {
      if (event.type === "lost") this.#defence.end();
      else if (event.type === "lease" && event.lease.address !== this.#defence.address) {
        this.#defence.begin(event.lease.address, nowMs);
      }
      this.#say(event);
    }
    this.#frames.push(...this.#client.drainFrames(), ...this.#defence.drainFrames());
  }

  #say(event: LeaseEvent): void {
    if (this.#events.length >= EVENTS_MAX) this.#events.shift();
    this.#events.push(event);
  }
}
