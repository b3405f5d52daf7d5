/**
 * The addresses of this machine.
 *
 * @module
 */

import { parseIpAddress } from "../../proto/ip.ts";
/** `192.168.1.77/24`, `fe80::1/64` …, IPv4 first. */
export function interfaceAddresses(name: string): string[] {
  const found = Deno.networkInterfaces().filter((entry) => entry.name === name);
  return found
    .sort((a, b) => a.family.localeCompare(b.family))
    .map((entry) => {
      const prefix = entry.cidr?.split("/")[1];
      return prefix === undefined ? entry.address : `${entry.address}/${prefix}`;
    });
}

/** All addresses of this machine, without prefix lengths. */
export function machineAddresses(): string[] {
  return Deno.networkInterfaces().map(({ address }) => address);
}

/** Whether this machine has a numeric address now; 0.0.0.0, :: and all of 127.0.0.0/8 count. */
export function hasAddress(address: string): boolean {
  const wanted = parseIpAddress(address);
  if (wanted === undefined) return false;
  if (wanted.every((byte) => byte === 0) || (wanted.length === 4 && wanted[0] === 127)) return true;
  return Deno.networkInterfaces().some((entry) => {
    const own = parseIpAddress(entry.address);
    return own?.length === wanted.length && own.every((byte, index) => byte === wanted[index]);
  });
}
