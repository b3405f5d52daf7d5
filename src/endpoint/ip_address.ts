/**
 * IP addresses as bytes, for comparison with what stands in a packet.
 *
 * @module
 */

/** Bytes of an IPv4 address. */
export const IPV4_BYTES = 4;
/** Bytes of an IPv6 address. */
export const IPV6_BYTES = 16;

/**
 * Reads an IPv4 address (`192.0.2.1`) or an IPv6 address (`2001:db8::1`, `::ffff:192.0.2.1`,
 * `fe80::1%eth0`, `[::1]`). An IPv4-mapped address is given as its 4 bytes, because that is what
 * the packets carry. Undefined for anything else.
 */
export function parseIpAddress(text: string): Uint8Array | undefined {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (!bare.includes(":")) return parseIpv4(bare);
  const zone = bare.indexOf("%");
  const address = parseIpv6(zone < 0 ? bare : bare.slice(0, zone));
  if (address === undefined) return undefined;
  return isIpv4Mapped(address) ? address.slice(12) : address;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== IPV4_BYTES) return undefined;
  const address = new Uint8Array(IPV4_BYTES);
  for (let index = 0; index < IPV4_BYTES; index++) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(parts[index])) return undefined;
    const value = Number(parts[index]);
    if (value > 255) return undefined;
    address[index] = value;
  }
  return address;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0], halves.length === 1);
  if (head === undefined) return undefined;
  const address = new Uint8Array(IPV6_BYTES);
  if (halves.length === 1) {
    if (head.length !== IPV6_BYTES) return undefined;
    address.set(head);
    return address;
  }
  const tail = parseGroups(halves[1], true);
  // "::" stands for at least one group (RFC 4291 section 2.2).
  if (tail === undefined || head.length + tail.length > IPV6_BYTES - 2) return undefined;
  address.set(head);
  address.set(tail, IPV6_BYTES - tail.length);
  return address;
}

/** The bytes of groups joined by ":"; only the last may be in IPv4 form, and only at the end. */
function parseGroups(text: string, ipv4Allowed: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (let index = 0; index < groups.length; index++) {
    const group = groups[index];
    if (ipv4Allowed && index === groups.length - 1 && group.includes(".")) {
      const address = parseIpv4(group);
      if (address === undefined) return undefined;
      bytes.push(...address);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const value = parseInt(group, 16);
    bytes.push(value >> 8, value & 0xff);
  }
  return bytes;
}

function isIpv4Mapped(address: Uint8Array): boolean {
  for (let index = 0; index < 10; index++) if (address[index] !== 0) return false;
  return address[10] === 0xff && address[11] === 0xff;
}
