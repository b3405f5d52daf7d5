/**
 * What a lease gives the adapter on Linux: its address, which `linux_adapter.ts` keeps there, routes by netlink, the
 * name servers by whatever looks after them. Routes that another program takes away are set again.
 *
 * They go with the adapter, by the kernel, so nothing of them is in the journal.
 *
 * @module
 */
import { type DhcpLease, routesOf } from "../../client/dhcp_lease.ts";
import { SystemCallError } from "../../ffi/libc.ts";
import { NetlinkGroup } from "../../ffi/netlink_constants.ts";
import { NetlinkNotices } from "../../system/netlink/mod.ts";
import { LinkError } from "../../link/device.ts";
import { formatCidr, formatIpv4, type IpNetwork, ipv4Bytes, networkOf } from "../../proto/ip.ts";
import type { ChangeJournal } from "../../system/journal/mod.ts";
import { LinkNames } from "../../system/names/mod.ts";
import type { NewRoute } from "../../proto/ip_route.ts";
import { linuxTable } from "../../system/routes/mod.ts";
import { ToldTexts } from "../../observe/told_texts.ts";
import { type Logger, logText } from "../../log/logging.ts";

const GROUPS = NetlinkGroup.link | NetlinkGroup.ipv4Address | NetlinkGroup.ipv4Route;
/** How often it is looked without a notice, ms. */
const RECHECK_INTERVAL_MS = 5_000;

/** The adapter that it is about. */
export interface LeasedAdapter {
  readonly name: string;
  readonly index: number;
  /** Gives it an address in the place of the one before, and keeps it there; undefined: takes it away. */
  setAddress(address: IpNetwork | undefined): void;
}

/** See the module. */
export class LinuxLease {
  readonly #notices = new NetlinkNotices(GROUPS);
  readonly #names: LinkNames;
  readonly #told = new ToldTexts();
  #routes: readonly NewRoute[] = [];
  #dueMs = Infinity;
  readonly #adapter: LeasedAdapter;
  readonly #logger: Logger;

  constructor(
    adapter: LeasedAdapter,
    journal: ChangeJournal,
    logger: Logger,
  ) {
    this.#adapter = adapter;
    this.#logger = logger;
    this.#names = new LinkNames(adapter.name, journal);
  }

  /** Sets what a lease gives; another one's before goes. */
  set(lease: DhcpLease): void {
    const source = ipv4Bytes(lease.address);
    const address = { address: source, prefixBits: lease.prefixBits };
    const { index: interfaceIndex } = this.#adapter;
    const routes = routesOf(lease).map(({ destination, prefixBits, nextHop }): NewRoute => ({
      ...{ interfaceIndex, source, prefixBits },
      destination: networkOf(ipv4Bytes(destination), prefixBits),
      nextHop: ipv4Bytes(nextHop),
    }));
    this.#withdrawRoutes(routes);
    this.#routes = routes;
    this.#dueMs = 0;
    this.#attempt(`The address ${formatCidr(address)} could not be set`, () => {
      this.#adapter.setAddress(address);
    });
    this.#leadRoutes();
    const servers = lease.nameServers.map((server) => formatIpv4(server));
    this.#names.set({ servers, domains: lease.domains }).then((failure) => {
      if (failure !== undefined) this.#warn(`The LAN's name servers could not be set (${failure})`);
    });
  }

  /** Takes everything back; resolves when the name servers are the PC's own again. */
  async clear(): Promise<void> {
    this.#withdrawRoutes();
    this.#attempt(undefined, () => this.#adapter.setAddress(undefined));
    this.#routes = [];
    this.#dueMs = Infinity;
    const failure = await this.#names.clear();
    if (failure !== undefined) this.#warn(`The name servers could not be put back (${failure})`);
  }

  /** Looks whether the routes are still there. */
  check(nowMs: number): void {
    const isNoticed = this.#notices.take();
    if (this.#routes.length === 0 || (!isNoticed && nowMs < this.#dueMs)) return;
    this.#dueMs = nowMs + RECHECK_INTERVAL_MS;
    this.#leadRoutes();
  }

  /** Ends the notices. */
  close(): void {
    this.#notices.close();
  }

  #leadRoutes(): void {
    for (const route of this.#routes) {
      // The way to everywhere is the LAN's, whatever others there are; a way that somebody has stays.
      const place = route.prefixBits === 0 ? "first" : "only";
      const { destination, prefixBits } = route;
      const where = formatCidr({ address: destination, prefixBits });
      this.#attempt(`The LAN's route to ${where} could not be set`, () => {
        linuxTable.lead(route, place);
      });
    }
  }

  /** Takes the routes away, but for those that are wanted. */
  #withdrawRoutes(wanted: readonly NewRoute[] = []): void {
    const wantedTexts = wanted.map(routeText);
    for (const route of this.#routes) {
      if (wantedTexts.includes(routeText(route))) continue;
      this.#attempt(undefined, () => linuxTable.withdraw(route));
    }
  }

  /** @param what is said if it fails; undefined: it is gone already then */
  #attempt(what: string | undefined, work: () => void): void {
    try {
      work();
    } catch (error) {
      // An adapter that is gone, or down, is seen to by who watches it.
      if (!(error instanceof SystemCallError || error instanceof LinkError)) throw error;
      if (what !== undefined) this.#warn(`${what} (${error.message})`);
    }
  }

  /** Says each thing once. */
  #warn(text: string): void {
    if (this.#told.isNew(text)) logText(this.#logger, "warning", text);
  }
}

function routeText({ destination, prefixBits, nextHop, source }: NewRoute): string {
  return `${destination.toHex()}/${prefixBits} ${nextHop?.toHex()} ${source?.toHex()}`;
}
