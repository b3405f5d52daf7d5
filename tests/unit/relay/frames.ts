/** Ethernet frames and datagrams for the relay's tests, written out by hand: nothing of the code under test. */

/** `02:00:00:00:00:51` as bytes. */
export function mac(text: string): number[] {
  return text.split(":").map((part) => parseInt(part, 16));
}

export const BROADCAST = "ff:ff:ff:ff:ff:ff";

const u16 = (value: number): number[] => [value >> 8 & 0xff, value & 0xff];

/** An Ethernet frame; `type` is an EtherType or, below 0x600, an 802.3 length. */
export function ethernet(
  destination: string,
  source: string,
  type: number,
  payload: readonly number[],
): Uint8Array {
  return Uint8Array.from([...mac(destination), ...mac(source), ...u16(type), ...payload]);
}

/** A frame of `length` bytes with EtherType 0x88b6 and a payload that counts up from `seed`. */
export function plain(
  destination: string,
  source: string,
  length: number,
  seed = 0,
): Uint8Array {
  const payload = Array.from({ length: length - 14 }, (_, i) => (i * 7 + seed) & 0xff);
  return ethernet(destination, source, 0x88b6, payload);
}

/** VLAN tags in front of a payload of EtherType `inner`: the outer type, and the rest. */
export function tagged(
  outerTypes: readonly number[],
  inner: number,
  payload: readonly number[],
): { type: number; payload: number[] } {
  const rest: number[] = [];
  for (let i = 0; i < outerTypes.length; i++) {
    rest.push(...u16(i + 1), ...u16(outerTypes[i + 1] ?? inner));
  }
  return { type: outerTypes[0] ?? inner, payload: [...rest, ...payload] };
}

/** LLC and SNAP in front of a payload of EtherType `inner`. */
export function snap(
  inner: number,
  payload: readonly number[],
): { type: number; payload: number[] } {
  const all = [0xaa, 0xaa, 0x03, 0, 0, 0, ...u16(inner), ...payload];
  return { type: all.length, payload: all };
}

/** An IPv4 packet; `optionWords` 32-bit no-ops in its header. */
export function ipv4(
  protocol: number,
  payload: readonly number[],
  options: { readonly fragment?: number; readonly optionWords?: number } = {},
): number[] {
  const words = options.optionWords ?? 0;
  return [
    0x45 + words,
    0,
    ...u16(20 + 4 * words + payload.length),
    ...u16(1),
    ...u16(options.fragment ?? 0),
    64,
    protocol,
    ...u16(0),
    ...[10, 0, 0, 1],
    ...[10, 0, 0, 2],
    ...new Array<number>(4 * words).fill(1),
    ...payload,
  ];
}

/** An IPv6 packet. */
export function ipv6(nextHeader: number, payload: readonly number[]): number[] {
  return [
    0x60,
    0,
    0,
    0,
    ...u16(payload.length),
    nextHeader,
    255,
    ...[0xfe, 0x80, ...new Array<number>(13).fill(0), 1],
    ...[0xff, 0x02, ...new Array<number>(13).fill(0), 1],
    ...payload,
  ];
}

/** An IPv6 extension header of 8 bytes (hop-by-hop, routing or destination options). */
export function extension(nextHeader: number, payload: readonly number[]): number[] {
  return [nextHeader, 0, 1, 4, 0, 0, 0, 0, ...payload];
}

/** An IPv6 fragment header. */
export function fragment6(
  nextHeader: number,
  offsetBytes: number,
  more: boolean,
  payload: readonly number[],
): number[] {
  return [nextHeader, 0, ...u16(offsetBytes | (more ? 1 : 0)), 0, 0, 0, 7, ...payload];
}

export function udp(
  sourcePort: number,
  destinationPort: number,
  payloadLength = 32,
): number[] {
  const payload = new Array<number>(payloadLength).fill(0x55);
  return [...u16(sourcePort), ...u16(destinationPort), ...u16(8 + payloadLength), 0, 0, ...payload];
}

export function icmpv6(type: number, payloadLength = 24): number[] {
  return [type, 0, 0, 0, ...new Array<number>(payloadLength).fill(0)];
}

/** A datagram with a whole frame, as an endpoint sends it. */
export function whole(frame: Uint8Array, sourcePeerId = 0): Uint8Array {
  return Uint8Array.from([1, 0, ...u16(sourcePeerId), ...frame]);
}

/** A datagram with the bytes `from … to` of a frame. */
export function piece(
  frame: Uint8Array,
  from: number,
  to: number,
  options: { readonly frameId?: number; readonly more?: boolean; readonly sourcePeerId?: number } =
    {},
): Uint8Array {
  const more = options.more ?? to < frame.length;
  const header = from === 0 ? [] : frame.subarray(0, 14);
  return Uint8Array.from([
    1,
    1,
    ...u16(options.sourcePeerId ?? 0),
    ...u16(options.frameId ?? 0),
    ...u16(from | (more ? 0x8000 : 0)),
    ...header,
    ...frame.subarray(from, to),
  ]);
}
