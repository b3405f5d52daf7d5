/**
 * `lanparty-gateway`: a LAN interface and a session, put together.
 *
 * @module
 */
import { requireGlibc } from "../common/native_library.ts";
import type { StatusAddress } from "../../serve/status_address.ts";
import { formatEndpointAddress } from "../../control/address.ts";
import type { EndpointAction } from "../../endpoint/actions.ts";
import { SystemCallError } from "../../ffi/libc.ts";
import type { PeerIdentity } from "../../endpoint/peers.ts";
import { DropWatch } from "../../observe/drop_watch.ts";
import { gatewayFindings } from "../../gateway/findings.ts";
import { GatewayCore } from "../../gateway/core.ts";
import type { LanWriter } from "../../gateway/core_options.ts";
import type { LoopEvent } from "../../gateway/loop_guard.ts";
import { bridgeFilter } from "../../link/bpf.ts";
import { LinkError, type LinkState } from "../../link/device.ts";
import { lanTroubleStops } from "../../observe/lan_link.ts";
import { TrafficRates } from "../../observe/rates.ts";
import { type StatusEvent, statusLine } from "../../observe/status.ts";
import type { ChangeJournal } from "../../system/journal/mod.ts";
import { formatMac, parseMac } from "../../proto/mac.ts";
import { LanSight } from "../../proto/lan_talk.ts";
import type { GatewayLoopView, GatewayView, PlayerSight } from "../../serve/gateway_view.ts";
import type { EndpointNode } from "../endpoint/node.ts";
import {
  type EndpointContext,
  EndpointResources,
  openEndpoint,
  type RelayAccessOptions,
  runEndpoint,
} from "../endpoint/program.ts";
import { GatewayControl } from "./control.ts";
import { checkInterface, type GatewayLan, openLan, requireLanRights } from "./lan.ts";
import { type MadeInvite, partyInvite } from "./invite.ts";
import { LanWatch } from "./lan_watch.ts";
import { LanOffloads, OFFLOADS_CHANGE, undoOffloads } from "./offloads.ts";
import { showGatewayStatus } from "./status.ts";
import { neighbourStatus } from "../endpoint/neighbour_status.ts";
import { LinkLosses } from "../common/link_losses.ts";
import { FrameLogFile } from "../common/frame_log_file.ts";
import { type Logger, loggerOf, logText } from "../../log/logging.ts";
import { randomBytes } from "../common/random.ts";
import { rehearse } from "../common/rehearsal.ts";
import { GatewayRehearsal } from "./rehearsal.ts";
import { ReceiveBufferTask } from "../common/receive_buffer.ts";
import { openStateDir } from "../common/state_dir.ts";
import { openStateJournal } from "../common/state_journal.ts";
import { UserError } from "../../log/user_error.ts";

/** What the gateway's command line says. */
export interface GatewayProgramOptions extends RelayAccessOptions {
  readonly interface: string;
  readonly allowRouterAdvertisements: boolean;
  readonly allowVlan: boolean;
  readonly stateDir: string | undefined;
  readonly frameLogFile: string | undefined;
  /** Where the status is served; undefined: nowhere. */
  readonly status: StatusAddress | undefined;
  /** The party's name in invites. */
  readonly partyName: string | undefined;
  /** The program's. */
  readonly version: string;
}

/** What a start by another program, or by a command, wants to hear of. */
export interface GatewayListener {
  /** The room is joined for the first time, with the party's invite of then. */
  readonly joined: (invite: MadeInvite) => void;
}

const JOURNAL_FILE = "lanparty-gateway-journal.json";
/** How often the interface's state and the kernel's drops are looked at. */
const LINK_INTERVAL_MS = 1_000;
/** What players see of the LAN, by the number that they send. */
const SIGHTS: Readonly<Record<LanSight, PlayerSight>> = {
  [LanSight.unknown]: "unknown",
  [LanSight.good]: "good",
  [LanSight.noAddress]: "no-address",
  [LanSight.nothing]: "nothing",
};
/** How often a stats snapshot is logged. */
const SNAPSHOT_INTERVAL_MS = 10_000;

/**
 * Runs a gateway until its session ends or a signal comes; resolves with the exit code.
 *
 * @throws {UserError} for what the host can mend
 */
