/**
 * Services of systemd's that programs make of themselves.
 *
 * @module
 */
export { LinuxServices, serviceState } from "./linux.ts";
export { ServiceError } from "./units.ts";
export type { Services, ServiceState } from "./units.ts";
