/** The live line of a gateway in a terminal. */
import { gatewayHealth } from "../serve/gateway_pages.ts";
import type { GatewayView } from "../serve/gateway_view.ts";

/** Drops that are a gateway's daily work, and no sign of anything. */
const DAILY_DROPS = ["not-for-tunnel", "probe", "own-traffic", "switch-control"];

/** What the line compares with. */
export type LineMoment = Pick<GatewayView, "uptimeMs" | "traffic">;

/**
 * One line, in ASCII: how many players, how much goes each way, what was lost, how far the relay is.
 *
 * @param before an earlier moment, for rates
 */
export function formatGatewayLine(view: GatewayView, before: LineMoment | undefined): string {
  const { room, players, traffic, rttMs } = view;
  const health = gatewayHealth(view);
  const seconds = before === undefined ? 0 : (view.uptimeMs - before.uptimeMs) / 1_000;
  const rate = (name: "Sent" | "Received") => {
    const was = before?.traffic ?? traffic;
    if (seconds <= 0) return "0/s 0.0 Mbit/s";
    const frames = (traffic[`frames${name}`] - was[`frames${name}`]) / seconds;
    const megabits = (traffic[`bytes${name}`] - was[`bytes${name}`]) * 8 / 1e6 / seconds;
    return `${frames.toFixed(0)}/s ${megabits.toFixed(1)} Mbit/s`;
  };
  const parts = [
    `${room}: ${players.length} player${players.length === 1 ? "" : "s"}`,
    ...health === "ok" ? [] : [health],
    `to room ${rate("Sent")}`,
    `to LAN ${rate("Received")}`,
    `${lossOf(traffic.drops)} dropped`,
    ...rttMs > 0 ? [`${rttMs.toFixed(1)} ms`] : [],
  ];
  return parts.join(" | ");
}

function lossOf(drops: Readonly<Record<string, number>>): number {
  return Object.entries(drops)
    .filter(([reason]) => !DAILY_DROPS.includes(reason))
    .reduce((sum, [, count]) => sum + count, 0);
}
