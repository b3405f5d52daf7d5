import { assertEquals } from "@std/assert";
import { DHCPV6_OPTIONS } from "../../../src/client/dhcp_options.ts";
import { ScrubResult } from "../../../src/client/dhcp_scrub.ts";
import { Dhcpv6Scrubber } from "../../../src/client/dhcpv6_scrub.ts";
import { LanNetworks, NetworkVerdict } from "../../../src/client/lan_networks.ts";
import { ip6 } from "../../../tools/lab/frame_bytes.ts";
import { type Bytes, fragmentHeader, join, optionsHeader } from "../../../tools/lab/frames.ts";
import { addressesOption, type Dhcpv6, dhcpv6Frame, paddedTo, v6Option } from "./ipv6_frames.ts";
import { scrubFrame } from "./scrubbed.ts";

const CLIENT = v6Option(1, [0, 3, 0, 1, 2, 0, 0, 0, 0, 0x51]);
const SERVER = v6Option(2, [0, 3, 0, 1, 2, 0, 0, 0, 0, 1]);
const ADDRESS = addressesOption(["fd77::100"]);
const NAMES = v6Option(23, ip6("fe80::bad"));
const SEARCH = v6Option(24, [4, 101, 118, 105, 108, 0]);

function scrub(frame: Bytes, scrubber = new Dhcpv6Scrubber(new LanNetworks())) {
  return scrubFrame(frame, scrubber);
}

/** That an answer comes out as another one, byte for byte, with its checksum and its lengths. */
function assertScrubbed(before: Dhcpv6, after: Dhcpv6, scrubber?: Dhcpv6Scrubber): void {
  const { result, frame } = scrub(dhcpv6Frame(before), scrubber);
  assertEquals(result, ScrubResult.scrubbed);
  assertEquals(frame, paddedTo(dhcpv6Frame(after), frame.length));
}

function assertUntouched(frame: Bytes, expected: number, name = ""): void {
  const { result, frame: after } = scrub(frame);
  assertEquals(result, expected, name);
  assertEquals(after, frame, name);
}

//= PROTOCOL.md 12
//# **DHCPv6** (IPv6 UDP to port 546).
//= PROTOCOL.md 12
//# The options 1, 2, 3, 7, 13 and 14 stay, and where the user lets the LAN's default route in also
//# 23 and 24.
Deno.test("of all options of DHCPv6 those pass that a LAN needs", () => {
  const passing = DHCPV6_OPTIONS.filter(({ passes }) => passes === "always").map((o) => o.code);
  assertEquals(passing, [1, 2, 3, 7, 13, 14]);
  for (const code of [0, ...Array.from({ length: 300 }, (_, n) => n), 0x100 + 23, 0x4117, 65_535]) {
    if (passing.includes(code)) continue;
    const option = v6Option(code, [1, 2, 3]);
    assertScrubbed({ options: [CLIENT, option, SERVER] }, { options: [CLIENT, SERVER] });
  }
});

Deno.test("name servers and search lists go, wherever they stand, of odd lengths, too", () => {
  const kept = { options: [CLIENT, SERVER, ADDRESS] };
  assertScrubbed({ options: [NAMES, CLIENT, SERVER, SEARCH, ADDRESS, v6Option(17, [1])] }, kept);
  assertScrubbed({ options: [CLIENT, SERVER, ADDRESS, NAMES, NAMES] }, kept);
  assertScrubbed({ options: [NAMES] }, { options: [] });
});

Deno.test("an answer without such options is not changed by a byte", () => {
  for (const type of [2, 7]) {
    assertUntouched(dhcpv6Frame({ type, options: [CLIENT, SERVER, ADDRESS] }), ScrubResult.clean);
  }
  assertUntouched(dhcpv6Frame({ options: [] }), ScrubResult.clean);
});

