/**
 * What the client changes on a Windows PC and takes back: at its end, or, if it was killed, at its
 * next start. The journal lies in the folder of programs, which only administrators can write.
 *
 * @module
 */
import { IpConstant } from "../../ffi/windows_ip.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import {
  type Change,
  type ChangeData,
  ChangeJournal,
  isRecord,
  JournalBusyError,
  type JournalOptions,
  type UndoFailure,
} from "../../system/journal/mod.ts";
import {
  AdapterError,
  addAddress,
  applyMacSettings,
  fixAddresses,
  type FixedAddresses,
  type InterfaceSettings,
  isFixedAddresses,
  type MacSettings,
  readMacSettings,
  removeAddress,
  type RouterPolicy,
  startDevice,
  switchDhcpOn,
  WindowsInterface,
} from "../../system/adapter/mod.ts";
import { windowsFirewall } from "../../system/firewall/mod.ts";
import { type IpNetwork } from "../../proto/ip.ts";
import { type RouteRecord, windowsTable } from "../../system/routes/mod.ts";
import { withoutCtrlC } from "../../system/signals/mod.ts";
import { isInboundRuleName } from "../../client/inbound_access.ts";
import { findTapAdapters, type TapAdapter } from "../../link/tap_windows_adapters.ts";
import { programFolderPath } from "../../system/folders/mod.ts";
import { ownProgramFolder } from "./windows_folder.ts";

const ROUTE = "windows-route";
const INTERFACE = "windows-interface";
const INBOUND = "windows-inbound";
const ADDRESS = "windows-address";
const RESTART = "windows-restart";
const DHCP = "windows-dhcp";
const MAC = "windows-mac";
/** What was changed, in a player's words. */
const SUBJECTS: Readonly<Record<string, string>> = {
  [ROUTE]: "a route",
  [INTERFACE]: "the settings of the party's adapter",
  [INBOUND]: "a rule of the firewall",
  [ADDRESS]: "the address of the party's adapter",
  [RESTART]: "the party's adapter was stopped",
  [DHCP]: "the address that the party's adapter had before",
  [MAC]: "the MAC that the party's adapter had before",
};
/** Longest text that is put back as an owner's MAC. */
const MAC_TEXT_MAX = 64;

/** What a change is, for the player. */
export function describeChange({ kind }: Change): string {
  return SUBJECTS[kind] ?? kind;
}

/**
 * Undoes what killed clients have left at adapters that this PC no longer has: rules of the firewall and routes
 * outlive them.
 *
 * @param adapters those that it has, whose journals others open
 * @throws {UserError} the folder of the journals is not safe
 */
export function undoAtRemoved(
  adapters: readonly Pick<TapAdapter, "guid">[],
  events: Pick<JournalOptions, "onFailure" | "onDamage">,
): void {
  for (const guid of journalGuids()) {
    if (adapters.some((one) => one.guid.toUpperCase() === guid.toUpperCase())) continue;
    try {
      new WindowsChanges(guid, events);
    } catch (error) {
      if (!(error instanceof JournalBusyError)) throw error; // its client takes it back
    }
  }
}

