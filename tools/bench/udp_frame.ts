/** Frames that the benchmarks send: UDP over IPv4. */

/** Where a UDP payload begins in them. */
export const UDP_PAYLOAD_OFFSET = 42;
const IPV4_OFFSET = 14;
const UDP_OFFSET = 34;
/** The low byte of the source port, in which flows differ. */
export const FLOW_OFFSET = UDP_OFFSET + 1;

/** A frame of so many bytes between two addresses; nobody looks at its checksums. */
export function udpFrame(
  frameBytes: number,
  to: ArrayLike<number> = [2, 0, 0, 0, 0, 1],
  from: ArrayLike<number> = [2, 0, 0, 0, 0, 2],
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(frameBytes);
  frame.set(to, 0);
  frame.set(from, 6);
  frame.set([0x08, 0x00], 12);
  const ipv4 = new DataView(frame.buffer, IPV4_OFFSET);
  ipv4.setUint8(0, 0x45);
  ipv4.setUint16(2, frameBytes - IPV4_OFFSET);
  ipv4.setUint8(8, 64);
  ipv4.setUint8(9, 17);
  ipv4.setUint32(12, 0x0a4d_0001);
  ipv4.setUint32(16, 0x0a4d_0002);
  const udp = new DataView(frame.buffer, UDP_OFFSET);
  udp.setUint16(0, 27_136);
  udp.setUint16(2, 27_015);
  udp.setUint16(4, frameBytes - UDP_OFFSET);
  return frame;
}