export async function runGateway(
  options: GatewayProgramOptions,
  listener?: GatewayListener,
): Promise<number> {
  requireGlibc();
  const logger = loggerOf("gateway");
  requireLanRights();
  checkInterface(options.interface, logger);
  const stateDir = openStateDir("gateway", options.stateDir);
  const undoers = { [OFFLOADS_CHANGE]: undoOffloads };
  const journal = openStateJournal(
    `${stateDir}/${JOURNAL_FILE}`,
    undoers,
    [OFFLOADS_CHANGE],
    logger,
  );
  const resources = new EndpointResources();
  const frameLog = FrameLogFile.open(options.frameLogFile, resources.timeOriginMs);
  const context = { resources, frameLog, stateDir, logger };
  const gateway = new Gateway(options, context, journal);
  const control = new GatewayControl(
    resources.reactor,
    stateDir,
    options.room,
    logger,
  );
  let hideStatus = () => {};
  let sayJoined = listener?.joined;
  try {
    const node = openEndpoint(options, context, {
      role: "gateway",
      core: gateway.core,
      statistics: () => ({ traffic: resources.counters.snapshot() }),
      onAction: (action, nowMs) => {
        control.handleAction(action, nowMs);
        gateway.handleAction(action);
        if (action.type !== "joined") return;
        sayJoined?.(partyInvite(options, node.parts.endpoint.session));
        sayJoined = undefined;
      },
    });
    const view = () => gateway.view(node);
    hideStatus = showGatewayStatus(options.status, resources.reactor, view, logger);
    const { session } = node.parts.endpoint;
    control.open(session, view, () => partyInvite(options, session));
    if (Deno.stderr.isTerminal() && listener === undefined) sayInvite(options, logger);
    gateway.start(node);
    rehearse(resources.reactor, () => new GatewayRehearsal());
    return await runEndpoint(node, context);
  } finally {
    hideStatus();
    control.close();
    gateway.close();
    resources.close();
    frameLog.close();
  }
}

/** The gateway's LAN interface, and what is said of it. */
class Gateway {
  readonly core: GatewayCore;
  /** Opened anew when its interface was deleted and has come back. */
  #lan: GatewayLan;
  readonly #offloads: LanOffloads;
  /** The room's players by MAC: the kernel's filter is made of them. */
  readonly #players = new Map<string, PeerIdentity>();
  readonly #losses: LinkLosses;
  readonly #watch: LanWatch;
  readonly #receiveBuffer: ReceiveBufferTask;
  readonly #drops = new DropWatch("gateway");
  readonly #rates: TrafficRates;
  /** MACs of players that are not served, since stations of the LAN have them, too. */
  readonly #unserved = new Set<string>();
  /** Why nothing is forwarded, while nothing is. */
  #loop: GatewayLoopView | undefined;
  readonly #startedMs: number;
  #linkDueMs = 0;
  #snapshotDueMs = 0;
  readonly #resources: EndpointResources;
  readonly #logger: Logger;
  readonly #options: GatewayProgramOptions;

  constructor(
    options: GatewayProgramOptions,
    { resources, frameLog, logger }: EndpointContext,
    journal: ChangeJournal,
  ) {
    this.#options = options;
    this.#resources = resources;
    this.#logger = logger;
    const { pool, path, counters } = resources;
    this.#losses = new LinkLosses(counters, "lan");
    this.#watch = new LanWatch(logger);
    this.#receiveBuffer = new ReceiveBufferTask(logger, resources.reactor.now());
    this.#startedMs = resources.reactor.now();
    this.#rates = new TrafficRates(counters, this.#startedMs);
    this.#lan = explained(() => openLan(options.interface, pool, logger));
    this.#offloads = new LanOffloads(options.interface, journal, logger);
    this.core = new GatewayCore({
      pool,
      path,
      counters,
      lan: this.#lanOfCore(),
      lanMac: this.#lan.mac,
      random: randomBytes,
      allowRouterAdvertisements: options.allowRouterAdvertisements,
      allowVlan: options.allowVlan,
      frameLog: frameLog.log,
    });
  }

