/**
 * Linux' part of a player's routes that touches the machine: the kernel's table, the journal, and what sysfs and
 * the resolver's files say.
 *
 * @module
 */
import type { LinuxMachineRoutes, LinuxNetworks } from "../../client/machine_routes.ts";
import { ARPHRD_ETHER } from "../../ffi/libc_net.ts";
import { LinkError } from "../../link/device.ts";
import { interfaceIndex } from "../../link/interface.ts";
import { parseIpAddress } from "../../proto/ip.ts";
import type { IpRoute, IpWay, NewRoute, RoutePlace } from "../../proto/ip_route.ts";
import {
  type Change,
  type ChangeJournal,
  ForeignChangeError,
  type Undo,
} from "../../system/journal/mod.ts";
import { type LinuxRouteTable, linuxTable, type RouteNotices } from "../../system/routes/mod.ts";

/** The kind of change that a host route is in the journal. */
export const HOST_ROUTE = "linux-host-route";
/** Where name servers are written down: the second is systemd-resolved's, which hides them. */
const NAME_SERVER_FILES = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"] as const;
/** Interfaces upon the adapter that are looked for. */
const UPPER_MAX = 64;

/** See the module. */
export class LinuxHostRoutes implements LinuxMachineRoutes<Change> {
  readonly #notices: RouteNotices;
  readonly #tapName: string;
  readonly #journal: ChangeJournal;
  readonly #table: LinuxRouteTable;
  readonly #readInterfaces: typeof readLinuxInterfaces;

  /**
   * @param table for tests
   * @param readInterfaces for tests
   */
  constructor(
    tapName: string,
    journal: ChangeJournal,
    table: LinuxRouteTable = linuxTable,
    readInterfaces: typeof readLinuxInterfaces = readLinuxInterfaces,
  ) {
    this.#tapName = tapName;
    this.#journal = journal;
    this.#table = table;
    this.#readInterfaces = readInterfaces;
    this.#notices = table.openNotices();
  }

  takeNotice(isDue: boolean): boolean {
    return this.#notices.take(isDue);
  }

  look(): LinuxNetworks {
    const interfaces = this.#readInterfaces(this.#tapName);
    return { ...interfaces, routes: this.#table.read() };
  }

  nameServers(): readonly Uint8Array[] {
    return readNameServers();
  }

  wayTo(address: Uint8Array): IpWay | undefined {
    return this.#table.wayTo(address);
  }

  lead(route: NewRoute, place: RoutePlace): void {
    this.#table.lead(route, place);
  }

  add(route: IpRoute): Change | undefined {
    const record = this.#table.recordOf(route);
    const change = this.#journal.record(HOST_ROUTE, record);
    let isOurs = false;
    try {
      isOurs = this.#table.add(record);
    } finally {
      if (!isOurs) this.#journal.forget(change);
    }
    return isOurs ? change : undefined;
  }

  remove(change: Change): void {
    this.#journal.undo(change);
  }

  forget(change: Change): void {
    this.#journal.forget(change);
  }

  failureOf(error: unknown): string | undefined {
    return this.#table.failureOf(error);
  }

  close(): void {
    this.#notices.close();
  }
}

/**
 * Takes a host route back, or one to a half of a private network, that bears our mark.
 *
 * @throws {ForeignChangeError} the journal names something else
 */
export function undoHostRoute(table: LinuxRouteTable = linuxTable): Undo {
  return (data) => {
    if (table.takeBack(data)) return;
    throw new ForeignChangeError(`no host route is ${JSON.stringify(data)}`);
  };
}

/** What this PC has beside its routes: as it is at this moment. */
export function readLinuxInterfaces(tapName: string): Omit<LinuxNetworks, "routes"> {
  const indexes = new Map<string, number | undefined>();
  const addresses = Deno.networkInterfaces().flatMap(({ name: label, address, cidr }) => {
    // A further IPv4 address may bear a label: that of its interface, a colon, and more.
    const name = label.split(":")[0];
    if (!indexes.has(name)) indexes.set(name, indexOf(name));
    const [bytes, index] = [parseIpAddress(address), indexes.get(name)];
    if (bytes === undefined || index === undefined) return [];
    return [{ interfaceIndex: index, address: bytes, prefixBits: Number(cidr.split("/")[1]) }];
  });
  const tunnels = [...indexes].flatMap(([name, index]) =>
    index === undefined || isEthernet(name) ? [] : [index]
  );
  const tapIndex = indexes.get(tapName);
  const upper = tapIndex === undefined ? [] : interfacesUpon(tapName);
  return { addresses, tapIndex, tunnels, upper };
}

/** Whether an interface speaks Ethernet, as far as sysfs tells (`ARPHRD_ETHER`). */
function isEthernet(name: string): boolean {
  try {
    return Deno.readTextFileSync(`/sys/class/net/${name}/type`).trim() === `${ARPHRD_ETHER}`;
  } catch {
    return true;
  }
}

/** Indexes of the interfaces that are made upon another one, and upon these: sysfs links to each. */
function interfacesUpon(name: string): number[] {
  const found = new Set<string>();
  for (const names = [name]; names.length > 0 && found.size < UPPER_MAX;) {
    try {
      for (const entry of Deno.readDirSync(`/sys/class/net/${names.pop()}`)) {
        const upper = /^upper_(.+)$/.exec(entry.name)?.[1];
        if (upper === undefined || found.has(upper)) continue;
        found.add(upper);
        names.push(upper);
      }
    } catch {
      // Without sysfs, or gone meanwhile: none is known.
    }
  }
  return [...found].map(indexOf).filter((index) => index !== undefined);
}

function indexOf(name: string): number | undefined {
  try {
    return interfaceIndex(name);
  } catch (error) {
    if (error instanceof LinkError) return undefined; // gone meanwhile
    throw error;
  }
}

/** The system's name servers. */
function readNameServers(): Uint8Array[] {
  const texts = NAME_SERVER_FILES.flatMap((path) => {
    try {
      return Deno.readTextFileSync(path).split("\n");
    } catch {
      return [];
    }
  });
  return texts.flatMap((line) => {
    const address = parseIpAddress(/^nameserver\s+(\S+)/.exec(line)?.[1] ?? "");
    return address === undefined ? [] : [address];
  });
}
