import { assertEquals } from "@std/assert";
import { CAM_REFRESH_SPACING_MS } from "../../../src/gateway/cam_refresh.ts";
import { GsoType, type LanFrame, VIRTIO_NEEDS_CHECKSUM } from "../../../src/offload/lan_frame.ts";
import type { DropReason } from "../../../src/observe/drops.ts";
import { asPeerId } from "../../../src/proto/brands.ts";
import { BROADCAST, frameOf, GatewayHarness, OTHER, PLAYER, STATION } from "./harness.ts";
import { makeFrame, superFrame } from "../offload/packets.ts";
import { hex, join, pattern, toHex } from "../proto/frames.ts";

const HTTPS = "01bb";

//= PROTOCOL.md 12
//# **From the LAN** a gateway takes only: broadcast, multicast (but not rule 7's), and frames to
//# the MACs of clients in the room.
Deno.test("broadcast, multicast and what is for a player enter the tunnel as they are", () => {
  for (const destination of [BROADCAST, "33:33:00:00:00:01", "01:00:5e:00:00:fb", PLAYER]) {
    for (const length of [14, 60, 1000, 1435]) {
      const harness = GatewayHarness.joined();
      const frame = frameOf(destination, STATION, length);
      harness.fromLan(frame);
      assertEquals(harness.tunnel(), [toHex(frame)], `${destination} ${length}`);
      harness.fromLanInSlot(frame);
      assertEquals(harness.tunnel(), [toHex(frame)], `${destination} ${length} in a slot`);
      assertEquals(harness.drops(), {});
    }
  }
});

//= PROTOCOL.md 12
//# **From the LAN** a gateway takes only: broadcast, multicast (but not rule 7's), and frames to
//# the MACs of clients in the room.
Deno.test("what no player should get stays on the LAN, each kind under its own name", () => {
  const cases: [DropReason, Uint8Array, Partial<LanFrame>?][] = [
    ["not-for-tunnel", frameOf("00:11:22:33:44:66", STATION)],
    ["not-for-tunnel", frameOf(OTHER, STATION)],
    ["not-for-tunnel", frameOf("00:11:22:33:44:66", PLAYER)],
    ["switch-control", frameOf("01:80:c2:00:00:00", STATION)],
    ["switch-control", frameOf("01:80:c2:00:00:0f", STATION)],
    ["switch-control", frameOf("01:00:0c:cc:cc:cc", STATION)],
    ["switch-control", frameOf("01:00:0c:cc:cc:cd", STATION)],
    ["lan-loop", frameOf(BROADCAST, PLAYER)],
    ["lan-loop", frameOf(PLAYER, PLAYER)],
    ["multicast-source", frameOf(BROADCAST, "01:00:5e:00:00:01")],
    ["multicast-source", frameOf(PLAYER, BROADCAST)],
    ["zero-source", frameOf(BROADCAST, "00:00:00:00:00:00")],
    ["short-frame", frameOf(BROADCAST, STATION, 14).slice(0, 13)],
    ["short-frame", new Uint8Array(0)],
    ["jumbo", frameOf(BROADCAST, STATION, 1523)],
    ["jumbo", frameOf(BROADCAST, STATION, 1519), { vlanTpid: 0x8100, vlanTci: 5 }],
    ["bad-offload", frameOf(PLAYER, STATION), { virtioFlags: 1, checksumStart: 59 }],
    ["bad-offload", frameOf(PLAYER, STATION), { gsoType: GsoType.tcp4, segmentBytes: 10 }],
    ["unsupported-offload", frameOf(PLAYER, STATION), { gsoType: GsoType.udpFragments }],
  ];
  for (const [reason, frame, changes] of cases) {
    for (const way of ["fromLan", "fromLanInSlot"] as const) {
      const harness = GatewayHarness.joined();
      harness[way](frame, changes);
      assertEquals(harness.tunnel(), [], `${reason} ${way}`);
      assertEquals(harness.drops(), { [reason]: 1 }, `${reason} ${way}`);
    }
  }
});

