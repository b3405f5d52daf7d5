/**
 * Struct layouts of msquic 2.5.1 on 64-bit systems, as far as they are used.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

const API = "https://github.com/microsoft/msquic/blob/main/docs/api";

/** A piece of memory. */
export const QUIC_BUFFER = {
  name: "QUIC_BUFFER",
  header: "msquic.h",
  page: `${API}/QUIC_BUFFER.md`,
  sizeBytes: 16,
  fields: {
    Length: { offset: 0, type: "u32" },
    Buffer: { offset: 8, type: "pointer" },
  },
} as const satisfies StructLayout;

/** Which event queue one execution uses. */
export const QUIC_EXECUTION_CONFIG = {
  name: "QUIC_EXECUTION_CONFIG",
  header: "msquic.h",
  page: "https://github.com/microsoft/msquic/blob/main/docs/Execution.md",
  sizeBytes: 16,
  fields: {
    IdealProcessor: { offset: 0, type: "u32" },
    EventQ: { offset: 8, type: "pointer" },
  },
} as const satisfies StructLayout;

/** What an event of the shared queue carries: whom to call when it is ready. */
export const CXPLAT_SQE = {
  name: "CXPLAT_SQE",
  header: "quic_platform.h",
  page: "https://github.com/microsoft/msquic/blob/main/src/inc/quic_platform_posix.h",
  sizeBytes: 16,
  fields: {
    fd: { offset: 0, type: "i32" },
    Completion: { offset: 8, type: "pointer" },
  },
} as const satisfies StructLayout;

/** Options of a registration. */
export const QUIC_REGISTRATION_CONFIG = {
  name: "QUIC_REGISTRATION_CONFIG",
  header: "msquic.h",
  page: `${API}/QUIC_REGISTRATION_CONFIG.md`,
  sizeBytes: 16,
  fields: {
    AppName: { offset: 0, type: "pointer" },
    ExecutionProfile: { offset: 8, type: "u32" },
  },
} as const satisfies StructLayout;

/** A PEM certificate with its key. */
export const QUIC_CERTIFICATE_FILE = {
  name: "QUIC_CERTIFICATE_FILE",
  header: "msquic.h",
  page: `${API}/QUIC_CREDENTIAL_CONFIG.md`,
  sizeBytes: 16,
  fields: {
    PrivateKeyFile: { offset: 0, type: "pointer" },
    CertificateFile: { offset: 8, type: "pointer" },
  },
} as const satisfies StructLayout;

/** Credentials of a configuration. */
export const QUIC_CREDENTIAL_CONFIG = {
  name: "QUIC_CREDENTIAL_CONFIG",
  header: "msquic.h",
  page: `${API}/QUIC_CREDENTIAL_CONFIG.md`,
  sizeBytes: 56,
  fields: {
    Type: { offset: 0, type: "u32" },
    Flags: { offset: 4, type: "u32" },
    CertificateFile: { offset: 8, type: "pointer" },
    Principal: { offset: 16, type: "pointer" },
    Reserved: { offset: 24, type: "pointer" },
    AsyncHandler: { offset: 32, type: "pointer" },
    AllowedCipherSuites: { offset: 40, type: "u32" },
    CaCertificateFile: { offset: 48, type: "pointer" },
  },
} as const satisfies StructLayout;

