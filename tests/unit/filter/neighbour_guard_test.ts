import { assert, assertEquals } from "@std/assert";
import {
  ADDRESS_AGE_MS,
  ADDRESSES_PER_PLAYER_MAX,
  LEASE_KEPT_MAX_MS,
  NEIGHBOUR_EVENT_INTERVAL_MS,
} from "../../../src/filter/neighbour_guard.ts";
import { ADDRESSES_MAX } from "../../../src/filter/address_table.ts";
import { LAN_SERVER_AGE_MS, LAN_SERVERS_MAX } from "../../../src/filter/lan_servers.ts";
import { asPeerId, NO_PEER } from "../../../src/proto/brands.ts";
import { ethernet, ipv4, pattern, Type } from "../../../tools/lab/frames.ts";
import {
  advertisement,
  ALICE,
  ALICE_ID,
  arpFrame,
  arpProbe,
  BOB,
  BOB_ID,
  GuardHarness,
  leaseFrame,
  leaseFrameV6,
  ROUTER,
  routerAnnounces,
  solicitation,
  SPARE,
} from "./frames.ts";

/** Both families: an address, and a frame that says who has it. */
const FAMILIES = [
  { name: "ARP", says: arpFrame, address: "10.0.0.9", other: "10.0.0.10" },
  { name: "NA", says: advertisement, address: "fe80::9", other: "fe80::10" },
  {
    name: "NS",
    says: (from: string, address: string) => solicitation(from, address, "fe80::77"),
    address: "fe80::9",
    other: "fe80::10",
  },
] as const;

for (const { name, says, address, other } of FAMILIES) {
  //= PROTOCOL.md 12
  //# **Whose address.** Gateway and client should remember which MAC has which IP address, by what
  //# the frames of section 11.2, and DHCP's acknowledgements and DHCPv6's replies from the LAN,
  //# say.
  //= PROTOCOL.md 12
  //# This project's drop what claims an address for another MAC (`address-taken`): of a player, if
  //# the address is the LAN's router or DHCP server, or belongs to a station of the LAN or to
  //# another player, unless its owner was silent for 60 s;
  Deno.test(`${name}: a player does not speak for an address of a station of the LAN`, () => {
    const harness = new GuardHarness();
    assertEquals(harness.lan(says(ROUTER, address)), undefined);
    assertEquals(harness.alice(says(ALICE, address)), "address-taken");
    assertEquals(harness.alice(says(ALICE, other)), undefined);
    assertEquals(harness.lan(says(ROUTER, address)), undefined, "it is the LAN's all the time");
    assertEquals(harness.guard.drainEvents(), [{
      ...{ type: "addressTaken", owner: ALICE_ID, mac: ALICE, address },
      ...{ holder: "lan", holderPeerId: NO_PEER },
    }]);
  });

  Deno.test(`${name}: nor for one that another player has used first, until that one is silent`, () => {
    const harness = new GuardHarness();
    assertEquals(harness.bob(says(BOB, address)), undefined);
    assertEquals(harness.alice(says(ALICE, address)), "address-taken");
    harness.nowMs += ADDRESS_AGE_MS - 1;
    assertEquals(harness.bob(says(BOB, address)), undefined);
    harness.nowMs += ADDRESS_AGE_MS;
    assertEquals(harness.alice(says(ALICE, address)), "address-taken");
    harness.nowMs += 1;
    assertEquals(harness.alice(says(ALICE, address)), undefined, "silent for a minute");
    assertEquals(harness.bob(says(BOB, address)), "address-taken", "and now it is Alice's");
  });

  Deno.test(`${name}: stations of the LAN take addresses from each other, and from who used them first`, () => {
    const harness = new GuardHarness();
    for (const mac of [ROUTER, SPARE, ROUTER]) {
      assertEquals(harness.lan(says(mac, address)), undefined);
    }
    assertEquals(harness.alice(says(ALICE, other)), undefined);
    assertEquals(harness.lan(says(SPARE, other)), undefined, "the LAN was there before the player");
    assertEquals(harness.alice(says(ALICE, other)), "address-taken");
  });
}