Deno.test("multicast beside the switches' own is no switch control", () => {
  for (const destination of ["01:80:c2:00:00:10", "01:80:c2:00:01:00", "01:00:0c:cc:cc:ce"]) {
    const harness = GatewayHarness.joined();
    harness.fromLan(frameOf(destination, STATION));
    assertEquals(harness.tunnel().length, 1, destination);
  }
});

Deno.test("nothing crosses before the room is joined, nor after it is left", () => {
  const harness = new GatewayHarness();
  harness.path.open(1439);
  harness.fromLan(frameOf(BROADCAST, STATION));
  harness.fromTunnel(frameOf(BROADCAST, PLAYER));
  harness.core.handleJoined("PARTY", asPeerId(9), harness.nowMs);
  harness.core.handlePeerJoined(
    { peerId: asPeerId(1), role: "client", mac: PLAYER },
    harness.nowMs,
  );
  harness.core.handleLeft(harness.nowMs);
  harness.fromLanInSlot(frameOf(PLAYER, STATION));
  harness.fromTunnel(frameOf(BROADCAST, PLAYER));
  harness.core.handleTimer(harness.nowMs);
  assertEquals(harness.tunnel(), []);
  assertEquals(harness.lan, []);
  assertEquals(harness.drops(), { "not-joined": 4 });
  assertEquals(harness.core.nextDeadlineMs(), Infinity);
});

Deno.test("a 1500-byte frame crosses in pieces, with the tag that the kernel had taken out", () => {
  const harness = GatewayHarness.joined();
  harness.fromLan(frameOf(PLAYER, STATION, 1514, "0800"), { vlanTpid: 0x8100, vlanTci: 5 });
  assertEquals(harness.path.queue.queuedEntries, 2);
  assertEquals(harness.counters.framesSplit, 1);
  assertEquals(harness.counters.bytesSent, 1518);
});

//= PROTOCOL.md 12
//# VLAN tags stay.
Deno.test("a stripped VLAN tag is back in its place, from the device's memory and from a slot", () => {
  const frame = frameOf(PLAYER, STATION, 100, "86dd");
  const tagged = toHex(frame).slice(0, 24) + "88a8e123" + toHex(frame).slice(24);
  const tag = { vlanTpid: 0x88a8, vlanTci: 0xe123 };
  for (const way of ["fromLan", "fromLanInSlot"] as const) {
    const harness = GatewayHarness.joined();
    harness[way](frame, tag);
    assertEquals(harness.tunnel(), [tagged], way);
  }
});

//= PROTOCOL.md 12
//# Frames whose checksum or segmentation the system left to the network card are finished first;
//# what is longer than 1522 bytes then is dropped.
Deno.test("unfinished checksums are finished on the way, from the device's memory and from a slot", () => {
  const packet = { ipVersion: 4, protocol: "udp", payload: [1, 2, 3] } as const;
  const finished = makeFrame(packet);
  const frame = finished.slice();
  // The pseudo-header's sum: 10.0.0.1, 10.0.0.81, UDP, 11 bytes.
  frame.set([0x14, 0x6e], 40);
  const changes = { virtioFlags: VIRTIO_NEEDS_CHECKSUM, checksumStart: 34, checksumOffset: 6 };
  for (const way of ["fromLan", "fromLanInSlot"] as const) {
    const harness = GatewayHarness.joined();
    harness[way](frame, changes);
    assertEquals(harness.tunnel(), [toHex(finished)], way);
  }
});

Deno.test("a super-frame for a player is cut into frames of the tunnel", () => {
  const payload = [...pattern(6000)];
  const frame = superFrame({ ipVersion: 4, protocol: "tcp", payload }, 1380);
  const harness = GatewayHarness.joined();
  harness.fromLan(frame.bytes, frame);
  const frames = harness.tunnel();
  assertEquals(frames.length, 5);
  assertEquals(frames.map((text) => text.slice(2 * 54)).join(""), toHex(Uint8Array.from(payload)));
  assertEquals(harness.drops(), {});
});

