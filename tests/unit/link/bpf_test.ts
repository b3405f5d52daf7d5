import { assert, assertEquals } from "@std/assert";
import {
  ANCILLARY_PACKET_TYPE,
  bridgeFilter,
  FILTER_MACS_MAX,
  outgoingFilter,
  PACKET_OUTGOING,
} from "../../../src/link/bpf.ts";
import {
  BROADCAST_MAC,
  ethernet,
  ip4,
  ip6,
  mac,
  pattern,
  Type,
  udpPacket,
} from "../../../tools/lab/frames.ts";

/** Runs a classic BPF program as the kernel would; a load outside the frame ends it with 0. */
function interpret(program: Uint8Array, frame: Uint8Array, packetType = 0): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let a = 0;
  let x = 0;
  for (let pc = 0; pc < program.length / 8; pc++) {
    const code = view.getUint16(pc * 8, true);
    const k = view.getUint32(pc * 8 + 4, true);
    try {
      switch (code) {
        case 0x20:
          a = data.getUint32(k);
          break;
        case 0x28:
          a = data.getUint16(k);
          break;
        case 0x30:
          a = k === ANCILLARY_PACKET_TYPE ? packetType : data.getUint8(k);
          break;
        case 0x48:
          a = data.getUint16(x + k);
          break;
        case 0xb1:
          x = (data.getUint8(k) & 15) * 4;
          break;
        case 0x15:
          pc += view.getUint8(pc * 8 + (a === k ? 2 : 3));
          break;
        case 0x45:
          pc += view.getUint8(pc * 8 + ((a & k) !== 0 ? 2 : 3));
          break;
        case 0x06:
          return k;
        default:
          throw new TypeError(`instruction ${code}`);
      }
    } catch (error) {
      if (error instanceof RangeError) return 0;
      throw error;
    }
  }
  throw new Error("ran off the end");
}

const PLAYER = "02:00:00:00:00:51";
const OTHER = "02:00:00:00:00:52";
const HOST = "00:11:22:33:44:55";
const filter = bridgeFilter({
  clientMacs: [mac(PLAYER), mac(OTHER)],
  relay: { address: ip4("192.0.2.7"), port: 443 },
});

function datagram(options: {
  destination?: string;
  source?: string;
  to?: string;
  sourcePort?: number;
  destinationPort?: number;
}): Uint8Array {
  const source = options.source ?? "10.0.0.1";
  const to = options.to ?? "10.0.0.2";
  return ethernet({
    destination: options.destination ?? PLAYER,
    source: HOST,
    type: source.includes(":") ? Type.ipv6 : Type.ipv4,
    payload: udpPacket({
      source,
      destination: to,
      sourcePort: options.sourcePort ?? 1000,
      destinationPort: options.destinationPort ?? 2000,
      payload: pattern(40),
    }),
  });
}

Deno.test("the bridge filter takes broadcast, multicast and unicast to clients, and no other", () => {
  for (
    const destination of [BROADCAST_MAC, "01:00:5e:00:00:fb", "33:33:00:00:00:01", PLAYER, OTHER]
  ) {
    assert(interpret(filter, datagram({ destination })) > 65536, destination);
  }
  // The last two share four or two bytes with a client.
  for (const destination of [HOST, "02:01:00:00:00:51", "02:00:00:00:00:53", "02:00:00:00:01:51"]) {
    assertEquals(interpret(filter, datagram({ destination })), 0, destination);
  }
});

Deno.test("the bridge filter refuses the relay's packets even to a client, both ways", () => {
  const relay = "192.0.2.7";
  assertEquals(interpret(filter, datagram({ source: relay, sourcePort: 443 })), 0);
  assertEquals(interpret(filter, datagram({ to: relay, destinationPort: 443 })), 0);
  // Another service of the same machine, and another machine's port 443, are wanted.
  assert(interpret(filter, datagram({ source: relay, sourcePort: 27015 })) > 0);
  assert(interpret(filter, datagram({ to: relay, destinationPort: 53 })) > 0);
  assert(interpret(filter, datagram({ source: "192.0.2.8", sourcePort: 443 })) > 0);
  assert(interpret(filter, datagram({ to: "192.0.2.8", destinationPort: 443 })) > 0);
});

Deno.test("the bridge filter knows a relay with an IPv6 address", () => {
  const relay = "2001:db8::7";
  const six = bridgeFilter({
    clientMacs: [mac(PLAYER)],
    relay: { address: ip6(relay), port: 4433 },
  });
  const near = "2001:db8::1";
  assertEquals(interpret(six, datagram({ source: relay, to: near, sourcePort: 4433 })), 0);
  assertEquals(interpret(six, datagram({ source: near, to: relay, destinationPort: 4433 })), 0);
  assert(interpret(six, datagram({ source: relay, to: near, sourcePort: 443 })) > 0);
  assert(interpret(six, datagram({ source: "2001:db8::8", to: near, sourcePort: 4433 })) > 0);
  assert(interpret(six, datagram({ source: "10.0.0.9", to: "10.0.0.8", sourcePort: 4433 })) > 0);
});

Deno.test("the bridge filter drops a frame without a whole destination", () => {
  assertEquals(interpret(filter, mac(PLAYER).subarray(0, 5)), 0);
});

Deno.test("the bridge filter finds each of as many clients as it compares", () => {
  const macs = Array.from({ length: FILTER_MACS_MAX }, (_, i) => Uint8Array.of(2, 0, 0, 0, 1, i));
  const many = bridgeFilter({ clientMacs: macs });
  assert(many.length / 8 <= 4096);
  for (const index of [0, 1, 100, FILTER_MACS_MAX - 1]) {
    const frame = datagram({});
    frame.set(macs[index]);
    assert(interpret(many, frame) > 0, `${index}`);
  }
  assertEquals(interpret(many, datagram({})), 0);
  const more = bridgeFilter({ clientMacs: [...macs, mac(OTHER)] });
  assert(interpret(more, datagram({ destination: HOST })) > 0);
});

Deno.test("what leaves for one MAC is seen, and nothing that comes or goes elsewhere", () => {
  const program = outgoingFilter(mac(PLAYER));
  const to = (target: string) =>
    ethernet({ destination: target, source: OTHER, type: Type.ipv4, payload: pattern(46) });
  const isSeen = (frame: Uint8Array, packetType: number) =>
    interpret(program, frame, packetType) > 0;
  assertEquals(isSeen(to(PLAYER), PACKET_OUTGOING), true);
  for (const packetType of [0, 1, 2, 3]) assertEquals(isSeen(to(PLAYER), packetType), false);
  for (const target of [OTHER, BROADCAST_MAC, "03:00:00:00:00:51"]) {
    assertEquals(isSeen(to(target), PACKET_OUTGOING), false, target);
  }
});