Deno.test("a station of the LAN says to the owner alone that it has a leased address, too", () => {
  const harness = new GuardHarness();
  harness.lan(leaseFrame(ALICE, "10.0.0.51"));
  const claim = (destination?: string) =>
    arpFrame(SPARE, "10.0.0.51", destination === undefined ? {} : { destination });
  assertEquals(harness.lan(claim(ALICE)), undefined);
  for (const destination of [BOB, undefined]) {
    assertEquals(harness.lan(claim(destination)), "address-taken");
  }
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.51", { destination: ALICE })), "address-taken");
  assertEquals(
    harness.alice(arpFrame(ALICE, "10.0.0.51")),
    undefined,
    "it is Alice's all the time",
  );
});

//= PROTOCOL.md 11.2
//# | ARP of 28 bytes with protocol 0800 and lengths 6 and 4 | the sender's (14) | the sender's (8)
//= PROTOCOL.md 11.2
//# | ICMPv6 136, 137 | the target (8) | options 2 of 8 bytes, from 24, 40 on
//= PROTOCOL.md 11.2
//# The frame is dropped if one of its MACs is not its source.
Deno.test("the MAC that is named must be the sender's own", () => {
  for (
    const frame of [
      arpFrame(ALICE, "10.0.0.9", { says: BOB }),
      arpFrame(ALICE, "10.0.0.9", { says: SPARE, request: true }),
      advertisement(ALICE, "fe80::9", SPARE),
      solicitation(ALICE, "fe80::9", "fe80::10", SPARE),
    ]
  ) {
    const harness = new GuardHarness();
    assertEquals(harness.alice(frame), "neighbour-forged");
    // Who answers for others in the LAN (clusters, proxies) is none of a player's business.
    assertEquals(harness.lan(frame), undefined);
  }
});

Deno.test("an advertisement without a MAC speaks for its sender", () => {
  const harness = new GuardHarness();
  harness.lan(advertisement(ROUTER, "fe80::1"));
  assertEquals(harness.alice(advertisement(ALICE, "fe80::1", undefined)), "address-taken");
});

Deno.test("any packet from an address keeps it, but only from its own MAC", () => {
  const from = (source: string, address: string) =>
    ethernet({
      ...{ source, destination: ROUTER, type: Type.ipv4 },
      payload: ipv4({
        source: address,
        destination: "10.0.0.1",
        protocol: 17,
        payload: pattern(20),
      }),
    });
  const harness = new GuardHarness();
  harness.bob(arpFrame(BOB, "10.0.0.9"));
  for (let minutes = 0; minutes < 5; minutes++) {
    harness.nowMs += ADDRESS_AGE_MS;
    harness.bob(from(BOB, "10.0.0.9"));
  }
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.9")), "address-taken");
  harness.nowMs += ADDRESS_AGE_MS;
  harness.alice(from(ALICE, "10.0.0.9"));
  harness.nowMs += 1;
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.9")), undefined);
});

//= PROTOCOL.md 11.2
//# An address of zeros is nobody's (a probe, duplicate address detection).
Deno.test("questions before an address is taken always pass and claim nothing", () => {
  const harness = new GuardHarness();
  harness.bob(arpFrame(BOB, "10.0.0.9"));
  harness.bob(advertisement(BOB, "fe80::9"));
  assertEquals(harness.alice(arpProbe(ALICE, "10.0.0.9")), undefined);
  assertEquals(harness.alice(solicitation(ALICE, "::", "fe80::9")), undefined);
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.9")), undefined, "the answer");
  assertEquals(harness.bob(advertisement(BOB, "fe80::9")), undefined, "the answer");
  assertEquals(harness.alice(arpProbe(ALICE, "10.0.0.10")), undefined);
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.10")), undefined, "nobody has it yet");
});

