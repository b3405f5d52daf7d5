/**
 * A DHCP client as a state machine (RFC 2131, section 4.4): time, random bytes and replies in, frames and
 * events out.
 *
 * ```
 *   init ──discover──► selecting ──offer: request──► requesting ──ack──► bound
 *    ▲ ▲                                                  │               │ half of the lease
 *    │ └───────────────── nak, or no answer ──────────────┘               ▼
 *    │                                        ┌────────ack──────────── renewing ──► bound
 *    │                                        │                           │ seven eighths
 *    └── nak, or the lease is over ───────────┴────────ack──────────── rebinding ─► bound
 *
 *   rebooting: has the remembered address confirmed; ack ─► bound, nak or silence ─► init
 * ```
 *
 * An offer is taken at once, the first that is good, and the address is used at once: there are no fixed
 * waits. Only a server that has not stood by its offer before waits for another one's. Where nobody answers, it asks again and again, sooner than RFC 2131 wants for networks of thousands:
 * a party's gateway may come late.
 *
 * @module
 */

import type { RandomBytes } from "../endpoint/random.ts";
import { randomFraction } from "../endpoint/random.ts";
import { readU32 } from "../proto/bytes.ts";
import { DhcpMessageType } from "../proto/dhcp.ts";
import { type DhcpRequest, encodeDhcpRequest } from "./dhcp_message.ts";
import { askedOptions } from "./dhcp_options.ts";
import type { DhcpReply } from "./dhcp_reply.ts";
import {
  type DhcpLease,
  isSameLease,
  isUsable,
  leaseOf,
  partOf,
  type RememberedLease,
  type UsableReply,
} from "./dhcp_lease.ts";

/** What has become of the address. */
export type DhcpEvent =
  /** It is asked for, by whoever has none. */
  | { readonly type: "asking" }
  /** A lease that is new, or differs from the one before; one that is only longer is no news. */
  | { readonly type: "lease"; readonly lease: DhcpLease }
  /** The lease is longer. */
  | { readonly type: "extended"; readonly lease: DhcpLease }
  /** The address is not ours any more. */
  | { readonly type: "lost"; readonly address: number; readonly why: DhcpLossReason };

/** `refused`: the server said no; `over`: nobody extended it; `conflict`: somebody else uses it. */
export type DhcpLossReason = "refused" | "over" | "conflict" | "released";

/** What a DHCP client works with. */
export interface DhcpClientOptions {
  /** The adapter's MAC, six bytes. */
  readonly mac: Uint8Array;
  /** Told the server; a plain host name. */
  readonly hostName: string | undefined;
  readonly random: RandomBytes;
  /** Whether the LAN may set this PC's default route and name servers. */
  readonly allowLanDefaultRoute: boolean;
}

/** Where the machine stands. */
export type DhcpState =
  | "stopped"
  | "init"
  | "selecting"
  | "requesting"
  | "rebooting"
  | "bound"
  | "renewing"
  | "rebinding";

const FIRST_RETRY_MS = 1_000;
const RETRY_MS_MAX = 8_000;
/** A request that follows an offer, or has the address at hand confirmed, is sent so often. */
const REQUESTS_MAX = 3;
/** One for an address of an earlier run is sent so often: a server that does not know it says nothing. */
const REBOOT_REQUESTS_MAX = 1;
/** After a conflict (RFC 2131, section 3.1, 5.), and between refusals, which could go round for ever. */
const DECLINE_PAUSE_MS = 10_000;
/**
 * After so many conflicts, one a minute (RFC 5227, section 2.1.1): each costs the LAN an address, and where a router
 * answers for all of them there would soon be none for anybody.
 */
const CONFLICTS_MAX = 10;
const CONFLICTS_PAUSE_MS = 60_000;
/**
 * How long an answer is waited for that would extend a lease: a part of what is left (RFC 2131, section
 * 4.4.5, has a half), and at least a minute or, of short leases, a part of them, so that many tries fit.
 */
const EXTEND_LEFT_PART = 1 / 4;
const EXTEND_RETRY_MS = 60_000;
const EXTEND_RETRY_PART = 1 / 32;
const EXTEND_RETRY_MS_MIN = 1_000;
const RENEW_PART = 0.5;
const REBIND_PART = 0.875;

