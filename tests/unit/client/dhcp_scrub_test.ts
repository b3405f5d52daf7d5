import { assertEquals, assertNotEquals } from "@std/assert";
import { DHCP_OPTIONS } from "../../../src/client/dhcp_options.ts";
import { DhcpScrubber, ScrubResult } from "../../../src/client/dhcp_scrub.ts";
import { LanNetworks } from "../../../src/client/lan_networks.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import {
  checksumIn,
  type Option,
  optionField,
  type Reply,
  replyFrame,
  udpChecksum,
} from "./dhcp_frames.ts";
import { scrubFrame } from "./scrubbed.ts";

const ETHERNET_BYTES = 14;
const MESSAGE_AT = ETHERNET_BYTES + 28;
const SNAME_AT = MESSAGE_AT + 44;
const FILE_AT = MESSAGE_AT + 108;
const OPTIONS_AT = MESSAGE_AT + 240;

const OFFER: Option = [53, 2];
const SERVER: Option = [54, 10, 77, 0, 1];
const LEASE: Option = [51, 0, 0, 14, 16];
const MASK: Option = [1, 255, 255, 255, 0];
const ROUTER: Option = [3, 10, 77, 0, 1];
const NAMES: Option = [6, 10, 77, 0, 1, 10, 77, 0, 2];
const STATIC: Option = [33, 10, 0, 0, 0, 10, 77, 0, 1];
const CLASSLESS: Option = [121, 0, 10, 77, 0, 1];
const CLASSLESS_MS: Option = [249, 0, 10, 77, 0, 1];
const PROXY: Option = [252, 104, 116, 116, 112];
const UNWANTED = [ROUTER, NAMES, STATIC, CLASSLESS, CLASSLESS_MS, PROXY];

function scrub(frame: Uint8Array, scrubber = new DhcpScrubber(new LanNetworks())) {
  return scrubFrame(frame, scrubber);
}

/** That a reply comes out as another one, byte for byte. */
function assertScrubbed(before: Reply, after: Reply): void {
  const { result, frame } = scrub(replyFrame(before));
  assertEquals(result, ScrubResult.scrubbed);
  assertEquals(frame, replyFrame(after));
}

function assertDropped(frame: Uint8Array, expected: number): void {
  const { result, frame: after } = scrub(frame);
  assertEquals(result, expected);
  assertEquals(after, frame);
}

//= PROTOCOL.md 12
//# **DHCP.** Of DHCP replies (IPv4 UDP to port 68) a client leaves only what a LAN needs, whatever
//# the relay filters.
//= PROTOCOL.md 12
//# The options 1, 28, 51, 52, 53, 54, 58, 59, 61 and 80 stay, and where the user lets the LAN's
//# default route in also 3, 6, 15, 33, 119, 121 and 249;
//# [LAN-ANSWERS.md](../../docs/LAN-ANSWERS.md) has the reasons.
Deno.test("of all 254 options those pass that a LAN needs", () => {
  const passing = DHCP_OPTIONS.filter(({ passes }) => passes === "always").map(({ code }) => code);
  assertEquals(passing, [1, 28, 51, 52, 53, 54, 58, 59, 61, 80]);
  for (let code = 1; code < 255; code++) {
    if (passing.includes(code)) continue;
    assertScrubbed({ options: [OFFER, [code, 1, 2, 3, 4], MASK] }, { options: [OFFER, MASK] });
  }
});

for (const option of UNWANTED) {
  Deno.test(`option ${option[0]} is taken out wherever it stands`, () => {
    assertScrubbed({ options: [option, OFFER, SERVER] }, { options: [OFFER, SERVER] });
    assertScrubbed({ options: [OFFER, option, SERVER] }, { options: [OFFER, SERVER] });
    assertScrubbed({ options: [OFFER, SERVER, option] }, { options: [OFFER, SERVER] });
  });
}

//= PROTOCOL.md 12
//# The options that stay move together, pads (0) among them as well; behind them come an end option
//# and zeros, up to the end of the field.
Deno.test("all of them go at once, the others stay in their order", () => {
  assertScrubbed({
    options: [OFFER, ROUTER, SERVER, NAMES, STATIC, LEASE, CLASSLESS, CLASSLESS_MS, MASK, PROXY],
  }, { options: [OFFER, SERVER, LEASE, MASK] });
});

Deno.test("long options in several parts (RFC 3396) go in all their parts", () => {
  assertScrubbed({ options: [CLASSLESS, OFFER, CLASSLESS, SERVER, CLASSLESS] }, {
    options: [OFFER, SERVER],
  });
});

