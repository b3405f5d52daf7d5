/**
 * Who counts as one where there is a bound for each: a site, which may have the addresses of many hosts.
 *
 * @module
 */

/** Where somebody is, among addresses: what stands for the address (`addressKey`), and for its site. */
export interface Place {
  readonly addressKey: string;
  readonly siteKey: string;
}

/** A site is commonly given an IPv6 prefix of 48 to 56 bits, and so may be many hosts to `addressKey`. */
const GROUPS = 3;

/** What stands for the site of an address (as `addressKey` gives it): an IPv6 /64's /48, else itself. */
export function siteKey(addressKey: string): string {
  if (!addressKey.endsWith("::/64")) return addressKey;
  const [head] = addressKey.split("::");
  const groups = head === "" ? [] : head.split(":");
  while (groups.length < GROUPS) groups.push("0");
  return `${groups.slice(0, GROUPS).join(":")}::/48`;
}

/** What gives way where there is too much of all: the oldest (first) of who has most. */
export function oldestOfMost<Thing>(groups: Iterable<ReadonlySet<Thing>>): Thing | undefined {
  let most: ReadonlySet<Thing> = new Set();
  for (const group of groups) {
    if (group.size > most.size) most = group;
  }
  return most.values().next().value;
}

/** Takes the oldest out of a map. */
export function forgetOldest<Key>(map: Map<Key, unknown>): void {
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

/** The set of a key; made where there is none. */
export function setOf<Thing>(sets: Map<string, Set<Thing>>, key: string): Set<Thing> {
  const found = sets.get(key) ?? new Set();
  sets.set(key, found);
  return found;
}

/** Takes something out of the set of a key, and forgets the set when nothing is left. */
export function takeOut<Thing>(sets: Map<string, Set<Thing>>, key: string, thing: Thing): void {
  const found = sets.get(key);
  if (found?.delete(thing) && found.size === 0) sets.delete(key);
}
