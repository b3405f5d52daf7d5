/** What systemd is told of the program. */
export { monotonicUs, ServiceNotifier } from "./notifier.ts";
