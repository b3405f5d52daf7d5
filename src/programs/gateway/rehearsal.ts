/**
 * The gateway's rehearsal: see `common/rehearsal.ts`.
 *
 * @module
 */
import { GatewayCore } from "../../gateway/core.ts";
import { LinkFrame } from "../../link/device.ts";
import { randomBytes } from "../common/random.ts";
import { framesOf, type Play, PLAYER, putFrame, SERVER } from "../common/rehearsal.ts";
import { RehearsalStage } from "../endpoint/rehearsal.ts";

/** A server of the LAN that is asked by a player, and answers. */
export class GatewayRehearsal implements Play {
  readonly stage = new RehearsalStage();
  /** Frames that would have gone into the LAN. */
  delivered = 0;
  readonly #core: GatewayCore;
  readonly #frame = new LinkFrame();
  readonly #questions = framesOf(PLAYER, SERVER);
  readonly #answers = framesOf(SERVER, PLAYER);

  constructor() {
    const { pool, path, counters } = this.stage;
    this.#core = new GatewayCore({
      ...{ pool, path, counters, random: randomBytes },
      lan: { send: () => (this.delivered++, true), isUp: true, isHeld: false },
    });
    this.stage.enter(this.#core, "gateway");
  }

  round(): void {
    const { pool, nowMs } = this.stage;
    this.stage.receive(this.#questions);
    for (const frame of this.#answers) {
      const { slot, offset } = putFrame(pool, frame);
      this.#frame.set(pool.bytes, offset, frame.length, slot);
      this.#core.handleLanFrame(this.#frame, nowMs);
    }
    this.stage.endRound();
  }
}
