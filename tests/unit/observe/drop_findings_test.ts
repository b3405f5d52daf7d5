import { assertEquals } from "@std/assert";
import { dropFindings } from "../../../src/observe/drop_findings.ts";

Deno.test("a count of drops whose reason is known becomes a sentence with advice; others stay counts", () => {
  const findings = dropFindings({ "foreign-source": 3, "queue-late": 0, "not-for-us": 9 });
  assertEquals(findings.map(({ what, how }) => `${what}: ${how}`), [
    "foreign-source: 3 frames came from this PC, but not from the party's MAC",
  ]);
  assertEquals(findings.every(({ advice }) => advice !== undefined), true);
  assertEquals(dropFindings({}), []);
});

Deno.test("each known reason has a sentence of its own", () => {
  const reasons = [
    ...["foreign-source", "own-traffic", "own-echo", "queue-late", "queue-overflow", "tap-full"],
  ];
  const findings = dropFindings(Object.fromEntries(reasons.map((reason) => [reason, 1])));
  assertEquals(findings.map(({ what }) => what), reasons);
  assertEquals(new Set(findings.map(({ how }) => how)).size, reasons.length);
});
