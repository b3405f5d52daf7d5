/**
 * A start by a link that was clicked on. It comes from a web page or a chat, so from anybody: it is an invite or nothing,
 * and the player is asked each time.
 *
 * @module
 */
import { readInvite } from "../control/invite.ts";
import { LINKS, OPEN_LINK } from "../system/links/mod.ts";
import { reasonOf, systemFailure, UserError } from "../log/user_error.ts";
import { exists, OWNER_ONLY_MODE, pathIn, writeFileAtomic } from "../system/files/mod.ts";
import { goodInvite, partyOf } from "./invite_options.ts";
import type { CommandSpec } from "./options.ts";
import { type Dialog, isYes } from "./dialog.ts";
import type { WindowStart } from "./own_window.ts";
import { Unfit } from "./unfit.ts";

/** Commands about links. */
export const LINK_COMMANDS: readonly CommandSpec[] = [
  {
    name: OPEN_LINK,
    summary:
      "what a link starts: ask the player, and join; nothing else may be on the command line",
    words: [{ text: "-- LINK", help: "a link that begins with lanparty://" }],
    options: [],
  },
  {
    name: "register-link",
    summary: "open links that begin with lanparty:// by this program, for the user who runs it",
    options: [],
  },
  { name: "unregister-link", summary: "take that back", options: [] },
];

/** Whether a command line is that of a link. */
export function isLinkStart(args: readonly string[]): boolean {
  return args[0] === OPEN_LINK && args[1] === "--";
}

/**
 * What comes of a link.
 *
 * @param args the whole command line: what a link's text may have smuggled in behind it is refused, not read
 */
export function askAboutLink(args: readonly string[], dialog: Dialog): WindowStart {
  const [text = "", ...more] = args.slice(2);
  const invite = more.length > 0
    ? new Unfit("a link is one word: more stands behind it")
    : goodInvite(text);
  if (invite instanceof Unfit) {
    return { kind: "refused", message: `This link does not lead to a party: ${invite.why}` };
  }
  dialog.say(`A link invites this PC to ${partyOf(invite)}.`);
  dialog.say(
    "Join only if you know who has sent it: the party's PCs will see yours as if it stood there.",
  );
  const answer = dialog.ask("Join? [y/N]");
  const read = readInvite(text);
  return isYes(answer) && read.ok
    ? { kind: "start", args: [`--invite=${read.text}`] }
    : { kind: "given-up" };
}

/** Has links opened by this program. @throws {UserError} it cannot be written down, or this is root */
export function registerLink(): string {
  if (Deno.uid() === 0) {
    throw new UserError("links are opened by your own desktop, not root's: run this without sudo");
  }
  try {
    LINKS.register(Deno.execPath());
  } catch (cause) {
    throw systemFailure("links cannot be opened by this program", cause);
  }
  return "Links that begin with lanparty:// are opened by this program now (unregister-link takes it back).";
}

/** Takes it back. @throws {UserError} it cannot be written down */
export function unregisterLink(): string {
  try {
    return LINKS.unregister()
      ? "Links that begin with lanparty:// are not opened by this program any more."
      : "Links that begin with lanparty:// were not opened by this program.";
  } catch (cause) {
    throw systemFailure("that cannot be taken back", cause);
  }
}

const ASKED_NAME = "link-asked";

/**
 * Asks, once, whether this program shall open links.
 *
 * @param stateFolder where it is written down that it was asked
 */
export function offerLinks(stateFolder: string, dialog: Dialog): void {
  const asked = pathIn(stateFolder, ASKED_NAME);
  if (exists(asked)) return;
  try {
    if (LINKS.isRegistered()) return;
    const answer = dialog.ask(
      "Open invites that you click on (lanparty:// links) by this program? [y/N]",
    );
    if (answer === undefined) return;
    Deno.mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
    writeFileAtomic(asked, new TextEncoder().encode("asked\n"), OWNER_ONLY_MODE);
    if (isYes(answer)) dialog.say(registerLink());
  } catch (error) {
    // It is a convenience: the party is joined without it.
    dialog.say(`Links stay as they are: ${reasonOf(error)}`);
  }
}
