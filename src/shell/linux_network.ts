/**
 * The player's own networks on Linux, while the client runs. The adapter brings no route but that of its
 * own network, so that the way to the relay needs no holding; but the PC may lose it, or get another.
 */
import { type NetworkEvent, NetworkWatch } from "../client/network_watch.ts";
import { findClashes, lastingSource } from "../client/route_plan.ts";
import { parseIpAddress } from "../endpoint/ip_address.ts";
import { SystemCallError } from "../ffi/libc.ts";
import { NetlinkGroup, NetlinkNotices } from "../ffi/netlink.ts";
import { type StatusLevel, statusLine } from "../obs/status.ts";
import { equalBytes, type IpAddress } from "../proto/ip_route.ts";
import { wayTo } from "../route/linux_way.ts";
import { type Logger, logText } from "./logging.ts";

/** How often it is looked whether the kernel has told of a change. */
export const NOTICE_INTERVAL_MS = 250;
/** How often everything is looked at in any case: not all that decides on a way is told. */
const RECHECK_INTERVAL_MS = 5_000;
const GROUPS = Object.values(NetlinkGroup).reduce((all, group) => all | group, 0);

/** See the module. */
export class LinuxNetwork {
  private readonly notices = new NetlinkNotices(GROUPS);
  private readonly watch = new NetworkWatch();
  private readonly said = new Set<string>();
  private relay: Uint8Array | undefined;
  private dueMs = 0;
  private closed = false;

  constructor(private readonly tapName: string, private readonly logger: Logger) {}

  /**
   * Looks whether anything has changed.
   *
   * @param relay the address of the relay at hand, 4 or 16 bytes
   */
  check(relay: Uint8Array | undefined, nowMs: number): NetworkEvent | undefined {
    if (this.closed) return undefined;
    const isOther = relay !== undefined &&
      (this.relay === undefined || !equalBytes(relay, this.relay));
    if (isOther) {
      this.relay = relay;
      this.watch.forget();
    }
    const isNoticed = this.notices.take();
    if (!isOther && !isNoticed && nowMs < this.dueMs) return undefined;
    this.dueMs = nowMs + RECHECK_INTERVAL_MS;
    this.tellClashes();
    if (this.relay === undefined) return undefined;
    try {
      return this.look(this.relay, nowMs);
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      this.say("warning", `This PC's routes cannot be looked at (${error.message})`);
      return undefined;
    }
  }

  /** Ends the notices. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.notices.close();
  }

  private look(relay: Uint8Array, nowMs: number): NetworkEvent | undefined {
    const way = wayTo(relay);
    if (way?.isLocal) return undefined;
    const source = way?.source === undefined ? undefined : lastingSource(way.source);
    return this.watch.handleWay(way === undefined ? undefined : { ...way, source }, nowMs);
  }

  private tellClashes(): void {
    const { addresses, tapIndex } = readAddresses(this.tapName);
    for (const { network } of findClashes({ addresses }, tapIndex)) {
      const { level, text } = statusLine({ type: "sameSubnet", network, held: false });
      this.say(level, text);
    }
  }

  private say(level: StatusLevel, text: string): void {
    if (this.said.has(text)) return;
    this.said.add(text);
    logText(this.logger, level, text);
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
