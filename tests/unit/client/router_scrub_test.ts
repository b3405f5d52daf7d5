import { assertEquals } from "@std/assert";
import { ROUTER_OPTIONS } from "../../../src/client/dhcp_options.ts";
import { ScrubResult } from "../../../src/client/dhcp_scrub.ts";
import { LanNetworks, NetworkVerdict } from "../../../src/client/lan_networks.ts";
import { RouterScrubber } from "../../../src/client/router_scrub.ts";
import { ip6 } from "../../../tools/lab/frame_bytes.ts";
import { type Bytes, fragmentHeader, join, optionsHeader, u32 } from "../../../tools/lab/frames.ts";
import {
  type Advertisement,
  advertisementFrame,
  dhcpv6Frame,
  ndOption,
  paddedTo,
  prefixOption,
} from "./ipv6_frames.ts";
import { scrubFrame } from "./scrubbed.ts";

const MAC = ndOption(1, [0x52, 0x54, 0, 0, 0, 1]);
const PREFIX = prefixOption("fd77::/64");
const FOREIGN = prefixOption("2001:db8:bad::/64");
const MTU = ndOption(5, [0, 0, 0, 0, 0x23, 0x28]);
const NAMES = ndOption(25, join([0, 0], u32(1800), ip6("fe80::bad")));
const ROUTE = ndOption(24, join([0, 8], u32(1800), ip6("::")));
/** All that a router can say of itself. */
const LOUD = { hopLimit: 1, flags: 0xff, lifetime: 1800, times: 77 };
/** What is left of it. */
const QUIET = { flags: 0xc0 };

function scrub(frame: Bytes, scrubber = new RouterScrubber(new LanNetworks())) {
  return scrubFrame(frame, scrubber);
}

/** That an advertisement comes out as another one, byte for byte, with its checksum and its length. */
function assertScrubbed(before: Advertisement, after: Advertisement, own?: RouterScrubber): void {
  const { result, frame } = scrub(advertisementFrame(before), own);
  assertEquals(result, ScrubResult.scrubbed);
  assertEquals(frame, paddedTo(advertisementFrame(after), frame.length));
}

function assertUntouched(frame: Bytes, expected: number, name = ""): void {
  const { result, frame: after } = scrub(frame);
  assertEquals(result, expected, name);
  assertEquals(after, frame, name);
}

//= PROTOCOL.md 12
//# Then they come without router: hop limit, router lifetime, the two times and all flags but M and
//# O become 0.
Deno.test("a router is none: no lifetime, no preference, no limits and times of its own", () => {
  assertScrubbed({ ...LOUD, options: [MAC, PREFIX] }, { ...QUIET, options: [MAC, PREFIX] });
  assertScrubbed(LOUD, QUIET);
});

Deno.test("of all options of routers those pass that a LAN needs", () => {
  const passing = ROUTER_OPTIONS.filter(({ passes }) => passes === "always").map((o) => o.code);
  assertEquals(passing, [1, 3]);
  for (let type = 0; type < 256; type++) {
    if (passing.includes(type)) continue;
    const option = ndOption(type, new Uint8Array(14).fill(9));
    assertScrubbed({ ...LOUD, options: [MAC, option, PREFIX] }, {
      ...QUIET,
      options: [MAC, PREFIX],
    });
  }
});

//= PROTOCOL.md 12
//# The options 1 and 3 stay, of 3 those whose prefix is the LAN's to give: of fc00::/7, with at
//# least 48 bits.
Deno.test("prefixes that may be the LAN's pass, the others go and are named", () => {
  const scrubber = new RouterScrubber(new LanNetworks());
  assertScrubbed({ options: [PREFIX, FOREIGN, MAC] }, { options: [PREFIX, MAC] }, scrubber);
  assertEquals([scrubber.verdict, scrubber.prefixBits], [NetworkVerdict.foreign, 64]);
  assertEquals(scrubber.prefix, ip6("2001:db8:bad::"));
  assertScrubbed({ options: [PREFIX] }, { options: [PREFIX] }, scrubber);
  assertEquals(scrubber.verdict, NetworkVerdict.good);
  for (
    const text of [
      "::/0",
      "fc00::/7",
      "fd77::/32",
      "2000::/3",
      "fe80::/64",
      "ff00::/8",
      "fd77::/129",
    ]
  ) {
    assertScrubbed({ options: [prefixOption(text)] }, { options: [] });
  }
  const allowing = new RouterScrubber(
    new LanNetworks([{ address: ip6("2001:db8::"), prefixBits: 32 }]),
  );
  assertScrubbed({ options: [FOREIGN] }, { options: [FOREIGN] }, allowing);
});

