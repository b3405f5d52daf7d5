/** The client's part that is Windows': a TAP-Windows6 adapter, which gets its address from Windows. */
import { type LinkDevice, LinkError } from "../link/device.ts";
import { TapWindowsDevice } from "../link/tap_windows.ts";
import { findTapAdapters, type TapAdapter } from "../link/tap_windows_adapters.ts";
import type { AdapterSettings, ClientSystem, ClientSystemOptions } from "./client_platform.ts";
import { interfaceAddresses } from "./interface_addresses.ts";
import { type Logger, logText } from "./logging.ts";
import { openStateDir } from "./state_dir.ts";
import { UserError } from "./user_error.ts";

/** Versions up to 9.26 let any program of this PC overflow the kernel's memory (CVE-2024-1305). */
const SAFE_DRIVER = { major: 9, minor: 27 };

/** @throws {UserError} see `OpenClientSystem` */
export function openWindowsSystem(options: ClientSystemOptions, logger: Logger): ClientSystem {
  findCandidates(options.tapName); // what is wrong with them is said before anything else
  return new WindowsSystem(options, openStateDir("client", options.stateDir), logger);
}

class WindowsSystem implements ClientSystem {
  constructor(
    private readonly options: ClientSystemOptions,
    readonly stateDir: string,
    private readonly logger: Logger,
  ) {}

  openAdapter({ mtu, pool }: AdapterSettings): LinkDevice {
    const failures: string[] = [];
    for (const adapter of findCandidates(this.options.tapName)) {
      try {
        const network = { index: 0, setMtu: () => {} };
        const device = TapWindowsDevice.open({ adapter, pool, network, mtu });
        this.checkDriver(device);
        return device;
      } catch (cause) {
        if (!(cause instanceof LinkError)) throw cause;
        failures.push(cause.message);
      }
    }
    throw new UserError(failures.join("; "));
  }

  adapterStarted(): void {}

  addresses({ name }: LinkDevice): readonly string[] {
    return interfaceAddresses(name);
  }

  renewAddress(): void {}

  releaseAddress(): Promise<void> {
    return Promise.resolve();
  }

  private checkDriver({ name, driverVersion: { major, minor } }: TapWindowsDevice): void {
    const isSafe = major > SAFE_DRIVER.major ||
      (major === SAFE_DRIVER.major && minor >= SAFE_DRIVER.minor);
    if (isSafe) return;
    logText(
      this.logger,
      "warning",
      `The driver of "${name}" is version ${major}.${minor}, which has a known hole ` +
        "(CVE-2024-1305): update TAP-Windows6 to 9.27 or later",
    );
  }
}

/**
 * The adapters that may be used, in the order in which they are tried.
 *
 * @throws {UserError} there is none
 */
function findCandidates(tapName: string | undefined): readonly TapAdapter[] {
  const adapters = findTapAdapters();
  if (adapters.length === 0) {
    throw new UserError(
      "no TAP adapter: install the driver TAP-Windows6 (it comes with OpenVPN's installer, or " +
        "alone from OpenVPN's downloads), then start lanparty-client again",
    );
  }
  if (tapName === undefined) return adapters;
  const named = adapters.filter(({ name }) => name.toLowerCase() === tapName.toLowerCase());
  if (named.length > 0) return named;
  const names = adapters.map(({ name }) => `"${name}"`).join(", ");
  throw new UserError(`there is no TAP adapter "${tapName}"; this PC has ${names}`);
}
