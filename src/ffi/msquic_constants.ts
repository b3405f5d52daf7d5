/**
 * Constants of `msquic.h` and `msquic_posix.h` (msquic 2.5.1): events, flags, parameters, statuses.
 * A test compiles a C program against the headers and compares every one of them.
 *
 * @module
 */

import { QUIC_STATUS_WINDOWS } from "./windows_msquic.ts";

/** `MsQuicOpenVersion`'s version. */
export const QUIC_API_VERSION_2 = 2;

/** `QUIC_STATELESS_RESET_KEY_LENGTH`. */
export const STATELESS_RESET_KEY_BYTES = 32;

/** `QUIC_CONNECTION_EVENT_TYPE`. */
export const ConnectionEvent = {
  CONNECTED: 0,
  SHUTDOWN_INITIATED_BY_TRANSPORT: 1,
  SHUTDOWN_INITIATED_BY_PEER: 2,
  SHUTDOWN_COMPLETE: 3,
  LOCAL_ADDRESS_CHANGED: 4,
  PEER_ADDRESS_CHANGED: 5,
  PEER_STREAM_STARTED: 6,
  STREAMS_AVAILABLE: 7,
  PEER_NEEDS_STREAMS: 8,
  IDEAL_PROCESSOR_CHANGED: 9,
  DATAGRAM_STATE_CHANGED: 10,
  DATAGRAM_RECEIVED: 11,
  DATAGRAM_SEND_STATE_CHANGED: 12,
  RESUMED: 13,
  RESUMPTION_TICKET_RECEIVED: 14,
  PEER_CERTIFICATE_RECEIVED: 15,
} as const;

/** `QUIC_DATAGRAM_SEND_STATE`: from `SENT` on the buffer is free, from `LOST_DISCARDED` on final. */
export const DatagramSendState = {
  UNKNOWN: 0,
  SENT: 1,
  LOST_SUSPECT: 2,
  LOST_DISCARDED: 3,
  ACKNOWLEDGED: 4,
  ACKNOWLEDGED_SPURIOUS: 5,
  CANCELED: 6,
} as const;

/** `QUIC_STREAM_EVENT_TYPE`. */
export const StreamEvent = {
  START_COMPLETE: 0,
  RECEIVE: 1,
  SEND_COMPLETE: 2,
  PEER_SEND_SHUTDOWN: 3,
  PEER_SEND_ABORTED: 4,
  PEER_RECEIVE_ABORTED: 5,
  SEND_SHUTDOWN_COMPLETE: 6,
  SHUTDOWN_COMPLETE: 7,
  IDEAL_SEND_BUFFER_SIZE: 8,
  PEER_ACCEPTED: 9,
  CANCEL_ON_LOSS: 10,
} as const;

/** `QUIC_LISTENER_EVENT_TYPE`. */
export const ListenerEvent = { NEW_CONNECTION: 0, STOP_COMPLETE: 1, DOS_MODE_CHANGED: 2 } as const;

/** `QUIC_EXECUTION_PROFILE`. */
export const ExecutionProfile = { LOW_LATENCY: 0 } as const;

/** `QUIC_CREDENTIAL_TYPE`. */
export const CredentialType = { NONE: 0, CERTIFICATE_FILE: 4 } as const;

/** `QUIC_CREDENTIAL_FLAGS`. */
export const CredentialFlag = {
  NONE: 0,
  CLIENT: 0x1,
  INDICATE_CERTIFICATE_RECEIVED: 0x10,
  DEFER_CERTIFICATE_VALIDATION: 0x20,
  USE_TLS_BUILTIN_CERTIFICATE_VALIDATION: 0x80,
  USE_PORTABLE_CERTIFICATES: 0x4000,
  SET_CA_CERTIFICATE_FILE: 0x100000,
} as const;

/** `QUIC_CONGESTION_CONTROL_ALGORITHM`. */
export const CongestionControl = { CUBIC: 0, BBR: 1 } as const;

/** `QUIC_SERVER_RESUMPTION_LEVEL`. */
export const ServerResumption = { NO_RESUME: 0 } as const;

/** `QUIC_STREAM_OPEN_FLAGS`. */
export const StreamOpenFlag = { NONE: 0, UNIDIRECTIONAL: 1 } as const;

/** `QUIC_STREAM_START_FLAGS`. */
export const StreamStartFlag = { NONE: 0, SHUTDOWN_ON_FAIL: 4 } as const;

/** `QUIC_STREAM_SHUTDOWN_FLAGS`. */
export const StreamShutdownFlag = { GRACEFUL: 1, ABORT: 6 } as const;

/** `QUIC_CONNECTION_SHUTDOWN_FLAGS`. */
export const ConnectionShutdownFlag = { NONE: 0, SILENT: 1 } as const;

