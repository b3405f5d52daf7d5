/**
 * What a party's host can ask of the gateway (`lanparty-gateway ctl`): words in, a text for a terminal out.
 *
 * @module
 */
import type { HostAction, ListedBan } from "../control/host_messages.ts";
import { asPeerId, type PeerId } from "../proto/brands.ts";
import { isolated } from "../proto/clean_text.ts";
import { formatMac, parseMac } from "../proto/mac.ts";
import { formatBanTable, type RemovalWords, splitWords } from "./ban_control.ts";
import type { ControlAnswer } from "./control.ts";
import type { GatewayPlayerView, PlayerSight } from "./gateway_view.ts";
import { formatTable } from "./table.ts";

/** What is asked of the relay. */
export interface HostWish {
  readonly action: HostAction;
  readonly peerId?: PeerId;
  readonly target?: string;
  readonly forMs?: number;
  readonly reason?: string;
}

/** What a question leads to. */
export interface HostActions {
  /** ms since 1970. */
  readonly unixMs: number;
  readonly room: string;
  /** Whether the gateway is in the room. */
  readonly joined: boolean;
  readonly players: readonly GatewayPlayerView[];
  /** Whether new players are let in; `again`: the relay will be told so once more. */
  readonly lockState: "open" | "locked" | "again";
  /** The party's invite, or why there is none. */
  invite(): ControlAnswer;
  /** Asks the relay. */
  ask(wish: HostWish): Promise<
    { readonly ok: boolean; readonly message: string; readonly bans: readonly ListedBan[] }
  >;
}

const USAGE = "players | invite | kick PLAYER [--for 1h] [--reason TEXT] | " +
  "ban PLAYER|MAC|ADDRESS|token:NAME [--for 7d] [--reason TEXT] | " +
  "unban BAN|MAC|ADDRESS|token:NAME | bans | lock | unlock | release MAC; " +
  "PLAYER is the number or the MAC that players lists";

/** How many words follow each first one. */
const WORDS: Readonly<Record<string, number>> = {
  players: 0,
  invite: 0,
  kick: 1,
  ban: 1,
  unban: 1,
  bans: 0,
  lock: 0,
  unlock: 0,
  release: 1,
};
/** The options that may be behind each. */
const OPTIONS: Readonly<Record<string, readonly (keyof RemovalWords)[]>> = {
  kick: ["forMs", "reason"],
  ban: ["forMs", "reason"],
};

/** Does what the words ask for. */
export async function answerHost(
  question: readonly string[],
  actions: HostActions,
): Promise<ControlAnswer> {
  const split = splitWords(question);
  if (!split.ok) return split;
  const { words, options } = split;
  const [command = "", name = ""] = words;
  const isKnown = Object.hasOwn(WORDS, command) && WORDS[command] === words.length - 1 &&
    Object.keys(options).every((key) => OPTIONS[command]?.some((known) => known === key));
  if (!isKnown) return refuse(`expected ${USAGE}`);
  if (command === "players") return players(actions);
  if (command === "invite") return actions.invite();
  if (!actions.joined) return refuse(`the gateway is not in the room ${actions.room} now`);
  const wish = wishOf(command as HostAction, name, options, actions.players);
  if (wish === undefined) return refuse(`there is no player ${name} (players lists them)`);
  const { ok, message, bans } = await actions.ask(wish);
  if (command !== "bans" || !ok) return { ok, text: message };
  return { ok, text: formatBans(bans, actions) };
}

function wishOf(
  action: HostAction,
  name: string,
  { forMs, reason }: RemovalWords,
  players: readonly GatewayPlayerView[],
): HostWish | undefined {
  const how = {
    ...(forMs === undefined ? {} : { forMs }),
    ...(reason === undefined ? {} : { reason }),
  };
  if (WORDS[action] === 0) return { action };
  const peerId = action === "kick" || action === "ban" ? peerOf(name, players) : undefined;
  if (peerId !== undefined) return { action, peerId, ...how };
  return action === "kick" || isNumber(name) && action === "ban"
    ? undefined
    : { action, target: name, ...how };
}

/** A player's peer id, by that or by the MAC. */
function peerOf(name: string, players: readonly GatewayPlayerView[]): PeerId | undefined {
  const bytes = parseMac(name);
  const found = bytes === undefined
    ? players.find(({ peerId }) => isNumber(name) && peerId === Number(name))
    : players.find(({ mac }) => mac === formatMac(bytes));
  return found && asPeerId(found.peerId);
}

function isNumber(text: string): boolean {
  return /^\d{1,5}$/.test(text);
}

const LOCK_TEXT = {
  open: "",
  locked: "\nlocked: no new player is let in (unlock takes it back)",
  again: "\nlocked again within a minute: whoever was here comes back first (unlock takes it back)",
} as const;

const SIGHT_TEXT: Readonly<Record<PlayerSight, string>> = {
  "unknown": "?",
  "good": "the LAN",
  "no-address": "no address",
  "nothing": "nothing",
};

function players({ room, joined, players, lockState }: HostActions): ControlAnswer {
  if (!joined) return refuse(`the gateway is not in the room ${room} now`);
  const lock = LOCK_TEXT[lockState];
  if (players.length === 0) return done(`no players in ${room}${lock}`);
  const table = formatTable([
    ["PLAYER", "MAC", "IN THE LAN", "SEES", "NAME"],
    ...players.map(({ peerId, mac, served, dhcpServer, sees, name }) => [
      String(peerId),
      mac,
      served ? dhcpServer ? "yes, with a DHCP server" : "yes" : "no",
      SIGHT_TEXT[sees],
      isolated(name ?? ""),
    ]),
  ]);
  return done(`${table}${lock}`);
}

function formatBans(bans: readonly ListedBan[], { room, unixMs }: HostActions): string {
  return formatBanTable(
    bans.map(({ forMs, ...ban }) => ({
      ...ban,
      room,
      ...(forMs === undefined ? {} : { untilMs: unixMs + forMs }),
    })),
    unixMs,
  );
}

function done(text: string): ControlAnswer {
  return { ok: true, text };
}

function refuse(text: string): ControlAnswer {
  return { ok: false, text };
}
