/**
 * QUIC connections with datagrams, by msquic, on the reactor's thread.
 *
 * @module
 */

export { formatAddress, parseAddress } from "./address.ts";
export type { QuicAddress } from "./address.ts";
export type { PeerCertificate } from "./certificate.ts";
export { QUIC_SETTINGS_DEFAULT, QuicConfiguration } from "./configuration.ts";
export type { QuicConfigurationOptions, QuicCredentials, QuicSettings } from "./configuration.ts";
export { QuicConnection } from "./connection.ts";
export type { QuicConnectionHandler, QuicConnectionState } from "./connection.ts";
export { DATAGRAM_BYTES_MAX } from "./context.ts";
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
export { ResolveCode, ResolveError } from "../ffi/libc_resolve.ts";
export { QuicStatus } from "../ffi/msquic_constants.ts";
