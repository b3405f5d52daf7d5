/**
 * What becomes of a UDP packet, and whether this machine has a way at all.
 *
 * @module
 */
import { hasWayLinux, openUdpProbeLinux } from "./linux.ts";
import { hasWayWindows, openUdpProbeWindows } from "./windows.ts";

export { readUnreachable } from "./finding.ts";
export type { UdpFinding, UdpProbe } from "./finding.ts";

const isWindows = Deno.build.os === "windows";

/**
 * Sends a UDP packet from a port of its own. The socket address is a `sockaddr_in` or `sockaddr_in6` of this system.
 */
export const openUdpProbe: typeof openUdpProbeLinux = isWindows
  ? openUdpProbeWindows
  : openUdpProbeLinux;

/** Whether this machine has a way to an address, as its routes say; nothing is sent. */
export const hasWay: typeof hasWayLinux = isWindows ? hasWayWindows : hasWayLinux;
