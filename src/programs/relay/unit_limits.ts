/**
 * How much memory and how many threads a relay may take, for its unit: what its options let strangers take.
 *
 * @module
 */
import { PROCESS_BYTES, PROCESS_TASKS, type UnitLimits } from "../common/systemd_unit.ts";
import { CONTROL_UNSENT_BYTES, CONTROL_UNSENT_PEER_BYTES } from "../../relay/limits.ts";

const KIB = 1_024;

/**
 * What a peer can have msquic remember: a stream's window of 64 KiB with 1,024 pieces in it, and 256 packets that it
 * has not acknowledged (patches 0030 and 0032).
 */
export const TRACKING_BYTES = (64 + 16 + 36) * KIB;
/**
 * A connection: 80 KiB at play (docs/LOAD.md), a control message of 64 KiB that has not come to its end, with as
 * much that it has outgrown and the runtime has not collected yet, and what it can have tracked.
 */
const CONNECTION_BYTES = (80 + 2 * 64) * KIB + TRACKING_BYTES;
/** The texts of a peer's hello, which was one message. */
const HELLO_BYTES = 64 * KIB;
/** 256 lost packets of a peer, each with as many frames as there may be (patch 0032). */
export const LOST_PACKETS_BYTES = 100 * KIB;
/** The options of a relay that decide. */
export interface RelaySize {
  readonly reactors: number;
  readonly connectionsMax: number;
  readonly peersMax: number;
  readonly peersPerRoomMax: number;
}

/** The limits of a relay: a supervisor is a process more, and each reactor has connections of its own. */
export function relayUnitLimits(size: RelaySize): UnitLimits {
  const { reactors, connectionsMax, peersMax, peersPerRoomMax } = size;
  const processes = reactors === 1 ? 1 : reactors + 1;
  const unsentBytes = CONTROL_UNSENT_BYTES + CONTROL_UNSENT_PEER_BYTES * peersPerRoomMax;
  const peers = Math.min(peersMax, connectionsMax);
  return {
    memoryBytes: processes * PROCESS_BYTES +
      reactors *
        (connectionsMax * CONNECTION_BYTES +
          peers * (HELLO_BYTES + LOST_PACKETS_BYTES + unsentBytes)),
    tasks: processes * PROCESS_TASKS,
  };
}
