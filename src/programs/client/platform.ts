/**
 * What of the client is different on each system: rights, state, the adapter and its addresses.
 *
 * @module
 */
import type { LanNetworks, Surroundings } from "../../client/lan_networks.ts";
import type { NetworkEvent } from "../../client/network_watch.ts";
import type { AdapterDevice } from "../../link/device.ts";
import type { AdapterFault } from "../../observe/adapter_events.ts";
import type { InboundState } from "../../observe/inbound.ts";
import type { BufferPool } from "../../queue/buffer_pool.ts";
import type { LanLease, LeaseEvent } from "../../client/lan_lease.ts";
import type { LanAddressOptions, LeasePlayer } from "./lan_address.ts";
import type { LanVerdict } from "../../observe/lan_verdict.ts";
import type { Logger } from "../../log/logging.ts";

/** What the command line says of the adapter and the system. */
export interface ClientSystemOptions extends LanAddressOptions {
  /** Whether the LAN may reach what runs on this PC. */
  readonly allowInbound: boolean;
  /** Ports that the LAN may reach then although what a PC keeps to itself listens there. */
  readonly allowInboundPorts: readonly number[];
  /** Whether routers of the LAN may tell of its networks. */
  readonly allowRouterAdvertisements: boolean;
  /** The adapter's name; absent: the system's own choice. */
  readonly tapName: string | undefined;
  /** The player's MAC; absent: the kept identity. */
  readonly virtualMac: Uint8Array | undefined;
  readonly stateDir: string | undefined;
}

/** How the adapter has to be. */
export interface AdapterSettings {
  /** The player's MAC, 6 bytes. */
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly pool: BufferPool;
}

/** One system's part of a running client. */
export interface ClientSystem {
  /** Where the program keeps its files. */
  readonly stateDir: string;
  /** Whether the system's own DHCP client asks although it should not, and must be kept in. */
  readonly blocksDhcp: boolean;
  /** Whether the way to the relay is held where it is; undefined: nothing has to be held here. */
  readonly routePinned: boolean | undefined;
  /**
   * Chooses the adapter and gives it the player's MAC, where that takes its time; called once,
   * before anything is connected.
   *
   * @throws {UserError} there is none, or it cannot be used
   */
  prepareAdapter(mac: Uint8Array): void;
  /** Whether an adapter that is gone can come back: it is not made by this program. */
  readonly adapterReturns: boolean;
  /**
   * Opens the adapter, also again after it was gone.
   *
   * @throws {UserError} it cannot be used
   */
  openAdapter(settings: AdapterSettings): AdapterDevice;
  /** What asks the LAN for this PC's address; undefined: the system's own DHCP client, or nobody. Called once. */
  openLease(player: LeasePlayer, nowMs: number): LanLease | undefined;
  /** What has become of it. */
  leaseChanged(event: LeaseEvent): void;
  /** The adapter's frames flow: sees to its addresses. */
  adapterStarted(adapter: AdapterDevice, nowMs: number): void;
  /** So often this system itself has asked DHCP servers by the adapter, and was kept in; called now and then. */
  dhcpKeptIn(count: number, nowMs: number): void;
  /** The adapter has other addresses than before: all of them, such as `192.168.1.77/24`, IPv4 first. */
  addressesChanged(addresses: readonly string[], nowMs: number): void;
  /** Whether this PC's firewall lets the LAN in, where that is tried; undefined: not yet, or not here. */
  readonly inbound: InboundState | undefined;
  /**
   * The room was entered: what was leased may have to be asked for anew, and no other relay is
   * needed any more.
   */
  roomEntered(): void;
  /** The party's gateway has come: before, nobody could be asked for an address. */
  gatewayJoined(): void;
  /** What of the adapter another program has otherwise, for good, so that the party is not reached. */
  readonly adapterFault: AdapterFault | undefined;
  /** Whether the LAN works is seen otherwise than before. */
  lanJudged(verdict: LanVerdict, nowMs: number): void;
  /** The adapter is gone: what is set on it is set again when it is back. */
  adapterLost(): void;
  /** Told of what this PC has without the adapter, at first and when it has changed; to be set once. */
  onSurroundings: (surroundings: Surroundings) => void;
  /** How often the PC's own networks are to be looked at, ms. */
  readonly networkIntervalMs: number;
  /**
   * Sees to it that what is sent to a relay will leave by the PC's own networks, before anything is.
   *
   * @param address of the relay that is connected to next, 4 or 16 bytes
   * @param isAnother it is tried beside the one that is connected to, whose way is the one that counts
   */
  holdRelay(address: Uint8Array, nowMs: number, isAnother: boolean): NetworkEvent | undefined;
  /** Looks at the PC's own networks and keeps the relay reachable. */
  checkNetwork(nowMs: number): NetworkEvent | undefined;
  /** Gives the LAN's address back, while frames still flow. */
  releaseAddress(): Promise<void>;
  /** The adapter is gone for good. */
  adapterClosed(): Promise<void>;
  /**
   * Takes back what was set on this PC; what has kept packets to the relay out of the adapter goes last,
   * so that the relay can be told before. A second call does nothing.
   */
  close(): void;
}

/**
 * This system's part.
 *
 * @param networks which networks the LAN may have; told by whom `onSurroundings` tells
 * @throws {UserError} it lacks something that the player can bring
 */
export type OpenClientSystem = (
  options: ClientSystemOptions,
  networks: LanNetworks,
  logger: Logger,
) => ClientSystem;