Deno.test("an option without a value goes, too", () => {
  assertScrubbed({ options: [OFFER, [3], SERVER] }, { options: [OFFER, SERVER] });
});

Deno.test("a field that held nothing else is left with its end", () => {
  const { frame } = scrub(replyFrame({ options: [OFFER, [52, 1]], file: [ROUTER] }));
  assertEquals(frame.subarray(FILE_AT, FILE_AT + 7), Uint8Array.of(255, 0, 0, 0, 0, 0, 0));
});

Deno.test("padding between the options that stay is kept, what followed the end is cleared", () => {
  const frame = replyFrame({ options: [OFFER, [0], ROUTER, [0], SERVER], optionsBytes: 30 });
  frame.fill(0x77, frame.length - 8);
  const packet = frame.subarray(ETHERNET_BYTES);
  const checksum = udpChecksum(packet);
  packet.set([checksum >> 8, checksum & 255], 26);
  const { frame: after } = scrub(frame);
  assertEquals(
    [...after.subarray(OPTIONS_AT)],
    optionField([OFFER, [0], [0], SERVER], 30),
  );
  assertEquals(checksumIn(after.subarray(ETHERNET_BYTES)), udpChecksum(after.subarray(14)));
});

//= PROTOCOL.md 12
//# All others are taken out, also where option 52 says that they go on in the fields `file` and
//# `sname`.
Deno.test("options behind overload are taken out of the file, the name, or both", () => {
  const from = [ROUTER, MASK, NAMES];
  const to = [MASK];
  assertScrubbed({ options: [OFFER, [52, 1]], file: from, snameText: "\u0003\u0004host" }, {
    options: [OFFER, [52, 1]],
    file: to,
  });
  assertScrubbed({ options: [OFFER, [52, 2]], sname: from, fileText: "\u0003\u0004boot" }, {
    options: [OFFER, [52, 2]],
    sname: to,
  });
  assertScrubbed({ options: [[52, 3], OFFER, ROUTER], file: from, sname: [PROXY, LEASE] }, {
    options: [[52, 3], OFFER],
    file: to,
    sname: [LEASE],
  });
});

//= PROTOCOL.md 12
//# `siaddr`, `giaddr`, and of `file` and `sname` what holds no options are cleared.
Deno.test("what a computer is started from is cleared, and the relay agent's address", () => {
  const text = "\u0003\u0004\u0001\u0002\u0003\u0004";
  for (
    const boot of [
      { fileText: text },
      { snameText: text },
      { serverAddress: [8, 8, 8, 8] },
      { relayAddress: [8, 8, 8, 8] },
    ]
  ) {
    assertScrubbed({ options: [OFFER, MASK], ...boot }, { options: [OFFER, MASK] });
  }
});

Deno.test("only fields that change are touched", () => {
  assertScrubbed({ options: [OFFER, ROUTER, [52, 1]], file: [MASK, [0], LEASE] }, {
    options: [OFFER, [52, 1]],
    file: [MASK, [0], LEASE],
  });
});

Deno.test("a reply without such options is not changed by a byte", () => {
  const frame = replyFrame({ options: [OFFER, SERVER, LEASE, MASK] });
  frame.fill(0x77, frame.length - 8);
  assertDropped(frame, ScrubResult.clean);
});

Deno.test("lengths and the IP header stay, and padding behind the packet does", () => {
  const before = replyFrame({ options: [OFFER, ROUTER], trailer: 9 });
  const { frame: after } = scrub(before);
  assertEquals(after.length, before.length);
  assertEquals(after.subarray(0, ETHERNET_BYTES + 26), before.subarray(0, ETHERNET_BYTES + 26));
  assertEquals(after.subarray(-9), before.subarray(-9));
});

//= PROTOCOL.md 12
//# The message keeps its length; the UDP checksum is corrected, and one of 0 stays 0.
Deno.test("the UDP checksum is right again, for options fields of even and odd length", () => {
  for (const optionsBytes of [60, 61, 75, 312, 1150]) {
    const { result, frame } = scrub(
      replyFrame({ options: [OFFER, ROUTER, NAMES, SERVER], optionsBytes }),
    );
    assertEquals(result, ScrubResult.scrubbed);
    const packet = frame.subarray(ETHERNET_BYTES);
    assertEquals(checksumIn(packet), udpChecksum(packet), `${optionsBytes}`);
  }
});