//= PROTOCOL.md 12
//# A newer lease wins in any case.
Deno.test("a lease is its player's, against players and stations alike; a newer one wins", () => {
  const harness = new GuardHarness();
  assertEquals(harness.lan(leaseFrame(ALICE, "10.0.0.51")), undefined);
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.51")), "address-taken");
  assertEquals(harness.lan(arpFrame(SPARE, "10.0.0.51")), "address-taken");
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.51")), undefined);
  // Two players swap addresses.
  harness.lan(leaseFrame(BOB, "10.0.0.52"));
  harness.bob(arpFrame(BOB, "10.0.0.52"));
  harness.lan(leaseFrame(ALICE, "10.0.0.52"));
  harness.lan(leaseFrame(BOB, "10.0.0.51"));
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.52")), undefined);
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.51")), undefined);
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.51")), "address-taken");
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.52")), "address-taken");
});

Deno.test("a lease takes an address from whoever used it before", () => {
  const harness = new GuardHarness();
  harness.bob(arpFrame(BOB, "10.0.0.51"));
  harness.lan(leaseFrame(ALICE, "10.0.0.51"));
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.51")), undefined);
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.51")), "address-taken");
});

Deno.test("offers, and leases that come from a player, count for nothing", () => {
  const harness = new GuardHarness();
  harness.bob(arpFrame(BOB, "10.0.0.51"));
  harness.lan(leaseFrame(ALICE, "10.0.0.51", { type: 2 }));
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.51")), "address-taken");
  harness.alice(leaseFrame(ALICE, "10.0.0.51"));
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.51")), "address-taken");
});

Deno.test("a station's lease that is seen here does not keep the LAN from changing its card", () => {
  const harness = new GuardHarness();
  harness.lan(leaseFrame(ROUTER, "10.0.0.80"));
  assertEquals(harness.lan(arpFrame(SPARE, "10.0.0.80")), undefined);
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.80")), "address-taken");
});

//= PROTOCOL.md 12
//# A lease holds until it ends, silent or not, but 24 h at most, and a client's own address as long
//# as its adapter has it.
Deno.test("a lease is kept until it ends, however silent its owner is, and a day at most", () => {
  const hourMs = 60 * ADDRESS_AGE_MS;
  for (
    const [seconds, keptMs] of [
      [7200, 2 * hourMs],
      [0xffff_ffff, LEASE_KEPT_MAX_MS],
      [1, ADDRESS_AGE_MS],
      [undefined, ADDRESS_AGE_MS],
    ] as const
  ) {
    const harness = new GuardHarness();
    harness.lan(leaseFrame(ALICE, "10.0.0.51", seconds === undefined ? {} : { seconds }));
    harness.alice(arpFrame(ALICE, "10.0.0.51"));
    harness.nowMs += keptMs;
    assertEquals(harness.bob(arpFrame(BOB, "10.0.0.51")), "address-taken", `${seconds}`);
    harness.nowMs += 1;
    assertEquals(harness.bob(arpFrame(BOB, "10.0.0.51")), undefined, `${seconds}`);
  }
  const six = new GuardHarness();
  six.lan(leaseFrameV6(ALICE, "fd00::51", 7200));
  six.nowMs += 2 * hourMs;
  assertEquals(six.bob(advertisement(BOB, "fd00::51")), "address-taken");
  six.nowMs += 1;
  assertEquals(six.bob(advertisement(BOB, "fd00::51")), undefined);
  // Another lease, the player's own release, and a departure end it sooner.
  const leased = () => {
    const harness = new GuardHarness();
    harness.lan(leaseFrame(ALICE, "10.0.0.51", { seconds: 7200 }));
    harness.nowMs += hourMs;
    assertEquals(harness.bob(arpFrame(BOB, "10.0.0.51")), "address-taken");
    return harness;
  };
  const [given, left] = [leased(), leased()];
  given.lan(leaseFrame(BOB, "10.0.0.51", { seconds: 60 }));
  assertEquals(given.bob(arpFrame(BOB, "10.0.0.51")), undefined);
  left.guard.handlePeerLeft(ALICE_ID);
  assertEquals(left.bob(arpFrame(BOB, "10.0.0.51")), undefined);
});

