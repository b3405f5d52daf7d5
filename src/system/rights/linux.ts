/**
 * What this process may do.
 *
 * @module
 */

/** Numbers of the capabilities that the programs need (capabilities(7)). */
export const Capability = { netBindService: 10, netAdmin: 12, netRaw: 13 } as const;

/** Whether this process has a capability in effect (`CapEff` of proc(5)); root has all by default. */
export function hasCapability(capability: number): boolean {
  const status = Deno.readTextFileSync("/proc/self/status");
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return effective !== undefined && (BigInt(`0x${effective}`) >> BigInt(capability) & 1n) === 1n;
}
