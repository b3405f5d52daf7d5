/** The document of drop reasons is up to date, and no reason of the relay's goes untested. */
import { assertEquals } from "@std/assert";
import { DROP_DESCRIPTIONS } from "../../../src/observe/drops.ts";
import { DROPS_DOCUMENT, formatDropsDocument, isRelays } from "../../../tools/docs/drops.ts";
import { INNER_WAYS, OUTER_WAYS } from "../../../tools/lab/relay_drop_ways.ts";

Deno.test("docs/DROPS.md is what tools/docs/drops.ts writes", async () => {
  assertEquals(await Deno.readTextFile(DROPS_DOCUMENT), formatDropsDocument());
});

Deno.test("every reason for which the relay drops is provoked by a test, and no other", () => {
  const reasons = DROP_DESCRIPTIONS.filter(({ side }) => isRelays(side)).map(({ reason }) =>
    reason
  );
  const provoked = [...Object.keys(OUTER_WAYS), ...Object.keys(INNER_WAYS)];
  assertEquals(provoked.sort(), reasons.sort());
});
