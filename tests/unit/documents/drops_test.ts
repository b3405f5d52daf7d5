/** No reason of the relay's goes untested. */
import { assertEquals } from "@std/assert";
import { DROP_DESCRIPTIONS } from "../../../src/observe/drops.ts";
import { isRelays } from "../../../tools/docs/drops.ts";
import { INNER_WAYS, OUTER_WAYS } from "../../../tools/lab/relay_drop_ways.ts";

Deno.test("every reason for which the relay drops is provoked by a test, and no other", () => {
  const reasons = DROP_DESCRIPTIONS.filter(({ side }) => isRelays(side)).map(({ reason }) =>
    reason
  );
  const provoked = [...Object.keys(OUTER_WAYS), ...Object.keys(INNER_WAYS)];
  assertEquals(provoked.sort(), reasons.sort());
});
