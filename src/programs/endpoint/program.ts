/**
 * What the programs of client and gateway have in common: the way from a command line to a session.
 *
 * @module
 */
import type { EndpointAddress } from "../../control/address.ts";
import type { EndpointAction, StatisticsSource } from "../../endpoint/actions.ts";
import { FramePath } from "../../endpoint/frame_path.ts";
import { Endpoint, type FrameCore } from "../../endpoint/endpoint.ts";
import { EndpointSession } from "../../endpoint/session.ts";
import { TOKEN_FILE_NAME, TokenStore } from "../../endpoint/token_store.ts";
import { WAY_FILE_NAME, WayMemory } from "../../endpoint/way_memory.ts";
import { TrafficCounters } from "../../observe/counters.ts";
import type { QuicLibrary } from "../../quic/mod.ts";
import { BufferPool } from "../../queue/buffer_pool.ts";
import { QueueArena } from "../../queue/queue_arena.ts";
import {
  claimInstance,
  InstanceBusyError,
  instanceFile,
  runningInstance,
} from "../../system/instance/mod.ts";
import { UnsafePathError } from "../../system/files/mod.ts";
import { createReactor, type Reactor } from "../../reactor/mod.ts";
import { type BeforeLeaving, Departure } from "./departure.ts";
import { EndpointNode } from "./node.ts";
import type { FrameLogFile } from "../common/frame_log_file.ts";
import type { Logger } from "../../log/logging.ts";
import { lookUpHost } from "./host_resolver.ts";
import { openQuicLibrary } from "../common/native_library.ts";
import { randomBytes } from "../common/random.ts";
import { SystemReach } from "./reach.ts";
import { RelayTrust } from "./relay_trust.ts";
import { StoreFile } from "./store_file.ts";
import { systemFailure, UserError } from "../../log/user_error.ts";

/** What client and gateway are told of the relay and the room. */
export interface RelayAccessOptions {
  /** Ways to the relay, the best first; one at least. */
  readonly relays: readonly EndpointAddress[];
  readonly serverName: string | undefined;
  readonly relayCaFile: string | undefined;
  /** base64url without padding. */
  readonly relayFingerprint: string | undefined;
  /** In its canonical form. */
  readonly room: string;
  readonly name: string | undefined;
  readonly datagramBudget: number | undefined;
  /** Clients only: the key that the room asks for. */
  readonly roomKey?: string | undefined;
  /** Gateways only. */
  readonly gatewayKey?: string | undefined;
  /** Program and version. */
  readonly agent: string;
}

/** While a name is looked up, the runtime's own loop gets its turns often. */
const LOOK_UP_MS = 5_000;
const POOL_SLOTS = 8_192;
const QUEUE_ENTRIES = 8_192;
/** What an endpoint's program has at hand before it knows its part. */
export class EndpointResources {
  readonly reactor: Reactor = createReactor();
  readonly pool: BufferPool = new BufferPool(POOL_SLOTS);
  readonly counters: TrafficCounters = new TrafficCounters();
  readonly timeOriginMs: number = Date.now() - this.reactor.now();
  readonly library: QuicLibrary = openQuicLibrary(this.reactor, this.pool);
  readonly path: FramePath = new FramePath({
    pool: this.pool,
    arena: new QueueArena(QUEUE_ENTRIES),
    counters: this.counters,
  });

  /** Gives the state folder back, which one process at a time has. */
  releaseState: () => void = () => {};

  /** Gives everything back; the reactor must not run. */
  close(): void {
    this.releaseState();
    this.library.close();
    this.reactor.close();
  }
}

/** What a client or a gateway runs on. */
export interface EndpointContext {
  readonly resources: EndpointResources;
  readonly frameLog: FrameLogFile;
  /** What is kept from run to run. */
  readonly stateDir: string;
  readonly logger: Logger;
}

/** An endpoint's part in what happens. */
export interface EndpointPart {
  readonly role: "client" | "gateway";
  /** Canonical MAC; clients only. */
  readonly mac?: string;
  /** Where it is kept; absent: it was given. */
  readonly identityFile?: string | undefined;
  readonly core: FrameCore;
  readonly statistics: () => StatisticsSource;
  /** See `EndpointNodeParts`. */
  readonly beforeConnect?: (address: Uint8Array, nowMs: number, isAnother: boolean) => void;
  readonly onAction: (action: EndpointAction, nowMs: number) => void;
}

