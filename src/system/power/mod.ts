/** Whether the machine was asleep. */
export { SleepClock } from "./sleep_clock.ts";
