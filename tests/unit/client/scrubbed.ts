/** Runs the client's scrubbers, whatever they are for. */
import { assertEquals } from "@std/assert";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";

/** What the scrubbers of DHCP, DHCPv6 and router advertisements have in common. */
export interface Scrubber {
  scrub(bytes: Uint8Array, offset: number, length: number, dissection: Dissection): number;
}

/** Scrubs a frame that lies between other bytes, which must stay. */
export function scrubFrame(
  frame: Uint8Array,
  scrubber: Scrubber,
): { result: number; frame: Uint8Array } {
  const bytes = new Uint8Array(frame.length + 80).fill(0x55);
  bytes.set(frame, 40);
  const dissection = new Dissection();
  dissect(bytes, 40, frame.length, dissection);
  const result = scrubber.scrub(bytes, 40, frame.length, dissection);
  assertEquals(bytes.subarray(0, 40), new Uint8Array(40).fill(0x55));
  assertEquals(bytes.subarray(40 + frame.length), new Uint8Array(40).fill(0x55));
  return { result, frame: bytes.slice(40, 40 + frame.length) };
}