Deno.test("this PC's own address is its own as long as the adapter has it, however silent it is", () => {
  for (const [says, address] of [[arpFrame, "10.0.0.9"], [advertisement, "fd00::9"]] as const) {
    const harness = new GuardHarness();
    harness.guard.handleJoined(ALICE_ID);
    harness.own = [address];
    harness.alice(says(ALICE, address));
    harness.nowMs += 1000 * ADDRESS_AGE_MS;
    assertEquals(harness.bob(says(BOB, address)), "address-taken");
    assertEquals(harness.lan(says(SPARE, address)), undefined, "a station of the LAN is heard");
    harness.alice(says(ALICE, address));
    harness.nowMs += ADDRESS_AGE_MS + 1;
    harness.own = [];
    assertEquals(harness.bob(says(BOB, address)), undefined, "the adapter has it no more");
  }
});

Deno.test("DHCPv6 leases count like those of DHCP", () => {
  const harness = new GuardHarness();
  harness.bob(advertisement(BOB, "fd00::51"));
  harness.lan(leaseFrameV6(ALICE, "fd00::51", 0));
  assertEquals(harness.alice(advertisement(ALICE, "fd00::51")), "address-taken", "taken back");
  harness.lan(leaseFrameV6(ALICE, "fd00::51"));
  assertEquals(harness.alice(advertisement(ALICE, "fd00::51")), undefined);
  assertEquals(harness.bob(advertisement(BOB, "fd00::51")), "address-taken");
});

Deno.test("who gives a lease back has it no more", () => {
  const harness = new GuardHarness();
  harness.lan(leaseFrame(ALICE, "10.0.0.51"));
  harness.alice(arpFrame(ALICE, "10.0.0.51"));
  const release = leaseFrame(ALICE, "0.0.0.0", { type: 7 });
  // Client to server: op 1, ports 68 and 67, the address in ciaddr; from Alice's MAC.
  release.set([0x02, 0, 0, 0, 0, 0x51], 6);
  release.set([0, 68, 0, 67], 34);
  release.set([10, 0, 0, 51], 42 + 12);
  assertEquals(harness.bob(release), undefined, "said by another");
  assertEquals(harness.alice(release), undefined);
  assertEquals(harness.lan(arpFrame(SPARE, "10.0.0.51")), undefined);
});

//= PROTOCOL.md 12
//# The LAN's routers and servers are those of players' leases and of router advertisements, each
//# for 24 h after it was heard of.
Deno.test("the LAN's router and DHCP server are nobody else's, however silent they are", () => {
  const harness = new GuardHarness();
  const routers = ["10.0.0.1", "10.0.0.254"];
  harness.lan(leaseFrame(ALICE, "10.0.0.51", { server: "10.0.0.2", routers }));
  harness.lan(routerAnnounces(ROUTER, "fe80::1"));
  harness.nowMs += 100 * ADDRESS_AGE_MS;
  for (const address of [...routers, "10.0.0.2"]) {
    assertEquals(harness.bob(arpFrame(BOB, address)), "address-taken", address);
    assertEquals(harness.lan(arpFrame(SPARE, address)), undefined, address);
  }
  assertEquals(harness.bob(advertisement(BOB, "fe80::1")), "address-taken");
  const [event] = harness.guard.drainEvents();
  assertEquals(event.type === "addressTaken" && event.holder, "server");
  // A network that was made anew: the former router's address is a player's lease.
  harness.lan(leaseFrame(BOB, "10.0.0.1"));
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.1")), undefined);
});

