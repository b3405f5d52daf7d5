/**
 * The options that take an invite, and what they say in the place of others.
 *
 * @module
 */
import { formatEndpointAddress } from "../control/address.ts";
import { expiredSince, readInvite } from "../control/invite.ts";
import type { Invite } from "../control/invite_fields.ts";
import { cleanText, isolated } from "../proto/clean_text.ts";
import { readInviteFile } from "../programs/client/invite_file.ts";
import { type OptionSpec, type StandIn } from "./options.ts";
import { Unfit } from "./unfit.ts";

/** What an invite stands for; all of these say whose party it is, and none says anything else. */
const PARTY_OPTIONS: readonly string[] = [
  "relay",
  "server-name",
  "relay-ca-cert",
  "relay-fingerprint",
  "room",
  "room-key",
  "room-key-file",
];

/** An invite, as itself. */
export const INVITE: OptionSpec<Invite> = {
  name: "invite",
  value: "INVITE",
  secret: true,
  beside: "obeyed",
  help:
    "the invite that the host has sent, which begins with lanparty1: it says all that --relay, --room and the " +
    "like would; others on this machine can see it in a process list, but not when it comes from a file, from " +
    "--config or from the environment (LANPARTY_INVITE)",
  parse: goodInvite,
  standsFor: {
    options: PARTY_OPTIONS,
    variable: "LANPARTY_INVITE",
    read: (text) => textsOf(goodInvite(text)),
  },
};

const FILE: StandIn = {
  options: PARTY_OPTIONS,
  read: (path) => {
    const file = readInviteFile(path);
    return file.ok ? textsOf(goodInvite(file.text)) : new Unfit(file.why);
  },
};

/** An invite in a file. */
export const INVITE_FILE: OptionSpec = {
  name: "invite-file",
  value: "FILE",
  credential: "invite",
  help: "read the invite from FILE, which nobody else may read; - is standard input",
  standsFor: FILE,
};

/** The invite in a text, if it is good now. */
export function goodInvite(text: string): Invite | Unfit {
  const read = readInvite(text);
  if (!read.ok) return new Unfit(read.why);
  const endedMs = expiredSince(read.invite, Date.now());
  if (endedMs === undefined) return read.invite;
  const day = new Date(endedMs).toISOString().slice(0, 16).replace("T", " ");
  return new Unfit(
    `this invite was good until ${day} (UTC): ask the host for a new one, or set this PC's clock ` +
      "if that is wrong",
  );
}

/** What the options would say that an invite stands for. */
function textsOf(invite: Invite | Unfit): ReadonlyMap<string, readonly string[]> | Unfit {
  if (invite instanceof Unfit) return invite;
  const { relays, serverName, fingerprint, room, roomKey } = invite;
  const texts: readonly (readonly [string, string | undefined])[] = [
    ["relay", relays.map(formatEndpointAddress).join(",")],
    ["server-name", serverName],
    ["relay-fingerprint", fingerprint],
    ["room", room],
    ["room-key", roomKey],
  ];
  return new Map(texts.flatMap(([name, text]) => text === undefined ? [] : [[name, [text]]]));
}

/** Names in a line of ours are no longer. */
const SHOWN_MAX = 80;

/** Where an invite leads, for the player to judge: "the party ... (room ...) on the relay ...". */
export function partyOf({ partyName, room, relays }: Invite): string {
  const relay = isolated(cleanText(relays.map(formatEndpointAddress).join(", "), SHOWN_MAX));
  return partyName === undefined
    ? `the party ${room} on the relay ${relay}`
    : `the party "${isolated(partyName)}" (room ${room}) on the relay ${relay}`;
}
