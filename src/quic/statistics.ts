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
  rttMinUs = 0;
  rttMaxUs = 0;
  rttVarianceUs = 0;
  /** What the path carries, IP header included. */
  pathMtuBytes = 0;
  congestionWindowBytes = 0;
  congestionEvents = 0;
  packetsSent = 0;
  /** Suspected lost and not found spurious later. */
  packetsLost = 0;
  bytesSent = 0;
  packetsReceived = 0;
  packetsReordered = 0;
  packetsDropped = 0;
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
    this.rttMinUs = view.getUint32(FIELDS.MinRtt.offset, true);
    this.rttMaxUs = view.getUint32(FIELDS.MaxRtt.offset, true);
    this.rttVarianceUs = view.getUint32(FIELDS.RttVariance.offset, true);
    this.pathMtuBytes = view.getUint16(FIELDS.SendPathMtu.offset, true);
    this.congestionWindowBytes = view.getUint32(FIELDS.SendCongestionWindow.offset, true);
    this.congestionEvents = view.getUint32(FIELDS.SendCongestionCount.offset, true);
    this.packetsSent = this.#count(FIELDS.SendTotalPackets.offset);
    this.packetsLost = this.#count(FIELDS.SendSuspectedLostPackets.offset) -
      this.#count(FIELDS.SendSpuriousLostPackets.offset);
    this.bytesSent = this.#count(FIELDS.SendTotalBytes.offset);
    this.packetsReceived = this.#count(FIELDS.RecvTotalPackets.offset);
    this.packetsReordered = this.#count(FIELDS.RecvReorderedPackets.offset);
    this.packetsDropped = this.#count(FIELDS.RecvDroppedPackets.offset);
    this.bytesReceived = this.#count(FIELDS.RecvTotalBytes.offset);
    return true;
  }

  /** A 64-bit count as a number (exact below 2⁵³). */
  #count(offset: number): number {
    return this.#view.getUint32(offset, true) +
      this.#view.getUint32(offset + 4, true) * 4_294_967_296;
  }
}