//= PROTOCOL.md 12
//# The message keeps its length; the UDP checksum is corrected, and one of 0 stays 0.
Deno.test("a UDP checksum of zero stays zero", () => {
  const { frame } = scrub(replyFrame({ options: [OFFER, ROUTER], checksum: "zero" }));
  assertEquals(checksumIn(frame.subarray(ETHERNET_BYTES)), 0);
  assertEquals(frame, replyFrame({ options: [OFFER], checksum: "zero" }));
});

Deno.test("a checksum that comes out as zero is sent as FFFF (RFC 768)", () => {
  // One value that stays is chosen so that the scrubbed message's sum is all ones.
  let found = 0;
  for (let value = 0; value < 0x10000; value++) {
    const options: Option[] = [ROUTER, OFFER, [61, value >> 8, value & 255]];
    const after = replyFrame({ options: options.slice(1), optionsBytes: 40 });
    if (checksumIn(after.subarray(ETHERNET_BYTES)) !== 0xffff) continue;
    assertEquals(scrub(replyFrame({ options, optionsBytes: 40 })).frame, after);
    found++;
  }
  assertEquals(found, 1);
});

Deno.test("a message that arrived damaged stays recognisably damaged", () => {
  const { result, frame } = scrub(replyFrame({ options: [OFFER, ROUTER], checksum: "wrong" }));
  assertEquals(result, ScrubResult.scrubbed);
  const packet = frame.subarray(ETHERNET_BYTES);
  assertNotEquals(checksumIn(packet), udpChecksum(packet));
});

Deno.test("replies behind VLAN tags, SNAP and IPv4 options are scrubbed like any other", () => {
  const ways: Partial<Reply>[] = [
    { encapsulation: "810000050800" },
    { encapsulation: "88a80005810000070800" },
    { encapsulation: "0178aaaa030000000800" },
    { ipOptions: "01010101" },
    { ipOptions: "94040000" + "01".repeat(36) },
  ];
  for (const way of ways) {
    assertScrubbed({ ...way, options: [ROUTER, OFFER] }, { ...way, options: [OFFER] });
  }
});

Deno.test("unicast replies are scrubbed as broadcasts are", () => {
  const destination = "020000000051";
  assertScrubbed({ destination, options: [ROUTER, OFFER] }, { destination, options: [OFFER] });
});

Deno.test("a reply from any port is a reply: clients look at the port it goes to", () => {
  const frame = replyFrame({ options: [ROUTER, OFFER], checksum: "zero" });
  frame[MESSAGE_AT - 7] = 99;
  assertEquals(scrub(frame).result, ScrubResult.scrubbed);
});

Deno.test("what goes elsewhere is left alone: requests, other ports, TCP, IPv6", () => {
  const request = replyFrame({ options: [ROUTER] });
  request[MESSAGE_AT - 5] = 67;
  const tcp = replyFrame({ options: [ROUTER] });
  tcp[ETHERNET_BYTES + 9] = 6;
  const notIp = replyFrame({ options: [ROUTER] });
  notIp[12] = 0x88;
  for (const frame of [request, tcp, notIp]) assertDropped(frame, ScrubResult.other);
  const ipv6 = Uint8Array.fromHex(
    "0200000000510200000000018" + "6dd" + "6000000000081140" + "00".repeat(32) + "00430044" +
      "00080000",
  );
  assertDropped(ipv6, ScrubResult.other);
});

//= PROTOCOL.md 12
//# in IP fragments, or whose UDP length does not end where the IP packet ends, or beyond the frame;
//# whose first byte is not 2; whose bytes 236 to 239 are not 63 82 53 63;
Deno.test("a reply in IP fragments cannot be scrubbed", () => {
  const first = replyFrame({ options: [ROUTER] });
  first[ETHERNET_BYTES + 6] = 0x20;
  assertDropped(first, ScrubResult.fragment);
  const tagged = replyFrame({ options: [ROUTER], encapsulation: "810000050800" });
  tagged[ETHERNET_BYTES + 4 + 6] = 0x20;
  assertDropped(tagged, ScrubResult.fragment);
  // A later fragment shows no ports; without its first one it is nothing.
  const later = replyFrame({ options: [ROUTER] });
  later[ETHERNET_BYTES + 7] = 40;
  assertDropped(later, ScrubResult.other);
});

