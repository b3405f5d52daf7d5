/**
 * `lanparty-client`: a network adapter and a session, put together.
 *
 * @module
 */
import { requireGlibc } from "../common/native_library.ts";
import { formatEndpointAddress } from "../../control/address.ts";
import { ClientCore } from "../../client/client_core.ts";
import { AdapterLife } from "../../client/adapter_life.ts";
import type { LanLease } from "../../client/lan_lease.ts";
import { LanNetworks } from "../../client/lan_networks.ts";
import { decideOnNetwork } from "../../client/network_watch.ts";
import type { EndpointAction } from "../../endpoint/actions.ts";
import type { AdapterDevice, LinkFrame } from "../../link/device.ts";
import { type ClientDiagnostics, reportDiagnostics } from "../../observe/diagnostics.ts";
import { DropCode } from "../../observe/drops.ts";
import { DropWatch } from "../../observe/drop_watch.ts";
import { type StatusEvent, statusLine } from "../../observe/status.ts";
import { SleepClock } from "../../system/power/mod.ts";
import type { IpNetwork } from "../../proto/ip.ts";
import { formatMac } from "../../proto/mac.ts";
import { clientMac, identityFile } from "./identity.ts";
import { ClientRehearsal } from "./rehearsal.ts";
import type { ClientSystem, ClientSystemOptions, OpenClientSystem } from "./platform.ts";
import { openLinuxSystem } from "./platform_linux.ts";
import { openWindowsSystem } from "./platform_windows.ts";
import { ClientStatusFile } from "./status.ts";
import type { EndpointNode } from "../endpoint/node.ts";
import {
  type EndpointContext,
  EndpointResources,
  openEndpoint,
  type RelayAccessOptions,
  runEndpoint,
} from "../endpoint/program.ts";
import { LinkLosses } from "../common/link_losses.ts";
import { FrameLogFile } from "../common/frame_log_file.ts";
import { type Logger, loggerOf, logText } from "../../log/logging.ts";
import { addressesOf } from "../../client/own_addresses.ts";
import { neighbourStatus } from "../endpoint/neighbour_status.ts";
import { randomBytes } from "../common/random.ts";
import { rehearse } from "../common/rehearsal.ts";
import { UserError } from "../../log/user_error.ts";

/** What the client's command line says. */
export interface ClientProgramOptions extends RelayAccessOptions, ClientSystemOptions {
  /** Networks that the LAN may have although others have them, too. */
  readonly allowLanNetworks: readonly IpNetwork[];
  readonly allowVlan: boolean;
  readonly frameLogFile: string | undefined;
}

/** How often the adapter's addresses are looked at, to tell the player of a new one. */
const ADDRESS_INTERVAL_MS = 500;
/** How often a stats snapshot is logged. */
const SNAPSHOT_INTERVAL_MS = 10_000;
/** The first one comes soon: it is what a doctor reads. */
const SNAPSHOT_FIRST_MS = 2_000;
/** What a doctor is to read at once: there is no adapter yet. */
const TOLD_TO_DOCTORS: readonly StatusEvent["type"][] = ["relayTrouble", "retrying"];
/** How long what gives the address back may take to leave, and how often that is looked at. */
const RELEASE_LEAVES_MAX_MS = 400;
const RELEASE_POLL_MS = 5;

/**
 * Runs a client until its session ends or a signal comes; resolves with the exit code.
 *
 * @throws {UserError} for what the player can mend
 */
export async function runClient(options: ClientProgramOptions): Promise<number> {
  requireGlibc();
  const logger = loggerOf("client");
  const openSystem: OpenClientSystem = Deno.build.os === "windows"
    ? openWindowsSystem
    : openLinuxSystem;
  const networks = new LanNetworks(options.allowLanNetworks, options.allowLanDefaultRoute);
  const system = openSystem(options, networks, logger);
  const { stateDir } = system;
  const mac = options.virtualMac ?? clientMac(stateDir, logger);
  const resources = new EndpointResources();
  const frameLog = FrameLogFile.open(options.frameLogFile, resources.timeOriginMs);
  // From here on the machine is changed: what cannot be used is said before.
  system.prepareAdapter(mac);
  const context = { resources, frameLog, stateDir, logger };
  const client = new Client(options, context, { mac, networks, system });
  try {
    const node = openEndpoint(options, context, {
      role: "client",
      mac: formatMac(mac),
      identityFile: options.virtualMac === undefined ? identityFile(stateDir) : undefined,
      core: client.core,
      statistics: () => ({
        traffic: resources.counters.snapshot(),
        diagnostics: reportDiagnostics(client.diagnostics(node)),
      }),
      beforeConnect: (...way) => client.holdRelay(...way),
      onAction: (action) => client.handleAction(action),
    });
    client.watch(node);
    rehearse(resources.reactor, () => new ClientRehearsal());
    return await runEndpoint(node, context, (isHurried) => {
      if (isHurried) system.close();
      return client.releaseAddress();
    });
  } finally {
    await client.close();
    resources.close();
    frameLog.close();
  }
}

