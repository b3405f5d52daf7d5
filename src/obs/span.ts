/** Times in words. */

/** A time span in the largest unit that suits: `1 second`, `45 seconds`, `2 hours`. */
export function span(ms: number): string {
  const units: readonly (readonly [string, number])[] = [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000],
    ["second", 1000],
  ];
  const [unit, unitMs] = units.find(([, size]) => ms >= 2 * size) ?? units[units.length - 1];
  const count = Math.max(1, Math.round(ms / unitMs));
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
