/**
 * Systemd in memory, for tests.
 *
 * @module
 */
import { ServiceError, type Services, type ServiceState } from "./units.ts";

/** See {@linkcode Services}. */
export class FakeServices implements Services {
  isThere = true;
  /** The units, by their services; the test may change them. */
  readonly units = new Map<string, string>();
  /** What a service is found to be, one look after the other; then `ready` while it has a unit. */
  readonly states: ServiceState[] = [];
  said: string | undefined;
  /** Why no unit can be written; undefined: it can. */
  refusal: string | undefined;
  /** All that was asked for and changes something, in order. */
  readonly done: string[] = [];

  unit(service: string): string | undefined {
    return this.units.get(service);
  }

  install(service: string, unit: string): Promise<void> {
    if (this.refusal !== undefined) return Promise.reject(new ServiceError(this.refusal));
    this.units.set(service, unit);
    this.done.push(`install ${service}`);
    return Promise.resolve();
  }

  remove(service: string): Promise<void> {
    this.units.delete(service);
    this.done.push(`remove ${service}`);
    return Promise.resolve();
  }

  look(service: string): Promise<ServiceState> {
    const state = this.units.has(service) ? "ready" : "stopped";
    return Promise.resolve(this.states.shift() ?? state);
  }

  lastSaid(): Promise<string | undefined> {
    return Promise.resolve(this.said);
  }
}