/** The time of day that is so far off, with the date where that is another one. */
function clockText(inMs: number): string {
  const now = new Date();
  const then = new Date(now.getTime() + inMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const time = `${two(then.getHours())}:${two(then.getMinutes())}`;
  if (then.toDateString() === now.toDateString()) return time;
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())} ${time}`;
}

/** Puts a session together. @throws {UserError} a file of the command line cannot be used */
export function openEndpoint(
  options: RelayAccessOptions,
  { resources, stateDir, logger }: EndpointContext,
  part: EndpointPart,
): EndpointNode {
  resources.releaseState = claimState(stateDir, part.role);
  const tokens = new StoreFile(stateDir, TOKEN_FILE_NAME, TokenStore.parse, logger);
  const ways = new StoreFile(stateDir, WAY_FILE_NAME, WayMemory.parse, logger);
  const session = new EndpointSession({
    role: part.role,
    relays: options.relays,
    serverName: options.serverName,
    fingerprint: options.relayFingerprint,
    room: options.room,
    mac: part.mac,
    identityFile: part.identityFile,
    name: options.name,
    agent: options.agent,
    datagramBudget: options.datagramBudget,
    roomKey: options.roomKey,
    gatewayKey: options.gatewayKey,
    tokens: tokens.store,
  }, { random: randomBytes, statistics: part.statistics, clockText });
  const trust = RelayTrust.open(resources.library, options.relayCaFile);
  trust.configurationFor(session.relay); // what is wrong with it is said before anything else
  return new EndpointNode({
    endpoint: new Endpoint(session, resources.path, part.core),
    trust,
    logger,
    reach: new SystemReach(resources.reactor),
    lookUp: (host, port) => {
      resources.reactor.attend(LOOK_UP_MS);
      return lookUpHost(host, port);
    },
    ways: ways.store,
    saveWays: () => ways.save(),
    ...resources,
    beforeConnect: part.beforeConnect,
    onAction: (action, nowMs) => {
      if (action.type === "saveToken") tokens.save();
      part.onAction(action, nowMs);
    },
  });
}

/** The process that runs with this state folder, if there is another one. */
export function runningEndpoint(stateDir: string, role: string): number | undefined {
  return runningInstance(instanceFile(stateDir, role));
}

/**
 * Two processes with one state folder have one MAC and one resume token: each would push the other out.
 *
 * @throws {UserError} another process has the folder
 */
function claimState(stateDir: string, role: string): () => void {
  try {
    return claimInstance(instanceFile(stateDir, role));
  } catch (cause) {
    if (cause instanceof InstanceBusyError) {
      const text = `the state folder ${stateDir} cannot be used: ${cause.message}; end that one, ` +
        "or give this one another --state-dir";
      throw new UserError(text, { cause });
    }
    if (cause instanceof UnsafePathError) {
      throw systemFailure(`the state folder ${stateDir} cannot be used`, cause);
    }
    // A folder that is full or read-only is no reason to stay away: the token file warns of it.
    if (systemFailure("", cause) === cause) throw cause;
    return () => {};
  }
}

/**
 * Runs an endpoint until its session ends: by itself, or because the program is to end (see
 * {@linkcode Departure}).
 *
 * @returns the exit code
 * @throws {UserError} something that it needs went away; the relay was told then
 */
export async function runEndpoint(
  node: EndpointNode,
  { resources: { reactor }, frameLog, logger }: EndpointContext,
  beforeLeaving: BeforeLeaving = () => Promise.resolve(),
): Promise<number> {
  using departure = new Departure(node, reactor, beforeLeaving, logger);
  reactor.addTask({
    work: (nowMs) => {
      frameLog.work(nowMs);
      return false;
    },
    nextDeadlineMs: () => frameLog.work(-Infinity),
  });
  node.start();
  try {
    await reactor.run();
  } catch (error) {
    if (error instanceof UserError) departure.sayGoodbye();
    throw error;
  }
  if (node.failure !== undefined) throw node.failure.error;
  return node.exitCode ?? 0;
}
