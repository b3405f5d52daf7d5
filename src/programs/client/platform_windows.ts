/**
 * The client's part that is Windows': a TAP-Windows6 adapter, which gets its address from Windows.
 *
 * @module
 */
import { type AdapterDevice, LinkError } from "../../link/device.ts";
import { TapWindowsDevice } from "../../link/tap_windows.ts";
import type { TapAdapter } from "../../link/tap_windows_adapters.ts";
import { type Change, JournalBusyError, type UndoFailure } from "../../system/journal/mod.ts";
import { type RouterPolicy, WindowsInterface } from "../../system/adapter/mod.ts";
import { windowsFirewall } from "../../system/firewall/mod.ts";
import type { BufferPool } from "../../queue/buffer_pool.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { isAdministrator } from "../../system/rights/mod.ts";
import type { LanNetworks, Surroundings } from "../../client/lan_networks.ts";
import { InboundAccess } from "../../client/inbound_access.ts";
import type { NetworkEvent } from "../../client/network_watch.ts";
import { NOTICE_INTERVAL_MS, type RouteKeeper } from "../../client/route_keeper.ts";
import { WindowsRoutes } from "../../client/windows_routes.ts";
import type { AdapterSettings, ClientSystem, ClientSystemOptions } from "./platform.ts";
import { type Logger, logText } from "../../log/logging.ts";
import type { AdapterFault } from "../../observe/adapter_events.ts";
import type { LanVerdict } from "../../observe/lan_verdict.ts";
import { openStateDir } from "../common/state_dir.ts";
import { reasonOf, UserError } from "../../log/user_error.ts";
import { ensureAdapter, isSafeDriver, knownAdapters } from "./windows_driver.ts";
import { keptMac } from "./identity.ts";
import { candidatesOf, chooseAdapter, type KnownAdapter } from "./windows_adapter_choice.ts";
import { describeChange, undoAtRemoved, WindowsChanges } from "./windows_changes.ts";
import { openRouteKeeper } from "./route_keeper.ts";
import { WindowsHostRoutes } from "./windows_host_routes.ts";
import { WindowsInterfaceKeeper } from "./windows_interface_keeper.ts";
import { WindowsLease } from "./windows_lease.ts";
import { AdapterMac, waitForAdapter } from "./windows_mac.ts";

/** @throws {UserError} see `OpenClientSystem` */
export function openWindowsSystem(
  options: ClientSystemOptions,
  networks: LanNetworks,
  logger: Logger,
): ClientSystem {
  if (!isAdministrator()) {
    throw new UserError(
      "lanparty-client sets up a network adapter and routes: start it as administrator " +
        "(right-click it, or the console, and choose Run as administrator)",
    );
  }
  const stateDir = openStateDir("client", options.stateDir);
  const { tapName, virtualMac = keptMac(stateDir) } = options;
  ensureAdapter(tapName, virtualMac, logger);
  // What is wrong with them is said before anything else.
  candidatesOf(knownAdapters(), tapName, virtualMac);
  return new WindowsSystem(options, networks, stateDir, logger);
}

class WindowsSystem implements ClientSystem {
  #adapter: KnownAdapter | undefined;
  #device: TapWindowsDevice | undefined;
  #mac: AdapterMac | undefined;
  /** Undefined: Windows is not to ask for an address. */
  #lease: WindowsLease | undefined;
  #changes: WindowsChanges | undefined;
  #network: RouteKeeper<Change> | undefined;
  #routes: WindowsRoutes<Change> | undefined;
  /** The open adapter's interface. */
  #tap: WindowsInterfaceKeeper | undefined;
  #wasLost = false;
  #inbound: InboundAccess | undefined;
  readonly adapterReturns = true;
  onSurroundings: (surroundings: Surroundings) => void = () => {};
  readonly networkIntervalMs = NOTICE_INTERVAL_MS;
  readonly #options: ClientSystemOptions;
  readonly #networks: LanNetworks;
  readonly #logger: Logger;

  constructor(
    options: ClientSystemOptions,
    networks: LanNetworks,
    readonly stateDir: string,
    logger: Logger,
  ) {
    this.#options = options;
    this.#networks = networks;
    this.#logger = logger;
  }

