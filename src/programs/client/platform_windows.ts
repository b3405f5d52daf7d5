/**
 * The client's part that is Windows': a TAP-Windows6 adapter, which gets its address from Windows.
 *
 * @module
 */
import { type AdapterDevice, LinkError } from "../../link/device.ts";
import { TapWindowsDevice } from "../../link/tap_windows.ts";
import type { TapAdapter } from "../../link/tap_windows_adapters.ts";
import { pauseBlocking } from "../../system/process/mod.ts";
import { type Change, JournalBusyError, type UndoFailure } from "../../system/journal/mod.ts";
import {
  AdapterError,
  macSettingsOf,
  markAdapter,
  removeAddress,
  renewLease,
  type RouterPolicy,
  WindowsInterface,
} from "../../system/adapter/mod.ts";
import { windowsFirewall } from "../../system/firewall/mod.ts";
import { equalBytes } from "../../proto/bytes.ts";
import type { IpNetwork } from "../../proto/ip.ts";
import { equalMacs, formatMac } from "../../proto/mac.ts";
import type { BufferPool } from "../../queue/buffer_pool.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { isAdministrator } from "../../system/rights/mod.ts";
import { windowsTable } from "../../system/routes/mod.ts";
import { addressesOf } from "../../client/own_addresses.ts";
import type { LanNetworks, Surroundings } from "../../client/lan_networks.ts";
import { InboundAccess } from "../../client/inbound_access.ts";
import type { NetworkEvent } from "../../client/network_watch.ts";
import { NOTICE_INTERVAL_MS, type RouteKeeper } from "../../client/route_keeper.ts";
import { WindowsRoutes } from "../../client/windows_routes.ts";
import type { AdapterSettings, ClientSystem, ClientSystemOptions } from "./platform.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { openStateDir } from "../common/state_dir.ts";
import { UserError } from "../../log/user_error.ts";
import { ensureAdapter, isSafeDriver, knownAdapters } from "./windows_driver.ts";
import { keptMac } from "./identity.ts";
import {
  candidatesOf,
  chooseAdapter,
  keepsMac,
  type KnownAdapter,
} from "./windows_adapter_choice.ts";
import { WindowsChanges } from "./windows_changes.ts";
import { openRouteKeeper } from "./route_keeper.ts";
import { WindowsHostRoutes } from "./windows_host_routes.ts";

