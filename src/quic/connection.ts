/**
 * One QUIC connection: datagrams both ways, streams, statistics.
 *
 * @module
 */

import {
  ConnectionEvent,
  ConnectionShutdownFlag,
  DatagramSendState,
  Param,
  quicFailed,
  QuicStatus,
  StreamOpenFlag,
} from "../ffi/msquic_constants.ts";
import { QUIC_ADDR, QUIC_CONNECTION_EVENT } from "../ffi/msquic_layout.ts";
import type { Slot } from "../proto/brands.ts";
import { HEADROOM_BYTES } from "../queue/buffer_pool.ts";
import { readAddress } from "./address.ts";
import type { QuicAddress } from "./address.ts";
import { readPeerCertificate } from "./certificate.ts";
import type { PeerCertificate } from "./certificate.ts";
import type { EventTarget, QuicContext } from "./context.ts";
import { applicationReason, certificateReason, checkStatus, transportReason } from "./error.ts";
import type { QuicCloseReason } from "./error.ts";
import { QuicStatistics } from "./statistics.ts";
import { QuicStream } from "./stream.ts";
import type { QuicStreamHandler } from "./stream.ts";

/**
 * What a program does when something happens to a connection. All methods are called on the
 * reactor's thread, from inside its loop; they may call any method of the connection's.
 */
export interface QuicConnectionHandler {
  /** The handshake is complete. `maxDatagramBytes` holds the first value. */
  connected(connection: QuicConnection): void;
  /** The longest datagram that can be sent has changed, after `connected`. */
  maxDatagram(connection: QuicConnection, bytes: number): void;
  /**
   * A datagram came. It lies at `offset` (the slot's headroom is in front of it), and the one
   * reference to the slot belongs to the handler now.
   */
  datagram(connection: QuicConnection, slot: Slot, offset: number, length: number): void;
  /**
   * The peer opened a bidirectional stream. Returns the stream's handler; undefined refuses it.
   */
  streamOpened(connection: QuicConnection, stream: QuicStream): QuicStreamHandler | undefined;
  /**
   * Clients only: the server's certificate, before anything is sent that depends on it. False
   * refuses it.
   * Without this method the TLS library's verdict on the chain decides, and no name is checked.
   */
  certificate?(connection: QuicConnection, certificate: PeerCertificate): boolean;
  /** The peer has shown that it is at this address and port now, which may be those of before. */
  addressChanged?(connection: QuicConnection, address: QuicAddress): void;
  /** The connection has begun to end: nothing can be sent any more. Not called after `closed`. */
  closing?(connection: QuicConnection, reason: QuicCloseReason): void;
  /** The connection has ended; it was reported exactly once, and its id may be used again. */
  closed(connection: QuicConnection, reason: QuicCloseReason): void;
}

/** Where a connection is in its life. */
export type QuicConnectionState = "opening" | "connected" | "closing" | "closed";

const EVENT = QUIC_CONNECTION_EVENT.fields;
const MAX_SEND_LENGTH_WORD = EVENT.sendEnabled.offset >> 2;
const CLIENT_CONTEXT_WORD = EVENT.clientContext.offset >> 2;
/**
 * The longest datagram that msquic takes before a server's connection has started: a packet of the
 * smallest MTU (1248) holds IPv6 and UDP headers (48), short header (1 + 4 packet number + 8
 * connection id), DATAGRAM frame header (3) and AEAD tag (16).
 */
const DATAGRAM_BYTES_INITIAL = 1248 - 48 - (1 + 4 + 8) - 3 - 16;
const SEND_STATE_WORD = EVENT.sendState.offset >> 2;

/** See {@linkcode QuicConnectionHandler}. */
export class QuicConnection implements EventTarget {
  /** A small number, unique among the open connections; used again after `closed`. */
  readonly id: number;
  /** Streams that are open. */
  readonly streams: Set<QuicStream> = new Set();
  /** Longest datagram that can be sent now; 0 before `connected`, and when none can be sent. */
  maxDatagramBytes = 0;
  /** Bytes of datagrams given to msquic that it has not sent yet. */
  unsentBytes = 0;
  /** The same in datagrams. */
  unsentCount = 0;
  /** Of these, datagrams that do not go ahead of others: msquic sends them in order. */
  unsentInOrder = 0;
  /** Datagrams sent and received. */
  datagramsSent = 0;
  datagramsReceived = 0;

