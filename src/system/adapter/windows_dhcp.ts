/**
 * What Windows has written down of an adapter's IPv4 address: whether its own DHCP client asks for it, and what it
 * was given.
 *
 * @module
 */

import { RegistryKey } from "../registry/mod.ts";

const INTERFACES = "SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces";

/** See the module. */
export interface DhcpSettings {
  /** Whether Windows asks; it does where nothing is set. */
  readonly isOn: boolean;
  /** The address of its lease; undefined: it has none. */
  readonly leased: string | undefined;
  readonly server: string | undefined;
}

/** An adapter's. @param guid `{XXXXXXXX-…}` */
export function readDhcpSettings(guid: string): DhcpSettings {
  using settings = RegistryKey.open(`${INTERFACES}\\${guid}`);
  const leased = settings?.text("DhcpIPAddress");
  return {
    isOn: settings?.number("EnableDHCP") !== 0,
    leased: leased === "0.0.0.0" ? undefined : leased,
    server: settings?.text("DhcpServer"),
  };
}
