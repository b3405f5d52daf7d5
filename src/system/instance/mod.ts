/** One process at a time. */
export { claimInstance, InstanceBusyError, instanceFile, runningInstance } from "./instance.ts";
