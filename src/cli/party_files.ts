/**
 * Invites that lie about where the program starts: files beside it, those of parties that were joined before, and the
 * clipboard. An invite is all that is taken from any of them.
 *
 * @module
 */
import type { Invite } from "../control/invite_fields.ts";
import { looksLikeInvite, readInvite } from "../control/invite.ts";
import { cleanText, isolated } from "../proto/clean_text.ts";
import { isFile, OWNER_ONLY_MODE, pathIn, writeFileAtomic } from "../system/files/mod.ts";
import { readInviteText } from "../programs/client/invite_file.ts";
import { reasonOf } from "../log/user_error.ts";
import { goodInvite } from "./invite_options.ts";
import { Unfit } from "./unfit.ts";

/** How files with invites are called. */
const SUFFIX = ".lanparty";
/** More of them are not looked at. */
const FILES_MAX = 20;
/** A file's name in a line of ours is no longer. */
const SHOWN_MAX = 60;

/** An invite, and where it was found, for people. */
export interface FoundInvite {
  readonly invite: Invite;
  /** Its plain text. */
  readonly text: string;
  readonly where: string;
}

/** All that was found, each party's invite once, and what is wrong with others: a line each. */
export interface FoundInvites {
  readonly good: readonly FoundInvite[];
  readonly bad: readonly string[];
}

/**
 * Looks for invites.
 *
 * @param folders where files may lie, the first being the most likely
 * @param clipboard its text
 */
export function findInvites(
  folders: readonly string[],
  clipboard: string | undefined,
): FoundInvites {
  const good = new Map<string, FoundInvite>();
  const bad: string[] = [];
  const take = (text: string, where: string) => {
    const invite = goodInvite(text);
    if (invite instanceof Unfit) return void bad.push(`${where}: ${invite.why}.`);
    const read = readInvite(text);
    if (read.ok && !good.has(read.text)) good.set(read.text, { invite, text: read.text, where });
  };
  if (clipboard !== undefined && looksLikeInvite(clipboard)) take(clipboard, "the clipboard");
  for (const folder of new Set(folders)) {
    for (const name of inviteFiles(folder)) {
      const where = isolated(cleanText(name, SHOWN_MAX));
      const file = readInviteText(pathIn(folder, name));
      if (file.ok) take(file.text, where);
      else bad.push(`${where}: ${file.why}.`);
    }
  }
  return { good: [...good.values()], bad };
}

/** The names of a folder's files that should hold invites, in order; none where it cannot be read. */
function inviteFiles(folder: string): string[] {
  try {
    const names = Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .filter((name) => name.toLowerCase().endsWith(SUFFIX) && isFile(pathIn(folder, name)));
    return names.sort().slice(0, FILES_MAX);
  } catch {
    return [];
  }
}

/**
 * Keeps a party's invite for the next time, for this user alone.
 *
 * @returns where, or why not: one line
 */
export function keepInvite(folder: string, { room }: Invite, text: string): string {
  const file = pathIn(folder, `party-${room}${SUFFIX}`);
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileAtomic(file, new TextEncoder().encode(`${text}\n`), OWNER_ONLY_MODE);
    return `Kept for the next time (${file}).`;
  } catch (error) {
    return `It cannot be kept for the next time: ${file}: ${reasonOf(error)}.`;
  }
}
