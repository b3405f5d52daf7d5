/**
 * The open adapter's interface, as it has to be: its metric, MTU and what routers may do there, and the player's
 * fixed address. Windows may refuse all of it as long as the cable is not in, or is just coming up: it is set
 * again then, and whenever another program has changed it.
 *
 * @module
 */
import { type AdapterRepair, AdapterUpkeep } from "../../client/adapter_upkeep.ts";
import { addressesOf } from "../../client/own_addresses.ts";
import { WindowsError } from "../../ffi/windows_kernel.ts";
import { type Logger, logText } from "../../log/logging.ts";
import type { AdapterFault } from "../../observe/adapter_events.ts";
import { statusLine } from "../../observe/status.ts";
import { equalBytes } from "../../proto/bytes.ts";
import { formatCidr, type IpNetwork } from "../../proto/ip.ts";
import {
  removeAddress,
  type RouterPolicy,
  type WindowsInterface,
} from "../../system/adapter/mod.ts";
import { windowsTable } from "../../system/routes/mod.ts";
import type { WindowsChanges } from "./windows_changes.ts";

const AF_INET = 2;
/** Looks that may fail until it is said: each comes 5 s after the other, or by a notice. */
const FAILURES_MAX = 3;

/** What the player wants of the interface. */
export interface InterfaceWishes {
  readonly policy: RouterPolicy;
  /** The address that the player has chosen. */
  readonly address: IpNetwork | undefined;
}

/** See the module. */
export class WindowsInterfaceKeeper {
  readonly #name: string;
  readonly #network: WindowsInterface;
  readonly #changes: WindowsChanges;
  readonly #wishes: InterfaceWishes;
  readonly #logger: Logger;
  readonly #upkeep: AdapterUpkeep;
  #mtu: number | undefined;
  /** Whether it was as it has to be after its cable was in: what is otherwise then another program has changed. */
  #isMade = false;
  /** Whether the player's address was ever set. */
  #hasAddress = false;
  #failures = 0;

  constructor(
    name: string,
    network: WindowsInterface,
    changes: WindowsChanges,
    wishes: InterfaceWishes,
    logger: Logger,
  ) {
    this.#name = name;
    this.#network = network;
    this.#changes = changes;
    this.#wishes = wishes;
    this.#logger = logger;
    const { address } = wishes;
    const addresses = address === undefined ? [] : [formatCidr(address)];
    // The MAC is the driver's: it changes only when the adapter restarts.
    this.#upkeep = new AdapterUpkeep(name, { mac: "", mtu: 0, addresses }, () => []);
  }

  /** The interface's index. */
  get index(): number {
    return this.#network.index;
  }

  /** What keeps this PC out of the party although it was put right again and again. */
  get fault(): AdapterFault | undefined {
    return this.#upkeep.fault;
  }

  /** The interface's addresses at this moment. */
  addresses(): readonly string[] {
    return addressesOf({ addresses: windowsTable.addresses(), tapIndex: this.index });
  }

  /** Sets the MTU, and with it all else; what Windows does not take now is set by {@linkcode keep}. */
  setMtu(mtu: number): void {
    this.#mtu = mtu;
    this.#isMade = false;
    this.#upkeep.want({ mtu });
    this.#attempt(() => this.#changes.configure(this.#network, mtu, this.#wishes.policy));
  }

  /** Sets the player's own address. */
  setAddress(): void {
    const { address } = this.#wishes;
    if (address === undefined) return;
    this.#attempt(() => this.#add(address));
  }

  /** Other programs, and Windows itself, change what was set. */
  keep(nowMs: number): void {
    const mtu = this.#mtu;
    if (mtu === undefined) return;
    this.#attempt(() => {
      const repairs = this.#isMade ? this.#look(nowMs) : [];
      this.#changes.keepConfigured(this.#network, mtu, this.#wishes.policy);
      const { address } = this.#wishes;
      if (address !== undefined) {
        const isGone = repairs.some(({ trait }) => trait === "address");
        if (isGone || !this.#hasAddress) this.#add(address);
        removeSelfMade(this.#network, address.address);
      }
      this.#isMade = true;
    });
  }

  #add(address: IpNetwork): void {
    this.#changes.addAddress(this.#network, address);
    this.#hasAddress = true;
  }

  /** What another program has changed, which is said. */
  #look(nowMs: number): readonly AdapterRepair[] {
    const ipv4 = this.#network.settings().find(({ family }) => family === AF_INET);
    if (ipv4 === undefined) return [];
    const found = { mac: "", mtu: ipv4.mtu, addresses: this.addresses() };
    const repairs = this.#upkeep.handleFound({ ...found, isUp: true, hasIpv6: false }, nowMs);
    for (const event of this.#upkeep.drainEvents()) {
      const { level, text } = statusLine(event);
      logText(this.#logger, level, text, { event: event.type });
    }
    return repairs;
  }

  #attempt(work: () => void): void {
    try {
      work();
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof WindowsError)) throw error;
      const { message } = error;
      logText(this.#logger, "debug", `The adapter's settings could not be made: ${message}`);
      if (++this.#failures !== FAILURES_MAX) return;
      const what = `Windows does not take the settings of the adapter "${this.#name}" (${message})`;
      const consequence = "games may not be found. It is tried again each 5 s";
      logText(this.#logger, "warning", `${what}: ${consequence}`);
    }
  }
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