Deno.test("of a prefix's flags those of the link and of addresses stay", () => {
  assertScrubbed({ options: [prefixOption("fd77::/64", 0xff)] }, { options: [PREFIX] });
  assertScrubbed({ options: [prefixOption("fd77::/64", 0)] }, {
    options: [prefixOption("fd77::/64", 0)],
  });
});

Deno.test("a prefix option of another length goes", () => {
  assertScrubbed({ options: [ndOption(3, new Uint8Array(38))] }, { options: [] });
});

//= PROTOCOL.md 12
//# Where the user lets the LAN's default route in, lifetime and preference stay, the options 24, 25
//# and 31, and prefixes of others.
Deno.test("who allows the LAN's default route gets routers, routes and names, and no MTU", () => {
  const allowing = new RouterScrubber(new LanNetworks([], true), true);
  const kept = [MAC, ROUTE, NAMES, FOREIGN];
  assertScrubbed({ ...LOUD, options: [MTU, ...kept] }, {
    flags: 0xd8,
    lifetime: 1800,
    options: kept,
  }, allowing);
  assertScrubbed({ options: [prefixOption("::/0")] }, { options: [] }, allowing);
});

Deno.test("advertisements behind tags and extension headers are scrubbed, and padding stays", () => {
  const ways = [
    { tags: [{ id: 5 }] },
    { chain: (next: number, upper: Bytes) => [0, join(optionsHeader(next), upper)] as const },
    {
      chain: (next: number, upper: Bytes) =>
        [44, join(fragmentHeader(next, 0, false), upper)] as const,
    },
  ];
  for (const way of ways) {
    for (const trailerBytes of [0, 5]) {
      const all = { ...way, trailerBytes };
      assertScrubbed({ ...all, ...LOUD, options: [NAMES, PREFIX] }, {
        ...all,
        ...QUIET,
        options: [PREFIX],
      });
    }
  }
});

//= PROTOCOL.md 12
//# **Router advertisements** (ICMPv6, type 134) reach the TAP only where the user wants them,
//# whole, with code 0, the IPv6 hop limit 255, and options that fill them.
Deno.test("what is no well-formed advertisement is dropped", () => {
  const wrong: Record<string, Bytes> = {
    "from behind a router": advertisementFrame({ ...LOUD, packetHopLimit: 64 }),
    "of another code": advertisementFrame({ ...LOUD, code: 1 }),
    "an option without a length": advertisementFrame({ options: [MAC.with(1, 0)] }),
    "an option beyond the end": advertisementFrame({ options: [MAC.with(1, 2)] }),
    "half an option": advertisementFrame({ options: [Uint8Array.of(1, 1, 0, 0)] }),
    "a jumbogram": advertisementFrame(LOUD).with(18, 0).with(19, 0),
    "a packet longer than the frame": advertisementFrame(LOUD).with(19, 60),
  };
  for (const [name, frame] of Object.entries(wrong)) {
    assertUntouched(frame, ScrubResult.malformed, name);
  }
  const whole = advertisementFrame(LOUD);
  for (let length = 54 + 4; length < whole.length; length++) {
    assertUntouched(whole.slice(0, length), ScrubResult.malformed, `${length}`);
  }
});

Deno.test("an advertisement in fragments cannot be scrubbed, and all else is none", () => {
  const chain = (next: number, upper: Bytes) =>
    [44, join(fragmentHeader(next, 0, true), upper)] as const;
  assertUntouched(advertisementFrame({ ...LOUD, chain }), ScrubResult.fragment);
  assertUntouched(dhcpv6Frame({ options: [] }), ScrubResult.other);
  assertUntouched(advertisementFrame(LOUD).with(54, 135), ScrubResult.other);
});