/** Transport settings. */
export const QUIC_SETTINGS = {
  name: "QUIC_SETTINGS",
  header: "msquic.h",
  page: `${API}/QUIC_SETTINGS.md`,
  sizeBytes: 144,
  fields: {
    IsSetFlags: { offset: 0, type: "u64" },
    MaxBytesPerKey: { offset: 8, type: "u64" },
    HandshakeIdleTimeoutMs: { offset: 16, type: "u64" },
    IdleTimeoutMs: { offset: 24, type: "u64" },
    StreamRecvWindowDefault: { offset: 48, type: "u32" },
    StreamRecvBufferDefault: { offset: 52, type: "u32" },
    ConnFlowControlWindow: { offset: 56, type: "u32" },
    InitialWindowPackets: { offset: 68, type: "u32" },
    MaxAckDelayMs: { offset: 80, type: "u32" },
    DisconnectTimeoutMs: { offset: 84, type: "u32" },
    KeepAliveIntervalMs: { offset: 88, type: "u32" },
    CongestionControlAlgorithm: { offset: 92, type: "u16" },
    PeerBidiStreamCount: { offset: 94, type: "u16" },
    PeerUnidiStreamCount: { offset: 96, type: "u16" },
    MinimumMtu: { offset: 102, type: "u16" },
    MaximumMtu: { offset: 104, type: "u16" },
    SendBufferingEnabled: { offset: 106, type: "bits", bit: 0, bits: 1 },
    PacingEnabled: { offset: 106, type: "bits", bit: 1, bits: 1 },
    MigrationEnabled: { offset: 106, type: "bits", bit: 2, bits: 1 },
    DatagramReceiveEnabled: { offset: 106, type: "bits", bit: 3, bits: 1 },
    ServerResumptionLevel: { offset: 106, type: "bits", bit: 4, bits: 2 },
  },
} as const satisfies StructLayout;

/** An event of a connection: the type, and a union. */
export const QUIC_CONNECTION_EVENT = {
  name: "QUIC_CONNECTION_EVENT",
  header: "msquic.h",
  page: `${API}/QUIC_CONNECTION_EVENT.md`,
  sizeBytes: 56,
  fields: {
    Type: { offset: 0, type: "u32" },
    transportStatus: { offset: 8, type: "u32", member: "SHUTDOWN_INITIATED_BY_TRANSPORT.Status" },
    transportErrorCode: {
      offset: 16,
      type: "u64",
      member: "SHUTDOWN_INITIATED_BY_TRANSPORT.ErrorCode",
    },
    peerErrorCode: { offset: 8, type: "u64", member: "SHUTDOWN_INITIATED_BY_PEER.ErrorCode" },
    handshakeCompleted: {
      offset: 8,
      type: "bits",
      bit: 0,
      bits: 1,
      member: "SHUTDOWN_COMPLETE.HandshakeCompleted",
    },
    stream: { offset: 8, type: "pointer", member: "PEER_STREAM_STARTED.Stream" },
    streamFlags: { offset: 16, type: "u32", member: "PEER_STREAM_STARTED.Flags" },
    sendEnabled: { offset: 8, type: "u8", member: "DATAGRAM_STATE_CHANGED.SendEnabled" },
    maxSendLength: { offset: 10, type: "u16", member: "DATAGRAM_STATE_CHANGED.MaxSendLength" },
    datagram: { offset: 8, type: "pointer", member: "DATAGRAM_RECEIVED.Buffer" },
    clientContext: {
      offset: 8,
      type: "pointer",
      member: "DATAGRAM_SEND_STATE_CHANGED.ClientContext",
    },
    sendState: { offset: 16, type: "u32", member: "DATAGRAM_SEND_STATE_CHANGED.State" },
    certificate: { offset: 8, type: "pointer", member: "PEER_CERTIFICATE_RECEIVED.Certificate" },
    deferredStatus: {
      offset: 20,
      type: "u32",
      member: "PEER_CERTIFICATE_RECEIVED.DeferredStatus",
    },
    chain: { offset: 24, type: "pointer", member: "PEER_CERTIFICATE_RECEIVED.Chain" },
  },
} as const satisfies StructLayout;

/** An event of a stream: the type, and a union. */
export const QUIC_STREAM_EVENT = {
  name: "QUIC_STREAM_EVENT",
  header: "msquic.h",
  page: `${API}/QUIC_STREAM_EVENT.md`,
  sizeBytes: 40,
  fields: {
    Type: { offset: 0, type: "u32" },
    startStatus: { offset: 8, type: "u32", member: "START_COMPLETE.Status" },
    totalBufferLength: { offset: 16, type: "u64", member: "RECEIVE.TotalBufferLength" },
    buffers: { offset: 24, type: "pointer", member: "RECEIVE.Buffers" },
    bufferCount: { offset: 32, type: "u32", member: "RECEIVE.BufferCount" },
    receiveFlags: { offset: 36, type: "u32", member: "RECEIVE.Flags" },
    canceled: { offset: 8, type: "u8", member: "SEND_COMPLETE.Canceled" },
    clientContext: { offset: 16, type: "pointer", member: "SEND_COMPLETE.ClientContext" },
    sendErrorCode: { offset: 8, type: "u64", member: "PEER_SEND_ABORTED.ErrorCode" },
    receiveErrorCode: { offset: 8, type: "u64", member: "PEER_RECEIVE_ABORTED.ErrorCode" },
  },
} as const satisfies StructLayout;

