import { assert, assertEquals } from "@std/assert";
import { OwnTraffic } from "../../../src/endpoint/own_traffic.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";

const bytesOf = (hex: string) => Uint8Array.fromHex(hex.replaceAll(" ", ""));

const MACS = "020000000001 020000000051";
const RELAY4 = "c6336407"; // 198.51.100.7
const OTHER4 = "c0000205"; // 192.0.2.5
const RELAY6 = "20010db8000000000000000000000007";
const OTHER6 = "20010db8000000000000000000000005";

/** A UDP packet over IPv4; ports in hex. */
function udp4(source: string, destination: string, ports: string, fragment = "0000"): string {
  return `4500 0024 0000 ${fragment} 4011 0000 ${source} ${destination} ${ports} 0010 0000 ${
    "00".repeat(8)
  }`;
}

function udp6(source: string, destination: string, ports: string): string {
  return `60000000 0010 11 40 ${source} ${destination} ${ports} 0010 0000 ${"00".repeat(8)}`;
}

function matcher(address: string, port = 443, localPort = 0xc000): (frame: string) => boolean {
  const own = new OwnTraffic();
  assert(own.setRelay(address, port));
  own.setLocalPort(localPort);
  const dissection = new Dissection();
  return (frame) => {
    // Surrounded by bytes that must not be looked at.
    const content = bytesOf(frame);
    const bytes = new Uint8Array(content.length + 64).fill(0xc6);
    bytes.set(content, 32);
    dissect(bytes, 32, content.length, dissection);
    return own.matches(bytes, 32 + content.length, dissection);
  };
}

Deno.test("UDP to and from the relay's address and port is the endpoint's own, over IPv4", () => {
  const matches = matcher("198.51.100.7");
  assertEquals(matches(`${MACS} 0800 ${udp4(OTHER4, RELAY4, "c000 01bb")}`), true);
  assertEquals(matches(`${MACS} 0800 ${udp4(RELAY4, OTHER4, "01bb c000")}`), true);
});

Deno.test("the same address with another port, and the same port elsewhere, are not", () => {
  const matches = matcher("198.51.100.7");
  assertEquals(matches(`${MACS} 0800 ${udp4(OTHER4, RELAY4, "c000 01bc")}`), false);
  assertEquals(matches(`${MACS} 0800 ${udp4(OTHER4, RELAY4, "01bb c000")}`), false);
  assertEquals(matches(`${MACS} 0800 ${udp4(RELAY4, OTHER4, "c000 01bb")}`), false);
  assertEquals(matches(`${MACS} 0800 ${udp4(OTHER4, "c6336408", "c000 01bb")}`), false);
});

Deno.test("TCP to the relay's port is somebody's web traffic", () => {
  const matches = matcher("198.51.100.7");
  const tcp = udp4(OTHER4, RELAY4, "c000 01bb").replace("4011", "4006");
  assertEquals(matches(`${MACS} 0800 ${tcp}`), false);
});

Deno.test("it is seen over IPv6, and behind extension headers", () => {
  const matches = matcher("[2001:db8::7]");
  assertEquals(matches(`${MACS} 86dd ${udp6(OTHER6, RELAY6, "c000 01bb")}`), true);
  assertEquals(matches(`${MACS} 86dd ${udp6(RELAY6, OTHER6, "01bb c000")}`), true);
  assertEquals(matches(`${MACS} 86dd ${udp6(RELAY6, OTHER6, "c000 01bb")}`), false);
  assertEquals(matches(`${MACS} 86dd ${udp6(OTHER6, OTHER6, "c000 01bb")}`), false);
  const optioned = `60000000 0018 3c 40 ${OTHER6} ${RELAY6} 1100010400000000 c000 01bb 0010 0000 ${
    "00".repeat(8)
  }`;
  assertEquals(matches(`${MACS} 86dd ${optioned}`), true);
});