function journalGuids(): string[] {
  try {
    const names = [...Deno.readDirSync(programFolderPath())].map(({ name }) => name);
    return names.flatMap((name) => /^changes-(\{[0-9A-F-]{36}\})\.json$/i.exec(name)?.[1] ?? []);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The changes of the client that uses one adapter: no other one has it open at the same time. */
export class WindowsChanges {
  readonly #journal: ChangeJournal;
  #interfaceChange: Change | undefined;
  #addressChange: Change | undefined;
  /** Whether an adapter was started again that a killed client had stopped. */
  hasStarted = false;
  /** Whether the adapter has a MAC that is not its owner's: it is restarted at the end, and must not be open. */
  hasMac = false;
  readonly #guid: string;

  /**
   * Opens the adapter's journal, and undoes what a killed client left behind.
   *
   * @throws {JournalBusyError} another client has the adapter
   * @throws {UserError} the folder of the journal is not safe
   */
  constructor(
    guid: string,
    events: Pick<JournalOptions, "onFailure" | "onDamage">,
  ) {
    this.#guid = guid;
    this.#journal = ChangeJournal.open(
      `${ownProgramFolder()}\\changes-${guid}.json`,
      {
        [ROUTE]: undoRoute,
        [INTERFACE]: (data) => undoInterface(data, guid),
        [INBOUND]: undoInbound,
        [ADDRESS]: (data) => undoAddress(data, guid),
        [DHCP]: (data) => undoDhcp(data, guid),
        [RESTART]: (data) => {
          this.hasStarted = undoRestart(data) || this.hasStarted;
        },
        [MAC]: (data) => {
          this.hasStarted = undoMac(data, guid) || this.hasStarted;
        },
      },
      events,
    );
  }

  /**
   * Adds a route by what is to be written down of it.
   *
   * @returns undefined: the player has it already
   * @throws {WindowsError}
   */
  addRoute(record: RouteRecord, add: () => boolean): Change | undefined {
    return this.#add(ROUTE, record, add);
  }

  /** Strikes out a change that is undone already. */
  forget(change: Change): void {
    this.#journal.forget(change);
  }

  /** Takes one change back. @throws {WindowsError} it stays written down */
  undoOne(change: Change): void {
    this.#journal.undo(change);
  }

  /**
   * Stops and starts the adapter, which Ctrl-C does not interrupt. A client that is killed in between
   * would leave it disabled: then it is started by the next one.
   *
   * @throws what `restart` throws; the adapter may stand still then, and is started
   */
  restart(instanceId: string, restart: () => void): void {
    const change = this.#journal.record(RESTART, instanceId);
    try {
      withoutCtrlC(restart);
    } catch (error) {
      this.#startAfterFailure(change);
      throw error;
    }
    this.#journal.forget(change);
  }

  /**
   * Writes an adapter's MAC down and restarts it, as {@linkcode restart} does.
   *
   * @param isKept it may stay when the client ends; else what stands there now is put back
   * @throws {WindowsError | AdapterError}
   */
  giveMac(adapter: TapAdapter, wanted: MacSettings, isKept: boolean): void {
    if (!isKept && !this.hasMac) {
      this.#journal.record(MAC, { guid: this.#guid, settings: { ...readMacSettings(adapter) } });
      this.hasMac = true;
    }
    this.restart(adapter.instanceId ?? "", () => applyMacSettings(adapter, wanted));
  }

  #startAfterFailure(change: Change): void {
    try {
      this.#journal.undo(change);
    } catch (error) {
      if (!(error instanceof WindowsError)) throw error; // it is tried again with everything else
    }
  }

  /**
   * Gives the adapter a fixed IPv4 address; one that the player has given it stays the player's.
   *
   * @throws {WindowsError}
   */
  addAddress(network: WindowsInterface, { address, prefixBits }: IpNetwork): void {
    const row = { interfaceIndex: network.index, address, prefixBits };
    if (this.#addressChange !== undefined) {
      // The adapter was away, and its address perhaps with it.
      addAddress(row);
      return;
    }
    const data = { guid: this.#guid, address: [...address], prefixLength: prefixBits };
    this.#addressChange = this.#add(ADDRESS, data, () => addAddress(row));
  }

  /**
   * Has Windows ask for the adapter's address, which somebody has fixed; that is put back at the end.
   *
   * @returns whether it does
   */
  switchDhcpOn(interfaceIndex: number, fixed: FixedAddresses): boolean {
    const { router, addresses } = fixed;
    const data = { guid: this.#guid, router, addresses: addresses.map((one) => ({ ...one })) };
    const change = this.#journal.record(DHCP, data);
    const result = switchDhcpOn(interfaceIndex);
    // What may have been done is put back as well.
    if (result === "refused") this.#journal.forget(change);
    return result === "done";
  }

  /** Makes a rule of the firewall's, of which nothing stays if it fails. @throws what `make` throws */
  addRule(name: string, make: () => void): void {
    this.#add(INBOUND, name, () => {
      make();
      return true;
    });
  }

  /** Writes a change down and makes it; one that fails, or was not needed, does not stay written. */
  #add(kind: string, data: ChangeData, make: () => boolean): Change | undefined {
    const change = this.#journal.record(kind, data);
    let isOurs = false;
    try {
      isOurs = make();
    } finally {
      if (!isOurs) this.#journal.forget(change);
    }
    return isOurs ? change : undefined;
  }

  /** Configures the adapter's interface. @throws {WindowsError} */
  configure(network: WindowsInterface, mtu: number, policy: RouterPolicy): void {
    // Of an interface that is not there yet nothing is known that could be put back.
    const settings = this.#interfaceChange === undefined ? network.settings() : [];
    if (settings.length > 0) {
      this.#interfaceChange = this.#journal.record(INTERFACE, {
        guid: this.#guid,
        settings: settings.map((one) => ({ ...one })),
      });
    }
    network.configure(mtu, policy);
  }

  /** Configures it again where somebody else has changed it. @throws {WindowsError} */
  keepConfigured(network: WindowsInterface, mtu: number, policy: RouterPolicy): boolean {
    if (network.isConfigured(mtu, policy)) return false;
    this.configure(network, mtu, policy);
    return true;
  }

  /** Takes everything back; what cannot be stays written down. */
  undo(): readonly UndoFailure[] {
    this.#interfaceChange = undefined;
    this.#addressChange = undefined;
    this.hasMac = false;
    return this.#journal.undoAll();
  }
}

