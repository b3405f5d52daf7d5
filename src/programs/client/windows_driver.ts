/**
 * The adapter that the party has for itself: where this PC has none, it is made, with the driver that Windows has
 * or the package that is at hand.
 *
 * @module
 */
import {
  adapterMark,
  type DriverPackage,
  findDriverPackage,
  installRootDevice,
  isUnsettled,
  madeDevices,
  makeRootDevice,
  markAdapter,
  readDhcpSettings,
  readMacSettings,
  removeRootDevice,
  setConnectionName,
} from "../../system/adapter/mod.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { SetupConstant } from "../../ffi/windows_setup.ts";
import type { DriverVersion } from "../../link/tap_windows_driver.ts";
import { findTapAdapters, type TapAdapter } from "../../link/tap_windows_adapters.ts";
import { findWindowsAdapters } from "../../link/windows_adapters.ts";
import { pauseBlocking } from "../../system/process/mod.ts";
import { patiently, writeFileAtomic } from "../../system/files/mod.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { UserError } from "../../log/user_error.ts";
import { candidatesOf, freeName, isPartys, type KnownAdapter } from "./windows_adapter_choice.ts";
import { ownProgramFolder } from "./windows_folder.ts";

/** Where `deno task build --tap-driver DIR` puts the package into the program. */
const EMBEDDED = new URL("../../system/adapter/tap_driver/", import.meta.url);
/** The folder beside the program that it is looked for in, and then beside the program itself. */
const FOLDER = "tap-driver";
/** What the driver's own package calls its devices, the later name first. */
const HARDWARE_IDS = ["root\\tap0901", "tap0901"] as const;

/** The adapter is there within this time, where Windows need not be restarted. */
const APPEAR_MAX_MS = 20_000;
const STEP_MS = 200;

/** Versions up to 9.26 let any program of this PC overflow the kernel's memory (CVE-2024-1305). */
const SAFE_DRIVER = { major: 9, minor: 27 };

/** Whether a driver's version has no known hole. */
export function isSafeDriver({ major, minor }: DriverVersion): boolean {
  return major > SAFE_DRIVER.major ||
    (major === SAFE_DRIVER.major && minor >= SAFE_DRIVER.minor);
}

/** This PC's TAP adapters, and whose they are. */
export function knownAdapters(): KnownAdapter[] {
  return findTapAdapters().map((adapter) => ({
    ...adapter,
    mark: adapterMark(adapter),
    macSettings: readMacSettings(adapter),
    hasFixedAddress: !readDhcpSettings(adapter.guid).isOn,
  }));
}

/**
 * Makes an adapter for the party, if this PC has none of the party's and none is named. Adapters that other
 * programs have made stay theirs.
 *
 * @param tapName the one that the player has named
 * @param mac the player's, as far as it is known
 * @throws {UserError} none can be made, and there is none that could be used
 */
export function ensureAdapter(
  tapName: string | undefined,
  mac: Uint8Array | undefined,
  logger: Logger,
): void {
  finishMaking(logger);
  const adapters = knownAdapters();
  if (adapters.length === 0) return makeFirst(logger);
  if (tapName !== undefined || adapters.some((one) => isPartys(one, mac))) return;
  logText(logger, "info", "Making a network adapter for the party …");
  const why = makeFromStore([adapters[0].componentId], logger);
  if (why === undefined) return;
  const [spare] = candidatesOf(adapters, undefined, mac);
  if (spare === undefined) {
    const others = adapters.map(({ name }) => `"${name}"`).join(", ");
    throw new UserError(
      `Windows made no adapter for the party (${why}), and ${others} may be other programs': add one with ` +
        `OpenVPN's "tapctl create", or start with --tap NAME to use one of these while the client runs`,
    );
  }
  logText(
    logger,
    "warning",
    `Windows made no adapter for the party (${why}): the client uses "${spare.name}" until it ends`,
  );
}

/** Devices that an earlier start has made: their adapters may have appeared since, or are about to, or never will. */
function finishMaking(logger: Logger): void {
  for (const instanceId of madeDevices()) {
    const isIts = (adapter: KnownAdapter) => isOfDevice(adapter, instanceId);
    if (!knownAdapters().some(isIts)) {
      logText(logger, "info", "Waiting for the network adapter that an earlier start has made …");
    }
    const adapter = waitForOne(isIts);
    if (adapter === undefined) removeUnfinished(instanceId, logger);
    else if (isUnsettled(adapter)) settle(adapter, logger);
  }
}

/** Whether an adapter is that of a device. @param instanceId such as `ROOT\NET\0000` */
export function isOfDevice({ instanceId }: TapAdapter, ofDevice: string): boolean {
  return instanceId?.toUpperCase() === ofDevice.toUpperCase();
}

/** One that stays is no harm, beside its place in Device Manager. */
function removeUnfinished(instanceId: string, logger: Logger): void {
  try {
    removeRootDevice(instanceId);
    logText(logger, "info", "It did not appear, and was removed");
  } catch (error) {
    if (!(error instanceof WindowsError)) throw error;
    logText(logger, "debug", `It did not appear, and could not be removed: ${error.message}`);
  }
}

