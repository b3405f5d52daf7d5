import { assertEquals } from "@std/assert";
import {
  DAILY_DROPS,
  type DropCounter,
  dropFindings,
  dropReport,
  type DropSentence,
} from "../../../src/observe/drop_findings.ts";
import { DROP_SAID_AGAIN_MS, DROPS_LATELY_MS, DropWatch } from "../../../src/observe/drop_watch.ts";
import { DROP_DESCRIPTIONS, DROP_REASONS, type DropSide } from "../../../src/observe/drops.ts";
import { statusLine } from "../../../src/observe/status.ts";
import { saying, sentenceOf } from "../../support/sentences.ts";
import { DROP_SENTENCES } from "../../../src/observe/drop_findings.ts";

/** What each count makes a program say. */
const SAID: readonly [DropCounter, string, number, string][] = [
  ["client", "foreign-source", 1, saying("drops/client-foreign-source", { frames: "1 frame" })],
  ["client", "own-traffic", 1, saying("drops/client-own-traffic", { frames: "1 frame" })],
  ["client", "own-echo", 1, saying("drops/client-own-echo", { frames: "1 frame" })],
  ["client", "vlan-tag", 1, saying("drops/client-vlan-tag", { frames: "1 frame" })],
  ["client", "queue-late", 20, saying("drops/client-queue-late", { frames: "20 frames" })],
  ["client", "queue-overflow", 20, saying("drops/client-queue-overflow", { frames: "20 frames" })],
  [
    ...["client", "reassembly-expired", 20] as const,
    saying("drops/client-reassembly-expired", { frames: "20 frames" }),
  ],
  ["client", "tap-full", 20, saying("drops/client-tap-full", { frames: "20 frames" })],
  ["gateway", "jumbo", 1, saying("drops/gateway-jumbo", { frames: "1 frame" })],
  [
    ...["gateway", "lan-broadcast-limit", 20] as const,
    saying("drops/gateway-lan-broadcast-limit", { frames: "20 frames" }),
  ],
  [
    ...["gateway", "capture-overflow", 20] as const,
    saying("drops/gateway-capture-overflow", { frames: "20 frames" }),
  ],
  [
    ...["gateway", "lan-send-failed", 1] as const,
    saying("drops/gateway-lan-send-failed", { frames: "1 frame" }),
  ],
  ["gateway", "queue-late", 20, saying("drops/gateway-queue-late", { frames: "20 frames" })],
  [
    ...["gateway", "queue-overflow", 20] as const,
    saying("drops/gateway-queue-overflow", { frames: "20 frames" }),
  ],
  ["relay", "queue-late", 1_000, saying("drops/relay-queue-late", { frames: "1000 frames" })],
  [
    ...["relay", "queue-overflow", 1_000] as const,
    saying("drops/relay-queue-overflow", { frames: "1000 frames" }),
  ],
  ["relay", "no-buffer", 1, saying("drops/relay-no-buffer", { frames: "1 frame" })],
];

Deno.test("counts of drops that mean something become a sentence each, fewer and others none", () => {
  for (const [counter, reason, count, line] of SAID) {
    const said = (drops: Record<string, number>) =>
      new DropWatch(counter).handleCounts({
        drops: { ...drops, "not-for-us": 9, "probe": 9 },
        framesSent: 0,
      }, 0)
        .map((event) => statusLine(event));
    assertEquals(said({ [reason]: count }), [{ level: "warning", text: line }]);
    assertEquals(said({ [reason]: count - 1 }), []);
  }
  assertEquals(SAID.length, Object.keys(DROP_SENTENCES).length);
});

Deno.test("of no other reason anybody is warned, however many there are, nor of what is daily work", () => {
  for (const counter of ["client", "gateway", "relay"] as const) {
    const drops = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 1_000_000]));
    const counts = { drops, framesSent: 1_000_000 };
    const known = SAID.filter(([who]) => who === counter).map(([, reason]) => reason).sort();
    const warned = new DropWatch(counter).handleCounts(counts, 0);
    assertEquals(warned.map(({ finding }) => finding.reason).sort(), known);
    const told = dropReport(counter, counts, { ...counts, forMs: 60_000 });
    assertEquals(told.map(({ what }) => what).sort(), known);
    assertEquals(DAILY_DROPS[counter].filter((reason) => known.includes(reason)), []);
    // CoDel's drops tell a transport how fast it may be.
    assertEquals(DAILY_DROPS[counter].includes("queue-codel"), true);
    assertEquals(known.includes("queue-late") && known.includes("queue-overflow"), true);
  }
});

