/**
 * The bans of a relay of several workers: its supervisor keeps the list, in its file and in each worker.
 *
 * @module
 */
import { type Ban, BAN_ID_BYTES, isOver, makeBan } from "../../../relay/ban_record.ts";
import { BanList } from "../../../relay/bans.ts";
import type { Removal } from "../../../relay/removal.ts";
import { BanFile } from "../ban_file.ts";
import { type Logger, logText } from "../../../log/logging.ts";
import { randomBytes } from "../../common/random.ts";
import type { WorkerOrder } from "./messages.ts";

/** See the module. */
export class SupervisorBans {
  readonly #list = new BanList();
  readonly #file: BanFile;
  readonly #logger: Logger;
  readonly #tellAll: (order: WorkerOrder) => void;

  /** `tellAll` reaches all workers that run. */
  constructor(
    stateDir: string,
    logger: Logger,
    tellAll: (order: WorkerOrder) => void,
  ) {
    this.#logger = logger;
    this.#tellAll = tellAll;
    this.#file = new BanFile(stateDir, logger);
    for (const ban of this.#file.found) this.#list.add(ban, Date.now());
  }

  /** How many there are, by who made them. */
  get counts(): { readonly operator: number; readonly host: number } {
    this.#list.prune(Date.now());
    return this.#list.counts;
  }

  /** All of them, the oldest first. */
  values(): Ban[] {
    return this.#list.values(Date.now());
  }

  /** A worker has made a ban, or one is over, or taken back by its host. */
  handleMade(ban: Ban): void {
    this.#add(ban);
    this.#file.keep(() => this.values());
  }

  handleGone(ids: readonly string[]): void {
    for (const id of ids) this.#list.remove(id);
    this.#file.keep(() => this.values());
  }

  /** Bans everywhere, as `Administration.ban` does; how many it sends away nobody knows yet. */
  ban(target: string, room: string | undefined, removal: Removal): boolean {
    const madeMs = Date.now();
    const { by, forMs, reason } = removal;
    const untilMs = forMs === undefined ? undefined : madeMs + forMs;
    const id = randomBytes(BAN_ID_BYTES).toHex();
    const ban = makeBan({ id, by, room, targets: [target], madeMs, untilMs, reason });
    if (!this.#add(ban)) return false;
    logText(this.#logger, "info", "Ban made", { ...ban });
    this.#file.keep(() => this.values());
    this.#tellAll({ type: "bans", bans: [ban] });
    return true;
  }

  /** Takes bans back, everywhere. */
  unban(ids: readonly string[]): void {
    this.handleGone(ids);
    this.#tellAll({ type: "unban", ids });
  }

  /** Resolves when all is written, with what went wrong. */
  written(): Promise<string | undefined> {
    return this.#file.flush();
  }

  #add(ban: Ban): boolean {
    const nowMs = Date.now();
    if (isOver(ban, nowMs)) return true;
    const added = this.#list.add(ban, nowMs);
    if (added.ok && added.gone.length > 0) this.#tellAll({ type: "unban", ids: added.gone });
    return added.ok;
  }
}
