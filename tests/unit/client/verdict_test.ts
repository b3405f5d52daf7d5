import { assertEquals } from "@std/assert";
import type { LanVerdict } from "../../../src/observe/lan_verdict.ts";
import {
  ALONE_AFTER_MS,
  decideVerdict,
  type LanFacts,
  NO_ADDRESS_AFTER_MS,
  SILENT_AFTER_MS,
} from "../../../src/client/verdict.ts";

const GOOD: LanFacts = {
  isJoined: true,
  hasAdapter: true,
  fault: undefined,
  hasGateway: true,
  gatewaySinceMs: 0,
  isStopped: false,
  stoppedSinceMs: Infinity,
  hasOthers: false,
  hasMet: true,
  isProven: true,
  unansweredSinceMs: Infinity,
  address: "192.168.1.57",
  addressSinceMs: 0,
  stranger: undefined,
  asksForAddress: true,
  offeredSinceMs: 0,
  unconfirmedSinceMs: Infinity,
  ownerMac: undefined,
  word: "none",
  wordSinceMs: 0,
};
const LOOKING: LanVerdict = { kind: "looking" };

const TABLE: readonly [string, Partial<LanFacts>, number, LanVerdict, number?][] = [
  ["heard, with an address", {}, 99_000, { kind: "good", address: "192.168.1.57" }],
  [
    "others have addresses of another network",
    { stranger: { address: "10.0.0.1", sinceMs: 1_000 } },
    10_999,
    LOOKING,
    11_000,
  ],
  [
    "and nobody has one of this PC's",
    { stranger: { address: "10.0.0.1", sinceMs: 1_000 } },
    11_000,
    { kind: "elsewhere", address: "192.168.1.57", other: "10.0.0.1" },
  ],
  ["no room", { isJoined: false }, 99_000, { kind: "outside" }],
  ["no adapter", { hasAdapter: false }, 99_000, { kind: "no-adapter" }],
  [
    "an adapter that another program has otherwise",
    { fault: { name: "lanparty0", trait: "mac", likely: [] } },
    99_000,
    { kind: "adapter-changed", fault: { name: "lanparty0", trait: "mac", likely: [] } },
  ],
  ["no gateway yet", { hasGateway: false }, 9_999, LOOKING, SILENT_AFTER_MS],
  [
    "no gateway, and nobody",
    { hasGateway: false },
    10_000,
    { kind: "silent", cause: "alone", waitedMs: 10_000 },
  ],
  ["nobody yet", { hasGateway: false, hasMet: false }, 1_999, LOOKING, ALONE_AFTER_MS],
  [
    "nobody ever",
    { hasGateway: false, hasMet: false },
    2_000,
    { kind: "silent", cause: "alone", waitedMs: 2_000 },
  ],
  [
    "no gateway, but players",
    { hasGateway: false, hasOthers: true },
    10_000,
    { kind: "silent", cause: "no-gateway", waitedMs: 10_000 },
  ],
  [
    "nothing heard yet",
    { isProven: false, unansweredSinceMs: 0 },
    9_999,
    LOOKING,
    SILENT_AFTER_MS,
  ],
  [
    "nothing heard",
    { isProven: false, unansweredSinceMs: 0 },
    10_000,
    { kind: "silent", cause: "unanswered", waitedMs: 10_000 },
  ],
  [
    "heard before, and asked anew",
    { unansweredSinceMs: 5_000 },
    14_999,
    { kind: "good", address: "192.168.1.57" },
    15_000,
  ],
  [
    "heard before, and silent now",
    { unansweredSinceMs: 5_000 },
    15_000,
    { kind: "silent", cause: "unanswered", waitedMs: 10_000 },
  ],
  [
    "a gateway that stands still, whatever was heard before",
    { isStopped: true, stoppedSinceMs: 3_000 },
    4_000,
    { kind: "silent", cause: "stopped", waitedMs: 1_000 },
  ],
  ["no address yet", { address: undefined }, 19_999, LOOKING, NO_ADDRESS_AFTER_MS],
  [
    "no DHCP server answers in a LAN that is heard",
    { address: undefined, offeredSinceMs: Infinity },
    20_000,
    { kind: "no-address", cause: "not-answered", waitedMs: 20_000 },
  ],
  [
    "what a DHCP server has answered after a while is being taken",
    { address: undefined, offeredSinceMs: 30_000 },
    39_999,
    LOOKING,
    40_000,
  ],
  [
    "no address in a LAN that is quiet, but there",
    {
      address: undefined,
      isProven: false,
      unansweredSinceMs: 0,
      offeredSinceMs: Infinity,
      word: "quiet",
    },
    20_000,
    { kind: "no-address", cause: "not-answered", waitedMs: 20_000 },
  ],
  [
    "what a DHCP server answers is not taken",
    { address: undefined },
    20_000,
    { kind: "no-address", cause: "not-taken", waitedMs: 20_000 },
  ],
  [
    "no address, and none is asked for",
    { address: undefined, asksForAddress: false },
    20_000,
    { kind: "no-address", cause: "not-asked", waitedMs: 20_000 },
  ],
  [
    "no address in a silent LAN",
    { address: undefined, isProven: false, unansweredSinceMs: 0, offeredSinceMs: Infinity },
    20_000,
    { kind: "silent", cause: "unanswered", waitedMs: 20_000 },
  ],
  [
    "an address of the player's that a station of the LAN has, too",
    { ownerMac: "00:16:3e:00:00:01" },
    5_000,
    { kind: "taken", address: "192.168.1.57", mac: "00:16:3e:00:00:01" },
  ],
  [
    "an old address that no server has confirmed yet",
    { unconfirmedSinceMs: 5_000 },
    24_999,
    { kind: "good", address: "192.168.1.57" },
    25_000,
  ],
  [
    "an old address that no server confirms",
    { unconfirmedSinceMs: 5_000 },
    25_000,
    { kind: "old-address", address: "192.168.1.57", waitedMs: 20_000 },
  ],
  ...(["down", "held", "unserved", "unheard", "stopped"] as const).map((
    word,
  ): (typeof TABLE)[number] => [
    `the gateway says ${word}, whatever is heard`,
    { word, wordSinceMs: 1_000 },
    3_000,
    { kind: "silent", cause: word, waitedMs: 2_000 },
  ]),
  [
    "the gateway hears nobody, and somebody answers this PC",
    { word: "quiet" },
    3_000,
    { kind: "good", address: "192.168.1.57" },
  ],
  [
    "neither the gateway nor this PC hears anybody",
    { word: "quiet", isProven: false, unansweredSinceMs: 0 },
    10_000,
    { kind: "silent", cause: "quiet", waitedMs: 10_000 },
  ],
  [
    "no address, and none is asked for, in a silent LAN",
    { address: undefined, isProven: false, unansweredSinceMs: 0, asksForAddress: false },
    20_000,
    { kind: "silent", cause: "unasked", waitedMs: 20_000 },
  ],
];

for (const [name, facts, nowMs, verdict, untilMs = Infinity] of TABLE) {
  Deno.test(`verdict: ${name}`, () => {
    assertEquals(decideVerdict({ ...GOOD, ...facts }, nowMs), { verdict, untilMs });
  });
}
