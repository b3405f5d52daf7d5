/**
 * A PC without the TAP driver: it is installed where its package is at hand.
 *
 * @module
 */
import {
  type DriverPackage,
  findDriverPackage,
  installRootDevice,
} from "../../system/adapter/mod.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import type { DriverVersion } from "../../link/tap_windows.ts";
import { findTapAdapters } from "../../link/tap_windows_adapters.ts";
import { pauseBlocking } from "../../system/process/mod.ts";
import { patiently, writeFileAtomic } from "../../system/files/mod.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { UserError } from "../../log/user_error.ts";
import { ownProgramFolder } from "./windows_folder.ts";

/** Where `deno task build --tap-driver DIR` puts the package into the program. */
const EMBEDDED = new URL("../../system/adapter/tap_driver/", import.meta.url);
/** The folder beside the program that it is looked for in, and then beside the program itself. */
const FOLDER = "tap-driver";

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

/**
 * Installs the driver, and with it an adapter, if this PC has none.
 *
 * @throws {UserError} there is no package, or Windows does not take it
 */
export function ensureTapDriver(logger: Logger): void {
  if (findTapAdapters().length > 0) return;
  const found = findPackage();
  if (found === undefined) {
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
  if (install(found)) {
    throw new UserError("the driver is installed: restart Windows, then start lanparty-client");
  }
  waitForAdapter();
  logText(logger, "info", `Installed the TAP adapter "${findTapAdapters()[0].name}"`);
}

function findPackage(): DriverPackage | undefined {
  const beside = Deno.execPath().replace(/[\\/][^\\/]*$/, "");
  return findDriverPackage(EMBEDDED) ?? findDriverPackage(`${beside}/${FOLDER}`) ??
    findDriverPackage(beside);
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

/** Error codes of setupapi.h that a player can do something about. */
const REASONS: Readonly<Record<number, string>> = {
  0xe0000242: "its publisher is not known to Windows; take the package from OpenVPN's downloads",
  0xe0000243: "its publisher was not trusted; start again and answer Install",
  0xe000022f: "its catalogue does not fit its files; take the package from OpenVPN's downloads",
  // ERROR_IN_WOW64: a program for other processors, such as this one on ARM64.
  0xe0000235: "this kind of Windows takes it from its own installer alone: use OpenVPN's",
};

function reasonOf(error: WindowsError): string {
  return REASONS[error.code] ?? error.message;
}

function waitForAdapter(): void {
  for (let waitedMs = 0; waitedMs < APPEAR_MAX_MS; waitedMs += STEP_MS) {
    if (findTapAdapters().length > 0) return;
    pauseBlocking(STEP_MS);
  }
  throw new UserError(
    "the driver is installed, but its adapter does not appear: restart Windows and try again",
  );
}
