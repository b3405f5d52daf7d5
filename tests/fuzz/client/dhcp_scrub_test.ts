import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DHCP_OPTIONS } from "../../../src/client/dhcp_options.ts";
import { DhcpScrubber, ScrubResult } from "../../../src/client/dhcp_scrub.ts";
import { LanNetworks } from "../../../src/client/lan_networks.ts";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { cleanReply } from "../../support/deno_dhcp.ts";
import { checksumIn, type Option, replyFrame, udpChecksum } from "../../unit/client/dhcp_frames.ts";

/** A number and no time: how much is tried does not depend on how busy the machine is. */
const RUNS = { numRuns: 4000 };

const MESSAGE_AT = 42;
const scrubber = new DhcpScrubber(new LanNetworks());
/** Those of one length are there once at most, and are put in by hand. */
const FIXED = DHCP_OPTIONS.filter(({ valueBytes }) => valueBytes !== undefined).map((o) => o.code);
const PASSING = DHCP_OPTIONS.filter(({ passes }) => passes === "always").map(({ code }) => code);
const dissection = new Dissection();

function scrub(frame: Uint8Array): { result: number; after: Uint8Array } {
  const bytes = new Uint8Array(frame.length + 64).fill(0x3c);
  bytes.set(frame, 32);
  dissect(bytes, 32, frame.length, dissection);
  const result = scrubber.scrub(bytes, 32, frame.length, dissection);
  assert(bytes.subarray(0, 32).every((byte) => byte === 0x3c), "wrote in front of the frame");
  assert(bytes.subarray(32 + frame.length).every((byte) => byte === 0x3c), "wrote behind it");
  return { result, after: bytes.slice(32, 32 + frame.length) };
}

/** The options that a client reads in a reply: the field's, the file's and the name's. */
function optionsOf(frame: Uint8Array): Option[] {
  const message = frame.subarray(MESSAGE_AT, 14 + frame[16] * 256 + frame[17]);
  const read = (field: Uint8Array): Option[] => {
    const options: Option[] = [];
    for (let at = 0; at < field.length && field[at] !== 255;) {
      if (field[at] === 0) at++;
      else {
        options.push([field[at], ...field.subarray(at + 2, at + 2 + field[at + 1])]);
        at += 2 + field[at + 1];
      }
    }
    return options;
  };
  const options = read(message.subarray(240));
  const overload = options.find(([code]) => code === 52)?.[1] ?? 0;
  const file = (overload & 1) !== 0 ? read(message.subarray(108, 236)) : [];
  const sname = (overload & 2) !== 0 ? read(message.subarray(44, 108)) : [];
  return [...options, ...file, ...sname];
}

const option = fc.tuple(
  fc.oneof(
    fc.constantFrom(3, 6, 26, 33, 61, 121, 249, 252),
    fc.integer({ min: 1, max: 254 }).filter((code) => !FIXED.includes(code)),
  ),
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 6 }),
).map(([code, value]): Option => [code, ...value]);
const options = fc.array(option, { maxLength: 6 });
const LEASES: readonly Option[] = [[1, 255, 255, 255, 0], [51, 0, 0, 14, 16], [54, 10, 77, 0, 1]];
const reply = fc.record({
  options,
  overload: fc.constantFrom(0, 1, 2, 3),
  overloadAt: fc.nat(),
  file: options,
  sname: options,
  optionsBytes: fc.integer({ min: 90, max: 400 }),
  checksum: fc.constantFrom("right" as const, "zero" as const),
  trailer: fc.integer({ min: 0, max: 5 }),
}).map(({ options, overload, overloadAt, file, sname, ...rest }) => {
  const all: Option[] = [[53, 2], ...LEASES, ...options];
  if (overload > 0) all.splice(overloadAt % (all.length + 1), 0, [52, overload]);
  return {
    ...rest,
    options: all,
    ...((overload & 1) !== 0 ? { file } : {}),
    ...((overload & 2) !== 0 ? { sname } : {}),
  };
});

Deno.test("of every well-formed reply exactly the unwanted options go", () => {
  let scrubbed = 0;
  fc.assert(
    fc.property(reply, (parts) => {
      const before = replyFrame(parts);
      const { result, after } = scrub(before);
      const expected = optionsOf(before).filter(([code]) => PASSING.includes(code));
      assertEquals(optionsOf(after), expected);
      assertEquals(result === ScrubResult.clean, expected.length === optionsOf(before).length);
      assertEquals(after.subarray(0, MESSAGE_AT - 2), before.subarray(0, MESSAGE_AT - 2));
      const packet = after.subarray(14, 14 + after[16] * 256 + after[17]);
      assertEquals(checksumIn(packet), parts.checksum === "zero" ? 0 : udpChecksum(packet));
      if (result === ScrubResult.scrubbed) scrubbed++;
    }),
    RUNS,
  );
  assert(scrubbed > 100, `too tame: ${scrubbed}`);
});

Deno.test("of a reply with bytes changed anywhere a second implementation makes the same", () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 12 });
  const results = new Map<number, number>();
  fc.assert(
    fc.property(reply, changes, fc.nat(), (parts, changed, cut) => {
      const frame = replyFrame({ ...parts, optionsBytes: 90 + parts.optionsBytes % 40 });
      for (const [at, value] of changed) {
        // Most changes where options are, and the address, since elsewhere there is little to confuse.
        const place = at % 4 === 0 ? at % frame.length : 86 + at % (frame.length - 86);
        frame[at % 5 === 0 ? MESSAGE_AT + 16 + at % 12 : place] = value;
      }
      const bytes = cut % 8 === 0 ? frame.subarray(0, cut % frame.length) : frame;
      const { result, after } = scrub(bytes);
      results.set(result, (results.get(result) ?? 0) + 1);
      if (result <= ScrubResult.clean) assertEquals(after, bytes.slice());
      assertEquals(result < 0 ? undefined : after, cleanReply(bytes)?.slice());
      if (result < ScrubResult.clean || dissection.transportOffset !== 32 + MESSAGE_AT - 8) return;
      const found = optionsOf(after).map(([code]) => code);
      assertEquals(found.filter((code) => !PASSING.includes(code)), []);
    }),
    RUNS,
  );
  const { scrubbed, clean, malformed, network } = ScrubResult;
  for (const result of [scrubbed, clean, malformed, network]) {
    assert((results.get(result) ?? 0) > 20, `too tame: ${[...results]}`);
  }
});

Deno.test("noise is no fault", () => {
  const start = fc.constantFrom(
    "",
    "ffffffffffff0200000000010800450000",
    "ffffffffffff02000000000186dd60",
  );
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 700, size: "max" }), (hex, rest) => {
      const frame = Uint8Array.of(...Uint8Array.fromHex(hex.slice(0, hex.length & ~1)), ...rest);
      const { result, after } = scrub(frame);
      if (result !== ScrubResult.scrubbed) assertEquals(after, frame);
    }),
    RUNS,
  );
});
