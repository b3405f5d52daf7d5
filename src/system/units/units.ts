/**
 * What is asked of systemd about the services of this system.
 *
 * @module
 */

/**
 * How a service fares. `ready`: it runs, and has said so where it does; `starting`: not yet; `failing`: it ended by itself,
 * and is started again; `failed`: it ended by itself for good; `stopped`: nobody starts it.
 */
export type ServiceState = "ready" | "starting" | "failing" | "failed" | "stopped";

/** Systemd, as far as programs make services of themselves. A service is named without `.service`. */
export interface Services {
  /** Whether systemd runs this system (sd_booted(3)). */
  readonly isThere: boolean;
  /** The unit that this system's administrator has for a service; undefined: none. */
  unit(service: string): string | undefined;
  /**
   * Writes the unit, has the service started now and at each start of the system, and does not wait for it.
   *
   * @throws {ServiceError} systemd does not do it
   */
  install(service: string, unit: string): Promise<void>;
  /**
   * Stops the service and takes its unit away.
   *
   * @throws {ServiceError} systemd does not do it
   */
  remove(service: string): Promise<void>;
  /** How the service fares now. */
  look(service: string): Promise<ServiceState>;
  /**
   * The last that went wrong with it, by its own words, or else the last that it has said, since it was installed by
   * this; undefined: it has said nothing.
   */
  lastSaid(service: string): Promise<string | undefined>;
}

/** Systemd has not done what was asked for; the message says why. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
}
