/**
 * QUIC connections with datagrams, by msquic, on the reactor's thread. Handlers are called from
 * inside the loop; nothing here waits, except `resolveHost`.
 *
 * Frames travel in slots of the buffer pool. A received datagram's slot belongs to the handler, with
 * one reference; `batchDatagram` takes over one reference, whatever it returns. To send one slot to
 * many connections: `retain` it once for each, and give all the same offset and length.
 *
 * ```ts
 * const reactor = createReactor();
 * const pool = new BufferPool(8192);
 * const library = QuicLibrary.open("libmsquic.so", reactor, pool); // or the library's bytes
 * const alpn = "lanparty/1";
 *
 * // A server that sends each datagram back, and each control message.
 * const credentials = { role: "server", certificateFile, privateKeyFile } as const;
 * const server = library.openConfiguration({ alpn, credentials, settings: { peerStreamsMax: 1 } });
 * const echo: QuicConnectionHandler = {
 *   connected: (connection) => console.log(formatAddress(connection.localAddress!)),
 *   maxDatagram: (connection, bytes) => console.log(connection.id, bytes),
 *   datagram: (connection, slot, offset, length) => {
 *     if (connection.batchDatagram(slot, offset, length)) connection.sendBatch();
 *   },
 *   streamOpened: () => ({
 *     data: (stream, bytes, finished) => finished ? stream.finish() : stream.send(bytes),
 *   }),
 *   closed: (connection, reason) => console.log(connection.id, reason.kind, reason.errorCode),
 * };
 * const listener = library.listen({ configuration: server, port: 443, accept: () => echo });
 *
 * // A client. `certificate` decides before anything is sent: chain, name, pin.
 * const configuration = library.openConfiguration({ alpn, credentials: { role: "client", caFile } });
 * const [address] = await resolveHost("relay.example", 443);
 * const connection = library.connect({ configuration, address, serverName: "relay.example" }, {
 *   certificate: (_connection, { leaf, chainTrusted }) => chainTrusted && nameMatches(leaf),
 *   connected: (connection) => connection.openStream(control).send(hello),
 *   maxDatagram: () => {},
 *   datagram: (_connection, slot, offset, length) => deliver(pool.bytes, offset, length, slot),
 *   streamOpened: () => undefined,
 *   closed: () => reactor.stop(),
 * });
 * reactor.addTask({ work: () => pump(connection), nextDeadlineMs: () => core.nextDeadlineMs() });
 *
 * await reactor.run();
 * library.close(); // before the reactor
 * reactor.close();
 * ```
 *
 * A pump gives msquic what it can send soon, and no more: while `connection.unsentBytes` is under a
 * limit, a batch at a time (`batchDatagram`, `sendBatch`: one call for all). It returns false when the
 * limit is reached: the loop runs it again as soon as something was sent.
 *
 * @module
 */

export { formatAddress, parseAddress, writeAddress } from "./address.ts";
export type { QuicAddress } from "./address.ts";
export type { PeerCertificate } from "./certificate.ts";
export { QUIC_SETTINGS_DEFAULT, QuicConfiguration } from "./configuration.ts";
export type { QuicConfigurationOptions, QuicCredentials, QuicSettings } from "./configuration.ts";
export { QuicConnection } from "./connection.ts";
export type { QuicConnectionHandler, QuicConnectionState } from "./connection.ts";
export { DATAGRAM_BYTES_MAX, SEND_BATCH_MAX } from "./context.ts";
export type { QuicCounters } from "./context.ts";
export { QuicError } from "./error.ts";
export type { QuicCloseKind, QuicCloseReason } from "./error.ts";
export { QuicLibrary } from "./library.ts";
export type { QuicConnectOptions } from "./library.ts";
export { QuicListener } from "./listener.ts";
export type { QuicListenOptions } from "./listener.ts";
export { resolveHost } from "./resolve.ts";
export { QuicStatistics } from "./statistics.ts";
export { QuicStream, STREAM_UNACKNOWLEDGED_BYTES_MAX } from "./stream.ts";
export type { QuicStreamHandler } from "./stream.ts";
export { ResolveCode } from "../ffi/libc_resolve.ts";
export { ResolveError } from "../system/resolver/mod.ts";
export { QuicStatus } from "../ffi/msquic_constants.ts";
