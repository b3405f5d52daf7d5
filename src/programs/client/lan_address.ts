/**
 * How the adapter gets its address: fixed, by the LAN's DHCP server and whatever DHCP client the system
 * has, or not at all.
 */
import { type AddressKeeper, type DhcpEvent, DhcpRunner } from "../../system/dhcp/runner.ts";
import type { ChangeJournal } from "../../system/journal/journal.ts";
import { cleanText, isolated } from "../../proto/clean_text.ts";
import { type IpNetwork } from "../../proto/ip.ts";
import { type Logger, type LogLevelName, logText } from "../../log/logging.ts";

/** What the command line says of addresses. */
export interface LanAddressOptions {
  readonly address: IpNetwork | undefined;
  readonly useDhcp: boolean;
  readonly allowLanDefaultRoute: boolean;
}

/** An adapter that addresses are set on. */
export interface AddressedAdapter extends AddressKeeper {
  readonly name: string;
}

/** Giving the lease back must not hold up the end of the program. */
const RELEASE_TIMEOUT_MS = 1_000;

/** See the module. */
export class LanAddress {
  private runner: DhcpRunner | undefined;

  /** @param folder for the DHCP client's files; made and removed as needed */
  constructor(
    private readonly options: LanAddressOptions,
    private readonly folder: string,
    private readonly journal: ChangeJournal,
    private readonly logger: Logger,
  ) {}

  /**
   * The adapter is up and its frames flow.
   *
   * @param releases how many times a lease was given back through it
   */
  start(adapter: AddressedAdapter, releases: () => number): void {
    const { address, useDhcp, allowLanDefaultRoute } = this.options;
    if (address !== undefined || !useDhcp) return;
    this.runner = new DhcpRunner({
      interface: adapter.name,
      addresses: adapter,
      folder: this.folder,
      journal: this.journal,
      everything: allowLanDefaultRoute,
      releases,
      onEvent: (event) => this.say(event),
    });
    this.runner.start();
  }

  /** The room was entered again: what was leased may have to be asked for anew. */
  renew(): void {
    this.runner?.renew();
  }

  /** Gives the lease back; the adapter's frames must still flow meanwhile. */
  async close(): Promise<void> {
    await this.runner?.stop(RELEASE_TIMEOUT_MS);
  }

  private say(event: DhcpEvent): void {
    const { level, text } = describe(event);
    logText(this.logger, level, text, { event: `dhcp-${event.type}` });
  }
}

function describe(event: DhcpEvent): { level: LogLevelName; text: string } {
  switch (event.type) {
    case "unavailable":
      return {
        level: "warning",
        text: "This system has no DHCP client (dhclient, udhcpc, dhcpcd): install one, or give " +
          "the adapter an address of the LAN with --address",
      };
    case "asking":
      return { level: "info", text: `Asking the LAN for an address (by ${event.client}) …` };
    case "lease":
      return { level: "debug", text: `Leased ${event.address}` };
    case "lost":
      return { level: "warning", text: `The LAN has taken the address ${event.address} back.` };
    case "failed":
      return {
        level: "warning",
        // What a program says may quote the LAN's server.
        text:
          `${event.client} ended (${isolated(cleanText(event.message))}); it is started again in ` +
          `${Math.round(event.retryMs / 1000)} s`,
      };
  }
}
