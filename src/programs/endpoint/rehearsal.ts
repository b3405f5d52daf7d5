/**
 * What the rehearsals of client and gateway have in common: a session with a relay that nobody runs.
 *
 * @module
 */
import { encodeMessage } from "../../control/framing.ts";
import { CONTROL_PROTOCOL_VERSION, Feature } from "../../control/messages.ts";
import { Endpoint, type FrameCore } from "../../endpoint/endpoint.ts";
import { FramePath } from "../../endpoint/frame_path.ts";
import { EndpointSession } from "../../endpoint/session.ts";
import { TrafficCounters } from "../../observe/counters.ts";
import { asPeerId, type PeerId } from "../../proto/brands.ts";
import { TAP_MTU_MAX_DEFAULT } from "../../proto/mtu.ts";
import { BufferPool } from "../../queue/buffer_pool.ts";
import { QueueArena } from "../../queue/queue_arena.ts";
import { randomBytes } from "../common/random.ts";
import { FRAMES_A_ROUND, PLAYER, putDatagram, throwAway } from "../common/rehearsal.ts";

const SLOTS = 4 * FRAMES_A_ROUND;
const DATAGRAM_BYTES = 1_450;
/** A round's length in the played party's own time. */
const ROUND_MS = 10;
const ROOM = "REHEARSAL";
const OWN_PEER: PeerId = asPeerId(1);
const OTHER_PEER: PeerId = asPeerId(2);

/** An endpoint in a room, with all but its core. */
export class RehearsalStage {
  readonly pool = new BufferPool(SLOTS);
  readonly counters = new TrafficCounters();
  readonly path: FramePath = new FramePath({
    pool: this.pool,
    arena: new QueueArena(SLOTS),
    counters: this.counters,
  });
  /** The played party's time, ms. */
  nowMs = 0;
  #endpoint: Endpoint | undefined;

  /** Enters the room with a core that was made with this stage's parts; the other role's peer is there. */
  enter(core: FrameCore, role: "client" | "gateway"): void {
    const session = new EndpointSession({
      ...{ role, room: ROOM, agent: "rehearsal", relays: [{ host: "relay.invalid", port: 1 }] },
      mac: role === "client" ? PLAYER.macText : undefined,
    }, {
      random: randomBytes,
      statistics: () => ({ traffic: this.counters.snapshot() }),
      clockText: () => "",
    });
    const endpoint = this.#endpoint = new Endpoint(session, this.path, core);
    endpoint.start(this.nowMs);
    this.#follow(endpoint);
    endpoint.handleConnected(DATAGRAM_BYTES, this.nowMs);
    this.#follow(endpoint);
    const relayTime = Date.now();
    const other = role === "client" ? { role: "gateway" } : { role: "client", mac: PLAYER.macText };
    const messages = [
      {
        ...{ type: "welcome", protocol: CONTROL_PROTOCOL_VERSION, peerId: OWN_PEER, room: ROOM },
        ...{ tapMtu: TAP_MTU_MAX_DEFAULT, gatewayPresent: true, relayTime, resume: "none" },
        features: Object.values(Feature),
      },
      { type: "peerJoined", peerId: OTHER_PEER, ...other },
      { type: "roomMtu", tapMtu: TAP_MTU_MAX_DEFAULT },
    ];
    for (const message of messages) endpoint.handleControl(encodeMessage(message), this.nowMs);
    this.#follow(endpoint);
  }

  /** A round is over: what waits for the relay is thrown away, and time passes. */
  endRound(): void {
    if (this.#endpoint !== undefined) this.#follow(this.#endpoint);
    throwAway(this.path.queue, this.pool, this.nowMs);
    this.nowMs += ROUND_MS;
  }

  /** Frames come from the other peer. */
  receive(frames: readonly Uint8Array[]): void {
    const { pool } = this;
    for (const frame of frames) {
      const { slot, offset, length } = putDatagram(pool, frame, OTHER_PEER);
      this.#endpoint?.handleDatagram(pool.bytes, offset, length, this.nowMs);
      pool.release(slot);
    }
  }

  /** Does what is due, and nothing of what the session wants of its shell. */
  #follow(endpoint: Endpoint): void {
    endpoint.handleTimer(this.nowMs);
    endpoint.drainActions(this.nowMs, () => {});
  }
}
