import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { parseEndpointAddress } from "../../../src/control/address.ts";
import { cleanText, countCodePoints } from "../../../src/proto/clean_text.ts";
import { HOST_ACTIONS, REMOVERS } from "../../../src/control/host_messages.ts";
import { encodeMessage, MESSAGE_BYTES_MAX } from "../../../src/control/framing.ts";
import {
  DISCONNECT_CODES,
  LEAVE_REASONS,
  parseEndpointMessage,
  parseHello,
  parseRelayMessage,
  REJECT_CODES,
} from "../../../src/control/messages.ts";

/** A number and no time: how much is tried does not depend on how busy the machine is. */
const RUNS = { numRuns: 4000 };

type Fields = Record<string, unknown>;

const counters = {
  framesSent: fc.nat(),
  framesReceived: fc.maxSafeNat(),
  bytesSent: fc.nat(),
  bytesReceived: fc.nat(),
  datagramsSent: fc.nat(),
  datagramsReceived: fc.nat(),
  framesSplit: fc.nat(),
  framesReassembled: fc.nat(),
};
const room = fc.stringMatching(/^[A-Za-z0-9-]{1,32}$/);
const mac = fc.stringMatching(/^[0-9a-fA-F][26aeAE](:[0-9a-fA-F]{2}){5}$/);
const anyText = fc.string({ unit: "binary", maxLength: 140 });
const name = fc.string({ unit: "grapheme", maxLength: 20 });
const peer = fc.oneof(
  fc.record({
    peerId: fc.integer({ min: 1, max: 0xffff }),
    role: fc.constant("client"),
    mac,
    name,
  }),
  fc.record({ peerId: fc.integer({ min: 1, max: 0xffff }), role: fc.constant("gateway") }),
);
const features = fc.array(
  fc.oneof(fc.constantFrom("removal", "host-requests", "room-mtu"), anyText),
  {
    maxLength: 40,
  },
);
const hello = fc.record({
  type: fc.constant("hello"),
  protocol: fc.constant(1),
  role: fc.constantFrom("client", "gateway"),
  room,
  mac,
  datagramBudget: fc.integer(),
  roomKey: name,
  gatewayKey: name,
  resume: anyText,
  name,
  agent: name,
  features,
});
const hostRequest = fc.record({
  type: fc.constant("hostRequest"),
  request: fc.nat(),
  action: fc.constantFrom(...HOST_ACTIONS),
  peerId: fc.integer({ min: 1, max: 0xffff }),
  target: fc.oneof(mac, name),
  forMs: fc.maxSafeNat(),
  reason: name,
});
const hostAnswer = fc.record({
  type: fc.constant("hostAnswer"),
  request: fc.nat(),
  ok: fc.boolean(),
  message: anyText,
  bans: fc.array(
    fc.record({
      id: fc.stringMatching(/^[0-9a-f]{10}$/),
      by: fc.constantFrom(...REMOVERS),
      targets: fc.array(mac, { maxLength: 3 }),
      forMs: fc.nat(),
      reason: name,
      name,
    }),
    { maxLength: 20 },
  ),
  more: fc.boolean(),
});
const stats = fc.record({
  type: fc.constant("stats"),
  ...counters,
  drops: fc.dictionary(fc.stringMatching(/^[a-z-]{1,12}$/), fc.nat()),
  rttUs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  uptimeMs: fc.nat(),
  diagnostics: fc.record({
    relayReachable: fc.boolean(),
    routePinned: fc.boolean(),
    datagramBudget: fc.nat(),
    tap: fc.record({ state: name, mtu: fc.nat(), addresses: fc.array(anyText, { maxLength: 20 }) }),
  }),
});
const disconnect = fc.record({
  type: fc.constant("disconnect"),
  code: fc.constantFrom(...DISCONNECT_CODES),
  message: anyText,
  retryAfterMs: fc.nat(),
  by: fc.constantFrom(...REMOVERS),
  forMs: fc.nat(),
});
const fromRelay = fc.oneof(
  fc.record({
    type: fc.constant("welcome"),
    protocol: fc.constant(1),
    peerId: fc.integer({ min: 1, max: 0xffff }),
    room,
    tapMtu: fc.integer({ min: 1280, max: 1500 }),
    gatewayPresent: fc.boolean(),
    relayTime: fc.nat(),
    resume: fc.string({ minLength: 1, maxLength: 40 }),
    features,
  }),
  fc.record({
    type: fc.constant("reject"),
    code: fc.constantFrom(...REJECT_CODES),
    message: anyText,
    retryAfterMs: fc.nat(),
    by: fc.constantFrom(...REMOVERS),
    forMs: fc.nat(),
  }),
  fc.record({
    type: fc.constant("redirect"),
    relay: fc.constantFrom("relay.example:443", "[2001:db8::1]:4433", "192.0.2.1"),
    serverName: fc.constant("relay.example"),
    fingerprint: fc.stringMatching(/^[A-Za-z0-9_-]{43}$/),
  }),
  peer.map((fields) => ({ type: "peerJoined", ...fields })),
  fc.tuple(peer, fc.constantFrom(...LEAVE_REASONS)).map(([fields, reason]) => ({
    type: "peerLeft",
    ...fields,
    reason,
  })),
  stats,
  fc.record({ type: fc.constant("roomMtu"), tapMtu: fc.integer({ min: 1280, max: 1500 }) }),
  hostAnswer,
  disconnect,
);
const budget = fc.record({ type: fc.constant("budget"), datagramBudget: fc.integer() });
const any = fc.oneof(hello, fromRelay, hostRequest, budget) as fc.Arbitrary<Fields>;