/** `QUIC_PARAM_*`. */
export const Param = {
  GLOBAL_RETRY_MEMORY_PERCENT: 0x01000000,
  GLOBAL_PERF_COUNTERS: 0x01000003,
  GLOBAL_LIBRARY_VERSION: 0x01000004,
  GLOBAL_STATELESS_RESET_KEY: 0x0100000b,
  LISTENER_LOCAL_ADDRESS: 0x04000000,
  CONN_LOCAL_ADDRESS: 0x05000001,
  CONN_REMOTE_ADDRESS: 0x05000002,
  CONN_SHARE_UDP_BINDING: 0x05000007,
  CONN_DATAGRAM_SEND_ENABLED: 0x0500000e,
  CONN_STATISTICS_V2: 0x05000016,
} as const;

/** `QUIC_PERFORMANCE_COUNTERS`: indices into `QUIC_PARAM_GLOBAL_PERF_COUNTERS`. */
export const PerfCounter = {
  CONN_ACTIVE: 4,
  UDP_SEND: 13,
  UDP_SEND_CALLS: 17,
  MAX: 32,
} as const;

/** Bit numbers in `QUIC_SETTINGS.IsSetFlags`. */
export const SettingBit = {
  HandshakeIdleTimeoutMs: 1,
  IdleTimeoutMs: 2,
  StreamRecvWindowDefault: 6,
  StreamRecvBufferDefault: 7,
  ConnFlowControlWindow: 8,
  InitialWindowPackets: 11,
  MaxAckDelayMs: 14,
  DisconnectTimeoutMs: 15,
  KeepAliveIntervalMs: 16,
  CongestionControlAlgorithm: 17,
  PeerBidiStreamCount: 18,
  PeerUnidiStreamCount: 19,
  MinimumMtu: 22,
  MaximumMtu: 23,
  SendBufferingEnabled: 24,
  PacingEnabled: 25,
  MigrationEnabled: 26,
  DatagramReceiveEnabled: 27,
  ServerResumptionLevel: 28,
} as const;

/** `QUIC_STATUS` on Linux: errno values, and values above 200,000,000 for TLS and certificates. */
export const QUIC_STATUS_LINUX = {
  SUCCESS: 0,
  CONTINUE: 0xffffffff,
  PENDING: 0xfffffffe,
  INVALID_STATE: 1,
  NOT_FOUND: 2,
  INTERNAL_ERROR: 5,
  OUT_OF_MEMORY: 12,
  INVALID_PARAMETER: 22,
  CONNECTION_IDLE: 62,
  PROTOCOL_ERROR: 71,
  BUFFER_TOO_SMALL: 75,
  STREAM_LIMIT_REACHED: 86,
  ALPN_IN_USE: 91,
  ALPN_NEG_FAILURE: 92,
  VER_NEG_ERROR: 93,
  NOT_SUPPORTED: 95,
  INVALID_ADDRESS: 97,
  ADDRESS_IN_USE: 98,
  HANDSHAKE_FAILURE: 103,
  CONNECTION_TIMEOUT: 110,
  CONNECTION_REFUSED: 111,
  UNREACHABLE: 113,
  ABORTED: 125,
  TLS_ERROR: 126,
  USER_CANCELED: 130,
  CLOSE_NOTIFY: 200000256,
  BAD_CERTIFICATE: 200000298,
  UNSUPPORTED_CERTIFICATE: 200000299,
  REVOKED_CERTIFICATE: 200000300,
  EXPIRED_CERTIFICATE: 200000301,
  UNKNOWN_CERTIFICATE: 200000302,
  REQUIRED_CERTIFICATE: 200000372,
  CERT_EXPIRED: 200000513,
  CERT_UNTRUSTED_ROOT: 200000514,
  CERT_NO_CERT: 200000515,
} as const;

/** The names of statuses that programs tell apart. */
export type QuicStatusName = keyof typeof QUIC_STATUS_LINUX;

/** `QUIC_STATUS` on this system. */
export const QuicStatus: Readonly<Record<QuicStatusName, number>> = Deno.build.os === "windows"
  ? QUIC_STATUS_WINDOWS
  : QUIC_STATUS_LINUX;

const STATUS_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(QuicStatus).map(([name, value]) => [value, name]),
);

/** The symbolic name of a status, or its number. */
export function quicStatusName(status: number): string {
  return STATUS_NAMES.get(status) ?? `status ${FAILS_BELOW_ZERO ? hex(status) : status}`;
}

function hex(status: number): string {
  return `0x${(status >>> 0).toString(16).padStart(8, "0")}`;
}

/** Windows' statuses are HRESULTs: those that failed have the highest bit set. */
const FAILS_BELOW_ZERO = Deno.build.os === "windows";

/**
 * `QUIC_FAILED`. On Linux: positive as a signed number; `PENDING` and `CONTINUE` are negative. On
 * Windows: negative.
 */
export function quicFailed(status: number): boolean {
  return FAILS_BELOW_ZERO ? (status | 0) < 0 : (status | 0) > 0;
}
