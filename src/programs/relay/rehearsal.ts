/**
 * The relay's rehearsal: see `common/rehearsal.ts`.
 *
 * @module
 */
import { encodeMessage } from "../../control/framing.ts";
import { CONTROL_PROTOCOL_VERSION } from "../../control/messages.ts";
import { FrameLog } from "../../observe/frame_log.ts";
import { asConnectionId, type ConnectionId, NO_PEER } from "../../proto/brands.ts";
import { BufferPool } from "../../queue/buffer_pool.ts";
import { QueueArena } from "../../queue/queue_arena.ts";
import { RelayCore } from "../../relay/core.ts";
import { randomBytes } from "../common/random.ts";
import {
  FRAMES_A_ROUND,
  framesOf,
  type Play,
  PLAYER,
  putDatagram,
  SERVER,
  throwAway,
} from "../common/rehearsal.ts";

const SLOTS = 4 * FRAMES_A_ROUND;
const DATAGRAM_BYTES = 1_450;
/** A round's length in the played party's own time. */
const ROUND_MS = 10;
const GATEWAY = asConnectionId(0);
const CLIENT = asConnectionId(1);

/** A player and a gateway that send each other frames. */
export class RelayRehearsal implements Play {
  readonly pool = new BufferPool(SLOTS);
  /** Datagrams that would have been sent. */
  delivered = 0;
  readonly #core: RelayCore;
  readonly #questions = framesOf(PLAYER, SERVER);
  readonly #answers = framesOf(SERVER, PLAYER);
  #nowMs = 0;

  constructor() {
    this.#core = new RelayCore({ policy: "open" }, {
      ...{ pool: this.pool, arena: new QueueArena(SLOTS), random: randomBytes },
      frameLog: new FrameLog(),
    });
    this.#enter(GATEWAY, { role: "gateway" });
    this.#enter(CLIENT, { role: "client", mac: PLAYER.macText });
  }

  /** What both were sent on their control streams, before it is thrown away, by type. */
  readonly told: string[] = [];

  round(): void {
    this.#send(CLIENT, this.#questions);
    this.#send(GATEWAY, this.#answers);
    const core = this.#core;
    for (let to = core.nextReady(); to >= 0; to = core.nextReady()) {
      const queue = core.queueOf(to);
      if (queue !== undefined) this.delivered += throwAway(queue, this.pool, this.#nowMs);
    }
    this.#follow();
    this.#nowMs += ROUND_MS;
  }

  #enter(connection: ConnectionId, fields: Record<string, unknown>): void {
    const core = this.#core;
    const path = { address: `192.0.2.${connection + 1}:1`, maxDatagramBytes: DATAGRAM_BYTES };
    core.handleConnected(connection, path, this.#nowMs);
    core.handleControl(
      connection,
      encodeMessage({
        ...{ type: "hello", protocol: CONTROL_PROTOCOL_VERSION, room: "REHEARSAL" },
        ...{ datagramBudget: DATAGRAM_BYTES, agent: "rehearsal", ...fields },
      }),
      this.#nowMs,
    );
    core.handleControl(connection, encodeMessage({ type: "stats" }), this.#nowMs);
    this.#follow();
  }

  #send(from: ConnectionId, frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      const { slot, offset, length } = putDatagram(this.pool, frame, NO_PEER);
      this.#core.handleDatagram(from, slot, offset, length, this.#nowMs);
    }
  }

  /** Does what is due; what the relay says arrives nowhere. */
  #follow(): void {
    const core = this.#core;
    if (this.#nowMs >= core.nextDeadlineMs()) core.handleTimer(this.#nowMs);
    for (const action of core.drainActions()) {
      if (action.type === "close") this.told.push("close");
      if (action.type !== "send") continue;
      core.handleControlSent(action.connection, action.bytes.length);
      this.told.push("send");
    }
  }
}