Deno.test("what a lease for somebody unknown names is no server, nor is what a player has leased", () => {
  const harness = new GuardHarness();
  harness.lan(leaseFrame(SPARE, "10.0.0.80", { server: "10.0.0.9", routers: ["10.0.0.10"] }));
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.9")), undefined);
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.10")), undefined);
  harness.lan(leaseFrame(BOB, "10.0.0.52"));
  harness.lan(leaseFrame(ALICE, "10.0.0.51", { server: "10.0.0.2", routers: ["10.0.0.52"] }));
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.52")), undefined, "Bob's by lease");
});

Deno.test("servers that are heard of stay; who names many others keeps the first, and pushes none out", () => {
  const harness = new GuardHarness();
  harness.lan(leaseFrame(ALICE, "10.0.0.51", { routers: ["10.0.0.1"] }));
  harness.lan(routerAnnounces(ROUTER, "fe80::1"));
  const many = Array.from({ length: 2 * LAN_SERVERS_MAX }, (_, index) => index + 1);
  harness.lan(leaseFrame(ALICE, "10.0.0.51", { routers: many.map((last) => `10.0.1.${last}`) }));
  for (const last of many) harness.lan(routerAnnounces(SPARE, `fe80::1:${last}`));
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.1")), "address-taken");
  assertEquals(harness.bob(advertisement(BOB, "fe80::1")), "address-taken");
  assertEquals(harness.bob(arpFrame(BOB, `10.0.1.${many.length}`)), undefined);
  // A lease, an advertisement or a word of their own within a day keeps them.
  for (let days = 0; days < 3; days++) {
    harness.nowMs += LAN_SERVER_AGE_MS;
    harness.lan(arpFrame(ROUTER, "10.0.0.1"));
    harness.lan(routerAnnounces(ROUTER, "fe80::1"));
  }
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.1")), "address-taken");
  assertEquals(harness.bob(advertisement(BOB, "fe80::1")), "address-taken");
  harness.nowMs += LAN_SERVER_AGE_MS + 1;
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.1")), undefined);
  // The places of the aged are free for the LAN's next servers.
  harness.lan(leaseFrame(ALICE, "10.0.0.51", { routers: ["10.0.0.7"] }));
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.7")), "address-taken");
});

Deno.test("a player who comes back under another peer id keeps the address; who has left does not", () => {
  const harness = new GuardHarness();
  harness.bob(arpFrame(BOB, "10.0.0.9"));
  assertEquals(harness.judge(arpFrame(BOB, "10.0.0.9"), 77), undefined);
  harness.guard.handlePeerLeft(BOB_ID);
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.9")), "address-taken");
  harness.guard.handlePeerLeft(asPeerId(77));
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.9")), undefined);
});

Deno.test("in another session the players are others, and the LAN is the same", () => {
  const harness = new GuardHarness();
  harness.bob(arpFrame(BOB, "10.0.0.9"));
  harness.lan(arpFrame(ROUTER, "10.0.0.1"));
  harness.guard.handleJoined(asPeerId(9));
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.9")), undefined);
  assertEquals(harness.alice(arpFrame(ALICE, "10.0.0.1")), "address-taken");
});

Deno.test("this PC's own address is no other player's, and a station of the LAN is heard", () => {
  const harness = new GuardHarness();
  harness.guard.handleJoined(ALICE_ID);
  harness.bob(arpFrame(BOB, "10.0.0.9"));
  harness.alice(arpFrame(ALICE, "10.0.0.9"));
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.9")), "address-taken", "said first, to no avail");
  assertEquals(harness.lan(arpFrame(SPARE, "10.0.0.9")), undefined);
});

Deno.test("one address in two VLANs is two addresses; a priority tag makes no difference", () => {
  const harness = new GuardHarness();
  harness.lan(arpFrame(ROUTER, "10.0.0.1"));
  const tagged = (id: number) => arpFrame(ALICE, "10.0.0.1", { tags: [{ id, priority: 3 }] });
  assertEquals(harness.alice(tagged(7)), undefined);
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.1", { tags: [{ id: 7 }] })), "address-taken");
  assertEquals(harness.alice(tagged(0)), "address-taken");
});

