import { assert, assertEquals } from "@std/assert";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { EtherType } from "../../../src/proto/ethernet.ts";
import {
  ethernet,
  extension,
  fragmentHeader,
  hex,
  ipv4,
  ipv6,
  join,
  MACS,
  pattern,
  u16,
  udp,
} from "./frames.ts";

/** What stands in a dissection of which nothing is known. */
const NOTHING = { ...new Dissection() };

/** Dissects `frame` with other bytes around it; offsets come out counted from the frame's start. */
function fieldsOf(frame: Uint8Array, length = frame.length, around = 0x11): Dissection {
  const bytes = join(new Uint8Array(5).fill(around), frame, new Uint8Array(64).fill(around));
  // What came out for an earlier frame must not shine through.
  const out = new Dissection();
  dissect(join(MACS, u16(0x8100), u16(7), u16(0x0800), ipv4({}, udp(1, 2))), 0, 46, out);
  dissect(bytes, 5, length, out);
  if (out.networkOffset >= 0) out.networkOffset -= 5;
  if (out.transportOffset >= 0) out.transportOffset -= 5;
  return { ...out };
}

function check(name: string, frame: Uint8Array, expected: Partial<Dissection>): void {
  assertEquals(fieldsOf(frame), { ...NOTHING, ...expected }, name);
}

const TAG = join(u16(0x8100), u16(0x2064));
const SERVICE_TAG = join(u16(0x88a8), u16(0x0005));
const SNAP = hex("aaaa03 000000");
const DHCP = udp(68, 67, 300);

function behind(...headers: Uint8Array[]): Uint8Array {
  return join(MACS, ...headers);
}

Deno.test("a plain IPv4 frame shows its ports", () => {
  check("UDP", ethernet(0x0800, ipv4({}, DHCP)), {
    etherType: 0x0800,
    networkOffset: 14,
    ipVersion: 4,
    ipProtocol: 17,
    transportOffset: 34,
    sourcePort: 68,
    destinationPort: 67,
  });
  check("TCP", ethernet(0x0800, ipv4({ protocol: 6 }, join(u16(50000), u16(443), pattern(16)))), {
    etherType: 0x0800,
    networkOffset: 14,
    ipVersion: 4,
    ipProtocol: 6,
    transportOffset: 34,
    sourcePort: 50000,
    destinationPort: 443,
  });
});

Deno.test("frames that are no IP show their type", () => {
  for (const type of [0x0806, 0x88b5, 0x88cc, 0x0600, 0xffff]) {
    check(`${type}`, ethernet(type, pattern(46)), { etherType: type, networkOffset: 14 });
  }
  check("header alone", ethernet(0x0806), { etherType: 0x0806, networkOffset: 14 });
});

Deno.test("up to two tags are seen through, of any known kind", () => {
  const inner = { ipVersion: 4, ipProtocol: 17, sourcePort: 68, destinationPort: 67 } as const;
  for (const type of [0x8100, 0x88a8, 0x9100, 0x9200]) {
    const frame = behind(u16(type), u16(100), u16(0x0800), ipv4({}, DHCP));
    const at = {
      vlanTags: 1,
      vlanIds: 100,
      etherType: 0x0800,
      networkOffset: 18,
      transportOffset: 38,
    };
    check(`${type}`, frame, { ...inner, ...at });
  }
  check("QinQ", behind(SERVICE_TAG, TAG, u16(0x0800), ipv4({}, DHCP)), {
    ...inner,
    vlanTags: 2,
    vlanIds: 0x00_5064,
    etherType: 0x0800,
    networkOffset: 22,
    transportOffset: 42,
  });
});

//= PROTOCOL.md 11.1
//# A third one: too many tags, wherever it stands.
Deno.test("a third tag is too many, wherever it stands", () => {
  const three = behind(SERVICE_TAG, TAG, TAG, u16(0x0800), ipv4({}, DHCP));
  check("three", three, { vlanTags: 2, vlanIds: 0x00_5064, tooManyTags: true });
  const length = u16(8 + DHCP.length);
  const mixed = behind(TAG, length, SNAP, TAG, TAG, u16(0x0800), ipv4({}, DHCP));
  check("around SNAP", mixed, { vlanTags: 2, vlanIds: 0x06_4064, tooManyTags: true });
});

