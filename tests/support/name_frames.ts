/** Messages of LLMNR, mDNS and NetBIOS' name service, which all have DNS's form. */
import { type Bytes, ip4, join, u16, u32 } from "../../tools/lab/frames.ts";

const encoder = new TextEncoder();

/** A name of labels. */
export function dnsName(...labels: readonly string[]): Bytes {
  return join(...labels.map((label) => join([label.length], encoder.encode(label))), [0]);
}

/** A NetBIOS name of a workstation: 15 characters and the suffix 0, two letters each (RFC 1001). */
export function netbiosName(name: string): Bytes {
  const characters = [...encoder.encode(name.padEnd(15)), 0];
  return join([32], characters.flatMap((one) => [0x41 + (one >> 4), 0x41 + (one & 15)]), [0]);
}

/** A question for a name. */
export function dnsQuestion(name: Uint8Array): Bytes {
  return join(u16(7), u16(0), u16(1), u16(0), u16(0), u16(0), name, u16(1), u16(1));
}

/** One answer, or a registration, for a name: an address, 10.77.0.66. */
export function dnsAnswer(flags: number, name: Uint8Array): Bytes {
  const record = join(name, u16(1), u16(1), u32(120), u16(4), ip4("10.77.0.66"));
  return join(u16(7), u16(flags), u16(0), u16(1), u16(0), u16(0), record);
}