/** A message in which some fields were replaced by anything, taken out, or put in. */
const bent = fc.tuple(
  any,
  fc.array(
    fc.tuple(fc.nat(), fc.oneof(fc.jsonValue(), fc.constant(undefined), anyText, fc.double())),
    { maxLength: 3 },
  ),
  fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 2 }),
).map(([message, changes, more]) => {
  const changed: Fields = { ...more, ...message };
  const keys = Object.keys(message);
  for (const [index, value] of changes) changed[keys[index % keys.length]] = value;
  return changed;
});

/** What a program would see after the message went over the wire. */
const overTheWire = (message: unknown): unknown => JSON.parse(JSON.stringify(message) ?? "null");

function assertClean(text: string, codePointsMax: number): void {
  assertEquals(cleanText(text), text);
  assert(countCodePoints(text) <= codePointsMax);
}

/** Whatever was accepted must be of use without another look. */
function assertSound(message: Fields): void {
  for (const [field, value] of Object.entries(message)) {
    assert(value !== null && value !== undefined, `${message.type}.${field} is ${value}`);
  }
  if (message.room !== undefined) assertMatch(message.room as string, /^[A-Z0-9-]{1,32}$/);
  if (message.mac !== undefined) {
    assertMatch(message.mac as string, /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
  }
  if (message.name !== undefined) assertClean(message.name as string, 64);
  if (message.agent !== undefined) assertClean(message.agent as string, 128);
  if (message.message !== undefined) assertClean(message.message as string, 512);
  if (message.relay !== undefined) assert(parseEndpointAddress(message.relay as string));
  const names = (message.features ?? []) as string[];
  assert(names.length <= 32 && new Set(names).size === names.length);
  for (const feature of names) assertMatch(feature, /^[a-z][a-z0-9-]{0,31}$/);
  if (message.reason !== undefined && message.type === "hostRequest") {
    assertClean(message.reason as string, 128);
  }
  const bans = (message.bans ?? []) as { targets: string[]; reason?: string }[];
  assert(bans.length <= 16);
  for (const { targets, reason = "" } of bans) {
    assert(targets.length <= 8 && targets.every((target) => /^[!-~]{1,64}$/.test(target)));
    assertClean(reason, 128);
  }
  const drops = Object.entries((message.drops ?? {}) as Record<string, number>);
  assert(drops.length <= 128);
  for (const [reason, count] of drops) assert(/^[a-z][a-z0-9-]*$/.test(reason) && count >= 0);
}

const PARSERS = [
  (json: unknown) => {
    const result = parseHello(json);
    return result.ok ? { ok: true, message: result.hello } : result;
  },
  parseEndpointMessage,
  parseRelayMessage,
] as const;

Deno.test("no JSON makes a parser throw, and what is accepted is sound, small and stays the same", () => {
  const accepted = [0, 0, 0];
  const refused = [0, 0, 0];
  fc.assert(
    fc.property(fc.oneof({ weight: 9, arbitrary: bent }, fc.jsonValue()), (value) => {
      const json = overTheWire(value);
      for (const [index, parse] of PARSERS.entries()) {
        const result = parse(json);
        if (!result.ok) {
          refused[index]++;
          assertClean(result.message as string, 200);
          continue;
        }
        accepted[index]++;
        assertSound(result.message as Fields);
        assert(encodeMessage(result.message as object).length <= 4 + MESSAGE_BYTES_MAX);
        assertEquals<unknown>(parse(overTheWire(result.message)), result, "parsed once more");
      }
    }),
    RUNS,
  );
  for (const count of [...accepted, ...refused]) assert(count > 20, `${accepted} / ${refused}`);
});

Deno.test("every message that the protocol allows is accepted by its reader and by no other", () => {
  const kinds = [hello, fc.oneof(stats, hostRequest, disconnect), fromRelay] as fc.Arbitrary<
    Fields
  >[];
  for (const [index, kind] of kinds.entries()) {
    fc.assert(
      fc.property(kind, (message) => {
        for (const [other, parse] of PARSERS.entries()) {
          const result = parse(overTheWire(message));
          const shared = message.type === "stats" || message.type === "disconnect";
          const expected = other === index || (shared && other > 0);
          assertEquals(result.ok, expected, `parser ${other}: ${JSON.stringify(message)}`);
        }
      }),
      { numRuns: 1000 },
    );
  }
});

Deno.test("null instead of any field is the same as leaving the field out", () => {
  fc.assert(
    fc.property(any, fc.nat(), (message, pick) => {
      const keys = Object.keys(message);
      const key = keys[pick % keys.length];
      const { [key]: _, ...without } = message;
      for (const parse of PARSERS) {
        assertEquals<unknown>(
          parse(overTheWire({ ...message, [key]: null })),
          parse(overTheWire(without)),
        );
      }
    }),
    RUNS,
  );
});
