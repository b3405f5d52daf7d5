import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { dissect, Dissection } from "../../../src/proto/dissect.ts";
import { fragmentHeader, ipv4, ipv6, join, MACS, u16 } from "../../unit/proto/frames.ts";
import { damaged, fuzz, place } from "./fuzz.ts";

const short = fc.uint8Array({ maxLength: 48, size: "max" });
const tags = fc.array(
  fc.constantFrom(0x8100, 0x88a8, 0x9100, 0x9200).map((type) => join(u16(type), u16(0x2005))),
  { maxLength: 3 },
);
const snap = fc.constantFrom(
  new Uint8Array(0),
  join(u16(60), 0xaa, 0xaa, 3, 0, 0, 0),
  join(u16(60), 0xaa, 0xaa, 3, 0, 0, 0xf8),
  join(u16(60), 0x42, 0x42, 3),
);
const upper = fc.constantFrom(6, 17, 58, 1, 132, 136, 59, 50, 255);
const v4 = fc.record({
  protocol: upper,
  optionWords: fc.nat({ max: 10 }),
  fragment: fc.constantFrom(0, 0x2000, 0x4000, 0x2001, 0x1fff),
  totalBytes: fc.oneof(fc.constant(undefined), fc.nat({ max: 90 })),
  payload: short,
}).map(({ protocol, optionWords, fragment, totalBytes, payload }) => {
  const fields = { protocol, fragment, options: new Uint8Array(optionWords * 4) };
  return join(
    u16(0x0800),
    ipv4(totalBytes === undefined ? fields : { ...fields, totalBytes }, payload),
  );
});

/** Extension headers from the last to the first, each named by the one before it. */
const chain = fc.tuple(
  fc.array(fc.tuple(fc.constantFrom(0, 43, 44, 51, 60, 135, 139, 140), fc.nat({ max: 3 })), {
    maxLength: 6,
  }),
  upper,
  short,
).map(([headers, protocol, payload]) => {
  let next: number = protocol;
  let bytes = payload;
  for (const [type, size] of headers) {
    const header = type === 44
      ? fragmentHeader(next, size === 3 ? 9 : 0, size % 2 === 1)
      : type === 51
      ? join(next, size + 1, new Uint8Array((size + 3) * 4 - 2))
      : join(next, size, new Uint8Array((size + 1) * 8 - 2));
    bytes = join(header, bytes);
    next = type;
  }
  return { next, bytes };
});
const v6 = fc.tuple(chain, fc.oneof(fc.constant(undefined), fc.nat({ max: 200 }))).map(
  ([{ next, bytes }, payloadBytes]) =>
    join(u16(0x86dd), ipv6(next, bytes, payloadBytes === undefined ? {} : { payloadBytes })),
);
const other = fc.tuple(fc.constantFrom(0x0806, 0x88b5, 0, 46, 1501), short).map(
  ([type, payload]) => join(u16(type), payload),
);
const built = fc.tuple(tags, snap, fc.boolean(), fc.oneof(v4, v6, other)).map(
  ([tags, snap, tagsInside, rest]) =>
    tagsInside ? join(MACS, snap, ...tags, rest) : join(MACS, ...tags, snap, rest),
);
const frames = fc.oneof(fc.uint8Array({ maxLength: 120, size: "max" }), built, damaged(built));

function dissected(bytes: Uint8Array, before: number, around: number, out = new Dissection()) {
  const { memory, offset, length } = place(bytes, before, around);
  dissect(memory, offset, length, out);
  return out;
}

Deno.test("fuzz: a dissection points inside the frame and depends on nothing around it", () => {
  const reused = new Dissection();
  let seen = 0;
  fuzz(fc.property(frames, fc.nat({ max: 70 }), (bytes, before) => {
    const out = dissected(bytes, before, 0x00);
    const end = before + bytes.length;
    assertEquals(dissected(bytes, before, 0xff), out);
    assertEquals(dissected(bytes, before, 0xaa, reused), out);
    const { networkOffset, transportOffset } = out;
    assert(networkOffset === -1 || (networkOffset >= before + 14 && networkOffset <= end));
    assert(transportOffset === -1 || (transportOffset > networkOffset && transportOffset <= end));
    assert(out.vlanTags <= 2);
    if (out.sourcePort >= 0) seen++;
    if (out.sourcePort >= 0 || out.icmpType >= 0) assert(out.ipVersion !== 0);
    if (out.ipFragment === 2) assert(transportOffset === -1 && out.sourcePort === -1);
    if (bytes.length < 14) assert(out.truncated);
  }));
  assert(seen > 0, "some frames have ports");
});

Deno.test("fuzz: once a chain of headers ends inside, further bytes change nothing", () => {
  let complete = 0;
  fuzz(fc.property(frames, fc.uint8Array({ maxLength: 60 }), (bytes, further) => {
    const out = dissected(bytes, 0, 0);
    if (out.truncated) return;
    complete++;
    assertEquals(dissected(join(bytes, further), 0, 0), out);
  }));
  assert(complete > 0, "some chains end");
});

Deno.test("fuzz: in a cut frame nothing is seen that is not in the whole one", () => {
  fuzz(fc.property(built, fc.nat(), (bytes, cut) => {
    const whole = dissected(bytes, 0, 0);
    const part = dissected(bytes.subarray(0, cut % (bytes.length + 1)), 0, 0);
    if (part.sourcePort >= 0) assertEquals(part.sourcePort, whole.sourcePort);
    if (part.destinationPort >= 0) assertEquals(part.destinationPort, whole.destinationPort);
    if (part.icmpType >= 0) assertEquals(part.icmpType, whole.icmpType);
    if (part.ipFragment !== 0) assert(whole.ipFragment !== 0);
    assert(part.vlanTags <= whole.vlanTags);
    if (!whole.truncated && !part.truncated) assertEquals(part, whole);
  }));
});
