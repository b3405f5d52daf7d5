/**
 * What the system does with datagrams that wait to be read: how many may, and how many were lost.
 *
 * @module
 */
export { grantedReceiveBytes, lostDatagrams, parseLosses } from "./linux.ts";
