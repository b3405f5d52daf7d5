/**
 * Linux' IPv4 routes, as `/proc/net/route` lists them: by which interface a packet leaves that no
 * program has bound to one.
 *
 * @module
 */

/** One route of the main table. */
export interface LinuxRoute {
  readonly interfaceName: string;
  /** Address and mask as numbers, the first octet highest. */
  readonly destination: number;
  readonly mask: number;
  readonly metric: number;
}

/** The file's routes that are up (proc(5): numbers are hexadecimal, in the machine's byte order). */
export function parseRoutes(text: string): LinuxRoute[] {
  const RTF_UP = 1;
  return text.split("\n").slice(1).flatMap((line) => {
    const [interfaceName, destination, , flags, , , metric, mask] = line.trim().split(/\s+/);
    if (mask === undefined || (parseInt(flags, 16) & RTF_UP) === 0) return [];
    return [{
      interfaceName,
      destination: swap(parseInt(destination, 16)),
      mask: swap(parseInt(mask, 16)),
      metric: Number(metric),
    }];
  });
}

/** The interface of the best route to an address; undefined: there is none. */
export function interfaceTo(
  routes: readonly LinuxRoute[],
  address: readonly number[],
): string | undefined {
  const wanted = ((address[0] << 24) | (address[1] << 16) | (address[2] << 8) | address[3]) >>> 0;
  const fitting = routes.filter(({ destination, mask }) => ((wanted & mask) >>> 0) === destination);
  fitting.sort((one, other) => other.mask - one.mask || one.metric - other.metric);
  return fitting[0]?.interfaceName;
}

function swap(number: number): number {
  const bytes = [number & 0xff, (number >>> 8) & 0xff, (number >>> 16) & 0xff, number >>> 24];
  return ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]) >>> 0;
}