Deno.test("when the buffers run out in a super-frame, its rest is counted and nothing is lost", () => {
  const payload = [...pattern(6000)];
  const frame = superFrame({ ipVersion: 4, protocol: "tcp", payload }, 600);
  const harness = GatewayHarness.joined({ slots: 4 });
  harness.fromLan(frame.bytes, frame);
  const { "no-buffer": missing = 0, "queue-overflow": overflown = 0 } = harness.drops();
  assertEquals(harness.tunnel().length + missing + overflown, 10);
  harness.fromLan(frameOf(BROADCAST, STATION));
  assertEquals(harness.tunnel().length, 1);
});

/** An IP packet to or from a relay, UDP unless told otherwise, addressed to a player's MAC. */
function relayPacket(fields: {
  source?: string;
  destination?: string;
  ports?: string;
  protocol?: string;
  fragment?: string;
}): Uint8Array<ArrayBuffer> {
  const source = fields.source ?? "0a000001";
  const destination = fields.destination ?? "c6336407";
  const v6 = source.length === 32;
  const ports = fields.ports ?? `c350${HTTPS}`;
  const { protocol = "11", fragment = "0000" } = fields;
  const ip = v6
    ? `60000000 0010 ${protocol} 40 ${source} ${destination}`
    : `45000024 0001 ${fragment} 40 ${protocol} 0000 ${source} ${destination}`;
  return join(
    hex((PLAYER + STATION).replaceAll(":", "") + (v6 ? "86dd" : "0800") + ip.replaceAll(" ", "")),
    hex(`${ports} 0010 0000 0102030405060708`),
  );
}

const V6_RELAY = "20010db8000000000000000000000007";
const V6_SELF = "20010db8000000000000000000000001";

Deno.test("what the relay's machine says beside the connection enters the tunnel: a game server may run there", () => {
  const others = [
    relayPacket({ source: "c6336407", destination: "0a000001", ports: `6987${HTTPS}` }),
    relayPacket({
      source: "c6336407",
      destination: "0a000001",
      ports: "aaaabbbb",
      fragment: "0010",
    }),
    relayPacket({ source: "c6336407", destination: "0a000001", ports: `${HTTPS}c351` }),
  ];
  for (const frame of others) {
    const harness = GatewayHarness.joined();
    harness.core.ownTraffic.setRelay("198.51.100.7", 443);
    harness.core.ownTraffic.setLocalPort(0xc350);
    harness.fromLan(frame);
    assertEquals([harness.tunnel(), harness.drops()], [[toHex(frame)], {}]);
  }
});

//= PROTOCOL.md 12
//# Never a frame whose source MAC is a client's, and never a packet of its own connection to the
//# relay, in either direction: on a promiscuous port the tunnel would feed on itself.
Deno.test("no packet of the gateway's own connection enters the tunnel", () => {
  const own: [string, string, Uint8Array][] = [
    ["to the relay", "198.51.100.7", relayPacket({})],
    [
      "from the relay",
      "198.51.100.7",
      relayPacket({ source: "c6336407", destination: "0a000001", ports: `${HTTPS}c350` }),
    ],
    ["a mapped address", "::ffff:198.51.100.7", relayPacket({})],
    ["IPv6", "2001:db8::7", relayPacket({ source: V6_SELF, destination: V6_RELAY })],
    [
      "IPv6, from the relay",
      "2001:db8::7",
      relayPacket({ source: V6_RELAY, destination: V6_SELF, ports: `${HTTPS}c350` }),
    ],
  ];
  for (const [name, address, frame] of own) {
    for (const tag of [{}, { vlanTpid: 0x8100, vlanTci: 5 }]) {
      const harness = GatewayHarness.joined();
      harness.core.ownTraffic.setRelay(address, 443);
      harness.fromLan(frame, tag);
      assertEquals(harness.tunnel(), [], name);
      assertEquals(harness.drops(), { "own-traffic": 1 }, name);
    }
    const tagged = join(frame.slice(0, 12), hex("88a80009 81000005"), frame.slice(12));
    const harness = GatewayHarness.joined();
    harness.core.ownTraffic.setRelay(address, 443);
    harness.fromLanInSlot(tagged);
    assertEquals(harness.tunnel(), [], `${name}, tagged twice`);
    harness.core.ownTraffic.clear();
    harness.fromLanInSlot(tagged);
    assertEquals(harness.tunnel(), [toHex(tagged)], `${name}, the connection gone`);
  }
});

