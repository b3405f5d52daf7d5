/**
 * Completes ordinary frames: what a Linux packet socket leaves undone of them is a checksum to be completed
 * and a VLAN tag that was taken out. Super-frames are cut in `segmenter.ts`.
 *
 * The metadata comes from the kernel, yet is made from what any station sent: every value is checked
 * against the bytes before it is used.
 *
 * @module
 */
import { dissect, Dissection, IpProtocol } from "../proto/dissect.ts";
import { ETHERNET_HEADER_BYTES, FRAME_BYTES_MAX, VLAN_TAG_BYTES } from "../proto/ethernet.ts";
import { MAC_BYTES } from "../proto/mac.ts";
import { crc32c } from "../proto/crc32c.ts";
import { copyAndSum, sumRange } from "./internet_sum.ts";
import { type LanFrame, type Offload, OffloadError, VIRTIO_NEEDS_CHECKSUM } from "./lan_frame.ts";
import { ViewCache } from "./views.ts";

const MACS_BYTES = 2 * MAC_BYTES;
/** Where SCTP has its CRC32c; no other checksum that Linux offloads is there. */
const SCTP_CHECKSUM_OFFSET = 8;

/** Completes frames in place or while copying; holds nothing but views and scratch. */
export class ChecksumCompleter {
  readonly #sources = new ViewCache();
  readonly #targets = new ViewCache();
  readonly #dissection = new Dissection();

  //= PROTOCOL.md 12
  //# Frames whose checksum or segmentation the system left to the network card are finished first;
  //# what is longer than 1522 bytes then is dropped.
  //= PROTOCOL.md 12
  //# VLAN tags stay.
  /**
   * Copies an ordinary frame to `target`, its VLAN tag put back and its checksum completed.
   *
   * @returns the frame's length there, at most `FRAME_BYTES_MAX`; or a value of {@link OffloadError}:
   *   then what the target holds is of no use
   * @throws RangeError when the target has no room for it
   */
  copy(frame: LanFrame, target: Uint8Array, targetOffset: number): number {
    const { bytes, offset, length, vlanTpid } = frame;
    const tagBytes = vlanTpid === 0 ? 0 : VLAN_TAG_BYTES;
    if (length + tagBytes > FRAME_BYTES_MAX) return OffloadError.overLong;
    if (length < ETHERNET_HEADER_BYTES) return OffloadError.invalid;
    const source = this.#sources.of(bytes);
    const view = this.#targets.of(target);
    copyAndSum(source, offset, view, targetOffset, MACS_BYTES);
    if (tagBytes !== 0) {
      view.setUint16(targetOffset + MACS_BYTES, vlanTpid);
      view.setUint16(targetOffset + MACS_BYTES + 2, frame.vlanTci);
    }
    const rest = targetOffset + tagBytes;
    if ((frame.virtioFlags & VIRTIO_NEEDS_CHECKSUM) === 0) {
      copyAndSum(source, offset + MACS_BYTES, view, rest + MACS_BYTES, length - MACS_BYTES);
      return length + tagBytes;
    }
    const start = frame.checksumStart;
    if (!isInside(frame, length)) return OffloadError.invalid;
    copyAndSum(source, offset + MACS_BYTES, view, rest + MACS_BYTES, start - MACS_BYTES);
    const sum = copyAndSum(source, offset + start, view, rest + start, length - start);
    const result = this.#write(frame, view, target, targetOffset, length + tagBytes, tagBytes, sum);
    return result < 0 ? result : length + tagBytes;
  }

  /**
   * Completes the unfinished checksum of a frame where it lies; does nothing to a finished one.
   *
   * @param offload the metadata, for the frame as it lies there
   * @returns 0, or {@link OffloadError.invalid}: then nothing was written
   */
  complete(bytes: Uint8Array, offset: number, length: number, offload: Offload): number {
    if ((offload.virtioFlags & VIRTIO_NEEDS_CHECKSUM) === 0) return 0;
    if (!isInside(offload, length)) return OffloadError.invalid;
    const view = this.#targets.of(bytes);
    const start = offload.checksumStart;
    const sum = sumRange(view, offset + start, length - start);
    return this.#write(offload, view, bytes, offset, length, 0, sum);
  }

  /**
   * Writes the checksum. The field holds the pseudo-header's sum, and everything from `checksumStart`
   * to the frame's end was added, as the kernel itself and every NIC do it. A sum of zero becomes
   * 0xffff: the same number, which in UDP does not mean "none" (RFC 768).
   */
  #write(
    offload: Offload,
    view: DataView,
    bytes: Uint8Array,
    offset: number,
    length: number,
    tagBytes: number,
    sum: number,
  ): number {
    const start = offset + tagBytes + offload.checksumStart;
    if (offload.checksumOffset === SCTP_CHECKSUM_OFFSET) {
      dissect(bytes, offset, length, this.#dissection);
      const { ipProtocol, transportOffset } = this.#dissection;
      if (ipProtocol === IpProtocol.sctp) {
        // Dissected, the header lies in the frame with its checksum.
        if (transportOffset !== start) return OffloadError.invalid;
        const field = start + SCTP_CHECKSUM_OFFSET;
        view.setUint32(field, 0);
        view.setUint32(field, crc32c(bytes, start, offset + length - start), true);
        return 0;
      }
    }
    const value = ~sum & 0xffff;
    view.setUint16(start + offload.checksumOffset, value === 0 ? 0xffff : value);
    return 0;
  }
}

/** Whether the checksum's range and field lie in a frame of `length` bytes, behind its MACs and type. */
function isInside(offload: Offload, length: number): boolean {
  const start = offload.checksumStart;
  return start >= ETHERNET_HEADER_BYTES && start + offload.checksumOffset + 2 <= length;
}