//= PROTOCOL.md 11.1
//# There may be tags behind them, but no second SNAP.
Deno.test("SNAP is seen through, behind tags and before them, too", () => {
  const packet = ipv4({}, DHCP);
  const inner = { ipVersion: 4, ipProtocol: 17, sourcePort: 68, destinationPort: 67 } as const;
  const length = u16(8 + packet.length);
  const at22 = { ...inner, etherType: 0x0800, networkOffset: 22, transportOffset: 42 };
  check("SNAP", behind(length, SNAP, u16(0x0800), packet), at22);
  check("802.1H", behind(length, hex("aaaa030000f8"), u16(0x0800), packet), at22);
  check("group bits and poll", behind(length, hex("abab13000000"), u16(0x0800), packet), at22);
  check("length 0", behind(u16(0), SNAP, u16(0x0800), packet), at22);
  check("length 1535", behind(u16(1535), SNAP, u16(0x0800), packet), at22);
  const at26 = { ...at22, vlanTags: 1, vlanIds: 100, networkOffset: 26, transportOffset: 46 };
  check("tag, SNAP", behind(TAG, length, SNAP, u16(0x0800), packet), at26);
  check("SNAP, tag", behind(length, SNAP, TAG, u16(0x0800), packet), at26);
  const at30 = { ...at22, vlanTags: 2, vlanIds: 0x00_5064, networkOffset: 30, transportOffset: 50 };
  check("two tags, SNAP", behind(SERVICE_TAG, TAG, length, SNAP, u16(0x0800), packet), at30);
});

Deno.test("LLC that holds no type has none", () => {
  check("spanning tree", behind(u16(39), hex("424203"), pattern(40)), { networkOffset: 14 });
  check("Cisco's SNAP", behind(u16(39), hex("aaaa03 00000c 2000"), pattern(40)), {
    networkOffset: 14,
  });
  check("SNAP behind SNAP", behind(u16(46), SNAP, u16(46), SNAP, u16(0x0800), pattern(30)), {
    etherType: 46,
    networkOffset: 22,
  });
  check("information frames are no SNAP", behind(u16(46), hex("aaaa00 000000 0800"), pattern(30)), {
    networkOffset: 14,
  });
});

Deno.test("IPv4 options are skipped", () => {
  for (const words of [1, 5, 10]) {
    const frame = ethernet(0x0800, ipv4({ options: pattern(words * 4) }, udp(67, 68)));
    check(`${words} words`, frame, {
      etherType: 0x0800,
      networkOffset: 14,
      ipVersion: 4,
      ipProtocol: 17,
      transportOffset: 34 + words * 4,
      sourcePort: 67,
      destinationPort: 68,
    });
  }
});

Deno.test("IPv4 headers of wrong lengths or versions are no way to ports", () => {
  const ip = { etherType: 0x0800, networkOffset: 14 };
  for (const version of [0, 5, 6, 15]) {
    check(`version ${version}`, ethernet(0x0800, ipv4({ version }, DHCP)), ip);
  }
  for (const headerWords of [0, 1, 4]) {
    const frame = ethernet(0x0800, ipv4({ headerWords }, DHCP));
    check(`${headerWords}`, frame, { ...ip, ipVersion: 4, ipProtocol: 17, truncated: true });
  }
  const frame = ethernet(0x0800, ipv4({ headerWords: 15 }, pattern(39)));
  check("options cut", frame, { ...ip, ipVersion: 4, ipProtocol: 17, truncated: true });
});