/** An adapter that restarts is back within this time; how often is looked. */
const RESTART_MAX_MS = 10_000;
const RESTART_STEP_MS = 100;

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
  /** Whether the adapter may keep the player's MAC. */
  #keepsMac = true;
  #changes: WindowsChanges | undefined;
  #network: RouteKeeper<Change> | undefined;
  #routes: WindowsRoutes<Change> | undefined;
  /** The open adapter's interface, and the MTU that it was given. */
  #tap: { readonly network: WindowsInterface; mtu: number } | undefined;
  #wasLost = false;
  #inbound: InboundAccess | undefined;
  /** Whether the LAN is being asked for an address, and whether it is to be asked once more then. */
  #isAsking = false;
  #isToAsk = false;
  /** Its settings are looked at by `windows_interface.ts`. */
  readonly adapterFault = undefined;
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

  /** Windows asks for an address on each adapter, whatever else it is given. */
  get blocksDhcp(): boolean {
    return this.#options.address !== undefined || !this.#options.useDhcp;
  }

  get routePinned(): boolean {
    return this.#network?.isPinned ?? false;
  }

  prepareAdapter(mac: Uint8Array): void {
    // What a killed client has left at any of them is undone, and told by what they are then.
    const journals = new Map(knownAdapters().map((one) => [one.guid, this.#openJournal(one)]));
    const candidates = candidatesOf(knownAdapters(), this.#options.tapName, mac);
    const { adapter, mac: before } = chooseAdapter(candidates, mac, (one) => {
      const journal = journals.get(one.guid);
      if (journal instanceof JournalBusyError) throw busyError(one, journal);
      return TapWindowsDevice.readMac(one);
    });
    this.#adapter = adapter;
    this.#changes = journals.get(adapter.guid) as WindowsChanges;
    const tell = (surroundings: Surroundings) => this.onSurroundings(surroundings);
    const machine = new WindowsHostRoutes(this.#changes);
    this.#routes = new WindowsRoutes(machine, () => this.#keepConfigured());
    this.#network = openRouteKeeper(this.#routes, this.#networks, tell, this.#logger);
    this.#keepsMac = keepsMac(adapter, mac);
    if (this.#keepsMac && adapter.mark === undefined) this.#mark(adapter);
    if (!equalMacs(before, 0, mac, 0)) this.#giveMac(adapter, mac);
  }

  /** The adapter is the party's from now on; where that cannot be written down it is so by its name. */
  #mark(adapter: KnownAdapter): void {
    try {
      markAdapter(adapter, "taken");
    } catch (error) {
      if (!(error instanceof WindowsError) && !(error instanceof AdapterError)) throw error;
      logText(this.#logger, "debug", `The adapter could not be marked: ${error.message}`);
    }
  }

  /** Undoes what a killed client has left, and waits for an adapter that it had just stopped. */
  #openJournal(adapter: TapAdapter): WindowsChanges | JournalBusyError {
    try {
      const changes = new WindowsChanges(adapter.guid, {
        onFailure: (failure) => this.#sayNotUndone(failure),
        onDamage: (asidePath) => {
          const text =
            "The record of what an earlier client changed on this PC is damaged, and was put aside as " +
            `${asidePath}: what a killed client left behind is not undone. A restart of Windows ` +
            "removes its routes";
          logText(this.#logger, "warning", text, { asidePath });
        },
      });
      if (changes.hasStarted) waitForAdapter(adapter);
      return changes;
    } catch (error) {
      if (error instanceof JournalBusyError) return error;
      throw error;
    }
  }

  /** @throws {UserError} the adapter does not take it */
  #giveMac(adapter: TapAdapter, mac: Uint8Array): void {
    const text = formatMac(mac);
    logText(this.#logger, "info", `Giving the adapter "${adapter.name}" the MAC ${text} …`);
    const why = changeMac(adapter, mac, this.#changes, this.#keepsMac);
    if (why === undefined) return;
    throw new UserError(
      `the adapter "${adapter.name}" did not take the MAC ${text} (${why}): set it in Device ` +
        `Manager, under the adapter's advanced properties, "MAC Address", as ` +
        `${text.replaceAll(":", "").toUpperCase()}`,
    );
  }

  openAdapter({ mac, mtu, pool }: AdapterSettings): AdapterDevice {
    const adapter = this.#adapter;
    const changes = this.#changes;
    if (adapter === undefined || changes === undefined) throw new Error("no adapter was prepared");
    try {
      // A driver that was installed anew has forgotten it.
      if (this.#wasLost && !equalMacs(TapWindowsDevice.readMac(adapter), 0, mac, 0)) {
        this.#giveMac(adapter, mac);
      }
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
    const network = WindowsInterface.find(adapter.guid);
    const tap = this.#tap = { network, mtu };
    const device = TapWindowsDevice.open({
      adapter,
      pool,
      mtu,
      network: {
        index: network.index,
        setMtu: (mtu) => {
          changes.configure(network, mtu, this.#policy);
          tap.mtu = mtu;
        },
      },
    });
    this.#device = device;
    this.#setTapIndex(network.index);
    this.#addAddress(network, changes);
    this.#checkDriver(device);
    return device;
  }

  /** The adapter's interface; undefined: it is gone. */
  #setTapIndex(index: number | undefined): void {
    if (this.#routes === undefined || this.#routes.tapIndex === index) return;
    this.#routes.tapIndex = index;
    this.#network?.lookSoon();
  }

  #addAddress(network: WindowsInterface, changes: WindowsChanges): void {
    if (this.#fixed === undefined) return;
    changes.addAddress(network, this.#fixed);
  }

  get #policy(): RouterPolicy {
    const { allowLanDefaultRoute: allowDefaultRoutes, allowRouterAdvertisements } = this.#options;
    return { allowDefaultRoutes, allowRouterAdvertisements };
  }

  /** The address that the player has chosen. */
  get #fixed(): IpNetwork | undefined {
    return this.#options.address;
  }

  adapterLost(): void {
    this.#wasLost = true;
    this.#tap = undefined;
    this.#setTapIndex(undefined);
  }

  holdRelay(address: Uint8Array, nowMs: number, isAnother: boolean): NetworkEvent | undefined {
    return this.#network?.holdRelay(address, nowMs, isAnother);
  }

  checkNetwork(nowMs: number): NetworkEvent | undefined {
    return this.#network?.check(nowMs);
  }

  /** Other programs, and Windows itself, change what was set. */
  #keepConfigured(): void {
    if (this.#tap === undefined) return;
    const { network, mtu } = this.#tap;
    try {
      this.#changes?.keepConfigured(network, mtu, this.#policy);
      if (this.#fixed !== undefined) removeSelfMade(network, this.#fixed.address);
    } catch (error) {
      if (!(error instanceof WindowsError)) throw error;
      logText(this.#logger, "debug", `The adapter's settings could not be kept: ${error.message}`);
    }
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
    this.#inbound.update(this.#addresses());
  }

  addressesChanged(addresses: readonly string[]): void {
    this.#inbound?.update(addresses);
  }

  /** The open adapter's addresses at this moment. */
  #addresses(): readonly string[] {
    const tapIndex = this.#tap?.network.index;
    if (tapIndex === undefined) return [];
    return addressesOf({ addresses: windowsTable.addresses(), tapIndex });
  }

  roomEntered(): void {
    this.#network?.settle();
    this.#askAgain();
  }

  gatewayJoined(): void {
    this.#askAgain();
  }

  /** An adapter that has no address of the LAN would wait for up to five minutes until Windows asks. */
  #askAgain(): void {
    const adapter = this.#adapter;
    if (this.blocksDhcp || this.#tap === undefined || adapter === undefined) return;
    const hasAddress = this.#addresses().some((own) =>
      own.includes(".") && !own.startsWith("169.254.")
    );
    if (hasAddress) return;
    if (this.#isAsking) {
      this.#isToAsk = true;
      return;
    }
    this.#isAsking = true;
    this.#isToAsk = false;
    logText(this.#logger, "debug", `Asking the LAN for an address on "${adapter.name}" …`);
    renewLease(adapter.guid, this.#tap.network.index)
      .catch((error: Error) => {
        logText(this.#logger, "debug", `Windows got no address yet: ${error.message}`);
      })
      .finally(() => {
        this.#isAsking = false;
        if (this.#isToAsk) this.#askAgain();
      });
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
    const { change: { kind }, error } = failure;
    const why = error instanceof Error ? error.message : String(error);
    const text =
      `A change to this PC could not be undone (${kind}: ${why}). It is tried again at ` +
      "the next start";
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

/**
 * Takes the address away that Windows gives an adapter when its DHCP client gets no answer, beside the
 * fixed one, too: broadcasts could come from it then. Windows itself makes it anew when it wants to.
 */
function removeSelfMade({ index }: WindowsInterface, fixed: Uint8Array): void {
  for (const { interfaceIndex, address, prefixBits } of windowsTable.addresses()) {
    const isSelfMade = address.length === 4 && address[0] === 169 && address[1] === 254;
    // A LAN whose PCs have all made their addresses themselves is a LAN, too.
    if (interfaceIndex !== index || !isSelfMade || equalBytes(address, fixed)) continue;
    removeAddress({ interfaceIndex, address, prefixBits });
  }
}

/** Waits until an adapter that was started can be opened; what is wrong with it is said later. */
function waitForAdapter(adapter: TapAdapter): void {
  for (let waitedMs = 0; waitedMs < RESTART_MAX_MS; waitedMs += RESTART_STEP_MS) {
    try {
      TapWindowsDevice.readMac(adapter);
      return;
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
    pauseBlocking(RESTART_STEP_MS);
  }
}

/** Writes the MAC, restarts the adapter and waits until it is back with it; else says why not. */
function changeMac(
  adapter: TapAdapter,
  mac: Uint8Array,
  changes: WindowsChanges | undefined,
  isKept: boolean,
): string | undefined {
  if (adapter.instanceId === undefined || changes === undefined) {
    return "its device has no instance id";
  }
  try {
    changes.giveMac(adapter, macSettingsOf(mac), isKept);
  } catch (error) {
    if (!(error instanceof WindowsError) && !(error instanceof AdapterError)) throw error;
    return error.message;
  }
  let why = "it did not come back";
  for (let waitedMs = 0; waitedMs < RESTART_MAX_MS; waitedMs += RESTART_STEP_MS) {
    try {
      const now = TapWindowsDevice.readMac(adapter);
      const isSetUp = WindowsInterface.find(adapter.guid).settings().length > 0;
      if (equalMacs(now, 0, mac, 0) && isSetUp) return undefined;
      why = isSetUp ? `it has ${formatMac(now)}` : "Windows' IP did not take it up";
    } catch (error) {
      if (!(error instanceof LinkError) && !(error instanceof WindowsError)) throw error;
      why = error.message;
    }
    pauseBlocking(RESTART_STEP_MS);
  }
  return why;
}
