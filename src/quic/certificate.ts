/**
 * The peer's certificate as msquic shows it during the handshake.
 *
 * @module
 */

import { QuicStatus, quicStatusName } from "../ffi/msquic_constants.ts";
import { QUIC_CONNECTION_EVENT } from "../ffi/msquic_layout.ts";
import type { QuicContext } from "./context.ts";
import { certificatesOfPkcs7 } from "./pkcs7.ts";

const EVENT = QUIC_CONNECTION_EVENT.fields;

/** Longest certificate or chain that is looked at. */
const CERTIFICATE_BYTES_MAX = 1 << 20;

/** A server's certificate and what the TLS library found about its chain. */
export interface PeerCertificate {
  /** The leaf as DER (X.509). Empty if the peer showed none. */
  readonly leaf: Uint8Array<ArrayBuffer>;
  /** The chain as DER, leaf first, as far as the TLS library could build it. */
  readonly chain: readonly Uint8Array<ArrayBuffer>[];
  /**
   * Whether the chain ends in a CA of the configuration's file, every signature and date on it
   * being right. Says nothing about the name.
   */
  readonly chainTrusted: boolean;
  /** The status behind `chainTrusted`, and in words. */
  readonly chainStatus: number;
  readonly chainMessage: string;
}

/** Reads the certificate event in the context's scratch memory. */
export function readPeerCertificate(context: QuicContext): PeerCertificate {
  const status = context.connectionEvent32[EVENT.deferredStatus.offset >> 2];
  const leafAddress = context.connectionEvent64[EVENT.certificate.offset >> 3];
  const chainAddress = context.connectionEvent64[EVENT.chain.offset >> 3];
  const leaf = readBuffer(context, leafAddress);
  return {
    leaf,
    chain: certificatesOfPkcs7(readBuffer(context, chainAddress)),
    chainTrusted: status === QuicStatus.SUCCESS && leaf.length > 0,
    chainStatus: status,
    chainMessage: quicStatusName(status),
  };
}

/** A copy of what the `QUIC_BUFFER` at an address holds. */
function readBuffer(context: QuicContext, address: bigint): Uint8Array<ArrayBuffer> {
  if (address === 0n) return new Uint8Array(0);
  context.memory.memcpy(context.buffer32, address, 16n);
  const bytes = new Uint8Array(Math.min(context.buffer32[0], CERTIFICATE_BYTES_MAX));
  const source = context.buffer64[1];
  if (bytes.length > 0 && source !== 0n) {
    context.memory.memcpy(bytes, source, BigInt(bytes.length));
  }
  return bytes;
}
