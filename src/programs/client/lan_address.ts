/**
 * How the adapter gets its address on Linux: fixed, by the LAN's DHCP server and our own client, or not at all.
 *
 * @module
 */
import type { DhcpLossReason } from "../../client/dhcp_client.ts";
import type { DhcpLease } from "../../client/dhcp_lease.ts";
import { LanLease, type LeaseEvent } from "../../client/lan_lease.ts";
import { formatIpv4, type IpNetwork } from "../../proto/ip.ts";
import { formatMac } from "../../proto/mac.ts";
import type { ChangeJournal } from "../../system/journal/mod.ts";
import { type Logger, type LogLevelName, logText } from "../../log/logging.ts";
import { randomBytes } from "../common/random.ts";
import { LeaseFile } from "./lease_file.ts";
import { type LeasedAdapter, LinuxLease } from "./linux_lease.ts";

/** What the command line says of addresses. */
export interface LanAddressOptions {
  readonly address: IpNetwork | undefined;
  readonly useDhcp: boolean;
  readonly allowLanDefaultRoute: boolean;
}

/** Whose address is asked for. */
export interface LeasePlayer {
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** Host and port. */
  readonly relay: string;
  readonly room: string;
}

/** What a DHCP server is told; other names of PCs are not. */
const HOST_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/** See the module. */
export class LanAddress {
  #file: LeaseFile | undefined;
  #lease: DhcpLease | undefined;
  #applied: LinuxLease | undefined;
  readonly #options: LanAddressOptions;
  readonly #stateDir: string;
  readonly #journal: ChangeJournal;
  readonly #logger: Logger;

  constructor(
    options: LanAddressOptions,
    stateDir: string,
    journal: ChangeJournal,
    logger: Logger,
  ) {
    this.#options = options;
    this.#stateDir = stateDir;
    this.#journal = journal;
    this.#logger = logger;
  }

  /** Whether the LAN is asked. */
  get isAsked(): boolean {
    return this.#options.address === undefined && this.#options.useDhcp;
  }

  /** What asks for the address; undefined: nobody does. */
  open({ mac, relay, room }: LeasePlayer, nowMs: number): LanLease | undefined {
    if (!this.isAsked) return undefined;
    this.#file = new LeaseFile(this.#stateDir, { relay, room, mac: formatMac(mac) }, this.#logger);
    const kept = this.#file.read();
    const hostName = Deno.hostname();
    return new LanLease({
      mac,
      hostName: HOST_NAME.test(hostName) ? hostName : undefined,
      random: randomBytes,
      allowLanDefaultRoute: this.#options.allowLanDefaultRoute,
      remembered: kept && { address: kept.address, endsMs: nowMs + kept.endsMs - Date.now() },
    });
  }

  /** The adapter is up. */
  start(adapter: LeasedAdapter): void {
    if (!this.isAsked) return;
    this.#applied = new LinuxLease(adapter, this.#journal, this.#logger);
    if (this.#lease !== undefined) this.#applied.set(this.#lease);
  }

  /** Follows what asks for the address. */
  handle(event: LeaseEvent): void {
    const { level, text } = describe(event);
    logText(this.#logger, level, text, { event: `dhcp-${event.type}` });
    switch (event.type) {
      case "lease":
        this.#lease = event.lease;
        this.#keep(event.lease);
        this.#applied?.set(event.lease);
        return;
      case "extended":
        this.#lease = event.lease;
        return this.#keep(event.lease);
      case "lost":
        this.#lease = undefined;
        if (event.why === "released") this.#file?.write({ address: event.address, endsMs: 0 });
        else if (event.why !== "over") this.#file?.forget();
        this.#applied?.clear();
    }
  }

  /** Looks whether what was set is still there. */
  check(nowMs: number): void {
    this.#applied?.check(nowMs);
  }

  /** Takes back what was set; the adapter must still be there. */
  async close(): Promise<void> {
    const applied = this.#applied;
    this.#applied = undefined;
    await applied?.clear();
    applied?.close();
  }

  #keep({ address, leaseMs }: DhcpLease): void {
    this.#file?.write({ address, endsMs: Date.now() + leaseMs });
  }
}

const LOST_TEXT: Readonly<Record<DhcpLossReason, string>> = {
  refused: "The LAN has taken the address ADDRESS back. Asking for another one …",
  over:
    "The time of the address ADDRESS is over, and nobody in the LAN has extended it. Asking again …",
  conflict: "The address ADDRESS is given up. Asking the LAN for another one …",
  released: "The address ADDRESS is given back.",
};

function describe(event: LeaseEvent): { level: LogLevelName; text: string } {
  switch (event.type) {
    case "asking":
      return { level: "info", text: "Asking the LAN for an address …" };
    case "lease":
    case "extended":
      return { level: "debug", text: `Leased ${formatIpv4(event.lease.address)}` };
    case "conflict": {
      const what = `Another device in the LAN (${formatMac(event.mac)}) uses the address ` +
        `${formatIpv4(event.address)}, too.`;
      return { level: "warning", text: what };
    }
    case "lost":
      return {
        level: event.why === "released" ? "debug" : "warning",
        text: LOST_TEXT[event.why].replace("ADDRESS", formatIpv4(event.address)),
      };
  }
}
