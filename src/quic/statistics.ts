/**
 * A connection's statistics (`QUIC_PARAM_CONN_STATISTICS_V2`).
 *
 * @module
 */

import { Param, quicFailed } from "../ffi/msquic_constants.ts";
import { QUIC_STATISTICS_V2 } from "../ffi/msquic_layout.ts";
import type { MsQuicSymbols } from "../ffi/msquic.ts";

const FIELDS = QUIC_STATISTICS_V2.fields;

/**
 * Made once and filled again and again: reading allocates nothing. All counts are totals since the
 * connection began.
 */
export class QuicStatistics {
  /** Smoothed round trip time. */
  rttUs = 0;
  congestionWindowBytes = 0;
  packetsSent = 0;
  /** Of these, packets that the peer must acknowledge. */
  askingPacketsSent = 0;
  /** Acknowledgements that have come: ACK frames. */
  acksReceived = 0;
  /** Suspected lost and not found spurious later. */
  packetsLost = 0;
  bytesSent = 0;
  bytesReceived = 0;

  readonly #bytes = new Uint8Array(QUIC_STATISTICS_V2.sizeBytes);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #size = new Uint32Array(1);

  /** Reads a connection's values; false if msquic refuses, and nothing is changed then. */
  read(quic: MsQuicSymbols, connection: Deno.PointerObject): boolean {
    this.#size[0] = this.#bytes.length;
    const status = quic.MsQuicGetParam(
      connection,
      Param.CONN_STATISTICS_V2,
      this.#size,
      this.#bytes,
    );
    if (quicFailed(status)) return false;
    const view = this.#view;
    this.rttUs = view.getUint32(FIELDS.Rtt.offset, true);
    this.congestionWindowBytes = view.getUint32(FIELDS.SendCongestionWindow.offset, true);
    this.packetsSent = this.#count(FIELDS.SendTotalPackets.offset);
    this.askingPacketsSent = this.#count(FIELDS.SendRetransmittablePackets.offset);
    this.acksReceived = this.#count(FIELDS.RecvValidAckFrames.offset);
    this.packetsLost = this.#count(FIELDS.SendSuspectedLostPackets.offset) -
      this.#count(FIELDS.SendSpuriousLostPackets.offset);
    this.bytesSent = this.#count(FIELDS.SendTotalBytes.offset);
    this.bytesReceived = this.#count(FIELDS.RecvTotalBytes.offset);
    return true;
  }

  /** A 64-bit count as a number (exact below 2⁵³). */
  #count(offset: number): number {
    return this.#view.getUint32(offset, true) +
      this.#view.getUint32(offset + 4, true) * 4_294_967_296;
  }
}