  /** Windows asks for an address on each adapter, unless somebody has fixed one. */
  get blocksDhcp(): boolean {
    return this.#options.address !== undefined || !this.#options.useDhcp;
  }

  get adapterFault(): AdapterFault | undefined {
    return this.#tap?.fault;
  }

  get routePinned(): boolean {
    return this.#network?.isPinned ?? false;
  }

  prepareAdapter(mac: Uint8Array): void {
    // What a killed client has left at any of them is undone, and told by what they are then.
    const known = knownAdapters();
    undoAtRemoved(known, this.#journalEvents);
    const journals = new Map(known.map((one) => [one.guid, this.#openJournal(one)]));
    const candidates = this.#candidates(mac);
    for (const one of candidates) {
      if (!journals.has(one.guid)) journals.set(one.guid, this.#openJournal(one));
    }
    const { adapter, mac: before } = chooseAdapter(candidates, mac, (one) => {
      const journal = journals.get(one.guid);
      if (journal instanceof JournalBusyError) throw busyError(one, journal);
      return TapWindowsDevice.readMac(one);
    });
    this.#adapter = adapter;
    this.#changes = journals.get(adapter.guid) as WindowsChanges;
    const tell = (surroundings: Surroundings) => this.onSurroundings(surroundings);
    const machine = new WindowsHostRoutes(this.#changes);
    this.#routes = new WindowsRoutes(machine, (nowMs) => this.#tap?.keep(nowMs));
    this.#network = openRouteKeeper(this.#routes, this.#networks, tell, this.#logger);
    if (!this.blocksDhcp) {
      const addresses = () => this.#tap?.addresses() ?? [];
      const context = { adapter, changes: this.#changes, logger: this.#logger, addresses };
      this.#lease = new WindowsLease(context);
    }
    this.#mac = new AdapterMac(adapter, mac, this.#changes, this.#logger);
    this.#mac.ensure(before);
  }

  /** One that had the player's MAC from a killed client alone is its owner's again: then there may be none yet. */
  #candidates(mac: Uint8Array): readonly KnownAdapter[] {
    const { tapName } = this.#options;
    const candidates = candidatesOf(knownAdapters(), tapName, mac);
    if (candidates.length > 0) return candidates;
    ensureAdapter(tapName, mac, this.#logger);
    return candidatesOf(knownAdapters(), tapName, mac);
  }

  /** Undoes what a killed client has left, and waits for an adapter that it had just stopped. */
  #openJournal(adapter: TapAdapter): WindowsChanges | JournalBusyError {
    try {
      const changes = new WindowsChanges(adapter.guid, this.#journalEvents);
      if (changes.hasStarted) waitForAdapter(adapter);
      return changes;
    } catch (error) {
      if (error instanceof JournalBusyError) return error;
      throw error;
    }
  }

  get #journalEvents(): ConstructorParameters<typeof WindowsChanges>[1] {
    return {
      onFailure: (failure) => this.#sayNotUndone(failure),
      onDamage: (asidePath) => {
        const text =
          "The record of what an earlier client changed on this PC is damaged, and was put aside as " +
          `${asidePath}: what a killed client left behind is not undone. A restart of Windows ` +
          "removes its routes";
        logText(this.#logger, "warning", text, { asidePath });
      },
    };
  }

  openAdapter({ mtu, pool }: AdapterSettings): AdapterDevice {
    const adapter = this.#adapter;
    const changes = this.#changes;
    if (adapter === undefined || changes === undefined) throw new Error("no adapter was prepared");
    try {
      if (this.#wasLost) this.#mac?.ensure(TapWindowsDevice.readMac(adapter));
      return this.#openPrepared(adapter, changes, mtu, pool);
    } catch (cause) {
      if (cause instanceof LinkError) throw new UserError(cause.message, { cause });
      if (!(cause instanceof WindowsError)) throw cause;
      const text = `the adapter "${adapter.name}" cannot be set up (${cause.message})`;
      throw new UserError(text, { cause });
    }
  }

  #openPrepared(
    adapter: TapAdapter,
    changes: WindowsChanges,
    mtu: number,
    pool: BufferPool,
  ): AdapterDevice {
    const { name } = adapter;
    const network = WindowsInterface.find(adapter.guid);
    const wishes = { policy: this.#policy, address: this.#options.address };
    const tap = new WindowsInterfaceKeeper(name, network, changes, wishes, this.#logger);
    this.#tap = tap;
    const device = TapWindowsDevice.open({ adapter, pool, mtu, network: tap });
    this.#device = device;
    this.#setTapIndex(tap.index);
    tap.setAddress();
    this.#lease?.begin(tap.index);
    this.#checkDriver(device);
    return device;
  }

  /** The adapter's interface; undefined: it is gone. */
  #setTapIndex(index: number | undefined): void {
    if (this.#routes === undefined || this.#routes.tapIndex === index) return;
    this.#routes.tapIndex = index;
    this.#network?.lookSoon();
  }

  get #policy(): RouterPolicy {
    const { allowLanDefaultRoute: allowDefaultRoutes, allowRouterAdvertisements } = this.#options;
    return { allowDefaultRoutes, allowRouterAdvertisements };
  }

  adapterLost(): void {
    this.#wasLost = true;
    this.#lease?.end();
    this.#tap = undefined;
    this.#setTapIndex(undefined);
  }

  holdRelay(address: Uint8Array, nowMs: number, isAnother: boolean): NetworkEvent | undefined {
    return this.#network?.holdRelay(address, nowMs, isAnother);
  }

  checkNetwork(nowMs: number): NetworkEvent | undefined {
    return this.#network?.check(nowMs);
  }

  /** Windows' own DHCP client asks. */
  openLease(): undefined {}

  leaseChanged(): void {}

  /** On Windows it is the system's own DHCP client that is kept in, where it cannot be told. */
  dhcpKeptIn(): void {}

  /** The firewall's rules name the adapter, and stay while that is away. */
  adapterStarted(): void {
    const adapter = this.#adapter;
    const changes = this.#changes;
    const { allowInbound, allowInboundPorts } = this.#options;
    if (!allowInbound || adapter === undefined || changes === undefined) return;
    this.#inbound ??= new InboundAccess(
      windowsFirewall,
      {
        firstRule: (name, make) => changes.addRule(name, make),
        say: (level, text) => logText(this.#logger, level, text),
      },
      adapter,
      allowInboundPorts,
    );
    this.#inbound.update(this.#tap?.addresses() ?? []);
  }

  addressesChanged(addresses: readonly string[]): void {
    this.#inbound?.update(addresses);
  }

  /** The doctor asks Windows' firewall itself. */
  get inbound(): undefined {
    return undefined;
  }

  roomEntered(): void {
    this.#network?.settle();
    this.#lease?.ask();
  }

  /** One that was there before the gateway would wait for up to five minutes until Windows asks. */
  gatewayJoined(): void {
    this.#lease?.ask();
  }

  lanJudged(verdict: LanVerdict, nowMs: number): void {
    this.#lease?.handleVerdict(verdict, nowMs);
  }

  /** Windows itself has leased the address, and keeps the lease. */
  releaseAddress(): Promise<void> {
    return Promise.resolve();
  }

  adapterClosed(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    // The relay's route is the first change and the last that is undone: until then nothing sent to it may come in
    // by the adapter.
    this.#network?.stop();
    this.#tap = undefined;
    // An adapter that is open when it restarts does not come back.
    if (this.#changes?.hasMac === true) this.#device?.close();
    this.#changes?.undo().forEach((failure) => this.#sayNotUndone(failure));
  }

  #sayNotUndone(failure: UndoFailure): void {
    const why = reasonOf(failure.error);
    const text =
      `A change to this PC could not be undone (${
        describeChange(failure.change)
      }: ${why}). It is tried ` +
      "again at the next start";
    logText(this.#logger, "warning", text, { failure });
  }

  #checkDriver({ name, driverVersion: { major, minor } }: TapWindowsDevice): void {
    if (isSafeDriver({ major, minor })) return;
    logText(
      this.#logger,
      "warning",
      `The driver of "${name}" is version ${major}.${minor}, which has a known hole ` +
        "(CVE-2024-1305): update TAP-Windows6 to 9.27 or later",
    );
  }
}

/** Another client has an adapter, or is about to take it: a double click too many, most often. */
function busyError({ name }: TapAdapter, { pid }: JournalBusyError): LinkError {
  const text = `lanparty-client runs already (process ${pid}) with the TAP adapter "${name}": ` +
    "close its window, or end it, first";
  return new LinkError("name-taken", text);
}
