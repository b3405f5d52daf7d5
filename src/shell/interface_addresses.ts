/** The addresses of one interface. */

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
