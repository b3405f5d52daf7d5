/** One name for all addresses that one host can have. */

/**
 * What stands for one host among network addresses: an IPv4 address whole (also when mapped into IPv6),
 * an IPv6 address by its /64, which one subscriber has to himself. A port, brackets and a zone are left
 * out; text that is no address stands for itself.
 */
export function addressKey(address: string): string {
  const host = /^\[(.*)\](?::\d+)?$/.exec(address)?.[1] ??
    (/^[^:]*:\d+$/.test(address) ? address.slice(0, address.indexOf(":")) : address);
  if (!host.includes(":")) return host;
  const bare = host.replace(/%.*$/, "").toLowerCase();
  const mapped = /^(?:0*:)*:?ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  if (mapped !== null) return mapped[1];
  const [head, tail] = bare.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const rest = tail === "" ? 0 : tail.split(":").length;
    while (groups.length < Math.min(4, 8 - rest)) groups.push("0");
    if (groups.length < 4) groups.push(...tail.split(":"));
  }
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
