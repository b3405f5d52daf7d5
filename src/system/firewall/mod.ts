/** The system's firewall, as far as a player's PC has one that keeps the LAN out. */
export { addInboundRule, firewallState, removeRule } from "./windows.ts";
export type { FirewallState, InboundTraffic } from "./windows.ts";
export { networkCategory } from "./windows_networks.ts";