//= PROTOCOL.md 12
//# in IP fragments, or whose UDP length does not end where the IP packet ends, or beyond the frame;
//# whose first byte is not 2; whose bytes 236 to 239 are not 63 82 53 63;
//= PROTOCOL.md 12
//# where 1, 28, 51, 54, 58 or 59 has not 4 bytes, 52 or 53 not one, 80 any, or one of these is
//# there twice; where 52 is not 1, 2 or 3; where 51, 58 or 59 is below 10 seconds; where 54 begins
//# with 0, 127, or 224 and above;
//= PROTOCOL.md 12
//# with a mask of zero, or one with holes; whose address or network is not the LAN's to give: the
//# network (without option 1 it is that of the class:
Deno.test("what is no well-formed reply but goes to the client's port is dropped", () => {
  const changed = (change: (frame: Uint8Array) => void) => {
    const frame = replyFrame({ options: [OFFER, ROUTER] });
    change(frame);
    return frame;
  };
  const wrong: Record<string, Uint8Array> = {
    "a request to port 68": changed((frame) => frame[MESSAGE_AT] = 1),
    "no magic cookie": changed((frame) => frame[OPTIONS_AT - 1] = 0),
    "UDP longer than IP": changed((frame) => frame[MESSAGE_AT - 3]++),
    "UDP shorter than IP": changed((frame) => frame[MESSAGE_AT - 3]--),
    "IP longer than the frame": changed((frame) => {
      frame[ETHERNET_BYTES + 3]++;
      frame[MESSAGE_AT - 3]++;
    }),
    "IP length 0": changed((frame) => frame[ETHERNET_BYTES + 2] = frame[ETHERNET_BYTES + 3] = 0),
    "an option beyond the end": replyFrame({
      options: [OFFER, [61, ...new Array(95).fill(0)]],
      noEnd: true,
    }).with(OPTIONS_AT + 4, 96),
    "an option without a length": replyFrame({
      options: [OFFER, [61, ...new Array(94).fill(0)], [0]],
      noEnd: true,
    }).with(OPTIONS_AT + 99, 61),
    "no message type": replyFrame({ options: [MASK, SERVER] }),
    "a message type that no client gets": replyFrame({ options: [[53, 9], MASK] }),
    "two message types": replyFrame({ options: [OFFER, OFFER] }),
    "two masks": replyFrame({ options: [OFFER, MASK, MASK] }),
    "a mask in two parts": replyFrame({ options: [OFFER, [1, 255, 255], [1, 255, 0]] }),
    "a second mask in the file": replyFrame({ options: [OFFER, [52, 1], MASK], file: [MASK] }),
    "a mask with holes": replyFrame({ options: [OFFER, [1, 255, 0, 255, 0]] }),
    "a mask of zero": replyFrame({ options: [OFFER, [1, 0, 0, 0, 0]] }),
    "a server that is a group": replyFrame({ options: [OFFER, MASK, [54, 224, 0, 0, 1]] }),
    "a server that is everybody": replyFrame({ options: [OFFER, MASK, [54, 255, 255, 255, 255]] }),
    "a server that is nobody": replyFrame({ options: [OFFER, MASK, [54, 0, 0, 0, 0]] }),
    "a server that is this PC": replyFrame({ options: [OFFER, MASK, [54, 127, 0, 0, 1]] }),
    "a lease of nothing": replyFrame({ options: [OFFER, MASK, [51, 0, 0, 0, 0]] }),
    "a lease of nine seconds": replyFrame({ options: [OFFER, MASK, [51, 0, 0, 0, 9]] }),
    "a renewal at once": replyFrame({ options: [OFFER, MASK, LEASE, [58, 0, 0, 0, 1]] }),
    "a rebinding at once": replyFrame({ options: [OFFER, MASK, LEASE, [59, 0, 0, 0, 0]] }),
    "an offer without an address": replyFrame({ options: [OFFER], yourAddress: [0, 0, 0, 0] }),
    "an answer to nothing": replyFrame({ options: [[53, 5]], yourAddress: [0, 0, 0, 0] }),
    "a refusal with an address": replyFrame({ options: [[53, 6]] }),
    "overload 0": replyFrame({ options: [OFFER, [52, 0]] }),
    "overload 4": replyFrame({ options: [OFFER, [52, 4]] }),
    "overload of two bytes": replyFrame({ options: [OFFER, [52, 1, 1]] }),
    "overload without a value": replyFrame({ options: [OFFER, [52]] }),
    "overload twice": replyFrame({ options: [OFFER, [52, 1], [52, 1]], file: [MASK] }),
    "overload in the file": replyFrame({
      options: [OFFER, [52, 1]],
      file: [[52, 2]],
      sname: [ROUTER],
    }),
    "an option beyond the end of the file": replyFrame({ options: [OFFER, [52, 1]] })
      .with(FILE_AT, 3).with(FILE_AT + 1, 127),
    "an option beyond the end of the name": replyFrame({ options: [OFFER, [52, 2]] })
      .with(SNAME_AT, 3).with(SNAME_AT + 1, 63),
  };
  for (const [name, frame] of Object.entries(wrong)) {
    const { result, frame: after } = scrub(frame);
    assertEquals(result, ScrubResult.malformed, name);
    assertEquals(after, frame, name);
  }
});

