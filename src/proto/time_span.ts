/**
 * Lengths of time as people write and read them: `90s`, `15m`, `1h`, `7d`; `2 hours`.
 *
 * @module
 */

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
/** Longer ones are none: ten years. */
export const TIME_SPAN_MAX_MS = 3_650 * UNITS.d;

/** A time span in ms, or `undefined` if the text is none. `0` is one, without a unit, too. */
export function parseTimeSpan(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd])$/.exec(text === "0" ? "0s" : text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * UNITS[match[2]];
  return ms <= TIME_SPAN_MAX_MS ? ms : undefined;
}

/** A time span in the largest unit that suits: `1 second`, `45 seconds`, `2 hours`. */
export function formatTimeSpan(ms: number): string {
  const units = [["day", "d"], ["hour", "h"], ["minute", "m"], ["second", "s"]] as const;
  // 119 minutes are no `1 hour`; a whole hour is.
  const [name, unit] = units.find(([, unit]) => ms >= 2 * UNITS[unit] || ms === UNITS[unit]) ??
    units[units.length - 1];
  const count = Math.max(1, Math.round(ms / UNITS[unit]));
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
