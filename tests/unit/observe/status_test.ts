import { assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { DISCONNECT_CODES, LEAVE_REASONS, REJECT_CODES } from "../../../src/control/messages.ts";
import {
  describePeer,
  describeStatus,
  DISCONNECT_ADVICE,
  REJECT_ADVICE,
  type StatusEvent,
  type StatusLevel,
  statusLine,
} from "../../../src/observe/status.ts";

const ZOE = { peerId: 2, role: "client", mac: "02:00:00:00:00:52", name: "Zoë" } as const;
const HALL = { peerId: 1, role: "gateway" } as const;
const joined = { type: "joined", room: "PARTY", peerId: 3, tapMtu: 1400 } as const;

const LINES: readonly [StatusEvent, StatusLevel, string][] = [
  [
    { type: "connecting", relay: "relay.example:443" },
    "info",
    "Connecting to the relay relay.example:443 …",
  ],
  [
    { type: "connecting", relay: "relay.example:443", attempt: 3 },
    "info",
    "Connecting to the relay relay.example:443, attempt 3 …",
  ],
  [
    { type: "connected", relay: "relay.example:443" },
    "info",
    "Connected to the relay relay.example:443.",
  ],
  [
    { ...joined, role: "client", gatewayPresent: true },
    "info",
    "Joined the room PARTY as peer 3, MTU 1400. The party's gateway is there.",
  ],
  [
    { ...joined, role: "client", gatewayPresent: false },
    "warning",
    "Joined the room PARTY as peer 3, MTU 1400. The party's gateway is not there yet.",
  ],
  [
    { ...joined, role: "gateway", gatewayPresent: false },
    "info",
    "Joined the room PARTY as peer 3, MTU 1400. Players are now in this LAN.",
  ],
  [
    { type: "adapter", name: "lanparty0", index: 7, mac: "02:00:00:00:00:51", mtu: 1400 },
    "info",
    "Network adapter lanparty0 is up: MAC 02:00:00:00:00:51, MTU 1400, index 7.",
  ],
  [
    { type: "adapterLost", name: "LAN party", why: "it was disabled" },
    "warning",
    "Network adapter LAN party is gone (it was disabled): waiting until it is back …",
  ],
  [
    { type: "adapterBack", name: "LAN party" },
    "info",
    "Network adapter LAN party is back.",
  ],
  [
    { type: "networkLost" },
    "warning",
    "This PC has no network: is the cable in, or the Wi-Fi on? Back as soon as it has one.",
  ],
  [{ type: "networkBack" }, "info", "This PC has its network again."],
  [
    { type: "sameSubnet", network: "192.168.178.0/24" },
    "warning",
    "Your network and the party's LAN have the same addresses (192.168.178.0/24). Your router and " +
    "name servers stay reachable. Other devices at home are not reached while you play: give your " +
    "home network other addresses if you need them.",
  ],
  [
    { type: "networkYielded", network: "10.8.0.0/24" },
    "warning",
    "A VPN of this PC, or a network of its containers, has the addresses of the party's LAN, too " +
    "(10.8.0.0/24), and keeps them: the party is not reached. End that while you play, or ask the host " +
    "to give the LAN other addresses.",
  ],
  [
    { type: "broadcastElsewhere", name: "Some VPN", version: "IPv4" },
    "warning",
    "Games may not find each other: broadcasts leave this PC by Some VPN. If that is a VPN, switch " +
    "it off while you play; else choose the automatic metric in its IPv4 settings.",
  ],
  [
    { type: "addresses", name: "lanparty0", addresses: ["192.168.1.77/24", "fe80::1/64"] },
    "info",
    "Network adapter lanparty0 has the address 192.168.1.77/24 and fe80::1/64.",
  ],
  [
    { type: "addresses", name: "lanparty0", addresses: [] },
    "info",
    "Network adapter lanparty0 has no address yet.",
  ],
  [
    { type: "addresses", name: "lanparty0", addresses: ["169.254.3.4/16", "fe80::1/64"] },
    "info",
    "Network adapter lanparty0 has no address of the LAN's yet, only its own (169.254.3.4/16 and fe80::1/64).",
  ],
  [
    { type: "lan", name: "eth0", index: 2, mac: "52:54:00:00:00:01", state: "up" },
    "info",
    "The LAN on eth0 is connected (MAC 52:54:00:00:00:01, index 2).",
  ],
  [
    { type: "lan", name: "eth0", index: 2, mac: "52:54:00:00:00:01", state: "no-carrier" },
    "warning",
    "The LAN on eth0 has no link: is the cable plugged in?",
  ],
  [
    { type: "loop", cause: "bridged-player", mac: "f2:02:03:04:05:06" },
    "warning",
    "Nothing is forwarded: a player's PC that is in this LAN too bridges both. Take the bridge apart; " +
    "the switches' address tables show its port: look for f2:02:03:04:05:06.",
  ],
  [
    { type: "loop", cause: "lan", mac: "f2:02:03:04:05:06" },
    "warning",
    "Nothing is forwarded: the LAN has a loop of its own, such as a cable between two ports of its " +
    "switches. The switches' address tables show the port: look for f2:02:03:04:05:06.",
  ],
  [
    { type: "loop", cause: "room", mac: "f2:02:03:04:05:06" },
    "warning",
    "Nothing is forwarded: the room leads back to this LAN by another way. Look for " +
    "f2:02:03:04:05:06 in the switches' tables.",
  ],
  [
    { type: "loop", cause: "gateway", mac: "52:54:00:00:00:02" },
    "warning",
    "Nothing is forwarded: the gateway 52:54:00:00:00:02 was on this LAN before. One LAN needs one " +
    "gateway: end one of them.",
  ],
  [
    { type: "loopOver", stoppedMs: 4200 },
    "info",
    "The loop is gone after 4 seconds: frames are forwarded again.",
  ],
  [
    { type: "loopUnproven", cause: "lan", mac: "f2:02:03:04:05:06" },
    "warning",
    "Frames are forwarded again: nothing but a probe has come back, so there is no loop, but maybe " +
    "somebody who wants to be taken for one. The switches' address tables show the port: look for " +
    "f2:02:03:04:05:06.",
  ],
  [
    { type: "loopUnproven", cause: "gateway", mac: "52:54:00:00:00:02" },
    "warning",
    "Frames are forwarded again: the gateway 52:54:00:00:00:02 is on this LAN, too, but nothing comes " +
    "back by it. One LAN needs one gateway: end one of them.",
  ],
  [
    { type: "otherGateway", mac: "52:54:00:00:00:02" },
    "warning",
    "Another gateway (52:54:00:00:00:02) is on this LAN. One LAN needs one gateway: end one of them.",
  ],
  [
    { type: "playerOnLan", peer: ZOE },
    "warning",
    "Zoë (02:00:00:00:00:52) is not served: a station of the LAN sends from the same MAC. " +
    "Is that PC in the LAN itself?",
  ],
  [
    { type: "playerOffLan", peer: ZOE },
    "info",
    "Zoë (02:00:00:00:00:52) is served again: its MAC is gone from the LAN.",
  ],
  [
    { type: "lan", name: "br0", index: 3, mac: "02:11:22:33:44:55", state: "blocked" },
    "warning",
    "The bridge br0 lets nothing through at its new port yet (spanning tree). Give it 30 seconds.",
  ],
  [
    { type: "dhcpServer", peer: ZOE },
    "warning",
    "Zoë (02:00:00:00:00:52) runs a DHCP server: its answers are dropped.",
  ],
  [
    { type: "ownDhcpServer" },
    "warning",
    "This PC hands out addresses in the party's LAN (DHCP), which is dropped: switch Internet " +
    "Connection Sharing or the DHCP server off for the party's adapter.",
  ],
  [{ type: "peerJoined", peer: ZOE }, "info", "Zoë (02:00:00:00:00:52) has joined."],
  [
    { type: "peerLeft", peer: ZOE, reason: "lost" },
    "info",
    "Zoë (02:00:00:00:00:52) has lost the connection.",
  ],
  [
    { type: "gateway", present: true },
    "info",
    "The party's gateway is there.",
  ],
  [
    { type: "retrying", reason: "The relay does not answer", delayMs: 4000 },
    "warning",
    "The relay does not answer. Trying again in 4 seconds.",
  ],
  [
    { type: "retrying", reason: "The relay restarts.", delayMs: 0 },
    "warning",
    "The relay restarts. Trying again at once.",
  ],
  [
    { type: "redirected", relay: "other.example:443" },
    "info",
    "The room is on another relay: other.example:443.",
  ],
  [
    { type: "mtu", tapMtu: 1380, beforeMtu: 1400 },
    "info",
    "The room's MTU is 1380 now (it was 1400).",
  ],
  [
    { type: "identityCreated", mac: "02:00:00:00:00:51", file: "identity.json" },
    "info",
    "This PC's MAC in parties is 02:00:00:00:00:51; it is kept in identity.json.",
  ],
  [
    {
      type: "identityRepaired",
      problem: "not-json",
      mac: "02:00:00:00:00:51",
      file: "identity.json",
    },
    "warning",
    "identity.json was damaged and was written anew: this PC's MAC in parties is 02:00:00:00:00:51.",
  ],
  [{ type: "left", room: "PARTY" }, "info", "You have left the room PARTY."],
];

Deno.test("players are told in plain words what happens", () => {
  for (const [event, level, text] of LINES) assertEquals(statusLine(event), { level, text });
});

Deno.test("DHCP is told with what was taken out of it", () => {
  const cases: [StatusEvent, string][] = [
    [
      {
        type: "dhcp",
        message: "ack",
        address: "192.168.1.77",
        server: "192.168.1.1",
        leaseSeconds: 43_200,
        removedOptions: [3, 6, 121, 249],
      },
      "DHCP server 192.168.1.1 gave the address 192.168.1.77 for 12 hours. This PC keeps its own settings: the LAN's default route, name servers and routes are not taken.",
    ],
    [
      { type: "dhcp", message: "offer", removedOptions: [] },
      "The LAN's DHCP server offers an address.",
    ],
    [
      { type: "dhcp", message: "nak", server: "192.168.1.1", removedOptions: [] },
      "DHCP server 192.168.1.1 refused the address that this PC asked for.",
    ],
  ];
  for (const [event, text] of cases) assertEquals(describeStatus(event), text);
});

Deno.test("each refusal is an error that says what to do, or a warning that says when it goes on", () => {
  const texts = new Set<string>();
  for (const code of REJECT_CODES) {
    const final = statusLine({ type: "rejected", code });
    assertEquals(final.level, "error", code);
    assertMatch(final.text, /^[A-Z].*\.$/, code);
    texts.add(final.text);
    const retried = statusLine({ type: "rejected", code, retryAfterMs: 1000 });
    assertEquals(retried, {
      level: "warning",
      text: `${final.text} Trying again in 1 second.`,
    });
  }
  assertEquals(texts.size, REJECT_CODES.length);
});

Deno.test("each end of a session and each way to leave has its own words", () => {
  const ends = DISCONNECT_CODES.map((code) => describeStatus({ type: "disconnected", code }));
  assertEquals(new Set(ends).size, DISCONNECT_CODES.length);
  for (const text of ends) assertMatch(text, /^[A-Z].*\.$/);
  const leaves = LEAVE_REASONS.map((reason) =>
    describeStatus({ type: "peerLeft", peer: ZOE, reason })
  );
  assertEquals(new Set(leaves).size, LEAVE_REASONS.length);
});

Deno.test("a room that is closed was closed by the host, or by a relay that wants everybody back", () => {
  const closed = { type: "disconnected", code: "room-closed" } as const;
  assertEquals(
    describeStatus({ ...closed, message: "The party is over" }),
    "The host has closed the room. (The party is over)",
  );
  assertMatch(
    describeStatus({ ...closed, retryAfterMs: 30_000 }),
    /^The relay has closed the room for now\. .*30 seconds/,
  );
});

Deno.test("each fault of a certificate is an error with advice", () => {
  const problems = [
    "expired",
    "not-yet-valid",
    "wrong-name",
    "untrusted",
    "wrong-fingerprint",
    "unreadable",
  ] as const;
  const texts = problems.map((problem) => {
    const event = { type: "certificateRefused", relay: "relay.example:443", problem } as const;
    const { level, text } = statusLine(event);
    assertEquals(level, "error");
    assertStringIncludes(text, "The relay relay.example:443 was refused: ");
    return text;
  });
  assertEquals(new Set(texts).size, problems.length);
  const event: StatusEvent = {
    type: "certificateRefused",
    relay: "a:443",
    problem: "wrong-name",
    detail: "it is for b.example",
  };
  assertMatch(describeStatus(event), /\(it is for b\.example\)$/);
});

Deno.test("peers are told apart by name and MAC, a gateway by its role", () => {
  assertEquals(describePeer(ZOE), "Zoë (02:00:00:00:00:52)");
  assertEquals(
    describePeer({ peerId: 2, role: "client", mac: ZOE.mac, name: "  " }),
    "A player (02:00:00:00:00:52)",
  );
  assertEquals(describePeer({ peerId: 9, role: "client" }), "A player (peer 9)");
  assertEquals(describePeer(HALL), "The party's gateway");
  assertEquals(describePeer({ ...HALL, name: "Hall" }), 'The party\'s gateway "Hall"');
});

Deno.test("what others wrote cannot leave its line", () => {
  const evil = "\u001b[2J\r\nerror: all is lost\u202e\u009b31m";
  const events: StatusEvent[] = [
    { type: "peerJoined", peer: { ...ZOE, name: evil } },
    { type: "peerLeft", peer: { ...HALL, name: evil }, reason: "bye" },
    { type: "rejected", code: "room-full", message: evil },
    { type: "disconnected", code: "kicked", message: evil },
    { type: "retrying", reason: evil, delayMs: 1 },
    { type: "redirected", relay: evil },
    { type: "certificateRefused", relay: evil, problem: "untrusted", detail: evil },
    { type: "addresses", name: evil, addresses: [evil] },
  ];
  for (const event of events) {
    assertNotMatch(describeStatus(event), /[\p{Cc}\p{Bidi_Control}]/u, event.type);
  }
});

//= PROTOCOL.md 4
//# Whoever shows such a text beside others isolates it (UAX #9) where it may run from right to
//# left.
Deno.test("what others wrote from right to left stands in an isolate of its own, with few marks", () => {
  const name = `\u2069\u202eאבג${"\u0301".repeat(40)}\u2028`;
  const shown = `\u2068אבג${"\u0301".repeat(4)}\u2069`;
  const rows: [StatusEvent, string][] = [
    [{ type: "peerJoined", peer: { ...ZOE, name } }, `${shown} (${ZOE.mac}) has joined.`],
    [{ type: "playerOnLan", peer: { ...ZOE, name } }, `${shown} (${ZOE.mac}) is not served: `],
    [{ type: "dhcpServer", peer: { ...ZOE, name } }, `${shown} (${ZOE.mac}) runs a DHCP server: `],
    [
      { type: "peerLeft", peer: { ...HALL, name }, reason: "bye" },
      `The party's gateway "${shown}" has left.`,
    ],
    [{ type: "disconnected", code: "kicked", message: name }, ` (${shown})`],
    [{ type: "retrying", reason: name, delayMs: 1 }, `${shown}. Trying again at once.`],
  ];
  for (const [event, text] of rows) assertStringIncludes(describeStatus(event), text, event.type);
});

Deno.test("long texts of others are cut", () => {
  const message = "x".repeat(10_000);
  assertEquals(describeStatus({ type: "rejected", code: "room-full", message }).length < 400, true);
});

Deno.test("times are told in the unit that suits", () => {
  const text = (delayMs: number) =>
    describeStatus({ type: "retrying", reason: "X", delayMs }).slice("X. Trying again ".length);
  const cases: [number, string][] = [
    [0, "at once."],
    [499, "at once."],
    [500, "in 1 second."],
    [1499, "in 1 second."],
    [1500, "in 2 seconds."],
    [30_000, "in 30 seconds."],
    [119_000, "in 119 seconds."],
    [120_000, "in 2 minutes."],
    [7_200_000, "in 2 hours."],
  ];
  for (const [delayMs, expected] of cases) assertEquals(text(delayMs), expected);
});

Deno.test("there is advice for each code of the protocol, and for no other", () => {
  assertEquals(Object.keys(REJECT_ADVICE).sort(), [...REJECT_CODES].sort());
  assertEquals(Object.keys(DISCONNECT_ADVICE).sort(), [...DISCONNECT_CODES].sort());
});

Deno.test("who was removed reads by whom, until when, and why", () => {
  const texts: [StatusEvent, string][] = [
    [
      {
        ...{ type: "disconnected", code: "kicked", message: "cheats" },
        removed: { by: "host", forMs: 3_600_000, until: "21:30" },
      },
      "The host has removed you from the party, until 21:30. (cheats)",
    ],
    [
      { type: "rejected", code: "removed", message: "", removed: { by: "host", forMs: 60_000 } },
      "The host has removed you from the party, for 1 minute.",
    ],
    [
      { type: "rejected", code: "removed", removed: { by: "operator" } },
      "The relay's operator has removed you, until the operator lets you in again.",
    ],
    [
      { type: "rejected", code: "removed", removed: { by: "host" } },
      "The host has removed you from the party, until the host lets you in again.",
    ],
    [
      { type: "disconnected", code: "kicked", removed: { by: "operator", forMs: 0 } },
      "The relay's operator has removed you.",
    ],
  ];
  for (const [event, text] of texts) assertEquals(describeStatus(event), text);
});