Deno.test("others' packets to the relay's address, port or over TCP are none of its own", () => {
  const others: [string, Uint8Array][] = [
    ["another port", relayPacket({ ports: "c35001bc" })],
    ["another address", relayPacket({ destination: "c6336408" })],
    ["TCP", relayPacket({ protocol: "06" })],
    ["the port at the wrong side", relayPacket({ ports: `${HTTPS}c350` })],
    ["IPv6", relayPacket({ source: V6_SELF, destination: V6_RELAY })],
  ];
  for (const [name, frame] of others) {
    const harness = GatewayHarness.joined();
    harness.core.ownTraffic.setRelay("198.51.100.7", 443);
    harness.fromLan(frame);
    assertEquals(harness.tunnel(), [toHex(frame)], name);
  }
});

Deno.test("a super-frame of the own connection is dropped whole", () => {
  const frame = superFrame({ ipVersion: 4, protocol: "udp", payload: [...pattern(3000)] }, 1200);
  const harness = GatewayHarness.joined();
  harness.core.ownTraffic.setRelay("10.0.0.81", 5001);
  harness.fromLan(frame.bytes, frame);
  assertEquals(harness.tunnel(), []);
  assertEquals(harness.drops(), { "own-traffic": 1 });
});

Deno.test("what a player sends reaches the LAN, short frames padded with zeros", () => {
  for (const length of [14, 15, 42, 59, 60, 61, 1435]) {
    const harness = GatewayHarness.joined();
    const frame = frameOf(STATION, PLAYER, length);
    harness.fromTunnel(frame);
    const padding = "00".repeat(Math.max(0, 60 - length));
    assertEquals(harness.lan, [toHex(frame) + padding], `${length}`);
    assertEquals(harness.drops(), {});
  }
  const harness = GatewayHarness.joined();
  harness.fromTunnel(frameOf(STATION, PLAYER, 50));
  harness.fromTunnel(frameOf(STATION, PLAYER, 20));
  assertEquals(harness.lan[1], toHex(frameOf(STATION, PLAYER, 20)) + "00".repeat(40));
});

Deno.test("what no player should have sent does not reach the LAN", () => {
  const cases: [DropReason, Uint8Array, number?][] = [
    ["foreign-source", frameOf(BROADCAST, OTHER)],
    ["foreign-source", frameOf(BROADCAST, STATION)],
    ["foreign-source", frameOf(BROADCAST, PLAYER), 0],
    ["foreign-source", frameOf(BROADCAST, PLAYER), 9],
    ["foreign-source", frameOf(BROADCAST, STATION), 2],
    ["multicast-source", frameOf(BROADCAST, "03:00:00:00:00:51")],
    ["zero-source", frameOf(BROADCAST, "00:00:00:00:00:00")],
    ["switch-control", frameOf("01:80:c2:00:00:02", PLAYER)],
    ["over-long", frameOf(BROADCAST, PLAYER, 1523)],
  ];
  for (const [reason, frame, peerId] of cases) {
    const harness = GatewayHarness.joined();
    harness.fromTunnel(frame, peerId);
    assertEquals(harness.lan, [], reason);
    assertEquals(harness.drops(), { [reason]: 1 }, reason);
  }
});

