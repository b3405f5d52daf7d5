/**
 * MAC addresses: six bytes on the wire, `02:00:00:00:00:51` in text.
 *
 * @module
 */

/** Bytes of a MAC address. */
export const MAC_BYTES = 6;

const GROUP_BIT = 0x01;
const LOCAL_BIT = 0x02;

/** The bytes of `02:00:00:00:00:51`, read in either case; undefined for any other form. */
export function parseMac(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
  const mac = new Uint8Array(MAC_BYTES);
  for (let index = 0; index < MAC_BYTES; index++) {
    mac[index] = Number.parseInt(text.slice(3 * index, 3 * index + 2), 16);
  }
  return mac;
}

/** The canonical text of the address at `bytes[offset]`: lower case, colons. */
export function formatMac(bytes: Uint8Array, offset = 0): string {
  let text = "";
  for (let index = 0; index < MAC_BYTES; index++) {
    if (index > 0) text += ":";
    text += bytes[offset + index].toString(16).padStart(2, "0");
  }
  return text;
}

/** Whether the address names a group; broadcast is one (IEEE 802-2014 §8.2.2, I/G bit). */
export function isMulticastMac(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset] & GROUP_BIT) !== 0;
}

/** Whether the address is `ff:ff:ff:ff:ff:ff`. */
export function isBroadcastMac(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset] & bytes[offset + 1] & bytes[offset + 2] & bytes[offset + 3] &
    bytes[offset + 4] & bytes[offset + 5]) === 0xff;
}

/** Whether the address is `00:00:00:00:00:00`. */
export function isZeroMac(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset] | bytes[offset + 1] | bytes[offset + 2] | bytes[offset + 3] |
    bytes[offset + 4] | bytes[offset + 5]) === 0;
}

/**
 * Whether a client may call itself so: unicast and locally administered (IEEE 802-2014 §8.2.2, I/G
 * bit 0, U/L bit 1). Such an address is never zero.
 */
export function isIdentityMac(bytes: Uint8Array, offset: number): boolean {
  return (bytes[offset] & (GROUP_BIT | LOCAL_BIT)) === LOCAL_BIT;
}

/** Makes a MAC one that {@linkcode isIdentityMac} takes; its other 46 bits stay. */
export function makeIdentityMac(mac: Uint8Array): void {
  mac[0] = (mac[0] & ~GROUP_BIT) | LOCAL_BIT;
}

/** Whether two addresses are the same. */
export function equalMacs(a: Uint8Array, aOffset: number, b: Uint8Array, bOffset: number): boolean {
  return a[aOffset] === b[bOffset] && a[aOffset + 1] === b[bOffset + 1] &&
    a[aOffset + 2] === b[bOffset + 2] && a[aOffset + 3] === b[bOffset + 3] &&
    a[aOffset + 4] === b[bOffset + 4] && a[aOffset + 5] === b[bOffset + 5];
}

/**
 * Whether a destination MAC is one by which switches talk to each other: 01-80-C2-00-00-00 … 0F (IEEE
 * 802.1Q table 8-1: spanning tree, pause, LACP, LLDP) or Cisco's 01-00-0C-CC-CC-CC and CD (CDP, VTP, PVST+).
 */
export function isSwitchControl(bytes: Uint8Array, offset: number): boolean {
  if (bytes[offset] !== 0x01) return false;
  if (bytes[offset + 1] === 0x80) {
    return bytes[offset + 2] === 0xc2 && bytes[offset + 3] === 0 && bytes[offset + 4] === 0 &&
      bytes[offset + 5] <= 0x0f;
  }
  return bytes[offset + 1] === 0x00 && bytes[offset + 2] === 0x0c && bytes[offset + 3] === 0xcc &&
    bytes[offset + 4] === 0xcc && (bytes[offset + 5] === 0xcc || bytes[offset + 5] === 0xcd);
}