/** This PC has no TAP adapter at all, and perhaps not its driver. */
function makeFirst(logger: Logger): void {
  const found = findPackage();
  if (found === undefined) {
    if (makeFromStore(HARDWARE_IDS, logger) === undefined) return;
    throw new UserError(
      "no TAP adapter: install the driver TAP-Windows6 (it comes with OpenVPN's installer, or " +
        "alone from OpenVPN's downloads), then start lanparty-client again; or put the files of " +
        `its package (.inf, .cat, .sys) into a folder "${FOLDER}" beside lanparty-client.exe, ` +
        "which then installs it",
    );
  }
  logText(
    logger,
    "info",
    `This PC has no TAP adapter: installing the driver of ${found.inf}. Windows may ask whether ` +
      "you trust its publisher …",
  );
  const known = guidsNow();
  if (install(found)) {
    throw new UserError("the driver is installed: restart Windows, then start lanparty-client");
  }
  settle(waitForNew(known), logger);
}

function findPackage(): DriverPackage | undefined {
  const beside = Deno.execPath().replace(/[\\/][^\\/]*$/, "");
  return findDriverPackage(EMBEDDED) ?? findDriverPackage(`${beside}/${FOLDER}`) ??
    findDriverPackage(beside);
}

/**
 * Makes an adapter with the driver that Windows has in its store: the installer of TAP-Windows6 puts it there.
 *
 * @param hardwareIds what its devices may be called, tried in this order
 * @returns why that was not possible
 * @throws {UserError} Windows has to be restarted
 */
function makeFromStore(hardwareIds: readonly string[], logger: Logger): string | undefined {
  let why = "";
  for (const hardwareId of hardwareIds) {
    const known = guidsNow();
    try {
      if (makeRootDevice(hardwareId)) {
        throw new UserError("the adapter is made: restart Windows, then start lanparty-client");
      }
    } catch (error) {
      if (!(error instanceof WindowsError)) throw error;
      why = reasonOf(error);
      continue;
    }
    settle(waitForNew(known), logger);
    return undefined;
  }
  return why;
}

/** Returns whether Windows has to be restarted. */
function install({ inf, hardwareId, files }: DriverPackage): boolean {
  // What is beside the program may be exchanged while it is installed; nobody can do that here.
  const folder = `${ownProgramFolder()}\\${FOLDER}`;
  try {
    Deno.mkdirSync(folder, { recursive: true });
    for (const [name, bytes] of files) writeFileAtomic(`${folder}\\${name}`, bytes, 0o644);
    return installRootDevice(`${folder}\\${inf}`, hardwareId);
  } catch (cause) {
    if (!(cause instanceof WindowsError)) throw cause;
    throw new UserError(`the TAP driver could not be installed: ${reasonOf(cause)}`, { cause });
  } finally {
    removeFolder(folder); // Windows keeps its own copy
  }
}

/** A file of it that somebody still reads stays, for the next time: that is no reason to give up. */
function removeFolder(folder: string): void {
  try {
    patiently(() => Deno.removeSync(folder, { recursive: true }));
  } catch {
    // what could be said has been said
  }
}

/** Setupapi's errors that a player can do something about. */
const REASONS: Readonly<Record<number, string>> = {
  [SetupConstant.ERROR_NO_DRIVER_SELECTED]:
    "Windows has no driver for it; install TAP-Windows6 from OpenVPN's downloads",
  [SetupConstant.ERROR_AUTHENTICODE_TRUST_NOT_ESTABLISHED]:
    "its publisher is not known to Windows; take the package from OpenVPN's downloads",
  [SetupConstant.ERROR_AUTHENTICODE_PUBLISHER_NOT_TRUSTED]:
    "its publisher was not trusted; start again and answer Install",
  [SetupConstant.ERROR_NO_CATALOG_FOR_OEM_INF]:
    "its catalogue does not fit its files; take the package from OpenVPN's downloads",
  // Of a program for other processors, such as this one on ARM64.
  [SetupConstant.ERROR_IN_WOW64]:
    "this kind of Windows takes it from its own installer alone: use OpenVPN's",
};

function reasonOf(error: WindowsError): string {
  const { code } = error;
  if (code === undefined) return "Windows does not say why; its record is setupapi.dev.log";
  return REASONS[code] ?? error.message;
}

function guidsNow(): ReadonlySet<string> {
  return new Set(findTapAdapters().map(({ guid }) => guid));
}

/** Marks a new adapter as the party's, and names it. */
function settle(adapter: KnownAdapter, logger: Logger): void {
  markAdapter(adapter, "made");
  const others = findWindowsAdapters().filter(({ guid }) => guid !== adapter.guid);
  const wanted = freeName(others.map(({ name }) => name));
  const isNamed = adapter.name === wanted || setConnectionName(adapter.name, wanted);
  const name = isNamed ? wanted : adapter.name;
  logText(logger, "info", `Installed the TAP adapter "${name}"`);
}

function waitForNew(known: ReadonlySet<string>): KnownAdapter {
  const adapter = waitForOne(({ guid }) => !known.has(guid));
  if (adapter !== undefined) return adapter;
  throw new UserError(
    "the driver is installed, but its adapter does not appear: restart Windows and try again",
  );
}

function waitForOne(isIt: (adapter: KnownAdapter) => boolean): KnownAdapter | undefined {
  const endMs = performance.now() + APPEAR_MAX_MS;
  for (;;) {
    const adapter = knownAdapters().find(isIt);
    // Windows writes its connection, with name and device, a little later than the adapter.
    if (adapter?.instanceId !== undefined && adapter.name !== adapter.guid) return adapter;
    if (performance.now() >= endMs) return undefined;
    pauseBlocking(STEP_MS);
  }
}
