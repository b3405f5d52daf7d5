/**
 * What is different in msquic on Windows (`msquic_winuser.h`, `quic_platform_winuser.h`): statuses
 * are HRESULTs, and completions come with an OVERLAPPED. A test compiles a C program against the
 * headers and compares.
 *
 * @module
 */

import type { StructLayout } from "./layout.ts";

/** What an event of the shared completion port points at: whom to call when it is ready. */
export const CXPLAT_SQE_WINDOWS = {
  name: "CXPLAT_SQE",
  header: "quic_platform.h",
  page: "https://github.com/microsoft/msquic/blob/main/src/inc/quic_platform_winuser.h",
  sizeBytes: 40,
  fields: {
    Overlapped: { offset: 0, type: "bytes", sizeBytes: 32 },
    Completion: { offset: 32, type: "pointer" },
  },
} as const satisfies StructLayout;

/** `QUIC_STATUS` on Windows, as unsigned numbers: where the system is asked for, it must have all that Linux' has. */
export const QUIC_STATUS_WINDOWS = {
  SUCCESS: 0,
  CONTINUE: 0x000704de,
  PENDING: 0x000703e5,
  INVALID_STATE: 0x8007139f,
  NOT_FOUND: 0x80070490,
  INTERNAL_ERROR: 0x80410003,
  OUT_OF_MEMORY: 0x8007000e,
  INVALID_PARAMETER: 0x80070057,
  CONNECTION_IDLE: 0x80410005,
  PROTOCOL_ERROR: 0x80410004,
  BUFFER_TOO_SMALL: 0x8007007a,
  STREAM_LIMIT_REACHED: 0x80410008,
  ALPN_IN_USE: 0x80410009,
  ALPN_NEG_FAILURE: 0x80410007,
  VER_NEG_ERROR: 0x80410001,
  NOT_SUPPORTED: 0x80004002,
  INVALID_ADDRESS: 0x80072741,
  ADDRESS_IN_USE: 0x80072740,
  HANDSHAKE_FAILURE: 0x80410000,
  CONNECTION_TIMEOUT: 0x80410006,
  CONNECTION_REFUSED: 0x800704c9,
  UNREACHABLE: 0x800704d0,
  ABORTED: 0x80004004,
  TLS_ERROR: 0x80072b18,
  USER_CANCELED: 0x80410002,
  CLOSE_NOTIFY: 0x80410100,
  BAD_CERTIFICATE: 0x8041012a,
  UNSUPPORTED_CERTIFICATE: 0x8041012b,
  REVOKED_CERTIFICATE: 0x8041012c,
  EXPIRED_CERTIFICATE: 0x8041012d,
  UNKNOWN_CERTIFICATE: 0x8041012e,
  REQUIRED_CERTIFICATE: 0x80410174,
  CERT_EXPIRED: 0x800b0101,
  CERT_UNTRUSTED_ROOT: 0x800b0109,
  CERT_NO_CERT: 0x8009030e,
} as const;
