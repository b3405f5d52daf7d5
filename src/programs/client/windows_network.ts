/**
 * The player's own networks on Windows, while the client runs: host routes that hold the relay and the
 * home's servers where they are, and what is to be done when the PC changes networks.
 *
 * ```
 *  notices, each 5 s ─► tables ─► plan (a core) ─► routes added and removed, each in the journal
 *                                     └──────────► way to the relay ─► watch (a core) ─► events
 * ```
 */
import type { LanNetworks, Surroundings } from "../../client/lan_networks.ts";
import { type NetworkEvent, NetworkWatch } from "../../client/network_watch.ts";
import {
  metricKey,
  type NetworkSnapshot,
  planRoutes,
  type RoutePlan,
} from "../../client/route_plan.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { type StatusEvent, statusLine } from "../../observe/status.ts";
import type { Change } from "../../os/journal.ts";
import { formatIp } from "../../proto/ip.ts";
import { type IpAddress, type IpRoute, isSameRoute } from "../../proto/ip_route.ts";
import { interfaceTo } from "../../route/windows_host_route.ts";
import {
  readAdapters,
  readAddresses,
  readMetrics,
  readRoutes,
} from "../../route/windows_tables.ts";
import { WindowsNetworkNotices } from "../../route/windows_watch.ts";
import { type Logger, logText } from "../../log/logging.ts";
import type { WindowsChanges } from "./windows_changes.ts";

/** How often it is looked whether there was a notice. */
export const NOTICE_INTERVAL_MS = 250;
/** How often everything is looked at without one: not every notice may be had. */
const RECHECK_INTERVAL_MS = 5_000;
/** A table that is being changed is looked at again when it has come to rest. */
const SETTLE_MS = 250;
/** An adapter that has just come up has no routes yet. */
const ELSEWHERE_MIN_MS = 8_000;

/** A route that this process has added. */
interface HeldRoute {
  readonly route: IpRoute;
  readonly change: Change;
}

/** See the module. */
export class WindowsNetwork {
  private readonly notices = new WindowsNetworkNotices();
  private readonly watch = new NetworkWatch();
  private readonly held: HeldRoute[] = [];
  private readonly said = new Set<string>();
  private tapIndex: number | undefined;
  private recheckDueMs = 0;
  private pinned = false;
  private closed = false;
  /** Since when broadcasts or multicasts leave by another interface. */
  private elsewhereMs: number | undefined;

  /**
   * @param each done whenever everything is looked at
   * @param tellSurroundings told what this PC has, each time
   * @param networks which networks may be led into the adapter
   */
  constructor(
    private readonly changes: WindowsChanges,
    private readonly each: () => void,
    private readonly tellSurroundings: (surroundings: Surroundings) => void,
    private readonly networks: LanNetworks,
    private readonly logger: Logger,
  ) {}

  /** Whether Windows sends to the relay by the way on which it is held. */
  get routePinned(): boolean {
    return this.pinned;
  }

  /** The adapter's interface; undefined: it is gone. */
  setTap(index: number | undefined): void {
    if (index === this.tapIndex) return;
    this.tapIndex = index;
    this.recheckDueMs = 0;
  }

  /**
   * Holds a relay that is about to be connected to, before anything is sent there. The one before stays
   * held until {@linkcode settle}.
   *
   * @param relay its address, 4 or 16 bytes
   */
  holdRelay(relay: Uint8Array, nowMs: number): NetworkEvent | undefined {
    if (this.closed) return undefined;
    this.watch.useRelay(relay);
    return this.lookOrWarn(relay, nowMs);
  }

  /** The relay at hand has let us in: the one before is let go at the next look. */
  settle(): void {
    if (this.watch.settle()) this.recheckDueMs = 0;
  }

  /** Looks whether anything has changed, and sees to it. */
  check(nowMs: number): NetworkEvent | undefined {
    if (this.closed) return undefined;
    const isNoticed = this.notices.take();
    if (!isNoticed && nowMs < this.recheckDueMs) return undefined;
    if (!isNoticed) this.notices.renew();
    this.recheckDueMs = nowMs + (isNoticed ? SETTLE_MS : RECHECK_INTERVAL_MS);
    const { relay, isWithout } = this.watch;
    const event = relay === undefined ? undefined : this.lookOrWarn(relay, nowMs);
    return event ?? (isNoticed && isWithout ? "changed" : undefined);
  }

  private lookOrWarn(relay: Uint8Array, nowMs: number): NetworkEvent | undefined {
    try {
      return this.look(relay, nowMs);
    } catch (error) {
      if (!(error instanceof WindowsError)) throw error;
      this.warn(`This PC's routes cannot be looked at (${error.message})`);
      return undefined;
    }
  }