  /** Opens the LAN to the session. */
  start(node: EndpointNode): void {
    const { reactor } = this.#resources;
    this.#startLan();
    reactor.addTask(this.#receiveBuffer);
    this.#snapshotDueMs = reactor.now() + SNAPSHOT_INTERVAL_MS;
    reactor.addTask({
      work: (nowMs) => {
        for (const event of this.core.drainLoopEvents()) this.#sayLoop(event);
        for (const event of this.core.drainNeighbourEvents()) {
          const { peers } = node.parts.endpoint.session.room;
          this.#say(neighbourStatus(event, (peerId) => peers.get(peerId), undefined));
        }
        if (nowMs >= this.#linkDueMs) this.#watchLink(nowMs);
        if (nowMs >= this.#watch.nextDeadlineMs()) this.#watch.work(true, nowMs);
        if (nowMs >= this.#snapshotDueMs) this.#logSnapshot(node, nowMs);
        this.#lan.flush?.();
        return false;
      },
      nextDeadlineMs: () =>
        Math.min(this.#linkDueMs, this.#snapshotDueMs, this.#watch.nextDeadlineMs()),
    });
  }

  handleAction(action: EndpointAction): void {
    switch (action.type) {
      case "joined":
        break;
      case "left":
        this.#players.clear();
        this.#unserved.clear();
        break;
      case "peerJoined":
        if (!this.core.serves(action.peer)) {
          logText(this.#logger, "warning", "A player cannot be served", { peer: action.peer });
        } else if (action.peer.mac !== undefined) {
          this.#players.set(action.peer.mac, action.peer);
          this.#unserved.delete(action.peer.mac);
        }
        break;
      case "peerLeft":
        this.#forget(action.peer.peerId);
        break;
      default:
        return;
    }
    this.#updateFilter();
  }

  /** What is to be seen of it now. */
  view(node: EndpointNode): GatewayView {
    const resources = this.#resources;
    const lan = this.#lan;
    const { session } = node.parts.endpoint;
    const { welcome, dhcpServers, tapMtu } = session.room;
    const { sent, received } = this.#rates;
    const nowMs = resources.reactor.now();
    this.#losses.count(lan);
    const joined = welcome !== undefined;
    const players = [...this.#players].map(([mac, { peerId, name }]) => ({
      ...{ peerId, mac, name },
      ...{ served: !this.#unserved.has(mac), dhcpServer: dhcpServers.has(peerId) },
      sight: this.core.playerSight(peerId, nowMs),
    }));
    return {
      version: this.#options.version,
      unixMs: Math.round(resources.timeOriginMs + nowMs),
      uptimeMs: Math.round(nowMs - this.#startedMs),
      relay: formatEndpointAddress(session.relay),
      joined,
      room: welcome?.room ?? this.#options.room,
      ...welcome === undefined ? {} : { peerId: welcome.peerId },
      ...tapMtu === undefined ? {} : { tapMtu },
      rttMs: session.rttMs,
      players: players.map(({ sight, ...player }) => ({ ...player, sees: SIGHTS[sight] })),
      findings: gatewayFindings({
        isJoined: joined,
        relayTrouble: session.trouble,
        name: lan.name,
        lanState: this.#watch.state,
        troubles: this.#watch.troubles,
        lostDatagrams: this.#receiveBuffer.lost,
        lanQuietMs: this.core.lanQuietMs(nowMs),
        listenedMs: nowMs - this.#startedMs,
        loop: this.#loop,
        players,
        drops: this.#drops.recent(nowMs),
      }),
      ...this.#loop === undefined ? {} : { loop: this.#loop },
      camRefreshes: this.core.camRefreshes,
      queuedBytes: resources.path.queue.queuedBytes,
      traffic: resources.counters.snapshot(),
      rates: { toRoom: sent, toLan: received },
      lan: {
        ...{ name: lan.name, index: lan.index, mac: formatMac(lan.mac), mtu: lan.mtu },
        ...{ state: this.#watch.state, port: lan.portName, troubles: this.#watch.troubles },
        counters: lan.counters.snapshot(),
      },
    };
  }

  close(): void {
    this.#watch.close();
    this.#lan.close();
    this.#offloads.restore();
  }

  /** The LAN's interface of the moment. */
  #lanOfCore(): LanWriter {
    const isUp = () => this.#lan.state === "up" && !(this.#lan.blocked ?? false);
    const isHeld = () => this.#watch.troubles.some(lanTroubleStops);
    return {
      send: (bytes, offset, length) => this.#lan.send(bytes, offset, length),
      get isUp() {
        return isUp();
      },
      get isHeld() {
        return isHeld();
      },
    };
  }

  #forget(peerId: number): void {
    for (const [mac, peer] of this.#players) {
      if (peer.peerId !== peerId) continue;
      this.#players.delete(mac);
      this.#unserved.delete(mac);
    }
  }

  #sayLoop(event: LoopEvent): void {
    if (event.type === "loop") this.#loop = { cause: event.cause, mac: event.mac };
    else if (event.type === "loopOver" || event.type === "loopUnproven") this.#loop = undefined;
    if (event.type !== "playerOnLan" && event.type !== "playerOffLan") return this.#say(event);
    if (event.type === "playerOnLan") this.#unserved.add(event.mac);
    else this.#unserved.delete(event.mac);
    const peer = this.#players.get(event.mac);
    if (peer !== undefined) this.#say({ type: event.type, peer });
  }

  /** Lets the kernel drop what the core would drop: most of a LAN's unicast. */
  #updateFilter(): void {
    if (this.#lan.setFilter === undefined) return;
    const macs = [...this.#players.keys()].map((mac) => parseMac(mac));
    const clientMacs = macs.filter((mac) => mac !== undefined);
    this.#lan.setFilter(bridgeFilter({ clientMacs }));
  }

  #startLan(): void {
    const { reactor } = this.#resources;
    // At a bridge it is the kernel that cuts again what a port's card has joined.
    if (this.#lan.portName === undefined) this.#offloads.apply();
    this.#updateFilter();
    this.#watch.look(this.#lan, reactor.now());
    this.#lan.start(reactor, {
      frame: (frame) => {
        this.core.handleLanFrame(frame, reactor.roundMs);
        reactor.wake();
      },
      state: (state) => this.#handleLinkState(state),
    });
  }

  #watchLink(nowMs: number): void {
    this.#linkDueMs = nowMs + LINK_INTERVAL_MS;
    this.#losses.count(this.#lan);
    this.#rates.look(nowMs);
    const { name } = this.#lan;
    const state = this.#lan.checkState();
    if (this.#lan.name !== name) this.#offloads.handleRenamed(this.#lan.name);
    this.#watch.look(this.#lan, nowMs);
    // Nothing may be sent round while the LAN has a loop.
    this.#watch.work(this.#loop === undefined, nowMs);
    if (state === "gone") this.#reopenLan(nowMs);
  }

  /** An adapter that was plugged in again, or a bridge that was made anew, is another interface. */
  #reopenLan(nowMs: number): void {
    // One that was renamed comes back under either name.
    const names = new Set([this.#options.interface, this.#lan.name]);
    const lan = [...names].map((name) => this.#openIfThere(name)).find((one) => one !== undefined);
    if (lan === undefined) return;
    this.#lan.close();
    this.#lan = lan;
    this.#offloads.handleReplaced(lan.name);
    this.#startLan();
    if (lan.state === "up") this.core.handleLanUp(nowMs);
  }

  #openIfThere(name: string): GatewayLan | undefined {
    try {
      return openLan(name, this.#resources.pool, this.#logger);
    } catch (cause) {
      // It is not there yet, or went away again in between.
      if (cause instanceof LinkError || cause instanceof SystemCallError) return undefined;
      throw cause;
    }
  }

  #handleLinkState(state: LinkState): void {
    const nowMs = this.#resources.reactor.now();
    this.#watch.look(this.#lan, nowMs);
    if (state === "up") this.core.handleLanUp(nowMs);
  }

  #logSnapshot(node: EndpointNode, nowMs: number): void {
    this.#snapshotDueMs = nowMs + SNAPSHOT_INTERVAL_MS;
    const traffic = this.#resources.counters.snapshot();
    for (const event of this.#drops.handleCounts(traffic, nowMs)) this.#say(event);
    logText(this.#logger, "debug", "Snapshot", {
      room: node.parts.endpoint.session.room.welcome?.room,
      players: this.core.players,
      rttMs: node.parts.endpoint.session.rttMs,
      traffic,
      lan: this.#lan.counters.snapshot(),
    });
  }

  #say(event: StatusEvent): void {
    const { level, text } = statusLine(event);
    logText(this.#logger, level, text, { event: event.type });
  }
}

/** Whoever starts it by hand has players to invite next. */
function sayInvite({ stateDir }: GatewayProgramOptions, logger: Logger): void {
  const where = stateDir === undefined ? "" : ` --state-dir ${stateDir}`;
  logText(logger, "info", `Players get in by an invite: lanparty-gateway ctl invite${where}`);
}

function explained<T>(open: () => T): T {
  try {
    return open();
  } catch (cause) {
    if (!(cause instanceof LinkError)) throw cause;
    throw new UserError(cause.message, { cause });
  }
}
