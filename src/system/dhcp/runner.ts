/**
 * Runs the system's DHCP client for one interface, for as long as that interface is in use.
 *
 * @module
 */

import { findDhcpClient, isDhclientConfined, planDhcp } from "./clients.ts";
import type { DhcpClient, DhcpClientKind } from "./plan.ts";
import { ProgramSession } from "./program.ts";
import { ServiceSession } from "./service.ts";
import type { AddressKeeper, DhcpContext, DhcpEvent, DhcpSession } from "./session.ts";
import type { ChangeJournal } from "../journal/journal.ts";

export type { AddressKeeper, DhcpEvent };

/** How a runner is made. */
export interface DhcpRunnerOptions {
  /** An interface that is up. */
  readonly interface: string;
  readonly addresses: AddressKeeper;
  /** A folder for files of this run; it is made, and removed at the end. */
  readonly folder: string;
  readonly onEvent: (event: DhcpEvent) => void;
  /** Default: this PC's name, if it is a plain host name. */
  readonly hostName?: string;
  /** Let the DHCP client set routes and name servers, too. Default false. */
  readonly everything?: boolean;
  /** Has leftovers of a killed process removed at the next start: kinds `file` and `process`. */
  readonly journal?: ChangeJournal;
  /**
   * How many releases have left through the interface. A release waits in the kernel until the server's
   * hardware address is found out, and would go with the address: so this is waited for.
   */
  readonly releases?: () => number;
  /** Finds the client to use. Default: the first that this system has. */
  readonly find?: () => DhcpClient | undefined;
  /** dhclient only. Default: whether AppArmor demands it. */
  readonly systemScript?: boolean;
}

const STOP_TIMEOUT_MS = 1_000;
const HOST_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const NAMES: Partial<Record<DhcpClientKind, string>> = {
  busybox: "busybox udhcpc",
  networkd: "systemd-networkd",
};

/** The DHCP client of one interface. */
export class DhcpRunner {
  /** What was found on this system. */
  readonly client: DhcpClient | undefined;
  readonly #onEvent: (event: DhcpEvent) => void;
  readonly #session: DhcpSession | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: DhcpRunnerOptions) {
    this.#onEvent = options.onEvent;
    this.client = (options.find ?? findDhcpClient)();
    if (this.client !== undefined) this.#session = openSession(this.client, options);
  }

  /** The address that the client was given last and still has, where it tells. */
  get address(): string | undefined {
    return this.#session?.address;
  }

  /** Starts the client, once; without one the event `unavailable` is all that happens. */
  start(): void {
    if (this.#session === undefined) this.#onEvent({ type: "unavailable" });
    else this.#session.start();
  }

  /** Asks for the lease anew, e.g. after the LAN was out of reach: it may be another one. */
  renew(): void {
    this.#session?.renew();
  }

  /**
   * Gives the lease back, ends the client, and takes the address and all files away. The release
   * goes through the interface, so the interface must still be served meanwhile.
   *
   * @param timeoutMs after which the client is killed
   */
  stop(timeoutMs = STOP_TIMEOUT_MS): Promise<void> {
    this.#stopped ??= this.#session?.stop(timeoutMs) ?? Promise.resolve();
    return this.#stopped;
  }
}

function openSession(client: DhcpClient, options: DhcpRunnerOptions): DhcpSession {
  const hostName = options.hostName ?? Deno.hostname();
  const plan = planDhcp({
    client,
    interface: options.interface,
    folder: options.folder,
    hostName: HOST_NAME.test(hostName) ? hostName : undefined,
    everything: options.everything ?? false,
    systemScript: client.kind === "dhclient" && (options.systemScript ?? isDhclientConfined()),
  });
  const context: DhcpContext = {
    name: NAMES[client.kind] ?? client.kind,
    interface: options.interface,
    addresses: options.addresses,
    folder: options.folder,
    onEvent: options.onEvent,
    journal: options.journal,
    releases: options.releases,
  };
  return plan.type === "program"
    ? new ProgramSession(plan, context)
    : new ServiceSession(plan, context);
}