//= PROTOCOL.md 11.1
//# The upper layer lies inside the total length (where that is shorter than the header, it is
//# ignored, and the chain does not end).
Deno.test("a total length that ends before the upper layer's header truncates it", () => {
  const ip = { etherType: 0x0800, networkOffset: 14, ipVersion: 4, ipProtocol: 17 } as const;
  const ports = { sourcePort: 67, destinationPort: 68 };
  const packet = (totalBytes: number) => ethernet(0x0800, ipv4({ totalBytes }, udp(67, 68)));
  check("20", packet(20), { ...ip, truncated: true });
  check("23", packet(23), { ...ip, truncated: true });
  check("24", packet(24), { ...ip, ...ports, truncated: true });
  check("27", packet(27), { ...ip, ...ports, truncated: true });
  check("28", packet(28), { ...ip, ...ports, transportOffset: 34 });
  check("beyond the frame", packet(1500), { ...ip, ...ports, transportOffset: 34 });
  // Shorter than its own header: no receiver takes it, but what is there is shown.
  check("19", packet(19), { ...ip, ...ports, transportOffset: 34, truncated: true });
  check("0", packet(0), { ...ip, ...ports, transportOffset: 34, truncated: true });
});

Deno.test("IPv4 fragments are told apart, and a later one has no ports", () => {
  const ip = { etherType: 0x0800, networkOffset: 14, ipVersion: 4, ipProtocol: 17 } as const;
  const seen = { transportOffset: 34, sourcePort: 68, destinationPort: 67 };
  const packet = (fragment: number) => ethernet(0x0800, ipv4({ fragment }, DHCP));
  check("do not fragment", packet(0x4000), { ...ip, ...seen });
  check("reserved bit", packet(0x8000), { ...ip, ...seen });
  check("first", packet(0x2000), { ...ip, ...seen, ipFragment: 1 });
  check("middle", packet(0x2001), { ...ip, ipFragment: 2 });
  check("last", packet(0x1fff), { ...ip, ipFragment: 2 });
  const short = ethernet(0x0800, ipv4({ fragment: 0x2000 }, udp(67, 68).slice(0, 7)));
  const ports = { sourcePort: 67, destinationPort: 68 };
  check("tiny first", short, { ...ip, ...ports, ipFragment: 1, truncated: true });
});

//= PROTOCOL.md 11.1
//# **The chain ends inside** if the upper layer's shortest header is there: TCP 20 bytes, SCTP and
//# DCCP 12, UDP and UDP-Lite 8, IGMP (in IPv4) 8, ICMP (in IPv4) and ICMPv6 (in IPv6) 4, all others
//# 0.
Deno.test("protocols with ports and ICMP are known, each with its shortest header", () => {
  for (const [protocol, headerBytes] of [[6, 20], [17, 8], [33, 12], [132, 12], [136, 8]]) {
    for (const missing of [0, 1]) {
      const payload = join(u16(1111), u16(2222), pattern(headerBytes - 4 - missing));
      const ports = { ipProtocol: protocol, sourcePort: 1111, destinationPort: 2222 };
      const v4 = { etherType: 0x0800, networkOffset: 14, ipVersion: 4, ...ports } as const;
      const v6 = { etherType: 0x86dd, networkOffset: 14, ipVersion: 6, ...ports } as const;
      const end4 = missing ? { truncated: true } : { transportOffset: 34 };
      const end6 = missing ? { truncated: true } : { transportOffset: 54 };
      check(`${protocol}`, ethernet(0x0800, ipv4({ protocol }, payload)), { ...v4, ...end4 });
      check(`${protocol}`, ethernet(0x86dd, ipv6(protocol, payload)), { ...v6, ...end6 });
    }
  }
  const icmp = hex("08 00 f7ff 00000000");
  check("ICMP", ethernet(0x0800, ipv4({ protocol: 1 }, icmp)), {
    etherType: 0x0800,
    networkOffset: 14,
    ipVersion: 4,
    ipProtocol: 1,
    transportOffset: 34,
    icmpType: 8,
  });
  check("ICMPv6 over IPv4 is none", ethernet(0x0800, ipv4({ protocol: 58 }, icmp)), {
    etherType: 0x0800,
    networkOffset: 14,
    ipVersion: 4,
    ipProtocol: 58,
    transportOffset: 34,
  });
});

