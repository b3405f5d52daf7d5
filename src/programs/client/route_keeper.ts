/**
 * The keeper of a player's routes, and who hears what it has to say.
 *
 * @module
 */
import type { LanNetworks, Surroundings } from "../../client/lan_networks.ts";
import { RouteKeeper, type RoutingTable } from "../../client/route_keeper.ts";
import { type Logger, logText } from "../../log/logging.ts";
import { statusLine } from "../../observe/status.ts";

/** A keeper over a system's table. @param tellSurroundings told what this PC has, at each look */
export function openRouteKeeper<Held>(
  table: RoutingTable<Held>,
  networks: LanNetworks,
  tellSurroundings: (surroundings: Surroundings) => void,
  logger: Logger,
): RouteKeeper<Held> {
  return new RouteKeeper(table, networks, {
    say: (event) => {
      const { level, text } = statusLine(event);
      logText(logger, level, text, { event: event.type });
    },
    warn: (text) => logText(logger, "warning", text),
    surroundings: tellSurroundings,
  });
}