Deno.test("it is seen through one and two VLAN tags", () => {
  const matches = matcher("198.51.100.7");
  const packet = udp4(OTHER4, RELAY4, "c000 01bb");
  assertEquals(matches(`${MACS} 8100 0005 0800 ${packet}`), true);
  assertEquals(matches(`${MACS} 88a8 0005 8100 0007 0800 ${packet}`), true);
});

Deno.test("a first fragment counts by its ports; later ones are somebody else's: QUIC is never fragmented", () => {
  const matches = matcher("198.51.100.7");
  assertEquals(matches(`${MACS} 0800 ${udp4(OTHER4, RELAY4, "c000 01bb", "2000")}`), true);
  assertEquals(matches(`${MACS} 0800 ${udp4(OTHER4, RELAY4, "c000 01bc", "2000")}`), false);
  assertEquals(matches(`${MACS} 0800 ${udp4(OTHER4, RELAY4, "c000 01bb", "0010")}`), false);
  assertEquals(matches(`${MACS} 0800 ${udp4(RELAY4, OTHER4, "01bb c000", "2010")}`), false);
});

Deno.test("another program's packets to the relay are not the connection's own", () => {
  const matches = matcher("198.51.100.7");
  assertEquals(matches(`${MACS} 0800 ${udp4(OTHER4, RELAY4, "c001 01bb")}`), false);
  assertEquals(matches(`${MACS} 0800 ${udp4(RELAY4, OTHER4, "01bb c001")}`), false);
  const matches6 = matcher("[2001:db8::7]");
  assertEquals(matches6(`${MACS} 86dd ${udp6(OTHER6, RELAY6, "c001 01bb")}`), false);
  assertEquals(matches6(`${MACS} 86dd ${udp6(RELAY6, OTHER6, "01bb c001")}`), false);
});

Deno.test("as long as the own port is not known, any counts, and with each connection anew", () => {
  const own = new OwnTraffic();
  const bytes = bytesOf(`${MACS} 0800 ${udp4(OTHER4, RELAY4, "c001 01bb")}`);
  const dissection = new Dissection();
  dissect(bytes, 0, bytes.length, dissection);
  const matches = () => own.matches(bytes, bytes.length, dissection);
  own.setRelay("198.51.100.7", 443);
  assertEquals(matches(), true);
  own.setLocalPort(0xc000);
  assertEquals(matches(), false);
  own.setRelay("198.51.100.7", 443);
  assertEquals(matches(), true);
});

Deno.test("a relay in IPv4-mapped form is looked for in IPv4 packets", () => {
  const matches = matcher("::ffff:198.51.100.7");
  assertEquals(matches(`${MACS} 0800 ${udp4(OTHER4, RELAY4, "c000 01bb")}`), true);
});

Deno.test("nothing matches before there is a connection, and after it is gone", () => {
  const own = new OwnTraffic();
  const bytes = bytesOf(`${MACS} 0800 ${udp4(OTHER4, RELAY4, "c000 01bb")}`);
  const dissection = new Dissection();
  dissect(bytes, 0, bytes.length, dissection);
  assertEquals(own.matches(bytes, bytes.length, dissection), false);
  assertEquals(own.setRelay("relay.example.org", 443), false);
  assertEquals(own.matches(bytes, bytes.length, dissection), false);
  own.setRelay("198.51.100.7", 443);
  assertEquals(own.matches(bytes, bytes.length, dissection), true);
  own.setRelay("198.51.100.7", 444);
  assertEquals(own.matches(bytes, bytes.length, dissection), false);
  own.setRelay("198.51.100.7", 443);
  own.clear();
  assertEquals(own.matches(bytes, bytes.length, dissection), false);
});

Deno.test("a frame cut at any length is looked at without reading beyond it", () => {
  const matches = matcher("198.51.100.7");
  const whole = `${MACS} 0800 ${udp4(OTHER4, RELAY4, "c000 01bb")}`.replaceAll(" ", "");
  for (let length = 14; length < whole.length / 2; length++) {
    // Whole ports tell; without them nothing is said.
    assertEquals(matches(whole.slice(0, 2 * length)), length >= 38, `${length}`);
  }
});
