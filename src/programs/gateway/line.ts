/**
 * The live line of a gateway in a terminal.
 *
 * @module
 */
import { DAILY_DROPS } from "../../observe/drop_findings.ts";
import { shortNotes } from "../../observe/host_findings.ts";
import type { GatewayRateView, GatewayView } from "../../serve/gateway_view.ts";

/**
 * One line, in ASCII: how many players, what is wrong, how much goes each way, what was lost, how far the
 * relay is.
 */
export function formatGatewayLine(view: GatewayView): string {
  const { room, players, findings, traffic, rates, rttMs } = view;
  const parts = [
    `${room}: ${players.length} player${players.length === 1 ? "" : "s"}`,
    ...shortNotes(findings),
    `to room ${rateText(rates.toRoom)}`,
    `to LAN ${rateText(rates.toLan)}`,
    `${lossOf(traffic.drops)} dropped`,
    ...rttMs > 0 ? [`${rttMs.toFixed(1)} ms`] : [],
  ];
  // One column for each character, or the line would not be emptied whole.
  return parts.join(" | ").replace(/[^\x20-\x7e]/g, "?");
}

function rateText({ framesPerSecond, bitsPerSecond }: GatewayRateView): string {
  return `${framesPerSecond.toFixed(0)}/s ${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
}

function lossOf(drops: Readonly<Record<string, number>>): number {
  return Object.entries(drops)
    .filter(([reason]) => !DAILY_DROPS.gateway.some((daily) => daily === reason))
    .reduce((sum, [, count]) => sum + count, 0);
}