//= PROTOCOL.md 8
//# Receivers accept any source peer id, also one that they do not know: a datagram may outrun its
//# `peerJoined`.
Deno.test("a frame that outran its peerJoined is let through, one after peerLeft is not", () => {
  const harness = GatewayHarness.joined();
  harness.fromTunnel(frameOf(STATION, OTHER), 2);
  assertEquals(harness.lan.length, 1);
  harness.nowMs += 6000;
  harness.core.handleTimer(harness.nowMs);
  harness.fromTunnel(frameOf(STATION, OTHER), 2);
  assertEquals(harness.drops(), { "foreign-source": 1 });
  harness.core.handlePeerJoined({ peerId: asPeerId(2), role: "client", mac: OTHER }, 8000);
  harness.fromTunnel(frameOf(STATION, OTHER), 2);
  harness.core.handlePeerLeft(asPeerId(2), 9000);
  harness.fromTunnel(frameOf(STATION, OTHER), 2);
  assertEquals(harness.lan.filter((frame) => !frame.includes("88b5")).length, 2);
  assertEquals(harness.drops(), { "foreign-source": 2 });
});

Deno.test("a LAN that takes no frame is counted", () => {
  const harness = GatewayHarness.joined();
  harness.lanWorks = false;
  harness.fromTunnel(frameOf(STATION, PLAYER));
  harness.nowMs += CAM_REFRESH_SPACING_MS;
  harness.core.handleLanUp(harness.nowMs);
  harness.core.handleTimer(harness.nowMs);
  // The frame, a refresh, and a probe.
  assertEquals(harness.drops(), { "lan-send-failed": 3 });
});

/** The type of a refresh and what follows it: "lanparty". */
const REFRESH_MARK = "88b56c616e7061727479";

/** The refreshes that were made until a time, by the last byte of their MAC. */
function refreshes(harness: GatewayHarness, untilMs: number): string[] {
  for (let turns = 0; turns < 1000; turns++) {
    const deadlineMs = harness.core.nextDeadlineMs();
    if (deadlineMs > untilMs) break;
    harness.core.handleTimer(deadlineMs);
    harness.tunnel();
  }
  harness.core.handleTimer(untilMs);
  const frames = harness.lan.splice(0).filter((frame) => frame.includes(REFRESH_MARK));
  harness.tunnel();
  return frames.map((frame) => frame.slice(22, 24));
}

//= PROTOCOL.md 12
//# **Teaching switches.** When a client joins, when the gateway's own session begins anew, and each
//# 60 s from then on, the gateway puts this frame on the LAN, so that switches learn where the
//# client is.
Deno.test("players are refreshed at join, each minute and after a reconnect, not after they left", () => {
  const harness = GatewayHarness.joined();
  harness.core.handlePeerJoined({ peerId: asPeerId(2), role: "client", mac: OTHER }, 2000);
  harness.core.handlePeerJoined({ peerId: asPeerId(3), role: "gateway" }, 2000);
  assertEquals(refreshes(harness, 2000), ["52"]);
  assertEquals(refreshes(harness, 70_000), ["51", "52"]);
  harness.core.handlePeerLeft(asPeerId(2), 70_000);
  assertEquals(refreshes(harness, 130_000), ["51"]);
  harness.core.handleLeft(130_000);
  assertEquals(refreshes(harness, 300_000), []);
  harness.core.handleJoined("PARTY", asPeerId(30), 300_000);
  harness.core.handlePeerJoined({ peerId: asPeerId(31), role: "client", mac: PLAYER }, 300_000);
  assertEquals(refreshes(harness, 300_000), ["51"]);
  harness.core.handleLanUp(310_000);
  assertEquals(refreshes(harness, 310_000), ["51"]);
  assertEquals(harness.core.camRefreshes, 7);
});

Deno.test("a session that is replaced is one player, refreshed as one", () => {
  const harness = GatewayHarness.joined();
  harness.core.handlePeerJoined({ peerId: asPeerId(2), role: "client", mac: PLAYER }, 2000);
  harness.core.handlePeerLeft(asPeerId(1), 2000);
  assertEquals(harness.core.players, 1);
  assertEquals(refreshes(harness, 2000), ["51"]);
  assertEquals(refreshes(harness, 62_000), ["51"]);
  harness.fromLan(frameOf(PLAYER, STATION));
  assertEquals(harness.tunnel().length, 1);
});

