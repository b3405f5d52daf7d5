/**
 * What `new-key` says beside the keys: what players are to be sent.
 *
 * @module
 */
import { partyInvite } from "../programs/gateway/invite.ts";
import { UserError } from "../log/user_error.ts";
import { RELAY, RELAY_FINGERPRINT, ROOM, SERVER_NAME } from "./endpoint_options.ts";
import { type InviteText, inviteText } from "./invite_text.ts";
import type { OptionValues } from "./options.ts";

const LATER =
  "Players get in by an invite. The gateway that runs makes it: lanparty-gateway ctl invite";
const NOW = "So does new-key, where --relay, --relay-fingerprint and --room tell it of the party.";

/**
 * The invite for a new key, where relay and room are known already.
 *
 * @param gatewayKey of 22 characters
 * @param isTerminal whether somebody looks at it
 * @throws {UserError} there is too much in it
 */
export function newKeyText(
  values: OptionValues,
  gatewayKey: string,
  isTerminal: boolean,
): InviteText {
  const room = values.of(ROOM);
  const relays = values.allOf(RELAY).flat();
  if (room === undefined || relays.length === 0) return { text: `${LATER}\n${NOW}`, notes: [] };
  return offlineInvite(values, { room, gatewayKey }, isTerminal);
}

/**
 * The invite that the command line has all for, without a gateway that runs.
 *
 * @throws {UserError} something is missing, or there is too much
 */
export function offlineInvite(
  values: OptionValues,
  party: { readonly room: string; readonly gatewayKey: string | undefined },
  isTerminal: boolean,
): InviteText {
  const made = partyInvite({
    ...party,
    relays: values.allOf(RELAY).flat(),
    serverName: values.of(SERVER_NAME),
    relayCaFile: values.text("relay-ca-cert"),
    relayFingerprint: values.of(RELAY_FINGERPRINT),
  });
  if (!made.ok) throw new UserError(`there is no invite to be had: ${made.why}`, { usage: true });
  return inviteText(made.text, values, isTerminal);
}