/** The DHCP client of one adapter. */
export class DhcpClient {
  readonly #options: DhcpClientOptions;
  readonly #parameters: readonly number[];
  #state: DhcpState = "stopped";
  #transactionId = 0;
  #startedMs = 0;
  #attempts = 0;
  #retryMs = Infinity;
  /** The offer that is asked for, or may be if no better one comes. */
  #offered: DhcpReply | undefined;
  /** The server whose last offer came to nothing, since it said no or no more: others' go before its next. 0: none. */
  #failedServer = 0;
  #lease: DhcpLease | undefined;
  /** Where the lease's server was heard from. */
  #serverMac: Uint8Array | undefined;
  #rebootAddress = 0;
  #renewMs = Infinity;
  #rebindMs = Infinity;
  #expiryMs = Infinity;
  #refusals = 0;
  /** Since an address has lasted until its lease was extended. */
  #conflicts = 0;
  #frames: Uint8Array[] = [];
  #events: DhcpEvent[] = [];

  constructor(options: DhcpClientOptions) {
    this.#options = options;
    this.#parameters = askedOptions(options.allowLanDefaultRoute);
  }

  get state(): DhcpState {
    return this.#state;
  }

  /** The lease, as long as its address may be used. */
  get lease(): DhcpLease | undefined {
    return this.#lease;
  }

  /** When `handleTimeout` is to be called next; Infinity: not before something else happens. */
  get deadlineMs(): number {
    return this.#retryMs;
  }

  /** Begins to ask: for the remembered address to be confirmed, or, if its lease is over, for it to be given anew. */
  start(nowMs: number, remembered?: RememberedLease): void {
    this.#startedMs = nowMs;
    this.#push({ type: "asking" });
    if (remembered !== undefined && remembered.leftMs > 0) {
      return this.#reboot(remembered.address, nowMs);
    }
    this.#rebootAddress = remembered?.address ?? 0;
    this.#discover(nowMs);
  }

