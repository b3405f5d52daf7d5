/**
 * What the host of a party should know, decided from what the gateway sees.
 *
 * @module
 */

import type { DropFinding } from "../observe/drop_findings.ts";
import { gatewayFinding, type HostFinding } from "../observe/host_findings.ts";
import {
  LAN_LINK_SENTENCES,
  type LanState,
  type LanTrouble,
  lanTroubleSentence,
  lanTroubleStops,
} from "../observe/lan_link.ts";
import { type LostDatagrams, lostDatagramsFinding } from "../observe/receive_buffer.ts";
import { fillSentence, type Sentence } from "../observe/sentences.ts";
import { isolated } from "../proto/clean_text.ts";
import { formatTimeSpan } from "../proto/time_span.ts";
import { LanSight } from "../proto/lan_talk.ts";
import type { LoopCause } from "./loop_guard.ts";

/** A LAN in which players ask each minute who is there, and nothing was heard for longer, may be none. */
export const LAN_QUIET_MS = 180_000;

/** A player as the gateway knows one. */
export interface PlayerFacts {
  readonly mac: string;
  /** As they call themselves, which may be anything. */
  readonly name?: string | undefined;
  readonly served: boolean;
  readonly dhcpServer: boolean;
  /** What they see of the LAN, by their own word. */
  readonly sight: LanSight;
}

/** What a gateway sees. */
export interface GatewayFacts {
  readonly isJoined: boolean;
  /** Why there is no connection with the relay, where that is known. */
  readonly relayTrouble: Sentence | undefined;
  /** The LAN's interface. */
  readonly name: string;
  readonly lanState: LanState;
  readonly troubles: readonly LanTrouble[];
  /** For how long nothing was heard in the LAN, ms; Infinity: nothing ever was. */
  readonly lanQuietMs: number;
  /** Since when it could have been, ms. */
  readonly listenedMs: number;
  /** Why nothing is forwarded, while nothing is. */
  readonly loop: { readonly cause: LoopCause; readonly mac: string } | undefined;
  readonly players: readonly PlayerFacts[];
  readonly lostDatagrams: LostDatagrams;
  /** What dropped frames of late mean. */
  readonly drops: readonly DropFinding[];
}

/** Decides; what stops all comes first. */
export function gatewayFindings(facts: GatewayFacts): HostFinding[] {
  const { isJoined, relayTrouble, loop, players, lostDatagrams, drops } = facts;
  const found: HostFinding[] = [];
  found.push(...linkFindings(facts));
  if (!isJoined) {
    found.push(
      relayTrouble === undefined
        ? gatewayFinding("no-room", "stops")
        : { key: "no-relay", weight: "stops", ...relayTrouble },
    );
  }
  if (loop !== undefined) {
    found.push(gatewayFinding(`loop-${loop.cause}`, "stops", { mac: loop.mac }));
  }
  const quiet = quietFinding(facts);
  if (quiet !== undefined) found.push(quiet);
  for (const player of players) found.push(...playerFindings(player));
  found.push(...[lostDatagramsFinding(lostDatagrams)].filter((one) => one !== undefined));
  for (const { key, what, advice } of drops) {
    found.push({ key, weight: "disturbs", what, ...advice === undefined ? {} : { advice } });
  }
  return found;
}

function linkFindings({ name, lanState, troubles }: GatewayFacts): HostFinding[] {
  const found = troubles.map((trouble): HostFinding => ({
    key: `link-${trouble.kind}`,
    weight: lanTroubleStops(trouble) ? "stops" : "disturbs",
    ...lanTroubleSentence(name, trouble),
  }));
  if (lanState === "up") return found;
  const sentence = fillSentence(LAN_LINK_SENTENCES[lanState], { name });
  return [{ key: `link-${lanState}`, weight: "stops", ...sentence }, ...found];
}

function quietFinding(facts: GatewayFacts): HostFinding | undefined {
  const { isJoined, lanState, name, lanQuietMs, listenedMs, players } = facts;
  const isAsked = isJoined && lanState === "up" && players.length > 0;
  if (!isAsked || Math.min(lanQuietMs, listenedMs) < LAN_QUIET_MS) return undefined;
  return lanQuietMs === Infinity
    ? gatewayFinding("lan-never-heard", "disturbs", { name })
    : gatewayFinding("lan-quiet", "disturbs", { name, time: formatTimeSpan(lanQuietMs) });
}

function playerFindings(player: PlayerFacts): HostFinding[] {
  const { mac, name, served, dhcpServer, sight } = player;
  const found: HostFinding[] = [];
  const who = name === undefined ? mac : quoted(name);
  if (!served) found.push(gatewayFinding("player-not-served", "disturbs", { who }));
  if (dhcpServer) found.push(gatewayFinding("player-dhcp-server", "disturbs", { who }));
  if (sight === LanSight.noAddress) {
    found.push(gatewayFinding("player-no-address", "disturbs", { who }));
  }
  if (sight === LanSight.nothing && served) {
    found.push(gatewayFinding("player-sees-nothing", "disturbs", { who }));
  }
  return found;
}

/** A name that does not pass for what the gateway says: a player may be called "Nothing is forwarded: ". */
function quoted(name: string): string {
  return `"${isolated(name.replaceAll('"', "'"))}"`;
}