  readonly #context: QuicContext;
  #handler: QuicConnectionHandler;
  #handle: Deno.PointerObject | undefined;
  #state: QuicConnectionState = "opening";
  #reason: QuicCloseReason | undefined;
  #maxDatagramKnown = false;
  /** Datagrams of the batch at hand that msquic did not take. */
  #refusals = 0;
  readonly #refuse = (contextNumber: number): void => {
    this.#refusals++;
    this.#finishFlight(contextNumber);
  };
  #localAddress: QuicAddress | undefined;

  /** Made by `QuicLibrary.connect` and `QuicListener`. */
  constructor(context: QuicContext, handler: QuicConnectionHandler) {
    this.#context = context;
    this.#handler = handler;
    this.id = context.connections.add(this);
  }

  /** Gives the connection its msquic handle. Internal. */
  attach(handle: Deno.PointerObject): void {
    this.#handle = handle;
  }

  /** Takes a connection that never started out of the tables. Internal. */
  detach(): void {
    this.#handle = undefined;
    this.#state = "closed";
    this.#context.connections.remove(this.id);
  }

  /** Replaces the handler, e.g. once it is known whose connection this is. */
  setHandler(handler: QuicConnectionHandler): void {
    this.#handler = handler;
  }

  get state(): QuicConnectionState {
    return this.#state;
  }

  /** This side's address as the kernel chose it. */
  get localAddress(): QuicAddress | undefined {
    return this.#localAddress ??= this.#address(Param.CONN_LOCAL_ADDRESS);
  }

  /**
   * Takes a datagram into the batch at hand, of at most `SEND_BATCH_MAX`, which goes by one call: by
   * {@linkcode sendBatch}, before which no other connection may be given anything. Takes over one reference to the
   * slot, whatever comes out: it is released when msquic has sent the datagram or given it up.
   *
   * While a slot is in flight its bytes must not change, and every connection that sends it must be
   * given the same offset and length.
   *
   * @param isAhead whether msquic sends it before what it holds that does not go ahead
   * @returns false if the datagram was not taken: not connected, or longer than `maxDatagramBytes`
   */
  batchDatagram(slot: Slot, offset: number, length: number, isAhead = false): boolean {
    const context = this.#context;
    if (this.#state !== "connected" || length > this.maxDatagramBytes) {
      context.pool.release(slot);
      return false;
    }
    context.addToBatch(slot, offset, length, isAhead);
    this.unsentBytes += length;
    this.unsentCount++;
    if (!isAhead) this.unsentInOrder++;
    return true;
  }

  /** Gives the batch to msquic. Returns how many of its datagrams were refused. */
  sendBatch(): number {
    const context = this.#context;
    if (context.batched === 0) return 0;
    this.#refusals = 0;
    context.sendBatch(this.#handle as Deno.PointerObject, this.#refuse);
    context.reactor.wake();
    return this.#refusals;
  }

  /**
   * Opens a bidirectional stream. The peer learns of it with the first data.
   *
   * @throws {QuicError} if the connection is closing
   */
  openStream(handler: QuicStreamHandler): QuicStream {
    const stream = new QuicStream(this.#context, this, handler);
    try {
      const out = new BigUint64Array(1);
      checkStatus(
        "MsQuicStreamOpen",
        this.#context.quic.MsQuicStreamOpen(
          this.#handle ?? null,
          StreamOpenFlag.NONE,
          this.#context.streamCallback.pointer,
          this.#context.contextPointer(stream.id),
          out,
        ),
      );
      stream.attach(Deno.UnsafePointer.create(out[0]) as Deno.PointerObject);
    } catch (error) {
      stream.detach();
      throw error;
    }
    this.streams.add(stream);
    stream.start();
    return stream;
  }

  /**
   * Closes the connection and tells the peer the application's error code. Data that was not
   * acknowledged yet may be lost; `closed` follows within three round trips.
   */
  shutdown(errorCode = 0): void {
    this.#shutdown(ConnectionShutdownFlag.NONE, errorCode);
  }

  /** Closes the connection without telling the peer, as if the process had died. */
  abandon(): void {
    this.#shutdown(ConnectionShutdownFlag.SILENT, 0);
  }

  #shutdown(flags: number, errorCode: number): void {
    if (this.#handle === undefined) return;
    this.#beginClosing(applicationReason("local", errorCode));
    this.#context.quic.MsQuicConnectionShutdown(this.#handle, flags, BigInt(errorCode));
    this.#context.reactor.wake();
  }

  /**
   * Reads the connection's statistics into an object that is kept for reuse.
   *
   * @returns false if the connection has ended; the object is unchanged then
   */
  statistics(out: QuicStatistics): boolean {
    if (this.#handle === undefined) return false;
    return out.read(this.#context.quic, this.#handle);
  }

  /** See {@linkcode EventTarget}. The order is by frequency. */
  handleEvent(event: bigint): number {
    const words = this.#context.connectionEvent32;
    switch (words[0]) {
      case ConnectionEvent.DATAGRAM_RECEIVED:
        this.#receiveDatagram();
        return QuicStatus.SUCCESS;
      case ConnectionEvent.DATAGRAM_SEND_STATE_CHANGED:
        this.#handleSendState(event, words[CLIENT_CONTEXT_WORD] | 0, words[SEND_STATE_WORD]);
        return QuicStatus.SUCCESS;
      default:
        this.#context.reactor.wake();
        return this.#handleRareEvent(words[0]);
    }
  }

  #receiveDatagram(): void {
    if (this.#state !== "connected") return;
    const slot = this.#context.receiveDatagram();
    if (slot < 0) return;
    const length = this.#context.buffer32[0];
    this.datagramsReceived++;
    this.#context.reactor.wake();
    const offset = this.#context.pool.offsetOf(slot) + HEADROOM_BYTES;
    this.#handler.datagram(this, slot, offset, length);
  }

  datagramReceived(slot: Slot, length: number): void {
    if (this.#state !== "connected") return this.#context.pool.release(slot);
    this.datagramsReceived++;
    this.#context.reactor.wake();
    const offset = this.#context.pool.offsetOf(slot) + HEADROOM_BYTES;
    this.#handler.datagram(this, slot, offset, length);
  }

  datagramSent(contextNumber: number): void {
    this.datagramsSent++;
    this.#endFlight(contextNumber);
  }

  #handleSendState(event: bigint, contextNumber: number, state: number): void {
    if (state === DatagramSendState.SENT) {
      this.datagramsSent++;
      this.#context.endDatagramEvents(event);
    } else if (state === DatagramSendState.CANCELED) this.#context.counters.droppedCanceled++;
    else return;
    this.#endFlight(contextNumber);
  }

  #endFlight(contextNumber: number): void {
    this.#finishFlight(contextNumber);
    this.#context.reactor.wake();
  }

  #finishFlight(contextNumber: number): void {
    this.unsentBytes -= this.#context.finishDatagram(contextNumber);
    this.unsentCount--;
    if (!this.#context.wasAhead(contextNumber)) this.unsentInOrder--;
  }

  #handleRareEvent(type: number): number {
    const words = this.#context.connectionEvent32;
    switch (type) {
      case ConnectionEvent.CONNECTED:
        this.#connected();
        return QuicStatus.SUCCESS;
      case ConnectionEvent.DATAGRAM_STATE_CHANGED: {
        const enabled = (words[MAX_SEND_LENGTH_WORD] & 0xff) !== 0;
        this.#changeMaxDatagram(enabled ? words[MAX_SEND_LENGTH_WORD] >>> 16 : 0);
        return QuicStatus.SUCCESS;
      }
      case ConnectionEvent.SHUTDOWN_INITIATED_BY_TRANSPORT: {
        const status = words[EVENT.transportStatus.offset >> 2];
        const code = Number(this.#context.connectionEvent64[EVENT.transportErrorCode.offset >> 3]);
        this.#beginClosing(transportReason(status, code));
        return QuicStatus.SUCCESS;
      }
      case ConnectionEvent.SHUTDOWN_INITIATED_BY_PEER: {
        const code = Number(this.#context.connectionEvent64[EVENT.peerErrorCode.offset >> 3]);
        this.#beginClosing(applicationReason("peer", code));
        return QuicStatus.SUCCESS;
      }
      case ConnectionEvent.SHUTDOWN_COMPLETE:
        this.#finish();
        return QuicStatus.SUCCESS;
      case ConnectionEvent.LOCAL_ADDRESS_CHANGED:
        this.#localAddress = undefined;
        return QuicStatus.SUCCESS;
      case ConnectionEvent.PEER_ADDRESS_CHANGED:
        this.#changeAddress();
        return QuicStatus.SUCCESS;
      case ConnectionEvent.PEER_STREAM_STARTED:
        return this.#acceptStream(this.#context.connectionEvent64[EVENT.stream.offset >> 3]);
      case ConnectionEvent.PEER_CERTIFICATE_RECEIVED:
        return this.#checkCertificate();
      default:
        return QuicStatus.SUCCESS;
    }
  }

  #connected(): void {
    if (this.#state !== "opening") return;
    this.#state = "connected";
    if (!this.#maxDatagramKnown) this.maxDatagramBytes = this.#initialMaxDatagram();
    this.#handler.connected(this);
  }

  /**
   * A listener's connection is handed over after msquic has worked out the longest datagram for the
   * first time, and it is told only of later changes.
   */
  #initialMaxDatagram(): number {
    const enabled = new Uint8Array(1);
    const handle = this.#handle as Deno.PointerObject;
    const { MsQuicGetParam } = this.#context.quic;
    MsQuicGetParam(handle, Param.CONN_DATAGRAM_SEND_ENABLED, new Uint32Array([1]), enabled);
    return enabled[0] === 0 ? 0 : DATAGRAM_BYTES_INITIAL;
  }

  #changeMaxDatagram(bytes: number): void {
    this.#maxDatagramKnown = true;
    this.maxDatagramBytes = bytes;
    if (this.#state === "connected") this.#handler.maxDatagram(this, bytes);
  }

  #changeAddress(): void {
    if (this.#state !== "connected" || this.#handler.addressChanged === undefined) return;
    const address = this.#address(Param.CONN_REMOTE_ADDRESS);
    if (address !== undefined) this.#handler.addressChanged(this, address);
  }

  #acceptStream(address: bigint): number {
    if (this.#context.streams.isFull) return QuicStatus.STREAM_LIMIT_REACHED;
    const stream = new QuicStream(this.#context, this, undefined);
    stream.attach(Deno.UnsafePointer.create(address) as Deno.PointerObject);
    this.#context.quic.MsQuicSetCallbackHandler(
      Deno.UnsafePointer.create(address),
      this.#context.streamCallback.pointer,
      this.#context.contextPointer(stream.id),
    );
    this.streams.add(stream);
    const handler = this.#state === "connected"
      ? this.#handler.streamOpened(this, stream)
      : undefined;
    if (handler === undefined) stream.abort(0);
    else stream.setHandler(handler);
    return QuicStatus.SUCCESS;
  }

  #checkCertificate(): number {
    let verdict = false;
    try {
      const certificate = readPeerCertificate(this.#context);
      verdict = this.#handler.certificate === undefined
        ? certificate.chainTrusted
        : this.#handler.certificate(this, certificate);
    } catch (error) {
      this.#context.fail(error); // and a check that fails accepts nothing
    }
    if (verdict) return QuicStatus.SUCCESS;
    this.#reason ??= certificateReason();
    return QuicStatus.BAD_CERTIFICATE;
  }

  #beginClosing(reason: QuicCloseReason): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#state = "closing";
    this.#reason ??= reason;
    this.#handler.closing?.(this, this.#reason);
  }

  /** msquic is done with the connection: gives its handle back. */
  #finish(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#beginClosing(transportReason(QuicStatus.ABORTED, 0));
    this.#state = "closed";
    this.#handle = undefined;
    this.#context.quic.MsQuicConnectionClose(handle);
    this.#context.connections.remove(this.id);
    this.#handler.closed(this, this.#reason ?? applicationReason("local", 0));
  }

  #address(parameter: number): QuicAddress | undefined {
    if (this.#handle === undefined) return undefined;
    const bytes = new Uint8Array(QUIC_ADDR.sizeBytes);
    const size = new Uint32Array([bytes.length]);
    const status = this.#context.quic.MsQuicGetParam(this.#handle, parameter, size, bytes);
    return quicFailed(status) ? undefined : readAddress(bytes);
  }
}
