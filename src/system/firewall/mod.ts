/**
 * The system's firewall, as far as a player's PC has one that keeps the LAN out.
 *
 * @module
 */
export {
  findInboundFirewalls,
  LINUX_FIREWALL_CHANGE,
  LinuxFirewall,
  undoLinuxFirewall,
} from "./linux.ts";
export type { InboundFirewalls, LinuxOpening } from "./linux.ts";
export { FirewallNotices } from "./linux_notices.ts";
export type { FirewallName, LanAccess } from "./linux_steps.ts";
export { windowsFirewall } from "./windows.ts";
export type {
  Firewall,
  FirewallState,
  InboundRule,
  InboundTraffic,
  NetworkKind,
  ProgramRule,
} from "./firewall.ts";