//= PROTOCOL.md 12
//# What is taken out makes the message shorter; the lengths of UDP and IPv6 and the checksum
//# follow, and zeros fill the frame.
Deno.test("answers behind tags and extension headers are scrubbed, and padding stays", () => {
  const ways = [
    { tags: [{ id: 5 }] },
    { tags: [{ id: 5 }, { id: 7 }] },
    { chain: (next: number, upper: Bytes) => [0, join(optionsHeader(next), upper)] as const },
    { chain: (next: number, upper: Bytes) => [60, join(optionsHeader(next, 3), upper)] as const },
    {
      chain: (next: number, upper: Bytes) =>
        [44, join(fragmentHeader(next, 0, false), upper)] as const,
    },
  ];
  for (const way of ways) {
    assertScrubbed({ ...way, options: [NAMES, SERVER] }, { ...way, options: [SERVER] });
    const padded = { ...way, trailerBytes: 9 };
    assertScrubbed({ ...padded, options: [NAMES, SERVER] }, { ...padded, options: [SERVER] });
  }
});

Deno.test("addresses are those of a LAN: unique local, or allowed", () => {
  const good = new Dhcpv6Scrubber(
    new LanNetworks([{ address: ip6("2001:db8:7::"), prefixBits: 48 }]),
  );
  for (const addresses of [["fd77::5"], ["fd77::5", "fd78::5"], [], ["2001:db8:7::5"]]) {
    const frame = dhcpv6Frame({ options: [SERVER, addressesOption(addresses)] });
    assertEquals(scrub(frame, good), { result: ScrubResult.clean, frame });
  }
  const wrong: [string, number][] = [
    ["2001:4860:4860::8888", NetworkVerdict.foreign],
    ["fe80::5", NetworkVerdict.unusable],
    ["ff02::5", NetworkVerdict.unusable],
    ["::1", NetworkVerdict.unusable],
  ];
  for (const [text, verdict] of wrong) {
    const scrubber = new Dhcpv6Scrubber(new LanNetworks());
    const frame = dhcpv6Frame({ options: [SERVER, addressesOption([text, text]), NAMES] });
    assertEquals(scrub(frame, scrubber), { result: ScrubResult.network, frame }, text);
    assertEquals(scrubber.verdict, verdict);
    assertEquals(scrubber.refused, ip6(text));
  }
});

//= PROTOCOL.md 12
//# An address whose /64 is not in fc00::/7, by the same rules, is taken out of its option 3; an
//# answer that gives such addresses alone is dropped.
Deno.test("an address that is refused is taken out, and the others of the answer stay", () => {
  const [good, other, bad] = ["fd77::5", "fd78::5", "2001:db8:5::77"];
  const scrubber = new Dhcpv6Scrubber(new LanNetworks());
  for (const addresses of [[good, bad], [bad, good], [bad, good, bad, other]]) {
    const kept = addresses.filter((text) => text !== bad);
    assertScrubbed(
      { options: [SERVER, NAMES, addressesOption(addresses), CLIENT] },
      { options: [SERVER, addressesOption(kept), CLIENT] },
      scrubber,
    );
    assertEquals([scrubber.verdict, scrubber.refused], [NetworkVerdict.foreign, ip6(bad)]);
  }
  // Of two associations the one without an address is an answer, too.
  assertScrubbed(
    { options: [addressesOption([bad]), addressesOption([good])] },
    { options: [addressesOption([]), addressesOption([good])] },
    scrubber,
  );
  const frame = dhcpv6Frame({ options: [SERVER, addressesOption([good])] });
  assertEquals(scrub(frame, scrubber), { result: ScrubResult.clean, frame });
  assertEquals(scrubber.verdict, NetworkVerdict.good);
});

//= PROTOCOL.md 12
//# also 23 and 24.
Deno.test("who allows the LAN's default route gets its name servers, and not its clock", () => {
  const allowing = new Dhcpv6Scrubber(new LanNetworks([], true), true);
  const ntp = v6Option(56, v6Option(1, ip6("fd77::1")));
  const kept = { options: [SERVER, NAMES, SEARCH, addressesOption(["2001:db8::5"])] };
  assertScrubbed({ options: [ntp, ...kept.options] }, kept, allowing);
});

