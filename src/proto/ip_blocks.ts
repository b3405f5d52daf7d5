/**
 * Blocks of IP addresses that mean something inside of some network alone (IANA's special-purpose registries).
 *
 * @module
 */
import {
  type IpNetwork,
  IPV4_BYTES,
  isInNetwork,
  isLoopback,
  isUnspecified,
  parseCidr,
  parseIpAddress,
} from "./ip.ts";

/** A block of addresses that nobody has on the internet. */
export interface PrivateBlock extends IpNetwork {
  /** The least prefix length that a LAN in it may have. */
  readonly lanPrefixBitsMin: number;
  /** As people know it. */
  readonly text: string;
  readonly source: string;
}

/** All of them. */
export const PRIVATE_BLOCKS: readonly PrivateBlock[] = [
  block("10.0.0.0/8", 8, "private use, RFC 1918"),
  block("172.16.0.0/12", 12, "private use, RFC 1918"),
  block("192.168.0.0/16", 16, "private use, RFC 1918"),
  block("100.64.0.0/10", 10, "shared by providers' customers, RFC 6598"),
  block("169.254.0.0/16", 16, "link-local, RFC 3927"),
  // Each site has a /48 of its own (RFC 4193 section 3.1).
  block("fc00::/7", 48, "unique local, RFC 4193; of one site, so 48 bits at least"),
];

function block(text: string, lanPrefixBitsMin: number, source: string): PrivateBlock {
  const network = parseCidr(text);
  if (network === undefined) throw new Error(`${text} is no network`);
  return { ...network, lanPrefixBitsMin, text, source };
}

/** The block that an address lies in; undefined: somebody may have it on the internet. */
export function privateBlockOf(address: Uint8Array): PrivateBlock | undefined {
  return PRIVATE_BLOCKS.find((one) => isInNetwork(address, one.address, one.prefixBits));
}

/** Whether the address of 4 or 16 bytes at `bytes[at]` is link-local: each link has the same. */
export function isLinkLocal(bytes: Uint8Array, at = 0, addressBytes = bytes.length): boolean {
  return addressBytes === IPV4_BYTES
    ? bytes[at] === 169 && bytes[at + 1] === 254
    : bytes[at] === 0xfe && (bytes[at + 1] & 0xc0) === 0x80;
}

/** Whether an address means nothing outside of a network, or of a machine. */
export function isLocalAddress(address: Uint8Array): boolean {
  return isLoopback(address) || isUnspecified(address) || isLinkLocal(address) ||
    privateBlockOf(address) !== undefined;
}

/** Whether a text is such an address: no name is. */
export function isLocalHost(host: string): boolean {
  const address = parseIpAddress(host);
  return address !== undefined && isLocalAddress(address);
}

/** Whether a text is an address that means something everywhere: no name is. */
export function isPublicHost(host: string): boolean {
  return parseIpAddress(host) !== undefined && !isLocalHost(host);
}
