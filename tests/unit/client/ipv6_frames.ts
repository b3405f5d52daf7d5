/**
 * Router advertisements and DHCPv6 messages for tests, built independently of the code under test.
 */
import {
  type Bytes,
  ethernet,
  icmpv6,
  ipv6,
  join,
  Protocol,
  Type,
  u16,
  u32,
  udp,
  type VlanTag,
} from "../../../tools/lab/frames.ts";
import { ip6 } from "../../../tools/lab/frame_bytes.ts";

export const ROUTER = "fe80::bad";
export const PLAYER = "fe80::51";
const MACS = { source: "52:54:00:00:00:01", destination: "02:00:00:00:00:51" };

/** Between the IPv6 header and the message, and in front of it. */
export interface Way {
  readonly tags?: readonly VlanTag[];
  /** Headers before the message: of its protocol's number. */
  readonly chain?: (nextHeader: number, upper: Bytes) => readonly [number, Bytes];
  /** Bytes behind the packet. */
  readonly trailerBytes?: number;
}

function frame(way: Way, protocol: number, upper: Bytes, hopLimit: number): Bytes {
  const [nextHeader, payload] = way.chain?.(protocol, upper) ?? [protocol, upper];
  const packet = ipv6({ source: ROUTER, destination: PLAYER, nextHeader, payload, hopLimit });
  const { tags = [], trailerBytes = 0 } = way;
  const whole = ethernet({ ...MACS, type: Type.ipv6, payload: packet, tags });
  return join(whole, new Uint8Array(trailerBytes));
}

/** What a router advertisement says. */
export interface Advertisement extends Way {
  readonly hopLimit?: number;
  readonly flags?: number;
  readonly lifetime?: number;
  readonly times?: number;
  readonly options?: readonly Bytes[];
  readonly code?: number;
  /** Of its packet. */
  readonly packetHopLimit?: number;
}

/** Its frame. */
export function advertisementFrame(fields: Advertisement): Bytes {
  const { hopLimit = 0, flags = 0, lifetime = 0, times = 0, options = [], code = 0 } = fields;
  const body = join([hopLimit, flags], u16(lifetime), u32(times), u32(times), ...options);
  const upper = icmpv6({ source: ROUTER, destination: PLAYER, type: 134, code, body });
  return frame(fields, Protocol.icmpv6, upper, fields.packetHopLimit ?? 255);
}

/** An option of neighbour discovery: its value without the first two bytes, which must fill 8 n − 2. */
export function ndOption(type: number, value: Uint8Array | readonly number[]): Bytes {
  return join([type, (value.length + 2) / 8], value);
}

/** A prefix option. */
export function prefixOption(text: string, flags = 0xc0): Bytes {
  const [prefix, bits] = text.split("/");
  return ndOption(3, join([Number(bits), flags], u32(3600), u32(1800), u32(0), ip6(prefix)));
}

/** What a DHCPv6 message says. */
export interface Dhcpv6 extends Way {
  readonly type?: number;
  readonly options: readonly Bytes[];
  readonly checksum?: "right" | "zero";
}

/** Its frame. */
export function dhcpv6Frame(fields: Dhcpv6): Bytes {
  const payload = join([fields.type ?? 7, 0xab, 0xcd, 0xef], ...fields.options);
  const upper = udp({
    source: ROUTER,
    destination: PLAYER,
    sourcePort: 547,
    destinationPort: 546,
    payload,
  });
  if (fields.checksum === "zero") upper.set([0, 0], 6);
  return frame(fields, Protocol.udp, upper, 64);
}

/** An option of DHCPv6. */
export function v6Option(code: number, ...value: (Uint8Array | readonly number[])[]): Bytes {
  const bytes = join(...value);
  return join(u16(code), u16(bytes.length), bytes);
}

/** An IA_NA with addresses. */
export function addressesOption(
  addresses: readonly string[],
  times: readonly [t1: number, t2: number, valid: number] = [1800, 2880, 3600],
): Bytes {
  const [t1, t2, valid] = times;
  return v6Option(
    3,
    [0, 0, 0, 7],
    u32(t1),
    u32(t2),
    ...addresses.map((text) =>
      v6Option(5, ip6(text), u32(valid), u32(valid), v6Option(13, [0, 0]))
    ),
  );
}

/** A frame that was made shorter where it lies: what is left is zero. */
export function paddedTo(bytes: Bytes, length: number): Bytes {
  return join(bytes, new Uint8Array(length - bytes.length));
}