/** An event of a listener: the type, and a union. */
export const QUIC_LISTENER_EVENT = {
  name: "QUIC_LISTENER_EVENT",
  header: "msquic.h",
  page: `${API}/QUIC_LISTENER_EVENT.md`,
  sizeBytes: 24,
  fields: {
    Type: { offset: 0, type: "u32" },
    Info: { offset: 8, type: "pointer", member: "NEW_CONNECTION.Info" },
    Connection: { offset: 16, type: "pointer", member: "NEW_CONNECTION.Connection" },
  },
} as const satisfies StructLayout;

/** What is known of a connection that a listener was asked about. */
export const QUIC_NEW_CONNECTION_INFO = {
  name: "QUIC_NEW_CONNECTION_INFO",
  header: "msquic.h",
  page: `${API}/QUIC_NEW_CONNECTION_INFO.md`,
  sizeBytes: 72,
  fields: {
    LocalAddress: { offset: 8, type: "pointer" },
    RemoteAddress: { offset: 16, type: "pointer" },
    ServerNameLength: { offset: 30, type: "u16" },
    ServerName: { offset: 64, type: "pointer" },
  },
} as const satisfies StructLayout;

/** A socket address: the larger of `sockaddr_in` and `sockaddr_in6`. */
export const QUIC_ADDR = {
  name: "QUIC_ADDR",
  header: "msquic.h",
  page: `${API}/QUIC_ADDR.md`,
  sizeBytes: 28,
  fields: {
    family: { offset: 0, type: "u16", member: "Ip.sa_family" },
    port: { offset: 2, type: "u16", member: "Ipv4.sin_port" },
    port6: { offset: 2, type: "u16", member: "Ipv6.sin6_port" },
    ipv4: { offset: 4, type: "bytes", sizeBytes: 4, member: "Ipv4.sin_addr" },
    ipv6: { offset: 8, type: "bytes", sizeBytes: 16, member: "Ipv6.sin6_addr" },
    scopeId: { offset: 24, type: "u32", member: "Ipv6.sin6_scope_id" },
  },
} as const satisfies StructLayout;

/** `QUIC_PARAM_CONN_STATISTICS_V2`. */
export const QUIC_STATISTICS_V2 = {
  name: "QUIC_STATISTICS_V2",
  header: "msquic.h",
  page: `${API}/QUIC_STATISTICS_V2.md`,
  sizeBytes: 208,
  fields: {
    Rtt: { offset: 12, type: "u32" },
    MinRtt: { offset: 16, type: "u32" },
    MaxRtt: { offset: 20, type: "u32" },
    SendPathMtu: { offset: 60, type: "u16" },
    SendTotalPackets: { offset: 64, type: "u64" },
    SendRetransmittablePackets: { offset: 72, type: "u64" },
    SendSuspectedLostPackets: { offset: 80, type: "u64" },
    SendSpuriousLostPackets: { offset: 88, type: "u64" },
    SendTotalBytes: { offset: 96, type: "u64" },
    SendCongestionCount: { offset: 112, type: "u32" },
    RecvTotalPackets: { offset: 120, type: "u64" },
    RecvReorderedPackets: { offset: 128, type: "u64" },
    RecvDroppedPackets: { offset: 136, type: "u64" },
    RecvTotalBytes: { offset: 152, type: "u64" },
    RecvValidAckFrames: { offset: 176, type: "u64" },
    SendCongestionWindow: { offset: 188, type: "u32" },
    RttVariance: { offset: 204, type: "u32" },
  },
} as const satisfies StructLayout;
