/**
 * The player's own networks on Linux, while the client runs: the adapter brings no route but that of its
 * own network, so that only same addresses at home and at the party can be in the way.
 */
import type { NetworkEvent } from "../client/network_watch.ts";
import { findClashes } from "../client/route_plan.ts";
import { parseIpAddress } from "../endpoint/ip_address.ts";
import { statusLine } from "../obs/status.ts";
import type { IpAddress } from "../proto/ip_route.ts";
import { type Logger, logText } from "./logging.ts";

/** How often the addresses are looked at. */
export const NETWORK_INTERVAL_MS = 2_000;

/** See the module. */
export class LinuxNetwork {
  private readonly said = new Set<string>();
  private dueMs = 0;

  constructor(private readonly tapName: string, private readonly logger: Logger) {}

  /** Looks at the addresses when it is time. */
  check(nowMs: number): NetworkEvent | undefined {
    if (nowMs < this.dueMs) return undefined;
    this.dueMs = nowMs + NETWORK_INTERVAL_MS;
    const { addresses, tapIndex } = readAddresses(this.tapName);
    for (const { network } of findClashes({ addresses }, tapIndex)) {
      if (this.said.has(network)) continue;
      this.said.add(network);
      const { level, text } = statusLine({ type: "sameSubnet", network, held: false });
      logText(this.logger, level, text, { event: "sameSubnet" });
    }
    return undefined;
  }
}

/** All addresses; an interface's index is its place among the names. */
function readAddresses(tapName: string): { addresses: IpAddress[]; tapIndex: number } {
  const found = Deno.networkInterfaces();
  const names = [...new Set(found.map(({ name }) => name))];
  const addresses = found.flatMap(({ name, address, cidr }) => {
    const bytes = parseIpAddress(address);
    if (bytes === undefined) return [];
    const prefixBits = Number(cidr.split("/")[1]);
    return [{ interfaceIndex: names.indexOf(name), address: bytes, prefixBits }];
  });
  return { addresses, tapIndex: names.indexOf(tapName) };
}