const IP6 = { etherType: EtherType.ipv6, networkOffset: 14, ipVersion: 6 } as const;
const ADVERTISEMENT = hex("86 00 0000 40000000 00000000 00000000");

Deno.test("ICMPv6 shows its type", () => {
  check("router advertisement", ethernet(0x86dd, ipv6(58, ADVERTISEMENT)), {
    ...IP6,
    ipProtocol: 58,
    transportOffset: 54,
    icmpType: 134,
  });
  check("ICMP over IPv6 is none", ethernet(0x86dd, ipv6(1, ADVERTISEMENT)), {
    ...IP6,
    ipProtocol: 1,
    transportOffset: 54,
  });
  check("cut behind the type", ethernet(0x86dd, ipv6(58, hex("860000"))), {
    ...IP6,
    ipProtocol: 58,
    icmpType: 134,
    truncated: true,
  });
});

//= PROTOCOL.md 11.1
//# Extension headers 0, 43, 60, 135, 139 and 140 have (second byte + 1) · 8 bytes; 44 (fragment)
//# has 8; 51 (AH) has (second byte + 2) · 4.
Deno.test("each kind of extension header is skipped by its own length", () => {
  for (const type of [0, 43, 60, 135, 139, 140]) {
    for (const bytes of [8, 16, 264]) {
      const frame = ethernet(0x86dd, ipv6(type, join(extension(58, bytes), ADVERTISEMENT)));
      const found = { ipProtocol: 58, transportOffset: 54 + bytes, icmpType: 134 };
      check(`${type}, ${bytes} bytes`, frame, { ...IP6, ...found });
    }
  }
  // AH counts in 4 bytes, less two (RFC 4302 §2.2).
  for (const words of [1, 4, 5]) {
    const bytes = (words + 2) * 4;
    const header = join(58, words, new Uint8Array(bytes - 2));
    const frame = ethernet(0x86dd, ipv6(51, join(header, ADVERTISEMENT)));
    const found = { ipProtocol: 58, transportOffset: 54 + bytes, icmpType: 134 };
    check(`AH of ${bytes} bytes`, frame, { ...IP6, ...found });
  }
});

Deno.test("a long chain of extension headers is followed to its end", () => {
  const chain = [
    extension(60, 8),
    extension(43, 24),
    extension(44, 32),
    fragmentHeader(51, 0, false),
    join(60, 4, new Uint8Array(22)),
    ...Array.from({ length: 60 }, () => extension(60, 8)),
    extension(17, 8),
  ];
  const bytes = chain.reduce((sum, header) => sum + header.length, 0);
  const frame = ethernet(0x86dd, ipv6(0, join(...chain, udp(547, 546))));
  check("chain", frame, {
    ...IP6,
    ipProtocol: 17,
    transportOffset: 54 + bytes,
    sourcePort: 547,
    destinationPort: 546,
  });
});

Deno.test("what ends a chain is shown as the protocol", () => {
  check("nothing follows", ethernet(0x86dd, ipv6(59, hex(""))), {
    ...IP6,
    ipProtocol: 59,
    transportOffset: 54,
  });
  check("ESP", ethernet(0x86dd, ipv6(60, join(extension(50), pattern(16)))), {
    ...IP6,
    ipProtocol: 50,
    transportOffset: 62,
  });
});

Deno.test("IPv6 fragments are told apart", () => {
  const first = fragmentHeader(58, 0, true);
  const seen = { ipProtocol: 58, transportOffset: 62, icmpType: 134 };
  check("first", ethernet(0x86dd, ipv6(44, join(first, ADVERTISEMENT))), {
    ...IP6,
    ...seen,
    ipFragment: 1,
  });
  const atomic = fragmentHeader(58, 0, false);
  check("atomic", ethernet(0x86dd, ipv6(44, join(atomic, ADVERTISEMENT))), { ...IP6, ...seen });
  for (const more of [true, false]) {
    const later = fragmentHeader(58, 1, more);
    check("later", ethernet(0x86dd, ipv6(44, join(later, ADVERTISEMENT))), {
      ...IP6,
      ipProtocol: 58,
      ipFragment: 2,
    });
  }
  check(
    "later behind atomic",
    ethernet(0x86dd, ipv6(44, join(fragmentHeader(44, 0, false), fragmentHeader(58, 9, false)))),
    {
      ...IP6,
      ipProtocol: 58,
      ipFragment: 2,
    },
  );
});