Deno.test("an option that ends with the memory is no different from one that ends with the field", () => {
  const frame = replyFrame({ options: [[0], [0], ROUTER], noEnd: true, optionsBytes: 9 })
    .with(OPTIONS_AT + 8, 3);
  const dissection = new Dissection();
  dissect(frame, 0, frame.length, dissection);
  const result = new DhcpScrubber(new LanNetworks()).scrub(frame, 0, frame.length, dissection);
  assertEquals(result, ScrubResult.malformed);
});

Deno.test("a message of less than a cookie is dropped, at every length", () => {
  for (let bytes = 0; bytes < 240; bytes += 1) {
    const frame = replyFrame({ options: [] }).slice(0, MESSAGE_AT + bytes);
    new DataView(frame.buffer).setUint16(ETHERNET_BYTES + 2, 28 + bytes);
    new DataView(frame.buffer).setUint16(MESSAGE_AT - 4, 8 + bytes);
    assertEquals(scrub(frame).result, ScrubResult.malformed, `${bytes}`);
  }
});

Deno.test("a frame cut at any length is dropped, or was none yet", () => {
  const whole = replyFrame({ options: [OFFER, ROUTER], optionsBytes: 20 });
  for (let length = 0; length < whole.length; length++) {
    const { result } = scrub(whole.slice(0, length));
    const visible = length >= MESSAGE_AT - 4;
    assertEquals(result, visible ? ScrubResult.malformed : ScrubResult.other, `${length}`);
  }
});

Deno.test("a field that ends with its last option needs no end option", () => {
  const value = new Array(91).fill(7);
  const options: Option[] = [OFFER, ROUTER, [61, ...value.slice(0, 89)]];
  const frame = replyFrame({ options, optionsBytes: 3 + 6 + 91, noEnd: true });
  const { result, frame: after } = scrub(frame);
  assertEquals(result, ScrubResult.scrubbed);
  assertEquals([...after.subarray(OPTIONS_AT)], optionField([options[0], options[2]], 100));
  assertDropped(
    replyFrame({ options: [OFFER, [61, ...value]], optionsBytes: 96, noEnd: true }),
    ScrubResult.clean,
  );
});

Deno.test("who allows the LAN's default route gets routes and names, and not its MTU or proxy", () => {
  const allowing = new DhcpScrubber(new LanNetworks([], true), true);
  const wider = [ROUTER, NAMES, STATIC, CLASSLESS, CLASSLESS_MS, [15, 97], [
    119,
    1,
    97,
    0,
  ]] as const;
  const allowed = replyFrame({ options: [OFFER, ...wider] });
  assertEquals(scrub(allowed, allowing), { result: ScrubResult.clean, frame: allowed });
  const { result, frame } = scrub(
    replyFrame({ options: [OFFER, [26, 35, 40], ROUTER, PROXY] }),
    allowing,
  );
  assertEquals(result, ScrubResult.scrubbed);
  assertEquals(frame, replyFrame({ options: [OFFER, ROUTER] }));
});

Deno.test("which options were taken out is told, of the last reply only", () => {
  const scrubber = new DhcpScrubber(new LanNetworks());
  const dissection = new Dissection();
  const removedFrom = (reply: Reply) => {
    const frame = replyFrame(reply);
    dissect(frame, 0, frame.length, dissection);
    scrubber.scrub(frame, 0, frame.length, dissection);
    return scrubber.removedOptions();
  };
  assertEquals(removedFrom({ options: [PROXY, OFFER, [52, 1]], file: [ROUTER] }), [3, 252]);
  assertEquals(removedFrom({ options: [OFFER, NAMES] }), [6]);
  assertEquals(removedFrom({ options: [OFFER] }), []);
});

Deno.test("a refusal passes without its text", () => {
  const yourAddress = [0, 0, 0, 0];
  assertScrubbed({ options: [[53, 6], SERVER, [56, 110, 111]], yourAddress }, {
    options: [[53, 6], SERVER],
    yourAddress,
  });
});
