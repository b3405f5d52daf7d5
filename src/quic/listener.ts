/**
 * A listener: accepts connections on a UDP port.
 *
 * @module
 */

import { ListenerEvent, Param, quicFailed, QuicStatus } from "../ffi/msquic_constants.ts";
import { QUIC_ADDR, QUIC_LISTENER_EVENT, QUIC_NEW_CONNECTION_INFO } from "../ffi/msquic_layout.ts";
import { formatAddress, parseAddress, readAddress } from "./address.ts";
import { writeAddress, writeWildcardAddress } from "./address.ts";
import type { QuicAddress } from "./address.ts";
import type { QuicConfiguration } from "./configuration.ts";
import { QuicConnection } from "./connection.ts";
import type { QuicConnectionHandler } from "./connection.ts";
import type { EventTarget, QuicContext } from "./context.ts";
import { checkStatus, transportReason } from "./error.ts";

/** What a listener is made from. */
export interface QuicListenOptions {
  readonly configuration: QuicConfiguration;
  /** A literal address; undefined or "" accepts IPv4 and IPv6 on every interface. */
  readonly host?: string;
  /** UDP port; 0 lets the kernel choose. */
  readonly port: number;
  /**
   * A connection arrives, its handshake not complete. Returns its handler, or undefined to refuse it
   * (the peer sees `refused`).
   * @param serverName the name that the peer asked for (SNI), "" if it named none; unchecked
   * @param local the address that it has come to
   */
  accept(
    remote: QuicAddress,
    serverName: string,
    local: QuicAddress,
  ): QuicConnectionHandler | undefined;
}

const EVENT = QUIC_LISTENER_EVENT.fields;
const INFO = QUIC_NEW_CONNECTION_INFO.fields;

/** See the module's comment. Made by `QuicLibrary.listen`. */
export class QuicListener implements EventTarget {
  readonly id: number;
  readonly #context: QuicContext;
  readonly #options: QuicListenOptions;
  #configuration: QuicConfiguration;
  #handle: Deno.PointerValue = null;

  /** @throws {QuicError} with status ADDRESS_IN_USE if another process has the port */
  constructor(context: QuicContext, options: QuicListenOptions) {
    this.#context = context;
    this.#options = options;
    this.#configuration = options.configuration;
    const local = localAddress(options);
    this.id = context.listeners.add(this);
    try {
      const out = new BigUint64Array(1);
      checkStatus(
        "MsQuicListenerOpen",
        context.quic.MsQuicListenerOpen(
          context.registration,
          context.listenerCallback.pointer,
          context.contextPointer(this.id),
          out,
        ),
      );
      this.#handle = Deno.UnsafePointer.create(out[0]);
      checkStatus(
        "MsQuicListenerStart",
        context.quic.MsQuicListenerStart(
          this.#handle,
          options.configuration.alpn.bytes,
          1,
          local.bytes,
        ),
        local.text,
      );
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The address that it listens on, with the port that was chosen. */
  get localAddress(): QuicAddress | undefined {
    if (this.#handle === null) return undefined;
    const bytes = new Uint8Array(QUIC_ADDR.sizeBytes);
    const size = new Uint32Array([bytes.length]);
    const { MsQuicGetParam } = this.#context.quic;
    const status = MsQuicGetParam(this.#handle, Param.LISTENER_LOCAL_ADDRESS, size, bytes);
    return quicFailed(status) ? undefined : readAddress(bytes);
  }

  /**
   * From now on connections get another configuration, of the same protocol; those that are open or
   * in their handshake keep theirs. Returns the one before, for the caller to close.
   */
  useConfiguration(configuration: QuicConfiguration): QuicConfiguration {
    const before = this.#configuration;
    this.#configuration = configuration;
    return before;
  }

  /** Accepts no more connections; those that are open stay. */
  close(): void {
    if (this.#handle !== null) {
      this.#context.quic.MsQuicListenerClose(this.#handle);
      this.#handle = null;
    }
    this.#context.listeners.remove(this.id);
  }

  /** See {@linkcode EventTarget}. Listener events are rare: they are read by pointer. */
  handleEvent(event: bigint): number {
    const pointer = Deno.UnsafePointer.create(event);
    if (pointer === null) return QuicStatus.SUCCESS;
    const view = new Deno.UnsafePointerView(pointer);
    if (view.getUint32(EVENT.Type.offset) !== ListenerEvent.NEW_CONNECTION) {
      return QuicStatus.SUCCESS;
    }
    const handle = view.getPointer(EVENT.Connection.offset);
    const info = view.getPointer(EVENT.Info.offset);
    if (handle === null || info === null) return QuicStatus.INVALID_STATE;
    return this.#accept(handle, new Deno.UnsafePointerView(info));
  }

  #accept(handle: Deno.PointerObject, info: Deno.UnsafePointerView): number {
    if (this.#context.connections.isFull) return QuicStatus.CONNECTION_REFUSED;
    const remote = readAddressAt(info.getPointer(INFO.RemoteAddress.offset));
    const local = readAddressAt(info.getPointer(INFO.LocalAddress.offset));
    if (remote === undefined || local === undefined) return QuicStatus.INVALID_STATE;
    const handler = this.#options.accept(remote, readServerName(info), local);
    if (handler === undefined) return QuicStatus.CONNECTION_REFUSED;
    const connection = new QuicConnection(this.#context, handler);
    const { quic } = this.#context;
    quic.MsQuicSetCallbackHandler(
      handle,
      this.#context.connectionCallback.pointer,
      this.#context.contextPointer(connection.id),
    );
    const status = quic.MsQuicConnectionSetConfiguration(handle, this.#configuration.handle);
    if (quicFailed(status)) {
      connection.detach(); // msquic keeps the handle of a connection that is refused
      handler.closed(connection, transportReason(status, 0));
      return status;
    }
    connection.attach(handle);
    this.#context.reactor.wake();
    return QuicStatus.SUCCESS;
  }
}

function readAddressAt(pointer: Deno.PointerValue): QuicAddress | undefined {
  if (pointer === null) return undefined;
  const bytes = new Uint8Array(QUIC_ADDR.sizeBytes);
  new Deno.UnsafePointerView(pointer).copyInto(bytes);
  return readAddress(bytes);
}

function readServerName(info: Deno.UnsafePointerView): string {
  const pointer = info.getPointer(INFO.ServerName.offset);
  if (pointer === null) return "";
  const bytes = new Uint8Array(info.getUint16(INFO.ServerNameLength.offset));
  new Deno.UnsafePointerView(pointer).copyInto(bytes);
  return new TextDecoder().decode(bytes);
}

function localAddress({ host, port }: QuicListenOptions) {
  if (host === undefined || host === "") {
    return { bytes: writeWildcardAddress(port), text: `port ${port}` };
  }
  const address = parseAddress(host, port);
  if (address === undefined) throw new TypeError(`not an IP address: ${host}`);
  return { bytes: writeAddress(address), text: formatAddress(address) };
}
