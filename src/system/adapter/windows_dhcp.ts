/**
 * Where an adapter's IPv4 address comes from: Windows' own DHCP client, or somebody has fixed it. Read from the
 * registry, where both are written down.
 *
 * @module
 */

import { formatIp, parseIpAddress } from "../../proto/ip.ts";
import { RegistryKey } from "../registry/mod.ts";
import { type NetshResult, runNetsh } from "./windows_netsh.ts";

const INTERFACES = "SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces";
const SET_ADDRESS = ["interface", "ipv4", "set", "address"] as const;
/** Addresses of one adapter that are kept in mind. */
const ADDRESSES_MAX = 16;

/** See the module. */
export interface DhcpSettings {
  /** Whether Windows asks; it does where nothing is set. */
  readonly isOn: boolean;
  /** The address of its lease; undefined: it has none. */
  readonly leased: string | undefined;
  readonly server: string | undefined;
}

/** What somebody has fixed: addresses of IPv4 as text, each with its mask, and a router, or none. */
export interface FixedAddresses {
  readonly addresses: readonly { readonly address: string; readonly mask: string }[];
  readonly router: string | null;
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

/** What is fixed on an adapter; undefined: Windows asks for its address. @param guid `{XXXXXXXX-…}` */
export function readFixedAddresses(guid: string): FixedAddresses | undefined {
  using settings = RegistryKey.open(`${INTERFACES}\\${guid}`);
  if (settings === undefined || settings.number("EnableDHCP") !== 0) return undefined;
  const masks = settings.texts("SubnetMask");
  const addresses = settings.texts("IPAddress").map((address, index) => ({
    address,
    mask: masks[index] ?? "",
  }));
  const [router = null] = settings.texts("DefaultGateway").filter(isIpv4);
  return { addresses: addresses.filter(isFixed).slice(0, ADDRESSES_MAX), router };
}

/** Has Windows ask for an adapter's address. */
export function switchDhcpOn(interfaceIndex: number): NetshResult {
  return runNetsh([...SET_ADDRESS, `name=${interfaceIndex}`, "source=dhcp"]);
}

/** Fixes an adapter's addresses again. @param run for tests */
export function fixAddresses(
  interfaceIndex: number,
  { addresses, router }: FixedAddresses,
  run: (args: readonly string[]) => NetshResult = runNetsh,
): NetshResult {
  let isRefused = false;
  for (const [index, { address, mask }] of addresses.entries()) {
    const words = [`name=${interfaceIndex}`, `address=${address}`, `mask=${mask}`];
    const result = index > 0
      ? run(["interface", "ipv4", "add", "address", ...words])
      : run([...SET_ADDRESS, ...words, "source=static", `gateway=${router ?? "none"}`]);
    // It would not answer for the next one either.
    if (result === "unanswered") return result;
    if (result === "refused") isRefused = true;
  }
  return isRefused ? "refused" : "done";
}

/** Whether a value is what {@linkcode readFixedAddresses} returns: nothing of it could be other words of a command. */
export function isFixedAddresses(value: unknown): value is FixedAddresses {
  if (typeof value !== "object" || value === null) return false;
  const { addresses, router } = value as Record<string, unknown>;
  return Array.isArray(addresses) && addresses.length <= ADDRESSES_MAX &&
    addresses.every(isFixed) && (router === null || isIpv4(router));
}

function isFixed(value: unknown): value is FixedAddresses["addresses"][number] {
  if (typeof value !== "object" || value === null) return false;
  const { address, mask } = value as Record<string, unknown>;
  return isIpv4(address) && address !== "0.0.0.0" && isIpv4(mask);
}

function isIpv4(value: unknown): value is string {
  if (typeof value !== "string") return false;
  const bytes = parseIpAddress(value);
  return bytes?.length === 4 && formatIp(bytes) === value;
}