Deno.test("a first fragment whose chain goes on in the next is truncated", () => {
  const first = { ...IP6, ipFragment: 1, truncated: true } as const;
  const hidden = join(fragmentHeader(60, 0, true), extension(58, 24).slice(0, 16));
  check("chain cut", ethernet(0x86dd, ipv6(44, hidden)), first);
  const missing = join(fragmentHeader(60, 0, true), extension(58, 8));
  check("upper layer missing", ethernet(0x86dd, ipv6(44, missing)), { ...first, ipProtocol: 58 });
  // What lies behind the packet's own end is padding, whatever it looks like.
  const padded = ipv6(44, join(missing, ADVERTISEMENT), { payloadBytes: 16 });
  check("padding", ethernet(0x86dd, padded), { ...first, ipProtocol: 58 });
});

Deno.test("IPv6 headers of wrong versions or lengths are no way to ports", () => {
  const type = { etherType: 0x86dd, networkOffset: 14 };
  for (const version of [0, 4, 15]) {
    check(`${version}`, ethernet(0x86dd, ipv6(58, ADVERTISEMENT, { version })), type);
  }
  // A jumbogram's length field is 0.
  check("length 0", ethernet(0x86dd, ipv6(58, ADVERTISEMENT, { payloadBytes: 0 })), {
    ...IP6,
    ipProtocol: 58,
    transportOffset: 54,
    icmpType: 134,
  });
  check("beyond the frame", ethernet(0x86dd, ipv6(58, ADVERTISEMENT, { payloadBytes: 1400 })), {
    ...IP6,
    ipProtocol: 58,
    transportOffset: 54,
    icmpType: 134,
  });
});

/** Frames with every kind of header, for the tests that cut them. */
const DEEP: [string, Uint8Array, number][] = [
  ["IPv4", ethernet(0x0800, ipv4({ options: pattern(8) }, udp(67, 68))), 50],
  ["tags", behind(SERVICE_TAG, TAG, u16(0x0800), ipv4({}, udp(67, 68))), 50],
  ["SNAP", behind(TAG, u16(40), SNAP, u16(0x0800), ipv4({}, udp(67, 68))), 54],
  [
    "IPv6",
    ethernet(
      0x86dd,
      ipv6(
        0,
        join(
          extension(44, 16),
          fragmentHeader(51, 0, true),
          join(17, 4, pattern(22)),
          udp(547, 546),
        ),
      ),
    ),
    110,
  ],
];

Deno.test("a frame cut anywhere inside its chain is truncated, one cut behind it is not", () => {
  for (const [name, frame, chainBytes] of DEEP) {
    for (let length = 0; length <= frame.length; length++) {
      const { truncated } = fieldsOf(frame.slice(0, length));
      assertEquals(truncated, length < chainBytes, `${name}, ${length} bytes`);
    }
  }
});

//= PROTOCOL.md 11.1
//# Filters must see through all of this, and must never read beyond the bytes that are there:
Deno.test("bytes behind the length given are not looked at", () => {
  for (const [name, frame] of DEEP) {
    for (let length = 0; length <= frame.length; length++) {
      const fields = fieldsOf(frame, length);
      assertEquals(fieldsOf(frame.slice(0, length), length, 0x11), fields, `${name}, ${length}`);
      assertEquals(fieldsOf(frame.slice(0, length), length, 0xff), fields, `${name}, ${length}`);
      assert(fields.transportOffset <= length);
    }
  }
});