/** What a client is made of, beside what each endpoint runs on. */
interface ClientParts {
  readonly mac: Uint8Array;
  /** Which networks the LAN may have: one judge for the core and for the system's routes. */
  readonly networks: LanNetworks;
  readonly system: ClientSystem;
}

/** The client's adapter, and what is said of it. */
class Client {
  readonly core: ClientCore;
  readonly #lease: LanLease | undefined;
  #tap: AdapterDevice | undefined;
  /** The adapter's addresses as they were found last, and as they were told. */
  #found: readonly string[] = [];
  #addresses: readonly string[] = [];
  /** The LAN's address was given back: that the adapter has none is no news. */
  #isReleased = false;
  #addressesDueMs = Infinity;
  #snapshotDueMs = Infinity;
  #networkDueMs = 0;
  readonly #sleepClock = new SleepClock();
  readonly #adapter = new AdapterLife();
  readonly #drops = new DropWatch("client");
  readonly #losses: LinkLosses;
  #clockSkewMs: number | undefined;
  #inbound: ClientDiagnostics["inbound"];
  readonly #statusFile: ClientStatusFile;
  readonly #resources: EndpointResources;
  readonly #logger: Logger;
  readonly #options: ClientProgramOptions;
  readonly #mac: Uint8Array;
  readonly #system: ClientSystem;

