/**
 * Capture files in the classic format, e.g. of `tcpdump -w`: read and written.
 *
 * Format: https://www.tcpdump.org/manpages/pcap-savefile.5.html
 */

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const LINKTYPE_ETHERNET = 1;
const SNAPLEN_BYTES = 262144;

/** One captured frame. */
export interface CapturedPacket {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Length on the wire: more than there are bytes if the capture cut it. */
  readonly lengthBytes: number;
}

/**
 * Reads a capture file of Ethernet frames, in either byte order. A last record that is not complete
 * (the capture was still being written) is left out.
 *
 * @throws {TypeError} if it is no capture file, or not one of Ethernet frames.
 */
export function readPcap(file: Uint8Array): CapturedPacket[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < FILE_HEADER_BYTES) throw new TypeError("a capture file has 24 bytes at least");
  const littleEndian = isMagic(view.getUint32(0, true));
  if (!littleEndian && !isMagic(view.getUint32(0, false))) throw new TypeError("no capture file");
  const perSecond = view.getUint32(0, littleEndian) === MAGIC_NANOSECONDS ? 1e9 : 1e6;
  const linkType = view.getUint32(20, littleEndian) & 0x0fffffff;
  if (linkType !== LINKTYPE_ETHERNET) throw new TypeError(`link type ${linkType} is not Ethernet`);
  const packets: CapturedPacket[] = [];
  let offset = FILE_HEADER_BYTES;
  while (offset + RECORD_HEADER_BYTES <= file.length) {
    const seconds = view.getUint32(offset, littleEndian);
    const fraction = view.getUint32(offset + 4, littleEndian);
    const capturedBytes = view.getUint32(offset + 8, littleEndian);
    const lengthBytes = view.getUint32(offset + 12, littleEndian);
    const start = offset + RECORD_HEADER_BYTES;
    if (start + capturedBytes > file.length) break;
    packets.push({
      timeMs: seconds * 1000 + fraction * 1000 / perSecond,
      bytes: file.slice(start, start + capturedBytes),
      lengthBytes,
    });
    offset = start + capturedBytes;
  }
  return packets;
}

/** A capture file of Ethernet frames, for a person to open. */
export function writePcap(
  packets: readonly Pick<CapturedPacket, "timeMs" | "bytes">[],
): Uint8Array<ArrayBuffer> {
  const sizeBytes = packets.reduce(
    (sum, packet) => sum + RECORD_HEADER_BYTES + packet.bytes.length,
    FILE_HEADER_BYTES,
  );
  const file = new Uint8Array(sizeBytes);
  const view = new DataView(file.buffer);
  view.setUint32(0, MAGIC_MICROSECONDS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, SNAPLEN_BYTES, true);
  view.setUint32(20, LINKTYPE_ETHERNET, true);
  let offset = FILE_HEADER_BYTES;
  for (const { timeMs, bytes } of packets) {
    const microseconds = Math.round(timeMs * 1000);
    view.setUint32(offset, Math.floor(microseconds / 1e6), true);
    view.setUint32(offset + 4, microseconds % 1e6, true);
    view.setUint32(offset + 8, bytes.length, true);
    view.setUint32(offset + 12, bytes.length, true);
    file.set(bytes, offset + RECORD_HEADER_BYTES);
    offset += RECORD_HEADER_BYTES + bytes.length;
  }
  return file;
}

function isMagic(value: number): boolean {
  return value === MAGIC_MICROSECONDS || value === MAGIC_NANOSECONDS;
}
