/** Frames that stations of a party send: ordinary ones of all kinds, and those that a rule forbids. */
import type { SeededRandom } from "./random.ts";
import { TRAILER_BYTES } from "./ledger.ts";

export const BROADCAST = "ff:ff:ff:ff:ff:ff";

/** A frame, and why it must reach nobody, if it must not. */
export interface Draft {
  readonly bytes: Uint8Array;
  readonly forbidden?: string;
}

const u16 = (value: number): number[] => [value >> 8 & 0xff, value & 0xff];
const macBytes = (text: string): number[] => text.split(":").map((part) => parseInt(part, 16));

/** A frame of at least 60 bytes with room for its number at the end. */
function frame(
  destination: string,
  source: string,
  type: readonly number[],
  payload: readonly number[],
): Uint8Array {
  const head = [...macBytes(destination), ...macBytes(source), ...type, ...payload];
  const padding = Math.max(0, 60 - TRAILER_BYTES - head.length);
  return Uint8Array.from([...head, ...new Array<number>(padding + TRAILER_BYTES).fill(0)]);
}

/** UDP over IPv4, its length that of the packet with the number behind. */
function udp4(sourcePort: number, destinationPort: number, dataLength: number): number[] {
  const length = 8 + dataLength;
  return [
    ...[0x45, 0, ...u16(20 + length + TRAILER_BYTES), 0, 1, 0, 0, 64, 17, 0, 0],
    ...[192, 168, 7, 1, 192, 168, 7, 2],
    ...u16(sourcePort),
    ...u16(destinationPort),
    ...u16(length + TRAILER_BYTES),
    ...[0, 0],
    ...Array.from({ length: dataLength }, (_, i) => i & 0xff),
  ];
}

/** From the link-local address that goes with a station's MAC. */
function icmp6(type: number, source: string): number[] {
  return [
    ...[0x60, 0, 0, 0, 0, 24 + TRAILER_BYTES, 58, 255],
    ...[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, ...macBytes(source)],
    ...[0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ...[type, 0, 0, 0, ...new Array<number>(20).fill(0)],
  ];
}

/** A router advertisement behind destination options that are longer than a first piece may be. */
function hiddenAdvertisement(source: string): number[] {
  const options = [58, 90, 1, 4, ...new Array<number>(4 + 8 * 90).fill(0)];
  const advertisement = icmp6(134, source).slice(40);
  const length = options.length + advertisement.length + TRAILER_BYTES;
  return [
    ...icmp6(134, source).slice(0, 4),
    ...u16(length),
    60,
    ...icmp6(134, source).slice(7, 40),
    ...options,
    ...advertisement,
  ];
}

/** A MAC that no station has. */
const NOBODY = [0x00, 0x1b, 0x21, 0x77, 0x77, 0x77];
const IPV4 = [0x08, 0x00];
const IPV6 = [0x86, 0xdd];
const ARP = [0x08, 0x06];
const OTHER = [0x88, 0xb6];
const TAG = [0x81, 0x00, 0, 7];

/** A frame of `length` bytes that only an experiment would send. */
export function plainFrame(destination: string, source: string, length: number): Uint8Array {
  const payload = Array.from(
    { length: Math.max(0, length - 14 - TRAILER_BYTES) },
    (_, i) => i * 5 & 0xff,
  );
  return frame(destination, source, OTHER, payload);
}

/** An ordinary frame of some kind and size, the longest included. */
export function ordinaryFrame(random: SeededRandom, destination: string, source: string): Draft {
  const kind = random.integer(0, 9);
  if (kind === 0) return { bytes: frame(destination, source, ARP, new Array(46).fill(kind)) };
  if (kind === 1) return { bytes: frame(destination, source, IPV6, icmp6(135, source)) };
  if (kind <= 5) {
    const data = random.pick([10, 100, 500, 900, 1_300, 1_464]);
    const packet = udp4(random.integer(20_000, 20_005), 27_015, data);
    const tags = random.pick([[], [], TAG, [...TAG.slice(0, 2), 0, 9, ...TAG]]);
    return { bytes: frame(destination, source, [...tags, ...IPV4], packet) };
  }
  const length = random.pick([60, 64, 100, 590, 615, 800, 1_280, 1_418, 1_514, 1_522]);
  return { bytes: plainFrame(destination, source, length) };
}

/** A frame that a client must not get through to anybody. */
export function forbiddenFromClient(random: SeededRandom, source: string): Draft {
  return random.pick<() => Draft>([
    () => ({
      bytes: frame(BROADCAST, source, IPV4, udp4(67, 68, random.pick([250, 1_000]))),
      forbidden: "a DHCP server's message",
    }),
    () => ({
      bytes: frame(BROADCAST, source, [...TAG, ...IPV4], udp4(67, 68, 250)),
      forbidden: "a DHCP server's message in a VLAN",
    }),
    () => ({
      bytes: frame(BROADCAST, source, IPV6, icmp6(134, source)),
      forbidden: "a router advertisement",
    }),
    () => ({
      bytes: frame(BROADCAST, source, IPV6, hiddenAdvertisement(source)),
      forbidden: "a router advertisement behind long options",
    }),
    () => ({ bytes: frame(BROADCAST, source, IPV6, icmp6(137, source)), forbidden: "a redirect" }),
    () => ({
      bytes: plainFrame("01:80:c2:00:00:0e", source, 100),
      forbidden: "talk between switches",
    }),
    () => ({
      bytes: frame(BROADCAST, source, [...TAG, ...TAG, ...TAG, ...OTHER], new Array(60).fill(1)),
      forbidden: "three VLAN tags",
    }),
    () => ({
      bytes: frame(BROADCAST, source, IPV4, udp4(1, 2, 60).map((byte, i) => i === 9 ? 112 : byte)),
      forbidden: "talk between routers",
    }),
    () => ({
      bytes: frame(BROADCAST, source, ARP, [0, 1, 8, 0, 6, 4, 0, 2, ...NOBODY, 192, 168, 7, 9]),
      forbidden: "ARP in another's name",
    }),
  ])();
}

/** A frame that a gateway must not get through to anybody. */
export function forbiddenFromLan(random: SeededRandom, source: string): Draft {
  return random.pick<() => Draft>([
    () => ({
      bytes: frame(BROADCAST, source, IPV6, icmp6(134, source)),
      forbidden: "a router advertisement",
    }),
    () => ({
      bytes: plainFrame("01:00:0c:cc:cc:cc", source, 100),
      forbidden: "talk between switches",
    }),
    () => ({
      bytes: plainFrame("00:1b:21:77:77:77", source, 100),
      forbidden: "traffic between stations of the LAN",
    }),
    () => ({
      bytes: plainFrame(BROADCAST, "01:00:5e:00:00:01", 80),
      forbidden: "a group's source",
    }),
    () => ({ bytes: plainFrame(BROADCAST, "00:00:00:00:00:00", 80), forbidden: "a zero source" }),
  ])();
}