Deno.test("a player's own untagged broadcast puts its refresh off; other traffic does not", () => {
  const cases: [string, Uint8Array, string[]][] = [
    ["broadcast", frameOf(BROADCAST, PLAYER), []],
    ["multicast", frameOf("01:00:5e:00:00:fb", PLAYER), ["51"]],
    ["unicast", frameOf(STATION, PLAYER), ["51"]],
    ["in a VLAN", frameOf(BROADCAST, PLAYER, 64, "810000050806"), ["51"]],
    ["of somebody else", frameOf(BROADCAST, OTHER), ["51"]],
  ];
  for (const [name, frame, expected] of cases) {
    const harness = GatewayHarness.joined();
    harness.nowMs = 31_000;
    harness.core.handleTimer(harness.nowMs);
    harness.fromTunnel(frame);
    assertEquals(refreshes(harness, 80_000), expected, name);
  }
});

Deno.test("players beyond the bound, and MACs that are none, are refused, and the others served", () => {
  const harness = GatewayHarness.joined({ playersMax: 1 });
  const join = (mac: string | undefined) =>
    harness.core.handlePeerJoined(
      { peerId: asPeerId(2), role: "client", ...(mac === undefined ? {} : { mac }) },
      2000,
    );
  assertEquals([join(OTHER), join("nonsense"), join(undefined)], [false, false, false]);
  harness.fromLan(frameOf(PLAYER, STATION));
  harness.fromLan(frameOf(OTHER, STATION));
  assertEquals(harness.tunnel().length, 1);
  assertEquals(harness.core.players, 1);
});

Deno.test("the frame log tells of each frame once, with its reason", () => {
  const harness = GatewayHarness.joined({ log: true });
  harness.core.ownTraffic.setRelay("198.51.100.7", 443);
  harness.fromLan(frameOf(BROADCAST, STATION, 64, "810000050806"));
  harness.fromLan(frameOf("00:11:22:33:44:66", STATION));
  harness.fromLanInSlot(relayPacket({}));
  harness.fromTunnel(frameOf(STATION, PLAYER, 42));
  harness.fromTunnel(frameOf(STATION, OTHER), 1);
  harness.tunnel();
  const told = harness.records.map((record) => [
    record.direction,
    record.peer,
    record.etherType,
    record.lengthBytes,
    record.action,
    record.dropReason ?? "",
    record.targets,
  ]);
  assertEquals(told, [
    ["from-link", 0, 0x0806, 64, "forward", "", 1],
    ["from-link", 0, 0x0806, 60, "drop", "not-for-tunnel", 0],
    ["from-link", 0, 0x0800, 50, "drop", "own-traffic", 0],
    ["from-tunnel", 1, 0x0806, 60, "forward", "", 1],
    ["from-tunnel", 1, 0x0806, 60, "drop", "foreign-source", 0],
  ]);
  assertEquals(new Set(harness.records.map(({ room }) => room)), new Set(["PARTY"]));
});

Deno.test("router advertisements of the LAN enter the tunnel only where that is allowed", () => {
  const icmp6 = (type: string) => {
    const packet = `60000000 0008 3a ff ${V6_SELF} ff020000000000000000000000000001 ${type}000000`;
    const header = hex(("33:33:00:00:00:01" + STATION).replaceAll(":", ""));
    return join(header, hex(`86dd${packet}00000000`.replaceAll(" ", "")));
  };
  const [advertisement, solicitation] = ["86", "85"].map(icmp6);
  for (const advertise of [false, true]) {
    for (const tag of [{}, { vlanTpid: 0x8100, vlanTci: 5 }]) {
      const harness = GatewayHarness.joined({ advertise });
      harness.fromLan(advertisement, tag);
      assertEquals(harness.tunnel().length, advertise ? 1 : 0);
      assertEquals(harness.drops(), advertise ? {} : { "router-advertisement": 1 });
      harness.fromLan(solicitation, tag);
      assertEquals(harness.tunnel().length, 1);
    }
  }
});
