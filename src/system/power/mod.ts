/**
 * Whether the machine was asleep.
 *
 * @module
 */
export { SleepClock } from "./sleep_clock.ts";
