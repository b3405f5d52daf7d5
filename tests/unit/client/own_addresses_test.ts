/** What reaches a PC by the party's adapter: its own addresses there, and who answers in whose name. */
import { assertEquals } from "@std/assert";
import {
  LanNetworks,
  parseLanNetwork,
  type Surroundings,
} from "../../../src/client/lan_networks.ts";
import {
  addressesOf,
  LEARNT_MAX,
  LEARNT_MS,
  OwnAddresses,
} from "../../../src/client/own_addresses.ts";
import { type DropReason, dropReason, PASS } from "../../../src/observe/drops.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { parseIpAddress } from "../../../src/proto/ip.ts";
import { assertAllocatesNothing } from "../../support/heap.ts";
import {
  type Bytes,
  ethernet,
  ipv6,
  Protocol,
  Type,
  udp,
  udpPacket,
} from "../../../tools/lab/frames.ts";
import { ALICE, arpFrame, arpProbe, leaseFrame, ROUTER, solicitation } from "../filter/frames.ts";

const [TAP, HOME, DOCKER] = [7, 3, 4];

/** A PC at home, with containers, in a party; lines are `INDEX NETWORK` and `INDEX ADDRESS`. */
function pc(adapter: readonly string[], routes: readonly string[] = []): Surroundings {
  const read = (line: string) => {
    const [index, address, bits] = line.split(/[ /]/);
    return {
      interfaceIndex: Number(index),
      address: parseIpAddress(address)!,
      prefixBits: Number(bits),
    };
  };
  const home = [`${HOME} 0.0.0.0/0`, `${HOME} 10.92.0.0/24`, `${DOCKER} 172.17.0.0/16`];
  const own = [
    "1 127.0.0.1/8",
    `${HOME} 10.92.0.2/24`,
    `${HOME} 2001:db8:92::2/64`,
    `${HOME} fe80::92/64`,
    `${DOCKER} 172.17.0.1/16`,
  ];
  return {
    routes: [...home, ...routes].map(read).map(({ address, ...rest }) => ({
      ...{ destination: address, nextHop: new Uint8Array(address.length) },
      ...rest,
    })),
    addresses: [...own, ...adapter].map(read),
    relays: [],
    tapIndex: TAP,
  };
}

const PLAYING = [`${TAP} 10.77.0.50/24`, `${TAP} fe80::50/64`, `${TAP} fd77::50/64`];

class Harness {
  readonly own: OwnAddresses;
  nowMs = 1000;
  readonly #dissection = new Dissection();

  constructor(surroundings?: Surroundings, networks = new LanNetworks()) {
    this.own = new OwnAddresses(networks);
    if (surroundings !== undefined) this.own.update(surroundings);
  }

  #put(frame: Uint8Array): Bytes {
    const bytes = new Uint8Array(frame.length + 40).fill(0xee);
    bytes.set(frame, 20);
    dissect(bytes, 20, frame.length, this.#dissection);
    return bytes;
  }