Deno.test("addresses that no station has are not kept for anybody", () => {
  const harness = new GuardHarness();
  for (const address of ["255.255.255.255", "224.0.0.1", "127.0.0.1"]) {
    harness.lan(arpFrame(ROUTER, address));
    assertEquals(harness.alice(arpFrame(ALICE, address)), undefined, address);
  }
});

//= PROTOCOL.md 12
//# One player has 16 addresses at most (`too-many-addresses`).
Deno.test("a player has 16 addresses at most; old ones make room for new ones", () => {
  const harness = new GuardHarness();
  const address = (index: number) => `10.1.${index >> 8}.${index & 0xff}`;
  for (let index = 0; index < ADDRESSES_PER_PLAYER_MAX; index++) {
    assertEquals(harness.alice(arpFrame(ALICE, address(index))), undefined);
  }
  assertEquals(harness.alice(arpFrame(ALICE, address(100))), "too-many-addresses");
  assertEquals(harness.alice(arpFrame(ALICE, address(3))), undefined, "one of its own");
  assertEquals(harness.bob(arpFrame(BOB, address(100))), undefined, "nobody else's loss");
  assertEquals(harness.guard.drainEvents(), [{ type: "tooManyAddresses", owner: ALICE_ID }]);
  harness.nowMs += ADDRESS_AGE_MS + 1;
  assertEquals(harness.alice(arpFrame(ALICE, address(101))), undefined);
});

Deno.test("a full table lets newcomers pass, says so, and keeps router, leases and LAN", () => {
  const harness = new GuardHarness();
  harness.lan(leaseFrame(ALICE, "10.0.0.51", { routers: ["10.0.0.1"] }));
  harness.lan(arpFrame(ROUTER, "10.0.0.77"));
  const players = 2 * ADDRESSES_MAX / ADDRESSES_PER_PLAYER_MAX;
  for (let player = 0; player < players; player++) {
    const mac = `02:00:00:01:${(player >> 8).toString(16).padStart(2, "0")}:${
      (player & 0xff).toString(16).padStart(2, "0")
    }`;
    for (let index = 0; index < ADDRESSES_PER_PLAYER_MAX; index++) {
      const frame = arpFrame(mac, `10.${100 + (player >> 8)}.${player & 0xff}.${index}`);
      assertEquals(harness.judge(frame, 1000 + player), undefined);
    }
  }
  const full = harness.guard.drainEvents().filter(({ type }) => type === "addressesFull");
  assertEquals(full.length, 1);
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.51")), "address-taken");
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.77")), "address-taken");
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.1")), "address-taken");
  // A station of the LAN that speaks now is taken in, in the place of a player's.
  harness.lan(arpFrame(SPARE, "10.0.0.78"));
  assertEquals(harness.bob(arpFrame(BOB, "10.0.0.78")), "address-taken");
});

Deno.test("of the same claimant is spoken once a minute, and of 16 in all", () => {
  const harness = new GuardHarness();
  harness.lan(arpFrame(ROUTER, "10.0.0.1"));
  const attack = () => {
    for (let round = 0; round < 100; round++) {
      harness.alice(arpFrame(ALICE, "10.0.0.1"));
      harness.nowMs += 10;
    }
  };
  attack();
  assertEquals(harness.guard.drainEvents().length, 1);
  harness.nowMs += NEIGHBOUR_EVENT_INTERVAL_MS;
  harness.lan(arpFrame(ROUTER, "10.0.0.1"));
  attack();
  assertEquals(harness.guard.drainEvents().length, 1);
  harness.nowMs += NEIGHBOUR_EVENT_INTERVAL_MS;
  harness.lan(arpFrame(ROUTER, "10.0.0.1"));
  for (let owner = 100; owner < 200; owner++) harness.judge(arpFrame(ALICE, "10.0.0.1"), owner);
  assert(harness.guard.drainEvents().length <= 16);
});