  constructor(
    options: ClientProgramOptions,
    { resources, frameLog, stateDir, logger }: EndpointContext,
    { mac, networks, system }: ClientParts,
  ) {
    this.#options = options;
    this.#mac = mac;
    this.#system = system;
    this.#resources = resources;
    this.#losses = new LinkLosses(resources.counters, "adapter");
    this.#logger = logger;
    this.#statusFile = new ClientStatusFile(stateDir);
    const { allowLanDefaultRoute, allowRouterAdvertisements } = options;
    const player = { mac, relay: formatEndpointAddress(options.relays[0]), room: options.room };
    this.#lease = system.openLease(player, resources.reactor.now());
    this.core = new ClientCore({
      pool: resources.pool,
      path: resources.path,
      counters: resources.counters,
      tap: { send: (bytes, offset, length) => this.#tap?.send(bytes, offset, length) ?? false },
      mac,
      networks,
      allowLanDefaultRoute,
      allowRouterAdvertisements,
      allowVlan: options.allowVlan,
      random: randomBytes,
      blocksDhcp: system.blocksDhcp,
      lease: this.#lease,
      asksForAddress: options.address === undefined && options.useDhcp,
      frameLog: frameLog.log,
    });
    system.onSurroundings = (surroundings) => {
      this.#found = addressesOf(surroundings);
      this.core.handleSurroundings(surroundings);
    };
  }

  /** Looks at the adapter now and then. */
  watch(node: EndpointNode): void {
    this.#resources.reactor.addTask({
      work: (nowMs) => {
        if (nowMs >= this.#networkDueMs) this.#checkNetwork(node, nowMs);
        if (this.#tap?.state === "gone") this.#loseAdapter(this.#tap, nowMs);
        this.#reopenAdapter(nowMs);
        this.#followLease(nowMs);
        if (nowMs >= this.#addressesDueMs) this.#noteAddresses(nowMs);
        for (const event of this.core.drainStatus()) {
          if (event.type === "dhcp" && event.message === "offer") this.#note(event);
          else this.#say(event);
          // A doctor is not to say what has been so before.
          if (event.type !== "lanVerdict") continue;
          this.#snapshotDueMs = nowMs;
          this.#system.lanJudged(event.verdict, nowMs);
        }
        for (const event of this.core.drainNeighbourEvents()) {
          const { peers, welcome } = node.parts.endpoint.session.room;
          this.#say(neighbourStatus(event, (peerId) => peers.get(peerId), welcome?.peerId));
        }
        if (nowMs >= this.#snapshotDueMs) this.#logSnapshot(node, nowMs);
        this.#tap?.flush?.();
        return false;
      },
      nextDeadlineMs: () =>
        Math.min(
          this.#addressesDueMs,
          this.#snapshotDueMs,
          this.#networkDueMs,
          this.#adapter.nextDeadlineMs(),
        ),
    });
  }

  handleAction(action: EndpointAction): void {
    if (action.type === "mtu") this.#setMtu(action.tapMtu);
    else if (action.type === "joined") {
      this.#clockSkewMs = action.welcome.relayTime - Date.now();
      this.#system.roomEntered();
    } else if (action.type === "status" && action.event.type === "gateway") {
      // One that was there before is no news: the adapter has just come up, and asks by itself.
      if (action.event.present) this.#system.gatewayJoined();
    } else if (action.type === "status" && TOLD_TO_DOCTORS.includes(action.event.type)) {
      this.#snapshotDueMs = this.#resources.reactor.now();
    }
  }

  diagnostics(node: EndpointNode): ClientDiagnostics {
    const { session } = node.parts.endpoint;
    const { welcome, gatewayPresent, peers } = session.room;
    const tap = this.#tap;
    return {
      verdict: this.core.lanVerdict(this.#resources.reactor.now()),
      relay: formatEndpointAddress(session.relay),
      ways: this.#options.relays.map(formatEndpointAddress),
      relayReachable: welcome !== undefined,
      room: this.#options.room,
      ...(welcome === undefined ? {} : { peerId: welcome.peerId, gatewayPresent }),
      datagramBudget: session.datagramBytesMax,
      rttMs: session.rttMs,
      ...optional("relayTrouble", session.trouble),
      ...optional("lossRatio", node.lossRatio),
      ...optional("routePinned", this.#system.routePinned),
      ...optional("inbound", this.#system.inbound),
      ...optional("clockSkewMs", this.#clockSkewMs),
      peers: peers.size,
      tap: tap === undefined ? { state: "absent", addresses: [] } : {
        state: tap.state === "up" ? "up" : "down",
        name: tap.name,
        index: tap.index,
        mac: formatMac(tap.mac),
        mtu: tap.mtu,
        addresses: this.#addresses,
      },
    };
  }

  /** Keeps what is sent to a relay out of the tunnel, from the first packet on. */
  holdRelay(address: Uint8Array, nowMs: number, isAnother: boolean): void {
    const event = this.#system.holdRelay(address, nowMs, isAnother);
    // Another network needs no other connection here: one is being made anyway.
    const { says } = decideOnNetwork(event, false, false);
    if (says !== undefined) this.#say({ type: says });
  }

  /** Gives the LAN's address back, while frames still flow. */
  async releaseAddress(): Promise<void> {
    const { reactor, path } = this.#resources;
    const nowMs = reactor.now();
    this.#isReleased = true;
    this.core.releaseLease(nowMs);
    this.#followLease(nowMs);
    reactor.wake();
    await this.#system.releaseAddress();
    // A session that is left gives up what still waits for the relay.
    const endMs = nowMs + RELEASE_LEAVES_MAX_MS;
    while (path.queue.queuedEntries > 0 && reactor.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, RELEASE_POLL_MS));
    }
  }

  /** Takes everything back, and the adapter away. */
  async close(): Promise<void> {
    await this.#system.releaseAddress();
    this.#tap?.close();
    await this.#system.adapterClosed();
    this.#system.close();
    await this.#statusFile.remove();
  }

  /** What asks for an address has one, or has it no more: it is set, and told, at once. */
  #followLease(nowMs: number): void {
    if (this.#lease === undefined) return;
    for (const event of this.#lease.drainEvents()) {
      this.#system.leaseChanged(event);
      // What was set is found by the next look at this PC's networks, which its notice brings about.
      if (this.#tap !== undefined) this.#networkDueMs = this.#addressesDueMs = nowMs;
    }
  }

  #setMtu(tapMtu: number): void {
    switch (this.#adapter.handleMtu(tapMtu)) {
      case "later":
        return;
      case "change":
        // A deleted adapter is found here before its next look: what it says is the better message.
        if (this.#tap !== undefined && this.#tap.checkState() !== "gone") this.#tap.setMtu(tapMtu);
        return;
      case "open":
        // The way to the relay is held before the adapter can bring another one.
        this.#system.checkNetwork(this.#resources.reactor.now());
        this.#openAdapter(tapMtu);
    }
  }

  /** @throws {UserError} it cannot be used */
  #openAdapter(tapMtu: number): void {
    const tap = this.#system.openAdapter({
      mac: this.#mac,
      mtu: tapMtu,
      pool: this.#resources.pool,
    });
    const { name } = tap;
    this.#tap = tap;
    tap.start(this.#resources.reactor, {
      frame: (frame) => this.#handleTapFrame(frame),
      state: (state) => {
        if (state !== "gone") return;
        if (!this.#system.adapterReturns) {
          throw new UserError(`the network adapter ${name} was removed or renamed: start again`);
        }
        this.#resources.reactor.wake();
      },
    });
    this.#say({ type: "adapter", name, index: tap.index, mac: formatMac(tap.mac), mtu: tapMtu });
    this.#addressesDueMs = this.#resources.reactor.now();
    this.core.handleAddresses(this.#addresses, this.#addressesDueMs);
    this.#system.adapterStarted(tap, this.#addressesDueMs);
    this.#snapshotDueMs = this.#addressesDueMs + SNAPSHOT_FIRST_MS;
    const back = this.#adapter.handleOpened();
    if (back !== undefined) this.#say({ type: "adapterBack", name: back });
  }

  /** The adapter was disabled, or pulled out: it may come back. */
  #loseAdapter(tap: AdapterDevice, nowMs: number): void {
    const { name, mtu } = tap;
    tap.close();
    this.#tap = undefined;
    this.#found = this.#addresses = [];
    this.core.handleAddresses(undefined, nowMs);
    this.#adapter.handleLost(name, mtu, nowMs);
    this.#system.adapterLost();
    this.#say({ type: "adapterLost", name, why: "it was disabled or removed" });
  }

  /** @throws {UserError} it has been gone for too long */
  #reopenAdapter(nowMs: number): void {
    const mtu = this.#adapter.takeAttempt(nowMs);
    if (mtu === undefined) return;
    try {
      this.#openAdapter(mtu);
    } catch (error) {
      if (!(error instanceof UserError) || !this.#adapter.mayFail(nowMs)) throw error;
    }
  }

  /** Keeps the relay reachable, and gives a connection up that has lost its network. */
  #checkNetwork(node: EndpointNode, nowMs: number): void {
    this.#networkDueMs = nowMs + this.#system.networkIntervalMs;
    const event = this.#system.checkNetwork(nowMs);
    const { inbound } = this.#system;
    // A doctor is not to say what has been so before.
    if (inbound !== this.#inbound) this.#snapshotDueMs = nowMs;
    this.#inbound = inbound;
    const { session } = node.parts.endpoint;
    const sleptMs = this.#sleepClock.take();
    if (sleptMs > 0) this.core.handleSlept(sleptMs, nowMs);
    const { says, reconnect } = decideOnNetwork(event, sleptMs > 0, session.state === "waiting");
    if (says !== undefined) this.#say({ type: says });
    if (reconnect !== undefined) session.handleNetworkChanged(reconnect, nowMs);
  }

  #handleTapFrame(frame: LinkFrame): void {
    if (frame.slot < 0) return this.#resources.counters.drop(DropCode.noBuffer);
    const { reactor } = this.#resources;
    this.core.handleTapFrame(frame.slot, frame.offset, frame.length, reactor.roundMs);
    reactor.wake();
  }

  #noteAddresses(nowMs: number): void {
    this.#addressesDueMs = nowMs + ADDRESS_INTERVAL_MS;
    if (this.#tap === undefined) return;
    const { name } = this.#tap;
    this.#tap.checkState();
    this.#system.dhcpKeptIn(this.#resources.counters.drops[DropCode.dhcpOff], nowMs);
    const { adapterFault } = this.#system;
    // A doctor is not to say what has been so before.
    if (this.core.handleAdapterFault(adapterFault, nowMs)) this.#snapshotDueMs = nowMs;
    const addresses = this.#found;
    if (addresses.join() === this.#addresses.join()) return;
    this.#addresses = addresses;
    this.core.handleAddresses(addresses, nowMs);
    this.#system.addressesChanged(addresses, nowMs);
    if (!this.#isReleased) this.#say({ type: "addresses", name, addresses });
  }

  #logSnapshot(node: EndpointNode, nowMs: number): void {
    this.#snapshotDueMs = nowMs + SNAPSHOT_INTERVAL_MS;
    if (this.#tap !== undefined) this.#losses.count(this.#tap);
    const diagnostics = this.diagnostics(node);
    const traffic = this.#resources.counters.snapshot();
    for (const event of this.#drops.handleCounts(traffic, nowMs)) this.#say(event);
    this.#statusFile.write({ diagnostics, traffic, lately: this.#drops.lately(traffic, nowMs) });
    logText(this.#logger, "debug", "Snapshot", {
      ...diagnostics,
      traffic,
      adapter: this.#tap?.counters.snapshot(),
    });
  }

  /** For those who look closer: a player need not know of every step. */
  #note(event: StatusEvent): void {
    logText(this.#logger, "debug", statusLine(event).text, { event: event.type });
  }

  #say(event: StatusEvent): void {
    const { level, text } = statusLine(event);
    logText(this.#logger, level, text, { event: event.type });
  }
}

/** A member that is there where its value is known. */
function optional<K extends string, V>(name: K, value: V | undefined): { [k in K]?: V } {
  return value === undefined ? {} : { [name]: value } as { [k in K]: V };
}
