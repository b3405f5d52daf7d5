/**
 * The invite of the gateway's party: what its options say, and what its session with the relay has shown.
 *
 * @module
 */
import { formatInvite } from "../../control/invite.ts";
import { UserError } from "../../log/user_error.ts";
import type { RelayTarget } from "../../endpoint/actions.ts";
import { roomKeyText } from "../endpoint/access_key.ts";
import type { RelayAccessOptions } from "../endpoint/program.ts";
import { pinnedFingerprint } from "../endpoint/relay_trust.ts";

/** What a session knows of its relay. */
export interface KnownRelay {
  readonly relay: RelayTarget;
  readonly relayKey: string | undefined;
  isNamed(relay: RelayTarget): boolean;
}

/** What says whose party it is, and how it is called where players read it. */
export type PartyOptions =
  & Pick<RelayAccessOptions, "relays" | "serverName" | "relayCaFile" | "relayFingerprint" | "room">
  & {
    readonly gatewayKey?: string | undefined;
    /** Its name, for people. */
    readonly partyName?: string | undefined;
  };

/** An invite's line, or why there is none: one clause. */
export type MadeInvite =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: string };

const UNKNOWN_RELAY = "an invite holds no CA, so it needs the relay's fingerprint: give " +
  "--relay-fingerprint, or ask the gateway that runs (lanparty-gateway ctl invite)";

/**
 * The party's invite. A relay that is known by a CA of the host's own is pinned by the key that it has shown.
 *
 * @param known the gateway's session; undefined: it does not run
 */
export function partyInvite(options: PartyOptions, known?: KnownRelay): MadeInvite {
  const { relays, serverName, relayCaFile, room, gatewayKey, partyName } = options;
  const shown = known?.isNamed(known.relay) ? known.relayKey : undefined;
  let { relayFingerprint: fingerprint } = options;
  try {
    if (relayCaFile !== undefined) fingerprint ??= pinnedFingerprint(relayCaFile) ?? shown;
  } catch (cause) {
    if (cause instanceof UserError) return { ok: false, why: cause.message };
    throw cause;
  }
  if (relayCaFile !== undefined && fingerprint === undefined) {
    return { ok: false, why: UNKNOWN_RELAY };
  }
  return formatInvite({
    relays,
    ...(serverName === undefined ? {} : { serverName }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    room,
    ...(gatewayKey === undefined ? {} : { roomKey: roomKeyText(gatewayKey) }),
    ...(partyName === undefined ? {} : { partyName }),
  });
}
