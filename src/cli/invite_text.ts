/**
 * An invite as the host sees it: the line to send, the link, a QR code, and what to think of before it is sent.
 *
 * @module
 */
import { encodeQR } from "qr";
import { formatInvite, INVITE_LINK, readInvite } from "../control/invite.ts";
import {
  type Invite,
  parsePartyName,
  PARTY_NAME_CODE_POINTS_MAX,
} from "../control/invite_fields.ts";
import { isLocalHost } from "../proto/ip_blocks.ts";
import { parseTimeSpan } from "../proto/time_span.ts";
import { UserError } from "../log/user_error.ts";
import { RELAY } from "./endpoint_options.ts";
import { expecting, type OptionSpec, OptionValues } from "./options.ts";

/** The party's name. */
export const PARTY: OptionSpec<string> = {
  name: "party",
  value: "NAME",
  help:
    `the party's name in invites, for players to read; at most ${PARTY_NAME_CODE_POINTS_MAX} characters`,
  parse: expecting(`1 to ${PARTY_NAME_CODE_POINTS_MAX} characters`, parsePartyName),
};

const VALID_FOR: OptionSpec<number> = {
  name: "valid-for",
  value: "TIME",
  help:
    "invite: how long clients take it: 12h or 7d; by default for ever. Its key stays good: only a new key " +
    "keeps out who has it",
  parse: expecting("a time such as 12h or 7d", (text) => parseTimeSpan(text) || undefined),
};

/** What the host may say of an invite. */
export const INVITE_WORDS: readonly OptionSpec[] = [PARTY, VALID_FOR];

/** The relay, as players reach it. */
export const PLAYERS_RELAY: OptionSpec = {
  ...RELAY,
  required: false,
  help: "invite: the relay's address as players reach it; by default as this gateway does",
};

/**
 * The invite with what the command line adds to it.
 *
 * @throws {UserError} there is too much in it
 */
export function completeInvite(invite: Invite, values: OptionValues): Invite {
  const partyName = values.of(PARTY);
  const validMs = values.of(VALID_FOR);
  const relays = values.allOf(RELAY).flat();
  return {
    ...invite,
    ...(relays.length === 0 ? {} : { relays }),
    ...(partyName === undefined ? {} : { partyName }),
    ...(validMs === undefined ? {} : { expiresUnixS: Math.ceil((Date.now() + validMs) / 1_000) }),
  };
}

/** What a host is shown of an invite. */
export interface InviteText {
  /** To be sent. */
  readonly text: string;
  /** What the host should know before that. */
  readonly notes: readonly string[];
}

/**
 * The line, the link and a QR code, and what is odd.
 *
 * @param line a good invite
 * @param values the command line, which may add to it
 * @param isTerminal whether somebody looks at it; in a file a QR code is no use
 * @throws {UserError} there is too much in it
 */
export function inviteText(line: string, values: OptionValues, isTerminal: boolean): InviteText {
  const read = readInvite(line);
  if (!read.ok) throw new Error(`a made invite is none: ${read.why}`);
  const invite = completeInvite(read.invite, values);
  const made = formatInvite(invite);
  if (!made.ok) throw new UserError(`there is no invite to be had: ${made.why}`);
  const { text } = made;
  return {
    text: isTerminal ? `${wholeInvite(text)}\n\n${qrCode(`${INVITE_LINK}${text}`)}` : text,
    notes: notesOf(invite),
  };
}

/** The same as `lanparty-gateway host` shows it: never without what it is, and the link. */
export function hostInviteText(line: string, isTerminal: boolean): InviteText {
  const { text, notes } = inviteText(line, new OptionValues(), isTerminal);
  return { text: isTerminal ? text : wholeInvite(text), notes };
}

/** The line and the link, and what each is for. */
function wholeInvite(text: string): string {
  const head = "The invite, for players to paste when lanparty-client asks for it:";
  const tail = "The same as a link, for players who have let lanparty-client open such links:";
  return [head, "", text, "", tail, "", `${INVITE_LINK}${text}`].join("\n");
}

function notesOf({ relays, fingerprint, roomKey }: Invite): string[] {
  const notes: string[] = [];
  if (relays.every(({ host }) => isLocalHost(host) || host === "localhost")) {
    notes.push(
      "nobody outside reaches a relay at an address of a private network: give --relay HOST, as players reach it",
    );
  }
  if (fingerprint === undefined) {
    notes.push(
      "it holds no fingerprint, which is right only where the relay has a certificate of a public CA: " +
        "else give --relay-fingerprint",
    );
  }
  notes.push(
    roomKey === undefined
      ? "it holds no key: whoever knows the room's code can join where the relay asks for none"
      : "whoever has it can join: send it to your players alone",
  );
  return notes;
}

const WHITE_ON_BLACK = "\x1b[97;40m";
const RESET = "\x1b[0m";

/** In blocks of half a line's height, white on black whatever the terminal's own colours are. */
function qrCode(text: string): string {
  return encodeQR(text, "ascii", { ecc: "low" }).trimEnd().split("\n")
    .map((row) => `${WHITE_ON_BLACK}${row}${RESET}`).join("\n");
}
