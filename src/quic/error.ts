/**
 * Errors of QUIC calls, and why a connection ended.
 *
 * @module
 */

import { quicFailed, QuicStatus, quicStatusName } from "../ffi/msquic_constants.ts";

/** A call of msquic's that failed: which one, and with what status. */
export class QuicError extends Error {
  override readonly name = "QuicError";
  /** The function as msquic names it, e.g. `MsQuicListenerStart`. */
  readonly call: string;
  /** Its `QUIC_STATUS`; compare with {@linkcode QuicStatus}. */
  readonly status: number;

  constructor(call: string, status: number, detail?: string) {
    const suffix = detail === undefined ? "" : ` (${detail})`;
    super(`${call} failed: ${quicStatusName(status)}${suffix}`);
    this.call = call;
    this.status = status;
  }
}

/** Throws {@linkcode QuicError} if a status says that the call failed. */
export function checkStatus(call: string, status: number, detail?: string): void {
  if (quicFailed(status)) throw new QuicError(call, status, detail);
}

/**
 * What ended a connection, as far as a program tells cases apart:
 *
 * - `application`: either side closed it with an application error code
 * - `refused`: nobody listens there, or the listener refused
 * - `unreachable`: no route to the address, or the address cannot be used
 * - `timeout`: no answer to the handshake, or none to data any more
 * - `idle`: nothing was heard for the idle timeout
 * - `reset`: the peer does not know this connection (any more): it was restarted
 * - `certificate`: the certificate was refused, by us or by the peer
 * - `alpn`: the peer does not speak this protocol
 * - `protocol`: a violation of QUIC or TLS
 * - `internal`: out of memory, or anything else that should not happen
 */
export type QuicCloseKind =
  | "application"
  | "refused"
  | "unreachable"
  | "timeout"
  | "idle"
  | "reset"
  | "certificate"
  | "alpn"
  | "protocol"
  | "internal";

/** Why a connection ended. */
export interface QuicCloseReason {
  readonly by: "local" | "peer" | "transport";
  readonly kind: QuicCloseKind;
  /** The application's error code if `kind` is `application`; else QUIC's own (RFC 9000, 20.1). */
  readonly errorCode: number;
  /** msquic's status, for logs. */
  readonly status: number;
  /** In words, for logs. */
  readonly message: string;
}

/** From the socket itself: network unreachable or down, no such host, address not available. */
const SOCKET_STATUSES = Deno.build.os === "windows"
  ? [0x80072743, 0x80072742, 0x80072751, 0x80072741]
  : [101, 100, 99];

/** Statuses of TLS and certificates that have no name here. */
function isTlsStatus(status: number): boolean {
  return Deno.build.os === "windows"
    ? (status >>> 16) === 0x8041 || (status >>> 16) === 0x800b
    : status > 200_000_000;
}

const KINDS: ReadonlyMap<number, QuicCloseKind> = new Map<number, QuicCloseKind>([
  [QuicStatus.CONNECTION_REFUSED, "refused"],
  [QuicStatus.UNREACHABLE, "unreachable"],
  [QuicStatus.INVALID_ADDRESS, "unreachable"],
  [QuicStatus.ADDRESS_IN_USE, "unreachable"],
  ...SOCKET_STATUSES.map((status): [number, QuicCloseKind] => [status, "unreachable"]),
  [QuicStatus.CONNECTION_TIMEOUT, "timeout"],
  [QuicStatus.CONNECTION_IDLE, "idle"],
  [QuicStatus.ABORTED, "reset"],
  [QuicStatus.ALPN_NEG_FAILURE, "alpn"],
  [QuicStatus.VER_NEG_ERROR, "protocol"],
  [QuicStatus.PROTOCOL_ERROR, "protocol"],
  [QuicStatus.HANDSHAKE_FAILURE, "protocol"],
  [QuicStatus.TLS_ERROR, "protocol"],
  [QuicStatus.CLOSE_NOTIFY, "protocol"],
  [QuicStatus.BAD_CERTIFICATE, "certificate"],
  [QuicStatus.UNSUPPORTED_CERTIFICATE, "certificate"],
  [QuicStatus.REVOKED_CERTIFICATE, "certificate"],
  [QuicStatus.EXPIRED_CERTIFICATE, "certificate"],
  [QuicStatus.UNKNOWN_CERTIFICATE, "certificate"],
  [QuicStatus.REQUIRED_CERTIFICATE, "certificate"],
  [QuicStatus.CERT_EXPIRED, "certificate"],
  [QuicStatus.CERT_UNTRUSTED_ROOT, "certificate"],
  [QuicStatus.CERT_NO_CERT, "certificate"],
]);

/** The reason of a shutdown by the transport. */
export function transportReason(status: number, errorCode: number): QuicCloseReason {
  return {
    by: "transport",
    kind: KINDS.get(status) ?? (isTlsStatus(status) ? "protocol" : "internal"),
    errorCode,
    status,
    message: quicStatusName(status),
  };
}

/** The reason of a shutdown by either application. */
export function applicationReason(by: "local" | "peer", errorCode: number): QuicCloseReason {
  const status = QuicStatus.SUCCESS;
  return { by, kind: "application", errorCode, status, message: `closed by ${by}: ${errorCode}` };
}

/** The reason when this side's check refused the certificate. */
export function certificateReason(): QuicCloseReason {
  return {
    by: "local",
    kind: "certificate",
    errorCode: 0x100 + 42, // CRYPTO_ERROR, bad_certificate
    status: QuicStatus.BAD_CERTIFICATE,
    message: quicStatusName(QuicStatus.BAD_CERTIFICATE),
  };
}
