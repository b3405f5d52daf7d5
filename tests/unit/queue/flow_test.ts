import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import {
  FLOW_MASK,
  FLOW_SPARSE,
  flowOf,
  flowOfMacs,
  isSparse,
  PieceFlows,
} from "../../../src/queue/flow.ts";

const ME = [0x02, 0, 0, 0, 0, 0x51];
const YOU = [0x02, 0, 0, 0, 0, 0x52];

/** An Ethernet frame: to `YOU` from `from`. */
function ethernet(
  etherType: number,
  payload: number[],
  from = ME,
  tags: number[] = [],
): Uint8Array {
  return new Uint8Array([...YOU, ...from, ...tags, etherType >> 8, etherType & 255, ...payload]);
}

function ipv4(protocol: number, payload: number[], fragment = 0, lastByte = 2): number[] {
  const total = 20 + payload.length;
  const header = [0x45, 0, total >> 8, total & 255, 0, 7, fragment >> 8, fragment & 255, 64];
  return [...header, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, lastByte, ...payload];
}

function ipv6(nextHeader: number, payload: number[]): number[] {
  const address = (last: number) => [0xfe, 0x80, ...new Array(13).fill(0), last];
  const header = [0x60, 0, 0, 0, payload.length >> 8, payload.length & 255, nextHeader, 255];
  return [...header, ...address(1), ...address(2), ...payload];
}

function udp(source: number, destination: number): number[] {
  return [source >> 8, source & 255, destination >> 8, destination & 255, 0, 16, 0, 0]
    .concat(new Array(8).fill(0));
}

function tcp(source: number, destination: number): number[] {
  return [source >> 8, source & 255, destination >> 8, destination & 255]
    .concat([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0]);
}

const icmpv6 = (type: number) => [type, 0, 0, 0, ...new Array(20).fill(0)];

const scratch = new Dissection();
const flow = (frame: Uint8Array) => {
  dissect(frame, 0, frame.length, scratch);
  return flowOf(frame, 0, frame.length, scratch);
};

function sparse(frame: Uint8Array): boolean {
  dissect(frame, 0, frame.length, scratch);
  assertEquals((flow(frame) & FLOW_SPARSE) !== 0, isSparse(scratch));
  return isSparse(scratch);
}

Deno.test("frames of one connection have one flow, whatever else is in them", () => {
  const one = ethernet(0x0800, ipv4(6, tcp(1024, 80)));
  const other = one.slice();
  other[14 + 4] ^= 0xff; // IP identification
  other[14 + 20 + 7] ^= 0xff; // TCP sequence number
  assertEquals(flow(one), flow(other));
});

Deno.test("each part of MACs, addresses, protocol and ports tells flows apart", () => {
  const flows = [
    ethernet(0x0800, ipv4(17, udp(1024, 80))),
    ethernet(0x0800, ipv4(17, udp(1025, 80))),
    ethernet(0x0800, ipv4(17, udp(1024, 81))),
    ethernet(0x0800, ipv4(17, udp(80, 1024))),
    ethernet(0x0800, ipv4(6, tcp(1024, 80))),
    ethernet(0x0800, ipv4(17, udp(1024, 80), 0, 3)),
    ethernet(0x0800, ipv4(17, udp(1024, 80)), YOU),
    ethernet(0x0800, ipv4(1, icmpv6(8))),
    ethernet(0x86dd, ipv6(17, udp(1024, 80))),
    ethernet(0x86dd, ipv6(6, tcp(1024, 80))),
    ethernet(0x86dd, ipv6(58, icmpv6(128))),
    ethernet(0x88b5, new Array(46).fill(0)),
    ethernet(0x8137, new Array(46).fill(0)),
  ].map(flow);
  assertEquals(new Set(flows).size, flows.length);
});

Deno.test("every byte of the addresses counts, and none beside them in the IP header", () => {
  const frames: [Uint8Array, number, number, number[]][] = [
    // Time to live, identification; hop limit, flow label.
    [ethernet(0x0800, ipv4(17, udp(1024, 80))), 14 + 12, 8, [14 + 8, 14 + 4]],
    [ethernet(0x86dd, ipv6(17, udp(1024, 80))), 14 + 8, 32, [14 + 7, 14 + 3]],
  ];
  for (const [frame, from, count, others] of frames) {
    const before = flow(frame);
    for (let at = from; at < from + count; at++) {
      const other = frame.slice();
      other[at] ^= 0x40;
      assertNotEquals(flow(other), before, `byte ${at}`);
    }
    for (const at of others) {
      const other = frame.slice();
      other[at] ^= 0x40;
      assertEquals(flow(other), before, `byte ${at}`);
    }
  }
});

Deno.test("the fragments of one IP datagram stay in one flow, of which only the first has ports", () => {
  const first = ethernet(0x0800, ipv4(17, udp(1024, 80), 0x2000));
  const later = ethernet(0x0800, ipv4(17, [1, 2, 3, 4, 5, 6, 7, 8], 0x2001));
  const last = ethernet(0x0800, ipv4(17, [9, 9, 9, 9], 0x0002));
  assertEquals(flow(first), flow(later));
  assertEquals(flow(first), flow(last));
  assertNotEquals(flow(first), flow(ethernet(0x0800, ipv4(17, udp(1024, 80)))));
});

