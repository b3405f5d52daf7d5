/** Invites that must be good. */
import { readInvite } from "../../src/control/invite.ts";
import type { Invite } from "../../src/control/invite_fields.ts";

/** What an invite says. @throws {Error} it is none */
export function inviteOf(text: string): Invite {
  const read = readInvite(text);
  if (!read.ok) throw new Error(`${read.why}: ${text}`);
  return read.invite;
}
