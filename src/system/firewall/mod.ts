/**
 * The system's firewall, as far as a player's PC has one that keeps the LAN out.
 *
 * @module
 */
export { windowsFirewall } from "./windows.ts";
export type {
  Firewall,
  FirewallState,
  InboundRule,
  InboundTraffic,
  NetworkKind,
  ProgramRule,
} from "./firewall.ts";
