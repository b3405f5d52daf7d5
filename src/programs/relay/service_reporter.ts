/**
 * Keeps the service manager informed while a program runs.
 *
 * @module
 */
import { reasonOf } from "../../log/user_error.ts";
import { monotonicUs, ServiceNotifier } from "../../system/service/mod.ts";
import type { Task } from "../../reactor/mod.ts";
import type { RelayCore } from "../../relay/core.ts";
import { type Logger, logText } from "../../log/logging.ts";

/** How often the status line is brought up to date. */
const STATUS_INTERVAL_MS = 1_000;
/** The watchdog hears of us that many times as often as it must. */
const WATCHDOG_DIVISOR = 3;

/**
 * Says READY, RELOADING and STOPPING when told to, and of itself STATUS and, from the loop that carries
 * the frames, WATCHDOG.
 */
export class ServiceReporter implements Task {
  readonly #watchdogMs: number;
  #watchdogDueMs = -Infinity;
  #statusDueMs = -Infinity;
  #shown = "";
  readonly #notifier: ServiceNotifier;
  readonly #status: () => string;
  readonly #alive: () => boolean;

  /**
   * @param status one line that says how things are
   * @param alive whether the watchdog may hear of us
   */
  constructor(
    notifier: ServiceNotifier,
    status: () => string,
    alive: () => boolean = () => true,
  ) {
    this.#notifier = notifier;
    this.#status = status;
    this.#alive = alive;
    this.#watchdogMs = notifier.watchdogMs / WATCHDOG_DIVISOR;
  }

  /** How often the manager wants to hear that we live, ms; Infinity: it does not. */
  get watchdogIntervalMs(): number {
    return this.#notifier.watchdogMs;
  }

  /** The start, or a reload, is over. */
  ready(): void {
    this.#shown = this.#status();
    this.#notifier.send("READY=1", `STATUS=${this.#shown}`);
  }

  /** Files are read anew; `ready` must follow. */
  reloading(): void {
    if (this.#notifier.enabled) {
      this.#notifier.send("RELOADING=1", `MONOTONIC_USEC=${monotonicUs()}`);
    }
  }

  /** The end has begun. */
  stopping(): void {
    this.#notifier.send("STOPPING=1", "STATUS=stopping");
    this.#statusDueMs = Infinity;
  }

  work(nowMs: number): boolean {
    if (!this.#notifier.enabled) return false;
    if (nowMs >= this.#watchdogDueMs && this.#watchdogMs !== Infinity) {
      this.#watchdogDueMs = nowMs + this.#watchdogMs;
      if (this.#alive()) this.#notifier.send("WATCHDOG=1");
    }
    if (nowMs >= this.#statusDueMs) {
      this.#statusDueMs = nowMs + STATUS_INTERVAL_MS;
      this.#notifier.flush();
      const status = this.#status();
      if (status !== this.#shown) this.#notifier.send(`STATUS=${status}`);
      this.#shown = status;
    }
    return false;
  }

  nextDeadlineMs(): number {
    if (!this.#notifier.enabled) return Infinity;
    const watchdogDueMs = this.#watchdogMs === Infinity ? Infinity : this.#watchdogDueMs;
    return Math.min(this.#statusDueMs, watchdogDueMs);
  }
}

/** Rooms and peers, for people. */
export function formatPopulation({ rooms, peers }: RelayCore["population"]): string {
  return `${rooms} ${rooms === 1 ? "room" : "rooms"}, ${peers} ${peers === 1 ? "peer" : "peers"}`;
}

/** Tells systemd, where it is there, how a relay fares; see {@linkcode ServiceReporter}. */
export function openReporter(
  status: () => string,
  logger: Logger,
  alive: () => boolean = () => true,
): ServiceReporter {
  const environment = { get: (name: string) => Deno.env.get(name), pid: Deno.pid };
  try {
    return new ServiceReporter(ServiceNotifier.open(environment), status, alive);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    logText(logger, "warning", `The service manager cannot be told anything: ${reasonOf(error)}`);
    const nobody = ServiceNotifier.open({ ...environment, get: () => undefined });
    return new ServiceReporter(nobody, status, alive);
  }
}