Deno.test("address resolution, leases and neighbor discovery are sparse, in VLANs too", () => {
  const tag = [0x81, 0x00, 0x00, 0x05];
  const cases: [string, Uint8Array, boolean][] = [
    ["ARP", ethernet(0x0806, new Array(46).fill(0)), true],
    ["ARP in a VLAN", ethernet(0x0806, new Array(46).fill(0), ME, tag), true],
    ["DHCP request", ethernet(0x0800, ipv4(17, udp(68, 67))), true],
    ["DHCP reply", ethernet(0x0800, ipv4(17, udp(67, 68))), true],
    ["DHCP between servers", ethernet(0x0800, ipv4(17, udp(67, 67))), true],
    ["DHCPv6 request", ethernet(0x86dd, ipv6(17, udp(546, 547))), true],
    ["DHCPv6 reply from any port", ethernet(0x86dd, ipv6(17, udp(40000, 546))), true],
    ["router solicitation", ethernet(0x86dd, ipv6(58, icmpv6(133))), true],
    ["neighbor solicitation", ethernet(0x86dd, ipv6(58, icmpv6(135))), true],
    ["neighbor advertisement", ethernet(0x86dd, ipv6(58, icmpv6(136))), true],
    ["redirect", ethernet(0x86dd, ipv6(58, icmpv6(137))), true],
    ["multicast listener report", ethernet(0x86dd, ipv6(58, icmpv6(132))), false],
    ["echo", ethernet(0x86dd, ipv6(58, icmpv6(128))), false],
    ["ICMPv4 of a type that ICMPv6 uses", ethernet(0x0800, ipv4(1, icmpv6(135))), false],
    ["UDP to port 67 from elsewhere", ethernet(0x0800, ipv4(17, udp(4000, 67))), false],
    ["TCP between 67 and 68", ethernet(0x0800, ipv4(6, tcp(67, 68))), false],
    ["UDP to DHCPv6's port over IPv4", ethernet(0x0800, ipv4(17, udp(546, 547))), false],
  ];
  for (const [name, frame, expected] of cases) assertEquals(sparse(frame), expected, name);
});

Deno.test("sparse frames are told apart by their sender alone", () => {
  const arp = (from: number[], last: number) =>
    flow(ethernet(0x0806, new Array(45).fill(0).concat(last), from));
  assertEquals(arp(ME, 1), arp(ME, 2));
  assertNotEquals(arp(ME, 1), arp(YOU, 1));
});

Deno.test("flow numbers are small integers", () => {
  for (let port = 0; port < 5000; port++) {
    const number = flow(ethernet(0x0800, ipv4(17, udp(port, 27015))));
    assert(Number.isInteger(number) && number >= 0 && number <= (FLOW_MASK | FLOW_SPARSE));
  }
});

Deno.test("similar flows spread over the buckets", () => {
  const buckets = new Array<number>(56).fill(0);
  for (let i = 0; i < 5600; i++) {
    const frame = ethernet(0x0800, ipv4(17, udp(27000 + (i % 8), 27015), 0, 1 + (i >> 3) % 250));
    frame[11] = i >> 6;
    buckets[(flow(frame) & FLOW_MASK) % 56]++;
  }
  // 100 each on average, with a standard deviation of 10.
  for (const count of buckets) assertLess(Math.abs(count - 100), 60, String(buckets));
});

Deno.test("a frame cut short of its IP header still has a flow", () => {
  const frame = ethernet(0x0800, ipv4(17, udp(1024, 80)));
  for (let length = 14; length <= frame.length; length++) {
    dissect(frame, 0, length, scratch);
    const number = flowOf(frame, 0, length, scratch);
    const alone = frame.slice(0, length);
    assertEquals(flow(alone), number, `of ${length} bytes`);
  }
});

Deno.test("later pieces have the flow of their frame's first piece", () => {
  const flows = new PieceFlows();
  assertEquals(flows.recall(3, 100), -1);
  flows.remember(3, 100, 1234);
  assertEquals(flows.recall(3, 100), 1234);
  assertEquals(flows.recall(4, 100), -1, "another source");
  assertEquals(flows.recall(3, 101), -1, "another frame");
  flows.remember(3, 100, 0);
  assertEquals(flows.recall(3, 100), 0, "the frame id came round");
});

Deno.test("the piece table forgets old frames and never mixes them up", () => {
  const flows = new PieceFlows();
  for (let frameId = 0; frameId < 0x8000; frameId++) flows.remember(1, frameId, frameId);
  let known = 0;
  for (let frameId = 0; frameId < 0x8000; frameId++) {
    const recalled = flows.recall(1, frameId);
    assert(recalled === -1 || recalled === frameId);
    if (recalled !== -1) known++;
  }
  assert(known > 500 && known <= 1024, `${known} known`);
  assertEquals(flows.recall(1, 0x7fff), 0x7fff, "the newest is always known");
});

Deno.test("frames known by their MACs alone have a flow by direction", () => {
  const there = new Uint8Array([...YOU, ...ME, 8, 0]);
  const back = new Uint8Array([...ME, ...YOU, 8, 0]);
  assertNotEquals(flowOfMacs(there, 0), flowOfMacs(back, 0));
  assertEquals(flowOfMacs(new Uint8Array([0, ...there]), 1), flowOfMacs(there, 0));
});
