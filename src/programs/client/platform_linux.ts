/**
 * The client's part that is Linux': root's rights, a TAP device of the kernel, an address by our own DHCP client.
 *
 * @module
 */
import type { LanNetworks, Surroundings } from "../../client/lan_networks.ts";
import type { NetworkEvent } from "../../client/network_watch.ts";
import { LinuxRoutes } from "../../client/linux_routes.ts";
import type { ProbeWay } from "../../client/inbound_probe.ts";
import { writeU32 } from "../../proto/bytes.ts";
import { NOTICE_INTERVAL_MS, type RouteKeeper } from "../../client/route_keeper.ts";
import { type AdapterDevice, LinkError } from "../../link/device.ts";
import { interfaceName, queryInterface } from "../../link/interface.ts";
import { TAP_NAME_DEFAULT, TapDevice } from "../../link/tap.ts";
import type { AdapterFault } from "../../observe/adapter_events.ts";
import { UdpEar } from "../../link/udp_ear.ts";
import type { InboundState } from "../../observe/inbound.ts";
import { FirewallNotices, LinuxFirewall } from "../../system/firewall/mod.ts";
import type { Change, ChangeJournal } from "../../system/journal/mod.ts";
import { linuxTable, takesFrom } from "../../system/routes/mod.ts";
import { HandsOff } from "../../system/managers/mod.ts";
import { Capability, hasCapability } from "../../system/rights/mod.ts";
import type { AdapterSettings, ClientSystem, ClientSystemOptions } from "./platform.ts";
import { runningEndpoint } from "../endpoint/program.ts";
import type { LanLease, LeaseEvent } from "../../client/lan_lease.ts";
import { LanAddress, type LeasePlayer } from "./lan_address.ts";
import { LinuxAdapter } from "./linux_adapter.ts";
import { guardAdapter } from "./linux_guard.ts";
import { LinuxInbound } from "./linux_inbound.ts";
import { openLinuxJournal } from "./linux_changes.ts";
import { LinuxHostRoutes } from "./linux_host_routes.ts";
import { openRouteKeeper } from "./route_keeper.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { randomBytes } from "../common/random.ts";
import { openStateDir } from "../common/state_dir.ts";
import { UserError } from "../../log/user_error.ts";

/** @throws {UserError} see `OpenClientSystem` */
export function openLinuxSystem(
  options: ClientSystemOptions,
  networks: LanNetworks,
  logger: Logger,
): ClientSystem {
  requireAdapters();
  const stateDir = openStateDir("client", options.stateDir);
  const journal = openLinuxJournal(stateDir, logger);
  return new LinuxSystem(options, networks, { stateDir, journal, logger });
}

/** Looks at what an adapter takes, before anything else is done. @throws {UserError} it is not there */
function requireAdapters(): void {
  const isRoot = Deno.uid() === 0;
  if (!hasCapability(Capability.netAdmin)) {
    const how = isRoot
      ? "it needs the right CAP_NET_ADMIN, which root does not have here; in a container give it " +
        "--cap-add NET_ADMIN --device /dev/net/tun"
      : "start it as root";
    throw new UserError(`lanparty-client makes a network adapter: ${how}`);
  }
  if (!isDevice(TUN_DEVICE)) {
    throw new UserError(
      `there is no ${TUN_DEVICE}, which makes network adapters: load the kernel's module ` +
        `(modprobe tun), or give the container --device ${TUN_DEVICE}`,
    );
  }
}

const TUN_DEVICE = "/dev/net/tun";

function isDevice(path: string): boolean {
  try {
    return Deno.statSync(path).isCharDevice === true;
  } catch {
    return false;
  }
}

interface LinuxSystemParts {
  readonly stateDir: string;
  readonly journal: ChangeJournal;
  readonly logger: Logger;
}

class LinuxSystem implements ClientSystem {
  readonly blocksDhcp = false;
  readonly #lanAddress: LanAddress;
  readonly #handsOff: HandsOff;
  readonly #network: RouteKeeper<Change>;
  /** The kernel makes the adapter for this program: somebody has deleted it. */
  readonly adapterReturns = false;
  readonly networkIntervalMs = NOTICE_INTERVAL_MS;
  onSurroundings: (surroundings: Surroundings) => void = () => {};
  #adapter: LinuxAdapter | undefined;
  #tap: TapDevice | undefined;
  #inbound: LinuxInbound | undefined;
  readonly #journal: ChangeJournal;
  readonly #options: ClientSystemOptions;
  readonly #logger: Logger;

  readonly stateDir: string;

  constructor(
    options: ClientSystemOptions,
    networks: LanNetworks,
    { stateDir, journal, logger }: LinuxSystemParts,
  ) {
    this.#options = options;
    this.stateDir = stateDir;
    this.#journal = journal;
    this.#logger = logger;
    this.#lanAddress = new LanAddress(options, stateDir, journal, logger);
    const { tapName = TAP_NAME_DEFAULT, allowLanDefaultRoute } = options;
    this.#handsOff = new HandsOff(tapName, journal);
    const machine = new LinuxHostRoutes(tapName, journal);
    const table = new LinuxRoutes(machine, networks, allowLanDefaultRoute);
    const tell = (surroundings: Surroundings) => this.onSurroundings(surroundings);
    this.#network = openRouteKeeper(table, networks, tell, logger);
  }

