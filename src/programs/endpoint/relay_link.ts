/**
 * One connection of an endpoint to a relay, from its first packet to its last.
 *
 * @module
 */
import type { ClosedReason, RelayTarget } from "../../endpoint/actions.ts";
import type { Endpoint } from "../../endpoint/endpoint.ts";
import type { TrafficCounters } from "../../observe/counters.ts";
import type { FailurePlace, TransportFailure } from "../../observe/relay_reach.ts";
import type { Slot } from "../../proto/brands.ts";
import {
  type PeerCertificate,
  type QuicAddress,
  type QuicCloseKind,
  type QuicCloseReason,
  type QuicConnection,
  type QuicConnectionHandler,
  type QuicLibrary,
  type QuicStream,
  type QuicStreamHandler,
} from "../../quic/mod.ts";
import type { BufferPool } from "../../queue/buffer_pool.ts";
import type { Reactor } from "../../reactor/mod.ts";
import { spkiFingerprint } from "../../trust/fingerprint.ts";
import { DatagramPump } from "../common/datagram_pump.ts";
import type { RelayTrust, TrustJudgement } from "./relay_trust.ts";

const FAILURES: Readonly<Partial<Record<QuicCloseKind, TransportFailure>>> = {
  refused: "refused",
  unreachable: "unreachable",
  timeout: "timeout",
  idle: "timeout",
  reset: "reset",
  certificate: "certificate",
  alpn: "alpn",
};

/** What a link works with. */
export interface RelayLinkParts {
  readonly endpoint: Endpoint;
  readonly counters: TrafficCounters;
  readonly library: QuicLibrary;
  readonly trust: RelayTrust;
  readonly reactor: Reactor;
  readonly pool: BufferPool;
}

/** Who has opened a link, and hears what becomes of it. */
export interface RelayLinkOwner {
  readonly parts: RelayLinkParts;
  /** Whether a link is the one in use. */
  uses(link: RelayLink): boolean;
  /** A link's handshake is done: whether it may stay. */
  answered(link: RelayLink): boolean;
  /** What msquic calls the end of a link's connection, for those who look closer. */
  noteEnd(what: string): void;
  /** A link's connection is gone. */
  ended(link: RelayLink, reason: ClosedReason): void;
}

/** See the module. Once another link is in use, this one's events go nowhere. */
export class RelayLink implements QuicConnectionHandler {
  /** Why nothing answers there, as far as could be seen. */
  trouble: ClosedReason | undefined;
  /** Sends datagrams, once the handshake is done. */
  pump: DatagramPump | undefined;
  #connection: QuicConnection | undefined;
  #control: QuicStream | undefined;
  #refusal: (TrustJudgement & { ok: false }) | undefined;
  /** Of the certificate that was accepted. */
  #relayKey: string | undefined;
  readonly #controlHandler: QuicStreamHandler = {
    data: (_stream, bytes, finished) => {
      if (!this.#inUse) return;
      const { endpoint, reactor } = this.#owner.parts;
      if (bytes.length > 0) endpoint.handleControl(bytes, reactor.now());
      if (finished) endpoint.handleControlFinished(reactor.now());
    },
    // Half a control stream is none.
    aborted: () => {
      const { endpoint, reactor } = this.#owner.parts;
      if (this.#inUse) endpoint.handleControlFinished(reactor.now());
    },
  };

  readonly #owner: RelayLinkOwner;

  constructor(owner: RelayLinkOwner, readonly target: RelayTarget, readonly address: QuicAddress) {
    this.#owner = owner;
  }

  /** @throws {QuicError} the system cannot connect to such an address */
  open(): void {
    const { library, trust, endpoint } = this.#owner.parts;
    const { target: { serverName }, address } = this;
    const configuration = trust.configurationFor(this.target);
    endpoint.handleConnecting(address.host, address.port);
    this.#connection = library.connect({ configuration, address, serverName }, this);
  }

  /** It is this one that is used from now on: its handshake is done. */
  use(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const { endpoint, pool, counters, reactor } = this.#owner.parts;
    const { host, port } = this.address;
    this.pump = new DatagramPump(connection, pool, counters);
    endpoint.handleChosen(host, port, connection.localAddress?.port);
    const bytes = connection.maxDatagramBytes;
    endpoint.handleConnected(bytes, reactor.now(), this.#relayKey, this.target);
  }

  /** Where it is tried. */
  get place(): FailurePlace {
    return { host: this.target.host, port: this.address.port, address: this.address.host };
  }

  /** Sends on the control stream, which the first call opens. */
  send(bytes: Uint8Array): void {
    if (this.#connection?.state !== "connected") return;
    //= PROTOCOL.md 4
    //# The endpoint opens the stream when it sends its hello.
    this.#control ??= this.#connection.openStream(this.#controlHandler);
    if (!this.#control.send(bytes)) this.#connection.shutdown(0);
  }

  /** Finishes this side of the control stream. */
  finish(): void {
    this.#control?.finish();
  }

  /** Closes the connection; the session hears when it is gone. */
  close(errorCode: number): void {
    this.#connection?.shutdown(errorCode);
  }

  /** Another connection takes this one's place: nothing of it is of interest any more. */
  detach(): void {
    this.#connection?.abandon();
  }

  connected(connection: QuicConnection): void {
    if (!this.#owner.answered(this)) connection.abandon();
  }

  maxDatagram(_connection: QuicConnection, bytes: number): void {
    if (!this.#inUse) return;
    const { endpoint, reactor } = this.#owner.parts;
    endpoint.handleMaxDatagram(bytes, reactor.now());
  }

  datagram(_connection: QuicConnection, slot: Slot, offset: number, length: number): void {
    const { endpoint, pool, reactor } = this.#owner.parts;
    if (this.#inUse) endpoint.handleDatagram(pool.bytes, offset, length, reactor.roundMs);
    pool.release(slot);
  }

  streamOpened(): QuicStreamHandler | undefined {
    return undefined;
  }

  certificate(_connection: QuicConnection, certificate: PeerCertificate): boolean {
    const judgement = this.#owner.parts.trust.judge(this.target, certificate, Date.now());
    if (!judgement.ok) this.#refusal = judgement;
    else this.#relayKey = spkiFingerprint(certificate.leaf);
    return judgement.ok;
  }

  closed(_connection: QuicConnection, reason: QuicCloseReason): void {
    this.pump = undefined;
    this.#connection = undefined;
    if (reason.kind === "application") {
      const errorCode = reason.by === "peer" ? reason.errorCode : undefined;
      return this.#owner.ended(this, { errorCode, message: reason.message });
    }
    const refusal = this.#refusal;
    if (refusal === undefined) this.#owner.noteEnd(reason.message);
    this.#owner.ended(this, {
      transport: refusal === undefined ? FAILURES[reason.kind] ?? "other" : "certificate",
      certificateProblem: refusal?.problem,
      message: refusal?.message,
      place: this.place,
    });
  }

  get #inUse(): boolean {
    return this.#owner.uses(this);
  }
}
