/**
 * The systemd unit of a gateway.
 *
 * @module
 */
import { formatGatewayUnit, GATEWAY_STATE_FOLDER } from "../programs/gateway/unit.ts";
import { GATEWAY_PROGRAM } from "./gateway_options.ts";
import { type OwnUnit, unitOf, type UnitText } from "./unit_command.ts";

/** See `unitOf`. */
export function gatewayUnitOf(own: OwnUnit): UnitText {
  return unitOf({
    ...own,
    program: GATEWAY_PROGRAM,
    stateFolder: GATEWAY_STATE_FOLDER,
    format: formatGatewayUnit,
  });
}