  /**
   * The LAN was out of reach, or it may be another one: has the address confirmed, by whatever server
   * there is, and asks at once where there is none.
   */
  handleReconnect(nowMs: number): void {
    if (this.#state === "stopped") return;
    this.#startedMs = nowMs;
    if (this.#lease !== undefined) this.#reboot(this.#lease.address, nowMs);
    else this.#discover(nowMs);
  }

  /** To be called when `deadlineMs` has come; also long after it, as behind a sleep. */
  handleTimeout(nowMs: number): void {
    if (nowMs < this.#retryMs) return;
    if (this.#lease !== undefined && nowMs >= this.#expiryMs) {
      this.#lose("over");
      return this.#discover(nowMs);
    }
    switch (this.#state) {
      case "stopped":
        return;
      case "init":
        return this.#discover(nowMs);
      case "selecting":
        if (this.#offered !== undefined) return this.#take(this.#offered, nowMs);
        return this.#ask(nowMs);
      case "requesting":
      case "rebooting":
        if (this.#attempts < this.#requestsMax) return this.#sendRequest(nowMs);
        // Nobody has said no: a lease goes on until it is over.
        if (this.#lease !== undefined) return this.#extend(nowMs);
        if (this.#state === "requesting") this.#failedServer = this.#offered?.serverId ?? 0;
        return this.#discover(nowMs);
      case "bound":
      case "renewing":
      case "rebinding":
        return this.#extend(nowMs);
    }
  }

  /**
   * A reply that has come, already looked at by whoever decides on networks and options.
   *
   * @param serverMac where the frame came from, six bytes, copied
   */
  handleReply(reply: DhcpReply, serverMac: Uint8Array, nowMs: number): void {
    if (this.#state === "stopped" || reply.transactionId !== this.#transactionId) return;
    if (reply.type === DhcpMessageType.offer) return this.#handleOffer(reply, nowMs);
    if (reply.type === DhcpMessageType.ack) return this.#handleAck(reply, serverMac, nowMs);
    if (reply.type === DhcpMessageType.nak) this.#handleNak(reply, nowMs);
  }

  /** Somebody else uses the address: the server is told, and another one asked for, after a while. */
  handleConflict(nowMs: number): void {
    const lease = this.#lease;
    if (lease === undefined) return;
    this.#transactionId = this.#randomId();
    this.#send(DhcpMessageType.decline, {
      requestedAddress: lease.address,
      serverId: lease.serverId,
    }, nowMs);
    this.#lose("conflict");
    this.#conflicts++;
    this.#wait(nowMs, this.#conflicts < CONFLICTS_MAX ? DECLINE_PAUSE_MS : CONFLICTS_PAUSE_MS);
  }

  /** Gives the lease back, and asks for nothing more. */
  release(nowMs: number): void {
    const lease = this.#lease;
    if (lease !== undefined) {
      this.#transactionId = this.#randomId();
      this.#send(DhcpMessageType.release, {
        clientAddress: lease.address,
        serverId: lease.serverId,
        serverMac: this.#serverMac,
      }, nowMs);
      this.#lose("released");
    }
    this.#state = "stopped";
    this.#retryMs = Infinity;
  }

  /** The frames to be sent since the last call. */
  drainFrames(): Uint8Array[] {
    return this.#frames.splice(0);
  }

  /** What has happened since the last call. */
  drainEvents(): DhcpEvent[] {
    return this.#events.splice(0);
  }

  get #requestsMax(): number {
    const isOfEarlierRun = this.#state === "rebooting" && this.#lease === undefined;
    return isOfEarlierRun ? REBOOT_REQUESTS_MAX : REQUESTS_MAX;
  }

  #handleOffer(offer: DhcpReply, nowMs: number): void {
    if (this.#state !== "selecting" || !isUsable(offer)) return;
    if (offer.serverId !== this.#failedServer) return this.#take(offer, nowMs);
    // Where nobody else answers in time, it is taken all the same.
    this.#offered = offer;
  }

  #take(offer: DhcpReply, nowMs: number): void {
    this.#offered = offer;
    this.#state = "requesting";
    this.#attempts = 0;
    this.#sendRequest(nowMs);
  }

  #handleAck(ack: DhcpReply, serverMac: Uint8Array, nowMs: number): void {
    const asked = this.#state === "requesting"
      ? this.#offered?.address
      : this.#state === "rebooting"
      ? this.#rebootAddress
      : this.#lease?.address;
    const waits = this.#state !== "init" && this.#state !== "selecting" && this.#state !== "bound";
    // Another address than the one that was asked for is a mistake, or somebody's trick.
    if (!waits || ack.address !== asked || !isUsable(ack)) return;
    if (this.#state === "requesting" && ack.serverId !== this.#offered?.serverId) return;
    this.#serverMac = serverMac.slice();
    this.#refusals = 0;
    this.#failedServer = 0;
    this.#bind(ack, nowMs);
  }

  #bind(ack: UsableReply, nowMs: number): void {
    const before = this.#lease;
    const lease = leaseOf(ack, this.#options.allowLanDefaultRoute);
    this.#lease = lease;
    this.#state = "bound";
    // The server counts from when it was asked, and so does a client (RFC 2131, section 4.4.1).
    this.#expiryMs = nowMs + lease.leaseMs;
    const rebindMs = partOf(ack.rebindingSeconds, lease.leaseMs, REBIND_PART);
    const renewMs = Math.min(partOf(ack.renewalSeconds, lease.leaseMs, RENEW_PART), rebindMs);
    this.#renewMs = nowMs + renewMs;
    this.#rebindMs = nowMs + rebindMs;
    this.#retryMs = this.#renewMs;
    if (before !== undefined) this.#conflicts = 0;
    const isSame = before !== undefined && isSameLease(before, lease);
    this.#push({ type: isSame ? "extended" : "lease", lease });
  }

  #handleNak(nak: DhcpReply, nowMs: number): void {
    const server = this.#state === "requesting"
      ? this.#offered?.serverId
      : this.#state === "renewing"
      ? this.#lease?.serverId
      : undefined;
    const anyServer = this.#state === "rebooting" || this.#state === "rebinding";
    if (!anyServer && (server === undefined || nak.serverId !== server)) return;
    if (this.#lease !== undefined) this.#lose("refused");
    if (this.#state === "requesting") this.#failedServer = nak.serverId;
    this.#refusals++;
    // The first time at once: the address is of another network, say.
    if (this.#refusals === 1) return this.#discover(nowMs);
    this.#wait(nowMs, DECLINE_PAUSE_MS);
  }

  #discover(nowMs: number): void {
    this.#offered = undefined;
    this.#state = "selecting";
    this.#attempts = 0;
    this.#transactionId = this.#randomId();
    this.#ask(nowMs);
  }

  /** Asks whoever there is, and once more behind a pause. */
  #ask(nowMs: number): void {
    this.#send(DhcpMessageType.discover, { requestedAddress: this.#rebootAddress }, nowMs);
    this.#retryMs = nowMs + this.#backoffMs();
  }

  #wait(nowMs: number, pauseMs: number): void {
    this.#state = "init";
    this.#rebootAddress = 0;
    this.#retryMs = nowMs + pauseMs;
  }

  #reboot(address: number, nowMs: number): void {
    this.#state = "rebooting";
    this.#rebootAddress = address;
    this.#attempts = 0;
    this.#transactionId = this.#randomId();
    this.#sendRequest(nowMs);
  }

  #sendRequest(nowMs: number): void {
    const offered = this.#offered;
    const fields = this.#state === "rebooting" || offered === undefined
      ? { requestedAddress: this.#rebootAddress }
      : { requestedAddress: offered.address, serverId: offered.serverId };
    this.#send(DhcpMessageType.request, fields, nowMs);
    this.#retryMs = Math.min(nowMs + this.#backoffMs(), this.#expiryMs);
  }

  /** Asks for more time: first the lease's own server, then every one. */
  #extend(nowMs: number): void {
    const lease = this.#lease;
    if (lease === undefined) return this.#discover(nowMs);
    if (nowMs < this.#renewMs) {
      this.#state = "bound";
      this.#retryMs = this.#renewMs;
      return;
    }
    const state = nowMs >= this.#rebindMs ? "rebinding" : "renewing";
    if (this.#state !== state) {
      this.#state = state;
      this.#startedMs = nowMs;
      this.#transactionId = this.#randomId();
    }
    this.#send(DhcpMessageType.request, {
      clientAddress: lease.address,
      ...(state === "renewing" ? { serverId: lease.serverId, serverMac: this.#serverMac } : {}),
    }, nowMs);
    const endMs = state === "renewing" ? this.#rebindMs : this.#expiryMs;
    const pauseMs = Math.max(
      (endMs - nowMs) * EXTEND_LEFT_PART,
      Math.min(EXTEND_RETRY_MS, lease.leaseMs * EXTEND_RETRY_PART),
      EXTEND_RETRY_MS_MIN,
    );
    this.#retryMs = Math.min(nowMs + pauseMs, endMs);
  }

