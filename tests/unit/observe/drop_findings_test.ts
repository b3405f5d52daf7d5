import { assertEquals } from "@std/assert";
import { dropFindings } from "../../../src/observe/drop_findings.ts";

Deno.test("a count of drops whose reason is known becomes a sentence with advice; others stay counts", () => {
  const findings = dropFindings({ "foreign-source": 3, "queue-late": 19, "not-for-us": 9 });
  assertEquals(findings.map(({ what, how }) => `${what}: ${how}`), [
    "foreign-source: 3 frames came from this PC, but not from the party's MAC",
  ]);
  assertEquals(findings.every(({ advice }) => advice !== undefined), true);
  assertEquals(dropFindings({}), []);
  assertEquals(
    dropFindings({ "foreign-source": 1, "queue-late": 20 }).map(({ how }) => how),
    [
      "1 frame came from this PC, but not from the party's MAC",
      "20 frames waited too long for a line that is full",
    ],
  );
});

Deno.test("each known reason has a sentence of its own", () => {
  const reasons = [
    ...["foreign-source", "own-traffic", "own-echo", "queue-late", "queue-overflow", "tap-full"],
  ];
  const findings = dropFindings(Object.fromEntries(reasons.map((reason) => [reason, 20])));
  assertEquals(findings.map(({ what }) => what), reasons);
  assertEquals(new Set(findings.map(({ how }) => how)).size, reasons.length);
});
