/**
 * A bidirectional stream with bounded memory both ways.
 *
 * @module
 */

import {
  QuicStatus,
  StreamEvent,
  StreamShutdownFlag,
  StreamStartFlag,
} from "../ffi/msquic_constants.ts";
import { QUIC_BUFFER, QUIC_STREAM_EVENT } from "../ffi/msquic_layout.ts";
import type { QuicConnection } from "./connection.ts";
import type { EventTarget, QuicContext } from "./context.ts";
import { checkStatus } from "./error.ts";

/** Most bytes given to a stream and not acknowledged by the peer. */
export const STREAM_UNACKNOWLEDGED_BYTES_MAX = 1 << 20;

/** What a program does when something happens to a stream. */
export interface QuicStreamHandler {
  /**
   * Bytes came, in order; the array is the handler's to keep. `finished` says that they are the
   * last (it may come alone, with no bytes).
   */
  data(stream: QuicStream, bytes: Uint8Array<ArrayBuffer>, finished: boolean): void;
  /** The peer gave up sending, or asked this side to stop, with an application error code. */
  aborted?(stream: QuicStream, errorCode: number): void;
  /** The peer has acknowledged so many bytes more, those of one `send`: never called for what was given up. */
  acknowledged?(stream: QuicStream, bytes: number): void;
  /** The stream is over in both directions, or its connection is. */
  closed?(stream: QuicStream): void;
}

const EVENT = QUIC_STREAM_EVENT.fields;
const NO_BYTES = new Uint8Array(0);

/** A send whose memory msquic still needs. */
interface PendingSend {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly descriptor: BigUint64Array<ArrayBuffer>;
}

/** See {@linkcode QuicStreamHandler}. Made by `QuicConnection.openStream`, or by the peer. */
export class QuicStream implements EventTarget {
  readonly id: number;
  readonly connection: QuicConnection;

  readonly #context: QuicContext;
  #handler: QuicStreamHandler | undefined;
  #handle: Deno.PointerObject | undefined;
  readonly #sends: Map<number, PendingSend> = new Map();
  #nextSendId = 1;
  #unacknowledgedBytes = 0;
  #paused = false;
  /** msquic has been refused bytes, and waits to be told that it may offer them again. */
  #receiveStopped = false;
  #finishPending = false;
  #finishDelivered = false;
  #sendFinished = false;

  constructor(
    context: QuicContext,
    connection: QuicConnection,
    handler: QuicStreamHandler | undefined,
  ) {
    this.#context = context;
    this.connection = connection;
    this.#handler = handler;
    this.id = context.streams.add(this);
  }

  /** Gives the stream its msquic handle. Internal. */
  attach(handle: Deno.PointerObject): void {
    this.#handle = handle;
  }

  /** Takes a stream that was never opened out of the tables. Internal. */
  detach(): void {
    this.#handle = undefined;
    this.#context.streams.remove(this.id);
  }

  /** Starts a stream of this side's. Internal. */
  start(): void {
    checkStatus(
      "MsQuicStreamStart",
      this.#context.quic.MsQuicStreamStart(this.#handle ?? null, StreamStartFlag.SHUTDOWN_ON_FAIL),
    );
    this.#context.reactor.wake();
  }

  /** Replaces the handler. */
  setHandler(handler: QuicStreamHandler): void {
    this.#handler = handler;
  }

  /** Bytes given to `send` that the peer has not acknowledged. */
  get unacknowledgedBytes(): number {
    return this.#unacknowledgedBytes;
  }

  /**
   * Sends a copy of the bytes, in order.
   *
   * @returns false if they were not taken: the stream is finished or gone, or more than
   * {@linkcode STREAM_UNACKNOWLEDGED_BYTES_MAX} would be outstanding (the peer does not read)
   */
  send(bytes: Uint8Array): boolean {
    if (this.#handle === undefined || this.#sendFinished) return false;
    if (bytes.length === 0) return true;
    if (this.#unacknowledgedBytes + bytes.length > STREAM_UNACKNOWLEDGED_BYTES_MAX) return false;
    const copy = new Uint8Array(bytes);
    const descriptor = new BigUint64Array(QUIC_BUFFER.sizeBytes / 8);
    descriptor[0] = BigInt(copy.length);
    descriptor[1] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(copy));
    const sendId = this.#nextSendId++;
    this.#sends.set(sendId, { bytes: copy, descriptor });
    const status = this.#context.quic.MsQuicStreamSend(
      this.#handle,
      descriptor,
      1,
      0,
      this.#context.contextPointer(sendId),
    );
    if (status !== QuicStatus.PENDING && status !== QuicStatus.SUCCESS) {
      this.#sends.delete(sendId);
      return false;
    }
    this.#unacknowledgedBytes += copy.length;
    this.#context.reactor.wake();
    return true;
  }

