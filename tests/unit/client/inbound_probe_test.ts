import { assertEquals } from "@std/assert";
import { encodeProbe, probeWay } from "../../../src/client/inbound_probe.ts";
import { toHex as hex } from "../../../tools/lab/frames.ts";
import { foldChecksum, sumBytes } from "../../../src/proto/checksum.ts";
import { parseMac } from "../../../src/proto/mac.ts";

const IP = 14;
const UDP = 34;

function number(a: number, b: number, c: number, d: number): number {
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

Deno.test("a probe comes from a neighbour, never from the network's or the broadcast address, nor from itself", () => {
  const cases: [string, number | undefined][] = [
    ["10.77.0.5/24", number(10, 77, 0, 6)],
    ["10.77.0.254/24", number(10, 77, 0, 253)],
    ["10.77.0.1/24", number(10, 77, 0, 2)],
    ["192.168.255.254/16", number(192, 168, 255, 253)],
    ["10.0.0.1/30", number(10, 0, 0, 2)],
    ["10.0.0.2/30", number(10, 0, 0, 1)],
    ...["10.0.0.1/31", "10.0.0.1/32", "fe80::1/64", "10.0.0.1", ""]
      .map((cidr): [string, undefined] => [cidr, undefined]),
  ];
  for (const [cidr, neighbour] of cases) assertEquals(probeWay(cidr)?.neighbour, neighbour, cidr);
});

Deno.test("a probe is a frame that the system takes: for its MAC, with right lengths and checksums", () => {
  const mac = parseMac("02:00:00:00:00:51");
  const way = probeWay("10.77.0.5/24");
  if (mac === undefined || way === undefined) throw new Error("no way");
  const token = Uint8Array.from({ length: 16 }, (_, index) => index);
  const frame = encodeProbe(way, mac, 50_000, token);
  assertEquals(hex(frame.subarray(0, 14)), "02000000005102004c505001" + "0800");
  assertEquals(frame.subarray(42), token);
  assertEquals(foldChecksum(sumBytes(frame, IP, 20)), 0);
  // The pseudo header of RFC 768: addresses, protocol 17, length.
  const pseudo = sumBytes(frame, UDP - 8, 8) + 17 + 24;
  assertEquals(foldChecksum(sumBytes(frame, UDP, 24, pseudo)), 0);
  assertEquals(hex(frame.subarray(UDP, UDP + 6)), "c350c3500018");
  assertEquals(hex(frame.subarray(IP + 12, IP + 20)), "0a4d00060a4d0005");
});
