/**
 * Who is not let in: the bans of a relay, found by room and by what they look for.
 *
 * A host's bans hold in its own room and for players only. Since anybody may have rooms on some relays, as many
 * as they like one after the other, they are bounded in time and in number: in each room, of all hosts at one
 * site, and over all. There one too many takes the place of the oldest of the site that has the most, so that who
 * would push others' out must be at more sites than there are bans of the honest at theirs.
 *
 * @module
 */
import { type Ban, isOver } from "./ban_record.ts";
import {
  HOST_BANS_MAX,
  HOST_BANS_PER_SITE_MAX,
  OPERATOR_BANS_MAX,
  ROOM_BANS_MAX,
} from "./limits_removal.ts";
import { oldestOfMost, setOf, takeOut } from "./sites.ts";

/** What {@linkcode BanList.add} did. */
export type BanAdded =
  /** `gone`: the ids of those that gave way, the ones over included. */
  | { readonly ok: true; readonly gone: readonly string[] }
  /** There are too many: of the operator's, in this room, or of hosts at this site. */
  | { readonly ok: false };

/** See the module. */
export class BanList {
  /** By id, the oldest first. */
  readonly #bans = new Map<string, Ban>();
  /** By room (none for the whole relay) and target. */
  readonly #byTarget = new Map<string, Set<Ban>>();
  /** The hosts' by room, the oldest first. */
  readonly #ofHosts = new Map<string, Map<string, Ban>>();
  /** The hosts' by site, the oldest first. */
  readonly #bySite = new Map<string, Set<Ban>>();
  #operatorCount = 0;
  /** No ban is over before this. */
  #soonestMs = Infinity;

  /** How many bans there are, by who made them; those that are over may still be among them. */
  get counts(): { readonly operator: number; readonly host: number } {
    return { operator: this.#operatorCount, host: this.#bans.size - this.#operatorCount };
  }

  /**
   * Adds a ban. It takes the place of one with its id, and of one of the same author and room that looks
   * for just the same.
   */
  add(ban: Ban, unixMs: number): BanAdded {
    const over = this.prune(unixMs);
    const replaced = this.#takePlaceOf(ban);
    const gone = [...over, ...replaced];
    const room = ban.room ?? "";
    if (ban.by === "operator" && this.#operatorCount >= OPERATOR_BANS_MAX) return { ok: false };
    const ofRoom = this.#ofHosts.get(room) ?? new Map<string, Ban>();
    if (ban.by === "host" && ofRoom.size >= ROOM_BANS_MAX) return { ok: false };
    if (ban.by === "host" && replaced.length === 0 && this.#siteIsFull(ban)) return { ok: false };
    //= PROTOCOL.md 6.7
    //# A relay bounds their number (this project: 64 in a room, 128 of one site, 4,096 over all;
    //# then the oldest of the site with the most gives way.
    if (ban.by === "host" && this.counts.host >= HOST_BANS_MAX) {
      const oldest = oldestOfMost(this.#bySite.values());
      if (oldest !== undefined) {
        this.remove(oldest.id);
        gone.push(oldest.id);
      }
    }
    this.#bans.set(ban.id, ban);
    for (const target of ban.targets) setOf(this.#byTarget, keyOf(ban.room, target)).add(ban);
    this.#soonestMs = Math.min(this.#soonestMs, endOf(ban));
    if (ban.by === "operator") this.#operatorCount++;
    else {
      this.#ofHosts.set(room, ofRoom.set(ban.id, ban));
      setOf(this.#bySite, siteOf(ban)).add(ban);
    }
    return { ok: true, gone: gone.filter((id) => id !== ban.id) };
  }

  /** Takes a ban back; `undefined` if there is none of this id. */
  remove(id: string): Ban | undefined {
    const ban = this.#bans.get(id);
    if (ban === undefined) return undefined;
    this.#bans.delete(id);
    for (const target of ban.targets) takeOut(this.#byTarget, keyOf(ban.room, target), ban);
    if (ban.by === "operator") this.#operatorCount--;
    else {
      const room = ban.room ?? "";
      const ofRoom = this.#ofHosts.get(room);
      ofRoom?.delete(id);
      if (ofRoom?.size === 0) this.#ofHosts.delete(room);
      takeOut(this.#bySite, siteOf(ban), ban);
    }
    return ban;
  }

  /**
   * The ban that keeps somebody out for the longest, if one does.
   *
   * @param rooms the names of the room that is asked for: code, id, and what tells it apart
   * @param targets what is known of who asks; `undefined` entries count for nothing
   */
  find(
    rooms: readonly string[],
    targets: readonly (string | undefined)[],
    role: "client" | "gateway",
    unixMs: number,
  ): Ban | undefined {
    if (this.#bans.size === 0) return undefined;
    let longest: Ban | undefined;
    for (const room of [undefined, ...rooms]) {
      for (const target of targets) {
        if (target === undefined) continue;
        for (const ban of this.#byTarget.get(keyOf(room, target)) ?? []) {
          if (isOver(ban, unixMs) || (ban.by === "host" && role === "gateway")) continue;
          if (longest === undefined || endOf(ban) > endOf(longest)) longest = ban;
        }
      }
    }
    return longest;
  }

  /** The hosts' bans of a room. */
  ofRoom(room: string): Ban[] {
    return [...this.#ofHosts.get(room)?.values() ?? []];
  }

  /** All of them, the oldest first. */
  values(unixMs: number): Ban[] {
    this.prune(unixMs);
    return [...this.#bans.values()];
  }

  /** Forgets what is over; returns the ids. */
  prune(unixMs: number): string[] {
    if (unixMs < this.#soonestMs) return [];
    const over = [...this.#bans.values()].filter((ban) => isOver(ban, unixMs));
    for (const { id } of over) this.remove(id);
    this.#soonestMs = Infinity;
    for (const ban of this.#bans.values()) this.#soonestMs = Math.min(this.#soonestMs, endOf(ban));
    return over.map(({ id }) => id);
  }

  #takePlaceOf(ban: Ban): string[] {
    const same = [...this.#byTarget.get(keyOf(ban.room, ban.targets[0])) ?? []].filter((other) =>
      other.by === ban.by && other.targets.length === ban.targets.length &&
      ban.targets.every((target) => other.targets.includes(target))
    );
    const ids = [...same.map(({ id }) => id), ...this.#bans.has(ban.id) ? [ban.id] : []];
    for (const id of new Set(ids)) this.remove(id);
    return ids;
  }

  #siteIsFull(ban: Ban): boolean {
    return (this.#bySite.get(siteOf(ban))?.size ?? 0) >= HOST_BANS_PER_SITE_MAX;
  }
}

/** Where a host's ban counts; of one made before sites were written down, the room. */
function siteOf({ site, room }: Ban): string {
  return site ?? `room ${room}`;
}

function keyOf(room: string | undefined, target: string): string {
  return `${room ?? ""} ${target}`;
}

function endOf(ban: Ban): number {
  return ban.untilMs ?? Infinity;
}
