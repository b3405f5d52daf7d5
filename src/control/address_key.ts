/**
 * One name for all addresses that one host can have.
 *
 * @module
 */
import { formatIp, IPV4_BYTES, networkOf, parseIpAddress } from "../proto/ip.ts";

/** Of an IPv6 address: what one subscriber has to himself. */
const IPV6_KEY_BITS = 64;

/**
 * What stands for one host among network addresses: an IPv4 address whole (also when mapped into IPv6),
 * an IPv6 address by its /64, which one subscriber has to himself. A port, brackets and a zone are left
 * out; text that is no address stands for itself.
 */
export function addressKey(address: string): string {
  const host = /^\[(.*)\](?::\d+)?$/.exec(address)?.[1] ??
    (/^[^:]*:\d+$/.test(address) ? address.slice(0, address.indexOf(":")) : address);
  const bytes = parseIpAddress(host);
  if (bytes === undefined) return host;
  return bytes.length === IPV4_BYTES
    ? formatIp(bytes)
    : `${formatIp(networkOf(bytes, IPV6_KEY_BITS))}/${IPV6_KEY_BITS}`;
}