//= PROTOCOL.md 12
//# Dropped is an answer in fragments, one that is neither ADVERTISE nor REPLY (so RECONFIGURE and
//# the messages of relay agents), that has no checksum or is not well-formed.
//= PROTOCOL.md 12
//# Option 3 holds options 5 and 13 alone, and 5 option 13; T1, T2 and valid lifetimes are 0, or 10
//# seconds and more; option 7 has one byte, and 14 none.
Deno.test("what is no well-formed answer but goes to the client's port is dropped", () => {
  const other = (type: number) => dhcpv6Frame({ type, options: [SERVER] });
  const udpAt = 54;
  const changed = (at: number, value: number) =>
    dhcpv6Frame({ options: [SERVER, NAMES] }).with(at, value);
  const wrong: Record<string, Bytes> = {
    "a relay agent's, with another message in it": dhcpv6Frame({
      type: 13,
      options: [v6Option(9, [7, 1, 2, 3], NAMES)],
    }),
    "a reconfiguration": other(10),
    "a client's": other(1),
    "no type": other(0),
    "an option beyond the end": changed(udpAt + 8 + 4 + 3, 200),
    "a header without its length": dhcpv6Frame({ options: [SERVER, Uint8Array.of(0, 23, 0)] }),
    "UDP longer than IP": changed(udpAt + 5, 60),
    "IP longer than the frame": changed(19, 200),
    "a jumbogram": changed(18, 0).with(19, 0),
    "no checksum": dhcpv6Frame({ options: [SERVER], checksum: "zero" }),
    "addresses without their times": dhcpv6Frame({ options: [v6Option(3, [0, 0, 0, 7])] }),
    "an address that is cut": dhcpv6Frame({
      options: [v6Option(3, new Uint8Array(12), v6Option(5, ip6("fd77::1")))],
    }),
    "an address option beyond its IA": dhcpv6Frame({
      options: [v6Option(3, new Uint8Array(12), [0, 5, 0, 24], ip6("fd77::1"))],
    }),
    "something else among the addresses": dhcpv6Frame({
      options: [v6Option(3, new Uint8Array(12), NAMES)],
    }),
    "something else with an address": dhcpv6Frame({
      options: [
        v6Option(3, new Uint8Array(12), v6Option(5, ip6("fd77::1"), new Uint8Array(8), NAMES)),
      ],
    }),
    "an address for a second": dhcpv6Frame({ options: [addressesOption(["fd77::1"], [0, 0, 1])] }),
    "a renewal each second": dhcpv6Frame({ options: [addressesOption(["fd77::1"], [1, 2, 60])] }),
    "a preference of two bytes": dhcpv6Frame({ options: [v6Option(7, [1, 2])] }),
  };
  for (const [name, frame] of Object.entries(wrong)) {
    assertUntouched(frame, ScrubResult.malformed, name);
  }
});

Deno.test("an answer in fragments cannot be scrubbed", () => {
  const chain = (next: number, upper: Bytes) =>
    [44, join(fragmentHeader(next, 0, true), upper)] as const;
  assertUntouched(dhcpv6Frame({ chain, options: [NAMES] }), ScrubResult.fragment);
});

Deno.test("a frame cut at any length is dropped, or was none yet", () => {
  const whole = dhcpv6Frame({ options: [SERVER, NAMES] });
  for (let length = 0; length < whole.length; length++) {
    const expected = length >= 14 + 40 + 4 ? ScrubResult.malformed : ScrubResult.other;
    assertUntouched(whole.slice(0, length), expected, `${length}`);
  }
});

Deno.test("what goes elsewhere is left alone", () => {
  const request = dhcpv6Frame({ options: [NAMES] }).with(14 + 40 + 3, 0x23);
  assertUntouched(request, ScrubResult.other);
});
