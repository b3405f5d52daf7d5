/**
 * The address that Windows' own DHCP client asks the LAN for. It asks where it is told to, and when it likes: once
 * in five minutes, and not at all while it has the address of another network.
 *
 * @module
 */
import { WindowsError } from "../../ffi/windows_kernel.ts";
import type { TapAdapter } from "../../link/tap_windows_adapters.ts";
import { type Logger, logText } from "../../log/logging.ts";
import type { LanVerdict } from "../../observe/lan_verdict.ts";
import { readFixedAddresses, renewLease } from "../../system/adapter/mod.ts";
import type { WindowsChanges } from "./windows_changes.ts";

/** A lease of another network is given up so often at most, ms: while it is asked for anew there is no address. */
const GIVE_UP_INTERVAL_MS = 60_000;

/** What it works with. */
export interface WindowsLeaseContext {
  readonly adapter: Pick<TapAdapter, "guid" | "name">;
  readonly changes: Pick<WindowsChanges, "switchDhcpOn">;
  readonly logger: Logger;
  /** The adapter's addresses at this moment, such as `192.168.1.77/24`. */
  readonly addresses: () => readonly string[];
}

/** What of Windows is called here. */
export interface WindowsLeaseCalls {
  readonly readFixedAddresses: typeof readFixedAddresses;
  readonly renewLease: typeof renewLease;
}

/** See the module. */
export class WindowsLease {
  readonly #context: WindowsLeaseContext;
  readonly #calls: WindowsLeaseCalls;
  /** The open adapter's interface. */
  #interfaceIndex: number | undefined;
  /** Whether the LAN is being asked for an address, and whether it is to be asked once more then. */
  #isAsking = false;
  #isToAsk = false;
  /** The address of another network that is to be given up then: Windows does one thing after the other. */
  #toGiveUp: string | undefined;
  #givenUpMs = -Infinity;

  /** @param calls for tests */
  constructor(
    context: WindowsLeaseContext,
    calls: WindowsLeaseCalls = { readFixedAddresses, renewLease },
  ) {
    this.#context = context;
    this.#calls = calls;
  }

  /** The adapter is open: addresses that somebody has fixed on it, such as another VPN, are put aside. */
  begin(interfaceIndex: number): void {
    this.#interfaceIndex = interfaceIndex;
    const { adapter, changes, logger } = this.#context;
    const fixed = this.#calls.readFixedAddresses(adapter.guid);
    if (fixed === undefined) return;
    const which = fixed.addresses.map(({ address }) => address).join(", ") || "a fixed address";
    const isOn = changes.switchDhcpOn(interfaceIndex, fixed);
    logText(
      logger,
      "warning",
      isOn
        ? `The adapter "${adapter.name}" had ${which}, which somebody has set there: it asks the LAN for its address ` +
          "until the client ends. To use your own, give it with --address, or start with --no-dhcp"
        : `The adapter "${adapter.name}" has ${which}, which somebody has set there, and Windows did not switch ` +
          "that off: have it get its address automatically (DHCP), in its properties",
    );
  }

  /** The adapter is gone. */
  end(): void {
    this.#interfaceIndex = undefined;
  }

  /** An adapter without an address of the LAN asks for one now. */
  ask(): void {
    if (this.#context.addresses().some(isUsable)) return;
    this.#ask(false);
  }

  /** Whether the LAN works: an address of another network is given up, and one of the LAN asked for. */
  handleVerdict(verdict: LanVerdict, nowMs: number): void {
    if (verdict.kind === "no-address") return this.ask();
    // A LAN that is silent may come back: its address is not given up.
    if (verdict.kind === "silent" && verdict.cause === "unanswered") return this.#ask(false);
    if (verdict.kind !== "elsewhere" || nowMs < this.#givenUpMs + GIVE_UP_INTERVAL_MS) return;
    this.#givenUpMs = nowMs;
    if (this.#isAsking) this.#toGiveUp = verdict.address;
    else this.#ask(true);
  }

  /** @param isGivenUp what it has is released before */
  #ask(isGivenUp: boolean): void {
    const { adapter, logger } = this.#context;
    const interfaceIndex = this.#interfaceIndex;
    if (interfaceIndex === undefined) return;
    if (this.#isAsking) {
      this.#isToAsk = true;
      return;
    }
    this.#isAsking = true;
    this.#isToAsk = false;
    logText(logger, "debug", `Asking the LAN for an address on "${adapter.name}" …`);
    this.#calls.renewLease(adapter.guid, interfaceIndex, isGivenUp)
      .catch((error: unknown) => {
        if (!(error instanceof WindowsError)) throw error;
        logText(logger, "debug", `Windows got no address yet: ${error.message}`);
      })
      .finally(() => {
        this.#isAsking = false;
        this.#goOn();
      });
  }

  /** What was to be done while Windows asked: the LAN may have answered meanwhile. */
  #goOn(): void {
    const toGiveUp = this.#toGiveUp;
    this.#toGiveUp = undefined;
    const addresses = this.#context.addresses();
    if (addresses.some((address) => address.startsWith(`${toGiveUp}/`))) this.#ask(true);
    else if (this.#isToAsk) this.ask();
  }
}

/** An address of IPv4 that Windows has not made itself. */
function isUsable(address: string): boolean {
  return address.includes(".") && !address.startsWith("169.254.");
}
