/**
 * IP addresses, networks and routes as values: 4 bytes are IPv4, 16 are IPv6.
 *
 * @module
 */

/** One route of a system's table. */
export interface IpRoute {
  /** The network's address, 4 or 16 bytes. */
  readonly destination: Uint8Array;
  /** 0: the default route. */
  readonly prefixBits: number;
  /** As long as the destination; all zero: the destination is on the interface's own link. */
  readonly nextHop: Uint8Array;
  readonly interfaceIndex: number;
  /** The route's own share; the interface's is added to it. */
  readonly metric: number;
}

/** An address of an interface, with the network that it is in. */
export interface IpAddress {
  readonly interfaceIndex: number;
  readonly address: Uint8Array;
  readonly prefixBits: number;
}

/** Whether an address lies in a network; addresses of the other version never do. */
export function isInNetwork(address: Uint8Array, network: Uint8Array, prefixBits: number): boolean {
  if (address.length !== network.length) return false;
  const whole = prefixBits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== network[i]) return false;
  const restBits = prefixBits & 7;
  return restBits === 0 || (address[whole] ^ network[whole]) >> (8 - restBits) === 0;
}

/** Whether two networks have addresses in common. */
export function networksOverlap(
  one: Pick<IpAddress, "address" | "prefixBits">,
  other: Pick<IpAddress, "address" | "prefixBits">,
): boolean {
  return isInNetwork(one.address, other.address, Math.min(one.prefixBits, other.prefixBits));
}

/** Whether two routes lead to the same place by the same way; their metrics may differ. */
export function isSameRoute(one: IpRoute, other: IpRoute): boolean {
  return one.interfaceIndex === other.interfaceIndex && one.prefixBits === other.prefixBits &&
    equalBytes(one.destination, other.destination) && equalBytes(one.nextHop, other.nextHop);
}

/** Whether an address is all zero: "none", or the default route's destination. */
export function isUnspecified(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0);
}

/** Whether an address is that of the machine itself: 127.0.0.0/8 or ::1. */
export function isLoopback(address: Uint8Array): boolean {
  return address.length === 4
    ? address[0] === 127
    : address.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** The address of the network that an address is in. */
export function networkOf(address: Uint8Array, prefixBits: number): Uint8Array {
  return address.map((byte, index) => {
    const keptBits = Math.min(8, Math.max(0, prefixBits - 8 * index));
    return byte & (0xff00 >> keptBits);
  });
}

/** An address as text: `192.0.2.1`, or IPv6 in RFC 5952's form. */
export function formatIp(address: Uint8Array): string {
  if (address.length === 4) return address.join(".");
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(address[i] << 8 | address[i + 1]);
  const [start, length] = longestZeros(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** Whether two byte strings are the same. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** Where the first longest run of zero groups begins, and how long it is. */
function longestZeros(groups: readonly number[]): [number, number] {
  let [start, length] = [0, 0];
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
    if (end > i) i = end;
  }
  return [start, length];
}
