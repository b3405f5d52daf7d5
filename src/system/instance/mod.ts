/** One process at a time. */
export { claimInstance, InstanceBusyError } from "./instance.ts";