  /** A frame of the party's: why it is dropped; undefined: it passes. */
  hears(frame: Uint8Array): DropReason | undefined {
    const bytes = this.#put(frame);
    const code = this.own.judge(bytes, 20 + frame.length, this.#dissection, this.nowMs);
    return code === PASS ? undefined : dropReason(code);
  }

  sends(frame: Uint8Array): void {
    const bytes = this.#put(frame);
    this.own.noteSent(bytes, 20 + frame.length, this.#dissection, this.nowMs);
  }
}

/** A packet of UDP between two addresses, of whichever IP version they are. */
function packet(source: string, destination: string, destinationPort = 27_015): Bytes {
  const ports = { sourcePort: 53, destinationPort, payload: new Uint8Array(20) };
  const six = source.includes(":");
  const payload = six
    ? ipv6({
      ...{ source, destination, nextHeader: Protocol.udp },
      payload: udp({ source, destination, ...ports }),
    })
    : udpPacket({ source, destination, ...ports });
  const type = six ? Type.ipv6 : Type.ipv4;
  return ethernet({ source: ROUTER, destination: ALICE, type, payload });
}

function assertHears(
  harness: Harness,
  source: string,
  verdicts: Readonly<Record<string, DropReason | undefined>>,
): void {
  for (const [destination, verdict] of Object.entries(verdicts)) {
    assertEquals(harness.hears(packet(source, destination)), verdict, destination);
  }
}

//= PROTOCOL.md 12
//# **Whose PC.** A client should give its TAP no IP packet for an address that the TAP does not
//# have and that means no group, and no ARP request or neighbour solicitation for an address of the
//# system's other interfaces (`other-address`);
Deno.test("what is for the adapter passes, and for nothing else that this PC has or would pass on", () => {
  const harness = new Harness(pc([...PLAYING, `${TAP} 10.78.1.9/16`]));
  assertHears(harness, "10.77.0.1", {
    "10.77.0.50": undefined,
    "10.78.1.9": undefined,
    "10.77.0.255": undefined,
    "10.78.255.255": undefined,
    "255.255.255.255": undefined,
    "224.0.0.251": undefined,
    "239.255.255.250": undefined,
    // This PC at home, its containers, and itself.
    "10.92.0.2": "other-address",
    "172.17.0.1": "other-address",
    "127.0.0.1": "other-address",
    // What it would be a router to.
    "10.92.0.1": "other-address",
    "10.92.0.255": "other-address",
    "172.17.0.9": "other-address",
    "8.8.8.8": "other-address",
    "240.0.0.1": "other-address",
    "10.77.0.51": "other-address",
  });
  assertHears(harness, "fd77::1", {
    "fd77::50": undefined,
    "fe80::50": undefined,
    "ff02::fb": undefined,
    "ff0e::1": undefined,
    "2001:db8:92::2": "other-address",
    "fe80::92": "other-address",
    "2001:db8:92::1": "other-address",
    "2001:4860:4860::8888": "other-address",
    "::1": "other-address",
  });
});

Deno.test("whoever answers in the name of somebody whom this PC reaches elsewhere is not heard", () => {
  const routes = [`${HOME} 10.77.0.254/32`, `${DOCKER} 10.0.0.0/8`, `${DOCKER} fd00::/8`];
  const harness = new Harness(pc(PLAYING, routes));
  const from = (source: string) =>
    harness.hears(packet(source, source.includes(":") ? "fd77::50" : "10.77.0.50"));
  const verdicts: Record<string, DropReason | undefined> = {
    "10.77.0.1": undefined,
    // The LAN's other subnets, and stations that have found no DHCP server.
    "192.168.5.9": undefined,
    "169.254.7.7": undefined,
    "0.0.0.0": undefined,
    "fd77::1": undefined,
    "fe80::1": undefined,
    "::": undefined,
    // The home's server, its router that is held there, a VPN's, and the internet's.
    "10.92.0.1": "elsewhere-source",
    "10.77.0.254": "elsewhere-source",
    "10.3.0.1": "elsewhere-source",
    "8.8.8.8": "elsewhere-source",
    "127.0.0.1": "elsewhere-source",
    "2001:db8:92::1": "elsewhere-source",
    "2001:4860:4860::8888": "elsewhere-source",
    "fd01::1": "elsewhere-source",
    "::1": "elsewhere-source",
  };
  for (const [source, verdict] of Object.entries(verdicts)) {
    assertEquals(from(source), verdict, source);
  }
  const group = packet("10.92.0.1", "255.255.255.255");
  assertEquals(harness.hears(group), "elsewhere-source");
});

Deno.test("what others have on the internet may speak where the player has allowed it", () => {
  const public4 = packet("203.0.113.9", "10.77.0.50");
  const allowed = new LanNetworks([parseLanNetwork("203.0.113.0/24")!]);
  assertEquals(new Harness(pc(PLAYING), allowed).hears(public4), undefined);
  assertEquals(new Harness(pc(PLAYING), new LanNetworks([], true)).hears(public4), undefined);
  assertEquals(new Harness(pc(PLAYING)).hears(public4), "elsewhere-source");
  const there = new Harness(pc([`${TAP} 203.0.113.50/24`]));
  assertEquals(there.hears(packet("203.0.113.9", "203.0.113.50")), undefined);
});

Deno.test("home and party with the same addresses: the party's are heard, but for what is held at home", () => {
  const same = pc([`${TAP} 10.92.0.50/24`], [`${HOME} 10.92.0.1/32`, `${TAP} 10.92.0.0/24`]);
  const harness = new Harness(same);
  assertEquals(harness.hears(packet("10.92.0.9", "10.92.0.50")), undefined);
  assertEquals(harness.hears(packet("10.92.0.9", "10.92.0.255")), undefined);
  assertEquals(harness.hears(packet("10.92.0.1", "10.92.0.50")), "elsewhere-source");
  assertEquals(harness.hears(packet("10.92.0.9", "10.92.0.2")), "other-address");
});

//= PROTOCOL.md 12
//# **Whose PC.** A client should give its TAP no IP packet for an address that the TAP does not
//# have and that means no group, and no ARP request or neighbour solicitation for an address of the
//# system's other interfaces (`other-address`);
Deno.test("questions for this PC's other addresses are not heard, all others are", () => {
  const harness = new Harness(pc(PLAYING));
  const asks = (address: string) =>
    harness.hears(arpFrame(ROUTER, "10.77.0.1", { to: address, request: true }));
  assertEquals(asks("10.77.0.50"), undefined);
  assertEquals(asks("10.77.0.9"), undefined);
  assertEquals(asks("10.92.0.2"), "other-address");
  assertEquals(asks("172.17.0.1"), "other-address");
  assertEquals(harness.hears(arpProbe(ROUTER, "10.77.0.50")), undefined);
  assertEquals(harness.hears(arpProbe(ROUTER, "10.92.0.2")), "other-address");
  assertEquals(harness.hears(arpFrame(ROUTER, "10.77.0.1")), undefined, "an announcement");
  const solicits = (from: string, target: string) =>
    harness.hears(solicitation(ROUTER, from, target));
  assertEquals(solicits("fe80::1", "fe80::50"), undefined);
  assertEquals(solicits("::", "fe80::50"), undefined, "before it is taken");
  assertEquals(solicits("fe80::1", "2001:db8:92::2"), "other-address");
  assertEquals(solicits("::", "fe80::92"), "other-address");
});

//= PROTOCOL.md 12
//# DHCP's replies to an address that is none of the system's yet pass.
Deno.test("an address is offered before it is there, but none that another adapter has", () => {
  for (const adapter of [[], PLAYING]) {
    const harness = new Harness(pc(adapter));
    assertEquals(harness.hears(leaseFrame(ALICE, "10.77.0.60")), undefined, "to all");
    assertEquals(harness.hears(packet("10.77.0.1", "10.77.0.60", 68)), undefined);
    assertEquals(harness.hears(packet("198.51.100.1", "10.77.0.60", 68)), undefined);
    assertEquals(harness.hears(packet("10.77.0.1", "10.92.0.2", 68)), "other-address");
    assertEquals(harness.hears(packet("10.77.0.1", "10.77.0.60", 69)), "other-address");
  }
});

Deno.test("as long as the adapter has no address, nobody is taken for a stranger there", () => {
  const harness = new Harness(pc([]));
  assertEquals(harness.hears(packet("10.92.0.9", "255.255.255.255")), undefined);
  assertEquals(harness.hears(packet("10.92.0.9", "10.92.0.2")), "other-address");
});

Deno.test("what this PC sends from is its own for a while, whatever the tables say; other adapters' never", () => {
  const harness = new Harness(pc(PLAYING));
  const secondary = packet("10.77.0.1", "10.77.0.61");
  const temporary = packet("fd77::1", "fd77::a1b2");
  assertEquals(harness.hears(secondary), "other-address");
  assertEquals(harness.hears(temporary), "other-address");
  harness.sends(arpFrame(ALICE, "10.77.0.61"));
  harness.sends(solicitation(ALICE, "fd77::a1b2", "fd77::1"));
  assertEquals(harness.hears(secondary), undefined);
  assertEquals(harness.hears(temporary), undefined);
  harness.nowMs += LEARNT_MS;
  assertEquals(harness.hears(secondary), undefined);
  harness.sends(packet("10.77.0.61", "10.77.0.1"));
  harness.nowMs += LEARNT_MS;
  assertEquals(harness.hears(secondary), undefined, "still in use");
  harness.nowMs += 1;
  assertEquals(harness.hears(secondary), "other-address");
  for (const source of ["10.92.0.2", "127.0.0.1", "224.0.0.1", "0.0.0.0"]) {
    harness.sends(packet(source, "10.77.0.1"));
    const verdict = source.startsWith("224") ? undefined : "other-address";
    assertEquals(harness.hears(packet("10.77.0.1", source)), verdict, source);
  }
  harness.sends(arpProbe(ALICE, "10.77.0.62"));
  assertEquals(harness.hears(packet("10.77.0.1", "10.77.0.62")), "other-address", "not taken yet");
});

Deno.test("of many such addresses the latest are kept", () => {
  const harness = new Harness(pc(PLAYING));
  const address = (index: number) => `10.77.0.${100 + index}`;
  for (let index = 0; index <= LEARNT_MAX; index++) {
    harness.nowMs++;
    harness.sends(packet(address(index), "10.77.0.1"));
  }
  assertEquals(harness.hears(packet("10.77.0.1", address(0))), "other-address");
  for (let index = 1; index <= LEARNT_MAX; index++) {
    assertEquals(harness.hears(packet("10.77.0.1", address(index))), undefined);
  }
});

Deno.test("the adapter's own addresses as they are told, IPv4 first; none while it is away", () => {
  const known = pc([`${TAP} fe80::7/64`, `${TAP} 10.77.0.50/24`, `${TAP} 169.254.7.7/16`]);
  assertEquals(addressesOf(known), ["10.77.0.50/24", "169.254.7.7/16", "fe80::7/64"]);
  assertEquals(addressesOf({ ...known, tapIndex: undefined }), []);
});

//= PROTOCOL.md 12
//# As long as it does not know its addresses, all pass.
Deno.test("as long as nothing is known of this PC, everything passes", () => {
  for (const harness of [new Harness(), new Harness({ ...pc(PLAYING), tapIndex: undefined })]) {
    assertEquals(harness.hears(packet("8.8.8.8", "10.92.0.2")), undefined);
    assertEquals(harness.hears(arpProbe(ROUTER, "10.92.0.2")), undefined);
  }
});

Deno.test("a frame of a VLAN is judged where something upon the adapter takes it, and then like any other", () => {
  const tagged = (id: number, to: string) => {
    const tags = [{ id, priority: 3 }];
    return arpFrame(ROUTER, "10.77.0.1", { to, request: true, tags });
  };
  const without = new Harness(pc(PLAYING));
  assertEquals(without.hears(tagged(7, "10.92.0.2")), undefined);
  assertEquals(without.hears(tagged(0, "10.92.0.2")), "other-address", "a priority tag alone");
  const within = new Harness({ ...pc([...PLAYING, `${TAP} 10.78.0.50/24`]), takesVlans: true });
  assertEquals(within.hears(tagged(7, "10.92.0.2")), "other-address");
  assertEquals(within.hears(tagged(7, "10.78.0.50")), undefined);
});

Deno.test("what ends inside its addresses passes: no system takes it", () => {
  const harness = new Harness(pc(PLAYING));
  const asks = solicitation(ROUTER, "fe80::1", "2001:db8:92::2");
  for (const frame of [packet("8.8.8.8", "10.92.0.2"), arpProbe(ROUTER, "10.92.0.2"), asks]) {
    for (let length = 0; length < 14 + 20; length++) {
      assertEquals(harness.hears(frame.subarray(0, length)), undefined, `${length}`);
    }
  }
  assertEquals(harness.hears(asks.subarray(0, 14 + 40 + 8 + 15)), undefined);
});

const busy = new Harness(pc(PLAYING));
const [dissection, toOwn, toHome] = [
  new Dissection(),
  packet("10.77.0.1", "10.77.0.50"),
  packet("10.77.0.1", "10.92.0.2"),
];
for (const [name, frame] of [["for us", toOwn], ["for elsewhere", toHome]] as const) {
  Deno.test(`a packet ${name} allocates nothing, nor what is sent from an unknown address`, () => {
    const frames = 20_000;
    assertAllocatesNothing(frames, () => {
      for (let count = 0; count < frames; count++) {
        dissect(frame, 0, frame.length, dissection);
        busy.own.judge(frame, frame.length, dissection, count);
        busy.own.noteSent(frame, frame.length, dissection, count);
      }
    });
  });
}
