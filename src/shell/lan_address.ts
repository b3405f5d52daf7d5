/** How the adapter gets its address: fixed, by the LAN's DHCP server, or not at all. */
import type { Reactor } from "../reactor/mod.ts";
import type { Logger } from "./logging.ts";

/** What the command line says of addresses. */
export interface LanAddressOptions {
  readonly address: string | undefined;
  readonly useDhcp: boolean;
  readonly allowLanDefaultRoute: boolean;
}

/** See the module. */
export class LanAddress {
  constructor(
    readonly options: LanAddressOptions,
    readonly reactor: Reactor,
    readonly logger: Logger,
  ) {}

  /** The adapter is up. */
  start(_adapter: string): void {}

  /** The room was entered again: what was leased may have to be asked for anew. */
  renew(): void {}

  /** Gives a lease back. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