  /** Ends this side's direction, after what was sent (FIN). */
  finish(): void {
    if (this.#handle === undefined || this.#sendFinished) return;
    this.#sendFinished = true;
    this.#context.quic.MsQuicStreamShutdown(this.#handle, StreamShutdownFlag.GRACEFUL, 0n);
    this.#context.reactor.wake();
  }

  /** Gives up both directions at once; the peer gets the application's error code. */
  abort(errorCode: number): void {
    if (this.#handle === undefined) return;
    this.#sendFinished = true;
    this.#context.quic.MsQuicStreamShutdown(
      this.#handle,
      StreamShutdownFlag.ABORT,
      BigInt(errorCode),
    );
    this.#context.reactor.wake();
  }

  /** Takes no more bytes: the peer is stopped by flow control once its window is full. */
  pause(): void {
    this.#paused = true;
  }

  /** Takes bytes again after `pause`. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#handle === undefined) return;
    if (this.#receiveStopped) {
      this.#receiveStopped = false;
      this.#context.quic.MsQuicStreamReceiveSetEnabled(this.#handle, 1);
      this.#context.reactor.wake();
    } else if (this.#finishPending) this.#deliverFinish();
  }

  /** See {@linkcode EventTarget}. */
  handleEvent(event: bigint): number {
    const words = this.#context.streamEvent32;
    this.#context.reactor.wake();
    switch (words[0]) {
      case StreamEvent.RECEIVE:
        this.#receive(event);
        break;
      case StreamEvent.SEND_COMPLETE:
        this.#completeSend(
          words[EVENT.clientContext.offset >> 2],
          (words[EVENT.canceled.offset >> 2] & 0xff) !== 0,
        );
        break;
      case StreamEvent.PEER_SEND_SHUTDOWN:
        if (this.#paused) this.#finishPending = true;
        else this.#deliverFinish();
        break;
      case StreamEvent.PEER_SEND_ABORTED:
      case StreamEvent.PEER_RECEIVE_ABORTED: {
        const code = Number(this.#context.streamEvent64[EVENT.sendErrorCode.offset >> 3]);
        this.#handler?.aborted?.(this, code);
        break;
      }
      case StreamEvent.SHUTDOWN_COMPLETE:
        this.#close();
        break;
      default:
        break;
    }
    return QuicStatus.SUCCESS;
  }

  #receive(event: bigint): void {
    const words = this.#context.streamEvent32;
    const totalBytes = words[EVENT.totalBufferLength.offset >> 2];
    if (this.#paused) {
      if (totalBytes === 0) return;
      // Nothing is taken: msquic keeps the bytes, and calls again when receiving is enabled.
      this.#receiveStopped = true;
      const nothing = new BigUint64Array(1);
      const member = event + BigInt(EVENT.totalBufferLength.offset);
      this.#context.memory.memcpyToAddress(member, nothing, 8n);
      return;
    }
    const bytes = new Uint8Array(totalBytes);
    const count = words[EVENT.bufferCount.offset >> 2];
    const buffers = new BigUint64Array(2 * count);
    this.#context.memory.memcpy(
      buffers,
      this.#context.streamEvent64[EVENT.buffers.offset >> 3],
      BigInt(buffers.byteLength),
    );
    for (let i = 0, filled = 0; i < count; i++) {
      const length = Number(buffers[2 * i] & 0xffff_ffffn);
      if (length === 0) continue;
      const part = bytes.subarray(filled, filled + length);
      this.#context.memory.memcpy(part, buffers[2 * i + 1], BigInt(length));
      filled += length;
    }
    if (totalBytes > 0) this.#handler?.data(this, bytes, false);
  }

  #deliverFinish(): void {
    this.#finishPending = false;
    if (this.#finishDelivered) return;
    this.#finishDelivered = true;
    this.#handler?.data(this, NO_BYTES, true);
  }

  #completeSend(sendId: number, isCanceled: boolean): void {
    const send = this.#sends.get(sendId);
    if (send === undefined) return;
    this.#sends.delete(sendId);
    this.#unacknowledgedBytes -= send.bytes.length;
    if (!isCanceled) this.#handler?.acknowledged?.(this, send.bytes.length);
  }

  #close(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    this.#sends.clear();
    this.#context.quic.MsQuicStreamClose(handle);
    this.#context.streams.remove(this.id);
    this.connection.streams.delete(this);
    this.#handler?.closed?.(this);
  }
}