  /** Ends the notices; the routes are the journal's to take back. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.notices.close();
    this.held.length = 0;
  }

  private look(relay: Uint8Array, nowMs: number): NetworkEvent | undefined {
    const { tunnels, ...first } = readSnapshot();
    const { tapIndex, watch: { relays } } = this;
    const surroundings = { ...first, relays, tapIndex, tunnels };
    this.networks.update(surroundings);
    this.tellSurroundings(surroundings);
    const ours = this.held.map(({ route }) => route);
    const wishes = {
      ...{ tapIndex, relays },
      mustYield: (address: IpAddress) => this.networks.mustYield(address),
    };
    let plan = planRoutes(first, wishes, ours);
    if (plan.clashes.length > 0) {
      // Only now name servers matter; it takes Windows some time to tell them.
      const nameServers = readNameServers();
      plan = planRoutes({ ...first, nameServers }, wishes, ours);
    }
    for (const route of plan.add) this.add(route);
    for (const route of plan.remove) this.remove(route);
    this.verify(relay, plan);
    this.each();
    this.tell(plan, nowMs);
    if (plan.isLocal) return undefined;
    return this.watch.handleWay(plan.way, nowMs);
  }

  private add(route: IpRoute): void {
    // One that is held and has to be added again was deleted by somebody: it is written down already.
    const index = this.held.findIndex((one) => isSameRoute(one.route, route));
    if (index >= 0) this.changes.forget(this.held.splice(index, 1)[0].change);
    try {
      const change = this.changes.addRoute(route);
      if (change === undefined) return;
      this.held.push({ route, change });
    } catch (error) {
      if (!(error instanceof WindowsError)) throw error;
      const where = formatIp(route.destination);
      this.warn(`The route to ${where} could not be held (${error.message})`);
    }
  }

  private remove(route: IpRoute): void {
    const index = this.held.findIndex((one) => isSameRoute(one.route, route));
    if (index < 0) return;
    const [{ change }] = this.held.splice(index, 1);
    try {
      this.changes.undoOne(change);
    } catch (error) {
      if (!(error instanceof WindowsError)) throw error;
      this.warn(`A route could not be taken back (${error.message})`);
    }
  }

  /** The tunnel's packets must leave by the interface that the plan says, not by the adapter. */
  private verify(relay: Uint8Array, { way, isLocal }: RoutePlan): void {
    if (isLocal) {
      this.pinned = true;
      return;
    }
    const index = way === undefined ? undefined : interfaceTo(relay);
    this.pinned = index !== undefined && index === way?.interfaceIndex;
    if (way === undefined || this.pinned) return;
    this.warn(
      `This PC sends to the relay by interface ${index ?? "none"} instead of ` +
        `${way.interfaceIndex}: another program changes its routes`,
    );
  }

  /** What the player has to know, each once. */
  private tell(plan: RoutePlan, nowMs: number): void {
    const { clashes, yielded, broadcastIndex, multicastIndex } = plan;
    for (const network of yielded) this.say({ type: "networkYielded", network });
    for (const { network } of clashes) this.say({ type: "sameSubnet", network });
    const elsewhere = [broadcastIndex, multicastIndex].find((index) =>
      index !== undefined && index !== this.tapIndex
    );
    if (this.tapIndex === undefined || elsewhere === undefined) {
      this.elsewhereMs = undefined;
      return;
    }
    this.elsewhereMs ??= nowMs;
    if (nowMs - this.elsewhereMs < ELSEWHERE_MIN_MS) return;
    const adapter = readAdapters().find((one) => one.interfaceIndex === elsewhere);
    this.say({ type: "broadcastElsewhere", name: adapter?.name ?? `interface ${elsewhere}` });
  }

  private say(event: StatusEvent): void {
    const { level, text } = statusLine(event);
    if (this.said.has(text)) return;
    this.said.add(text);
    logText(this.logger, level, text, { event: event.type });
  }

  private warn(text: string): void {
    if (this.said.has(text)) return;
    this.said.add(text);
    logText(this.logger, "warning", text);
  }
}

function readSnapshot(): NetworkSnapshot & { readonly tunnels: readonly number[] } {
  const [routes, addresses, interfaces] = [readRoutes(), readAddresses(), readMetrics()];
  return {
    ...{ routes, addresses },
    interfaceMetrics: new Map(
      interfaces.map(({ interfaceIndex, addressBytes, metric }) => [
        metricKey(interfaceIndex, addressBytes),
        metric,
      ]),
    ),
    nameServers: [],
    tunnels: interfaces.flatMap(({ interfaceIndex, isTunnel }) => isTunnel ? [interfaceIndex] : []),
  };
}

function readNameServers(): NetworkSnapshot["nameServers"] {
  return readAdapters().flatMap(({ interfaceIndex, nameServers }) =>
    nameServers.map((address) => ({ interfaceIndex, address }))
  );
}
