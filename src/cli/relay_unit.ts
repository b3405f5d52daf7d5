/**
 * The systemd unit of a relay.
 *
 * @module
 */
import { RELAY_DEFAULTS } from "../relay/limits.ts";
import { formatRelayUnit, RELAY_STATE_FOLDER } from "../programs/relay/unit.ts";
import { type RelaySize, relayUnitLimits } from "../programs/relay/unit_limits.ts";
import type { OptionValues } from "./options.ts";
import { RELAY_PROGRAM } from "./relay_options.ts";
import { type OwnUnit, unitOf, type UnitText } from "./unit_command.ts";

/** See `unitOf`. */
export function relayUnitOf(own: OwnUnit): UnitText {
  const limits = relayUnitLimits(sizeOf(own.values));
  return unitOf({
    ...own,
    program: RELAY_PROGRAM,
    stateFolder: RELAY_STATE_FOLDER,
    format: (executable, args, credentials) =>
      formatRelayUnit(executable, args, credentials, limits),
  });
}

/** What decides how much the relay may take. */
function sizeOf(values: OptionValues): RelaySize {
  const number = (name: string, standard: number) => Number(values.text(name) ?? standard);
  return {
    reactors: number("reactors", 1),
    connectionsMax: number("max-connections", RELAY_DEFAULTS.connectionsMax),
    peersMax: number("max-peers", RELAY_DEFAULTS.peersMax),
    peersPerRoomMax: number("max-peers-per-room", RELAY_DEFAULTS.peersPerRoomMax),
  };
}
