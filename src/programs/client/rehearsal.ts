/**
 * The client's rehearsal: see `common/rehearsal.ts`.
 *
 * @module
 */
import { ClientCore } from "../../client/client_core.ts";
import { LanNetworks } from "../../client/lan_networks.ts";
import { FrameLog } from "../../observe/frame_log.ts";
import { randomBytes } from "../common/random.ts";
import { framesOf, type Play, PLAYER, putFrame, SERVER } from "../common/rehearsal.ts";
import { RehearsalStage } from "../endpoint/rehearsal.ts";

/** A player who sends to a server of the LAN, and is answered. */
export class ClientRehearsal implements Play {
  readonly stage = new RehearsalStage();
  /** Frames that would have reached the player's system. */
  delivered = 0;
  readonly #core: ClientCore;
  readonly #questions = framesOf(PLAYER, SERVER);
  readonly #answers = framesOf(SERVER, PLAYER);

  constructor() {
    const { pool, path, counters } = this.stage;
    this.#core = new ClientCore({
      ...{ pool, path, counters, mac: PLAYER.mac, random: randomBytes, frameLog: new FrameLog() },
      tap: { send: () => (this.delivered++, true) },
      networks: new LanNetworks(),
      allowLanDefaultRoute: false,
      asksForAddress: false,
    });
    this.stage.enter(this.#core, "client");
  }

  round(): void {
    const { pool, nowMs } = this.stage;
    for (const frame of this.#questions) {
      const { slot, offset } = putFrame(pool, frame);
      this.#core.handleTapFrame(slot, offset, frame.length, nowMs);
    }
    this.stage.receive(this.#answers);
    this.stage.endRound();
  }
}
