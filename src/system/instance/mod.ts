/**
 * One process at a time.
 *
 * @module
 */
export { claimInstance, InstanceBusyError, instanceFile, runningInstance } from "./instance.ts";