/** The journal is a file: what it holds is checked before it is believed. */
function undoRoute(data: ChangeData): void {
  windowsTable.takeBack(data);
}

/** Returns whether there was something to be started. */
function undoRestart(data: ChangeData): boolean {
  // Devices of the root bus, as the TAP driver's are: no others are ours to start.
  if (typeof data !== "string" || !/^ROOT\\[A-Z0-9_]{1,32}\\\d{4}$/i.test(data)) return false;
  return startDevice(data);
}

/** @throws {WindowsError | AdapterError} they are not all put back */
function undoDhcp(data: ChangeData, own: string): void {
  if (!isRecord(data) || data.guid !== own || !isFixedAddresses(data)) return;
  const interfaceIndex = findForUndo(own)?.index;
  const result = interfaceIndex === undefined ? "done" : fixAddresses(interfaceIndex, data);
  if (result === "done") return;
  const detail = result === "unanswered" ? "Windows did not answer" : undefined;
  throw new WindowsError("netsh interface ipv4 set address", undefined, detail);
}

/** Returns whether the adapter was there, and is started again. */
function undoMac(data: ChangeData, own: string): boolean {
  if (!isRecord(data) || data.guid !== own || !isRecord(data.settings)) return false;
  const { NetworkAddress, MAC } = data.settings;
  if (!isMacText(NetworkAddress) || !isMacText(MAC)) return false;
  const adapter = findTapAdapters().find(({ guid }) => guid === own);
  if (adapter === undefined) return false;
  const before = readMacSettings(adapter);
  const isRestarted = withoutCtrlC(() => applyMacSettings(adapter, { NetworkAddress, MAC }));
  if (isRestarted) return true;
  // Somebody has disabled it, unless a client that put the MAC back was killed just then: it had written it already.
  const isWritten = before.NetworkAddress === NetworkAddress && before.MAC === MAC;
  return isWritten && adapter.instanceId !== undefined && startDevice(adapter.instanceId);
}

function isMacText(value: ChangeData | undefined): value is string | null {
  return value === null || (typeof value === "string" && value.length <= MAC_TEXT_MAX);
}

function undoInbound(data: ChangeData): void {
  if (typeof data === "string" && isInboundRuleName(data)) windowsFirewall.removeRule(data);
}

/** Of the adapter itself alone; one that is gone has taken its settings along. @throws as {@linkcode undoDhcp} */
function undoInterface(data: ChangeData, own: string): void {
  if (typeof data !== "object" || data === null || !("guid" in data)) return;
  const { guid, settings } = data;
  if (guid !== own || !Array.isArray(settings) || !settings.every(isSettings)) return;
  findForUndo(guid)?.restore(settings);
}

/** Windows keeps no fixed address of this kind where the adapter is disabled: there is nothing to be taken back then. */
function undoAddress(data: ChangeData, own: string): void {
  if (typeof data !== "object" || data === null || !("guid" in data)) return;
  const { guid, address, prefixLength } = data;
  if (guid !== own || !isByte(prefixLength)) return;
  if (!Array.isArray(address) || address.length !== 4 || !address.every(isByte)) return;
  const interfaceIndex = findInterface(guid)?.index;
  if (interfaceIndex === undefined) return;
  removeAddress({ interfaceIndex, address: Uint8Array.from(address), prefixBits: prefixLength });
}

/**
 * The interface whose settings are to be put back; undefined: the adapter was removed, and they with it.
 *
 * @throws {AdapterError} it is disabled, and keeps what was set until it is enabled again
 */
function findForUndo(own: string): WindowsInterface | undefined {
  const network = findInterface(own);
  // Windows may know the interface of a disabled adapter, too.
  const isUp = network?.settings().some(({ family }) => family === IpConstant.AF_INET) ?? false;
  if (isUp) return network;
  if (!findTapAdapters().some(({ guid }) => guid === own)) return undefined;
  throw new AdapterError(
    "it is disabled: enable it among the network connections of Control Panel",
  );
}

function findInterface(guid: string): WindowsInterface | undefined {
  try {
    return WindowsInterface.find(guid);
  } catch (error) {
    if (error instanceof WindowsError) return undefined;
    throw error;
  }
}

function isByte(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
}

function isSettings(value: unknown): value is InterfaceSettings {
  if (typeof value !== "object" || value === null) return false;
  const members = value as Record<string, unknown>;
  const isNumber = (name: string) =>
    Number.isInteger(members[name]) && (members[name] as number) >= 0;
  const known = ["family", "automaticMetric", "metric", "mtu", "disableDefaultRoutes"];
  const newer = [
    ...["routerDiscovery", "managedAddresses", "otherSettings"],
    ...["forwarding", "weakHostReceive"],
  ];
  return known.every(isNumber) &&
    newer.every((name) => members[name] === undefined || isNumber(name));
}