Deno.test("whose sentence a reason has is among those who drop for it", () => {
  const sides: Readonly<Record<DropSide, readonly DropCounter[]>> = {
    all: ["client", "gateway", "relay"],
    endpoints: ["client", "gateway"],
    relay: ["relay"],
    gateway: ["gateway"],
    client: ["client"],
  };
  for (const key of Object.keys(DROP_SENTENCES) as DropSentence[]) {
    const [counter, ...rest] = key.split("-");
    const side = DROP_DESCRIPTIONS.find(({ reason }) => reason === rest.join("-"))?.side;
    assertEquals(side !== undefined && sides[side].some((one) => one === counter), true, key);
  }
});

Deno.test("a doctor's report has the reason in front, and asks to see to what happens of late alone", () => {
  const { what, advice = "" } = sentenceOf("drops/client-foreign-source", { frames: "3 frames" });
  const total = { drops: { "foreign-source": 3 }, framesSent: 0 };
  assertEquals(dropReport("client", total, { ...total, forMs: 130_000 }), [
    { what: "foreign-source", how: `In the last 2 min: ${what}`, advice },
  ]);
  assertEquals(dropReport("client", total, { drops: {}, framesSent: 0, forMs: 600_000 }), [
    {
      what: "foreign-source",
      how: `Since the start, and hardly any in the last 10 min: ${what}`,
    },
  ]);
  assertEquals(dropFindings("gateway", { "foreign-source": 3 }, 0), []);
});

Deno.test("what goes on is said once in a while, with what is new each time", () => {
  const watch = new DropWatch("client");
  const said = (count: number, nowMs: number) =>
    watch.handleCounts({ drops: { "foreign-source": count }, framesSent: 0 }, nowMs).map((
      { finding },
    ) => finding.count);
  assertEquals(said(0, 0), []);
  assertEquals(said(40, 10_000), [40]);
  assertEquals(said(60, 19_999), []);
  assertEquals(said(80, 20_000), []);
  assertEquals(said(80, DROP_SAID_AGAIN_MS + 20_000), []);
  assertEquals(said(85, DROP_SAID_AGAIN_MS + 30_000), [5]);
});

Deno.test("what was dropped of late is told from what was dropped before", () => {
  const watch = new DropWatch("client");
  const count = (late: number, framesSent: number, nowMs: number) => {
    const counts = { drops: { "queue-late": late }, framesSent };
    watch.handleCounts(counts, nowMs);
    return watch.lately(counts, nowMs);
  };
  // What is there at the first look is as late as can be.
  assertEquals(count(30, 100, 2_000), {
    ...{ drops: { "queue-late": 30 }, framesSent: 100, forMs: 0 },
  });
  assertEquals(count(50, 1_000, 62_000), {
    ...{ drops: { "queue-late": 50 }, framesSent: 1_000, forMs: 60_000 },
  });
  for (let atMs = 72_000; atMs < 2_000 + DROPS_LATELY_MS; atMs += 10_000) count(50, 1_000, atMs);
  assertEquals(count(57, 1_300, 72_000 + DROPS_LATELY_MS), {
    ...{ drops: { "queue-late": 7 }, framesSent: 300, forMs: DROPS_LATELY_MS },
  });
});

Deno.test("a line is full where it loses a hundredth of what is sent, which TCP alone does not make it do", () => {
  const watch = new DropWatch("client");
  const said = (late: number, framesSent: number, nowMs: number) =>
    watch.handleCounts({ drops: { "queue-late": late }, framesSent }, nowMs).length;
  assertEquals(said(999, 100_000, 0), 0);
  // What was sent before does not count.
  assertEquals(said(999 + 99, 110_000, 10_000), 0);
  assertEquals(said(999 + 99 + 100, 120_000, 20_000), 1);
});
