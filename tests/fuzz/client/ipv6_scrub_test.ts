import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ScrubResult } from "../../../src/client/dhcp_scrub.ts";
import { Dhcpv6Scrubber } from "../../../src/client/dhcpv6_scrub.ts";
import { LanNetworks } from "../../../src/client/lan_networks.ts";
import { RouterScrubber } from "../../../src/client/router_scrub.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { type Bytes, icmpv6, udp } from "../../../tools/lab/frames.ts";
import {
  addressesOption,
  advertisementFrame,
  dhcpv6Frame,
  ndOption,
  PLAYER,
  prefixOption,
  ROUTER,
  v6Option,
} from "../../unit/client/ipv6_frames.ts";

/** A number and no time: how much is tried does not depend on how busy the machine is. */
const RUNS = { numRuns: 4000 };
const MESSAGE_AT = 54;

type Scrubber = Dhcpv6Scrubber | RouterScrubber;
const dissection = new Dissection();

function scrub(scrubber: Scrubber, frame: Uint8Array): { result: number; after: Uint8Array } {
  const bytes = new Uint8Array(frame.length + 64).fill(0x3c);
  bytes.set(frame, 32);
  dissect(bytes, 32, frame.length, dissection);
  const result = scrubber.scrub(bytes, 32, frame.length, dissection);
  assert(bytes.subarray(0, 32).every((byte) => byte === 0x3c), "wrote in front of the frame");
  assert(bytes.subarray(32 + frame.length).every((byte) => byte === 0x3c), "wrote behind it");
  return { result, after: bytes.slice(32, 32 + frame.length) };
}

/** The packet's payload, as its header says. */
function payloadOf(frame: Uint8Array): Bytes {
  return frame.slice(MESSAGE_AT, MESSAGE_AT + frame[18] * 256 + frame[19]);
}

const values = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 20 });
const v6 = fc.tuple(
  fc.oneof(fc.constantFrom(1, 2, 13, 23, 24), fc.integer({ min: 15, max: 300 })),
  values,
)
  .map(([code, value]) => v6Option(code, value));
const address = fc.constantFrom("fd77::5", "fd77::6", "fdff:1::5", "2001:db8::5");
const answer = fc.record({
  type: fc.constantFrom(2, 7),
  options: fc.tuple(fc.array(v6, { maxLength: 5 }), fc.array(address, { maxLength: 3 })).map(
    ([options, addresses]) => [...options, addressesOption(addresses), ...options],
  ),
});
const nd = fc.oneof(
  fc.constantFrom("fd77::/64", "2001:db8::/64", "::/0").map((text) => prefixOption(text)),
  fc.tuple(fc.integer({ min: 0, max: 255 }), fc.constantFrom(6, 14, 22)).map(([type, bytes]) =>
    ndOption(type === 3 ? 4 : type, new Uint8Array(bytes).fill(7))
  ),
);
const advertisement = fc.record({
  hopLimit: fc.integer({ min: 0, max: 255 }),
  flags: fc.integer({ min: 0, max: 255 }),
  lifetime: fc.integer({ min: 0, max: 65_535 }),
  times: fc.integer({ min: 0, max: 70_000 }),
  options: fc.array(nd, { maxLength: 6 }),
});
const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });

/** The codes of a well-formed answer's options. */
function codesOf(message: Uint8Array): number[] {
  const codes: number[] = [];
  for (let at = 12; at < message.length; at += 4 + message[at + 2] * 256 + message[at + 3]) {
    codes.push(message[at] * 256 + message[at + 1]);
  }
  return codes;
}

function typesOf(message: Uint8Array): number[] {
  const types: number[] = [];
  for (let at = 16; at < message.length; at += 8 * message[at + 1]) types.push(message[at]);
  return types;
}

Deno.test("of every well-formed DHCPv6 answer what passes is left, with a right checksum", () => {
  const scrubber = new Dhcpv6Scrubber(new LanNetworks());
  const results = new Map<number, number>();
  fc.assert(
    fc.property(answer, (fields) => {
      const { result, after } = scrub(scrubber, dhcpv6Frame(fields));
      results.set(result, (results.get(result) ?? 0) + 1);
      if (result < 0) return;
      const message = payloadOf(after);
      assert(codesOf(message).every((code) => [1, 2, 3, 7, 13, 14].includes(code)));
      const payload = message.subarray(8);
      const again = udp({
        source: ROUTER,
        destination: PLAYER,
        sourcePort: 547,
        destinationPort: 546,
        payload,
      });
      assertEquals(message, again);
      assert(scrub(scrubber, after).result === ScrubResult.clean);
    }),
    RUNS,
  );
  const { scrubbed, clean, network } = ScrubResult;
  for (const result of [scrubbed, clean, network]) {
    assert((results.get(result) ?? 0) > 20, `too tame: ${[...results]}`);
  }
});

Deno.test("of every well-formed advertisement no router is left, and the checksum is right", () => {
  const scrubber = new RouterScrubber(new LanNetworks());
  fc.assert(
    fc.property(advertisement, (fields) => {
      const { result, after } = scrub(scrubber, advertisementFrame(fields));
      assertEquals(result, ScrubResult.scrubbed);
      const message = payloadOf(after);
      assert(typesOf(message).every((type) => type === 1 || type === 3));
      assertEquals([...message.subarray(4, 16)], [
        0,
        fields.flags & 0xc0,
        ...new Array(10).fill(0),
      ]);
      const body = message.subarray(4);
      assertEquals(message, icmpv6({ source: ROUTER, destination: PLAYER, type: 134, body }));
    }),
    RUNS,
  );
});

Deno.test("messages with bytes changed anywhere let nothing through that does not pass", () => {
  const networks = new LanNetworks();
  const scrubbers = { v6: new Dhcpv6Scrubber(networks), nd: new RouterScrubber(networks) };
  const results = new Map<string, number>();
  fc.assert(
    fc.property(answer, advertisement, changes, fc.nat(), (reply, router, changed, cut) => {
      for (
        const [kind, made] of [["v6", dhcpv6Frame(reply)], [
          "nd",
          advertisementFrame(router),
        ]] as const
      ) {
        for (const [at, value] of changed) {
          made[at % 4 === 0 ? at % made.length : MESSAGE_AT + at % (made.length - MESSAGE_AT)] =
            value;
        }
        const bytes = cut % 8 === 0 ? made.subarray(0, cut % made.length) : made;
        const { result, after } = scrub(scrubbers[kind], bytes);
        results.set(`${kind} ${result}`, (results.get(`${kind} ${result}`) ?? 0) + 1);
        if (result <= ScrubResult.clean) assertEquals(after, bytes.slice());
        if (result <= ScrubResult.other || dissection.transportOffset !== 32 + MESSAGE_AT) continue;
        const found = kind === "v6" ? codesOf(payloadOf(after)) : typesOf(payloadOf(after));
        const passing = kind === "v6" ? [1, 2, 3, 7, 13, 14] : [1, 3];
        assertEquals(found.filter((code) => !passing.includes(code)), []);
      }
    }),
    RUNS,
  );
  for (const key of ["v6 2", "v6 -2", "v6 -3", "nd 2", "nd -2"]) {
    assert((results.get(key) ?? 0) > 20, `too tame: ${[...results]}`);
  }
});
