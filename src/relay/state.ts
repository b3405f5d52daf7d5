/**
 * What the relay's parts share, and what it is made from.
 *
 * @module
 */
import type { FrameLog } from "../observe/frame_log.ts";
import type { BufferPool } from "../queue/buffer_pool.ts";
import type { QueueArena } from "../queue/queue_arena.ts";
import { Outbox } from "./actions.ts";
import { AddressLimits } from "./address_limits.ts";
import type { AdmissionContext } from "./admission.ts";
import { BanList } from "./bans.ts";
import { Deadlines } from "./deadlines.ts";
import { LocalDirectory } from "./directory.ts";
import type { RelayOptions } from "./limits.ts";
import { RoomLocks } from "./locks.ts";
import { MacReservations } from "./mac_reservations.ts";
import { OPEN_POLICY } from "./policy.ts";
import { Rooms } from "./room.ts";
import type { Session } from "./session.ts";
import { newTallies, type RelayTallies } from "./tallies.ts";

/** What the relay is given. */
export interface RelayResources {
  readonly pool: BufferPool;
  readonly arena: QueueArena;
  /** Cryptographically random bytes. */
  readonly random: (count: number) => Uint8Array;
  readonly frameLog: FrameLog;
  /** Wall clock minus the `nowMs` of all calls, ms since 1970: makes `relayTime`. */
  readonly timeOriginMs?: number;
}

/** What the relay's parts share. */
export interface RelayState extends AdmissionContext {
  readonly outbox: Outbox;
  readonly pool: BufferPool;
  readonly arena: QueueArena;
  readonly random: (count: number) => Uint8Array;
  readonly frameLog: FrameLog;
  readonly tallies: RelayTallies;
  peersCount: number;
  draining: boolean;
  /** What `handleTimer` has to do, and when. */
  readonly deadlines: Deadlines;
}

/** The state of a relay in which nobody is yet; `sessions` by connection are the core's. */
export function newRelayState(
  options: RelayOptions,
  resources: RelayResources,
  sessions: readonly (Session | undefined)[],
): RelayState {
  const { pool, arena, random, frameLog, timeOriginMs = 0 } = resources;
  return {
    ...{ options, sessions, pool, arena, random, frameLog, timeOriginMs },
    policy: options.policy === "open" ? OPEN_POLICY : options.policy,
    directory: options.directory ?? new LocalDirectory(),
    rooms: new Rooms(options),
    locks: new RoomLocks(),
    bans: new BanList(),
    reservations: new MacReservations(options.peersPerRoomMax),
    addresses: new AddressLimits(options),
    tallies: newTallies(),
    outbox: new Outbox(),
    peersCount: 0,
    draining: false,
    deadlines: new Deadlines(),
  };
}