  /**
   * The kernel makes the adapter when it is opened, with the MAC that it is to have. That its name is
   * free is seen now: a client that cannot run should not come and go before everybody's eyes.
   */
  prepareAdapter(): void {
    const { tapName: name = TAP_NAME_DEFAULT } = this.#options;
    if (isInterface(name)) {
      const other = runningEndpoint(this.stateDir, "client");
      if (other !== undefined) {
        throw new UserError(
          `lanparty-client runs already (process ${other}) and has the adapter "${name}": end that ` +
            "one, or give this one another --tap-name and --state-dir",
        );
      }
      throw new UserError(`there is an interface "${name}" already: choose another --tap-name`);
    }
    this.#handsOff.begin().then((failures) => this.#tellOfManagers(failures));
  }

  openAdapter({ mac, mtu, pool }: AdapterSettings): AdapterDevice {
    const { tapName: name = TAP_NAME_DEFAULT, address } = this.#options;
    try {
      const tap = TapDevice.open({
        name,
        mac,
        mtu,
        pool,
        isEnd: true,
        beforeUp: (made) => guardAdapter(made, this.#options, this.#logger),
        ...(address === undefined ? {} : { address }),
      });
      this.#tap = tap;
      this.#adapter = new LinuxAdapter(tap, address, this.#logger);
      return tap;
    } catch (cause) {
      if (!(cause instanceof LinkError)) throw cause;
      throw new UserError(cause.message, { cause });
    }
  }

  adapterLost(): void {}

  holdRelay(address: Uint8Array, nowMs: number, isAnother: boolean): NetworkEvent | undefined {
    return this.#network.holdRelay(address, nowMs, isAnother);
  }

  checkNetwork(nowMs: number): NetworkEvent | undefined {
    this.#adapter?.check(nowMs);
    this.#lanAddress.check(nowMs);
    this.#inbound?.work(nowMs);
    return this.#network.check(nowMs);
  }

  dhcpKeptIn(count: number, nowMs: number): void {
    if (this.#adapter === undefined) return;
    this.#handsOff.check(count, nowMs)?.then((failures) => this.#tellOfManagers(failures));
  }

  openLease(player: LeasePlayer, nowMs: number): LanLease | undefined {
    return this.#lanAddress.open(player, nowMs);
  }

  leaseChanged(event: LeaseEvent): void {
    this.#lanAddress.handle(event);
  }

  adapterStarted(_: AdapterDevice, nowMs: number): void {
    if (this.#adapter !== undefined) this.#lanAddress.start(this.#adapter);
    if (this.#tap !== undefined) this.#inbound ??= this.#openInbound(this.#tap);
    this.#handsOff.adapterMade(nowMs);
  }

  #openInbound(tap: TapDevice): LinuxInbound {
    const { name, mac } = tap;
    return new LinuxInbound({ ...this.#options, name, mac }, {
      firewall: new LinuxFirewall(name, this.#journal),
      notices: new FirewallNotices(),
      expectedElsewhere: (way) => expectedElsewhere(way, tap.index),
      listen: (address, port) => UdpEar.open(address, port),
      send: (frame) => tap.send(frame, 0, frame.length),
      random: randomBytes,
      say: (level, text) => logText(this.#logger, level, text),
    });
  }

  addressesChanged(addresses: readonly string[], nowMs: number): void {
    this.#inbound?.update(addresses, nowMs);
  }

  get inbound(): InboundState | undefined {
    return this.#inbound?.state;
  }

  get routePinned(): boolean | undefined {
    return this.#network.isPinned;
  }

  roomEntered(): void {
    this.#network.settle();
  }

  /** What asks for the address has heard it itself. */
  gatewayJoined(): void {}

  /** What asks for the address asks on by itself. */
  lanJudged(): void {}

  releaseAddress(): Promise<void> {
    return this.#lanAddress.close();
  }

  get adapterFault(): AdapterFault | undefined {
    return this.#adapter?.fault;
  }

  async adapterClosed(): Promise<void> {
    this.#adapter?.close();
    this.#adapter = undefined;
    const [failure] = await Promise.all([this.#inbound?.close(), this.#handsOff.end()]);
    if (failure === undefined) return;
    const text =
      `What lets the LAN in could not be taken back (${failure}): it is tried again at the next start`;
    logText(this.#logger, "warning", text);
  }

  close(): void {
    this.#network.close();
  }

  #tellOfManagers(failures: readonly string[]): void {
    for (const failure of failures) {
      // What it asks of a DHCP server is kept in, whatever it does.
      logText(this.#logger, "debug", `The adapter may be managed by another program (${failure})`);
    }
  }
}

/** See `LinuxInboundParts.expectedElsewhere`. */
function expectedElsewhere({ own, neighbour }: ProbeWay, adapterIndex: number): string | undefined {
  try {
    const source = addressOf(neighbour);
    if (takesFrom(source, addressOf(own), adapterIndex)) return undefined;
    const index = linuxTable.wayTo(source)?.interfaceIndex;
    return index === undefined || index === adapterIndex ? undefined : interfaceName(index);
  } catch (error) {
    if (linuxTable.failureOf(error) !== undefined) return undefined;
    throw error;
  }
}

function addressOf(number: number): Uint8Array {
  const address = new Uint8Array(4);
  writeU32(address, 0, number);
  return address;
}

/** Whether an interface has this name, with or without addresses. */
function isInterface(name: string): boolean {
  try {
    queryInterface(name);
    return true;
  } catch (error) {
    if (error instanceof LinkError && error.code === "no-such-interface") return false;
    throw error;
  }
}