  #lose(why: DhcpLossReason): void {
    const lease = this.#lease;
    if (lease === undefined) return;
    this.#lease = undefined;
    this.#serverMac = undefined;
    this.#renewMs = this.#rebindMs = this.#expiryMs = Infinity;
    // One that is over is asked for again; one that was refused or is another's is not.
    this.#rebootAddress = why === "over" ? lease.address : 0;
    this.#push({ type: "lost", address: lease.address, why });
  }

  #send(type: DhcpMessageType, fields: Partial<DhcpRequest>, nowMs: number): void {
    this.#attempts++;
    this.#frames.push(encodeDhcpRequest({
      type,
      transactionId: this.#transactionId,
      seconds: Math.max(0, Math.floor((nowMs - this.#startedMs) / 1_000)),
      clientAddress: 0,
      requestedAddress: 0,
      serverId: 0,
      mac: this.#options.mac,
      hostName: this.#options.hostName,
      parameters: this.#parameters,
      serverMac: undefined,
      ...fields,
    }));
  }

  #push(event: DhcpEvent): void {
    this.#events.push(event);
  }

  /** 1, 2, 4, 8, 8 … s, each up to a quarter longer or shorter: not all clients at the same moment. */
  #backoffMs(): number {
    const plainMs = Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** Math.min(this.#attempts - 1, 10));
    return Math.round(plainMs * (0.75 + randomFraction(this.#options.random) / 2));
  }

  #randomId(): number {
    return readU32(this.#options.random(4), 0);
  }
}
