import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { TOKENS_MAX, TokenStore } from "../../../src/endpoint/token_store.ts";

Deno.test("whatever the token file holds, what comes out is bounded and survives a round trip", () => {
  const text = fc.string({ maxLength: 6 });
  const entry = fc.oneof(
    fc.record({ relay: text, room: text, peer: text, token: text }),
    fc.record({ relay: text, room: text, peer: text, token: text }, { requiredKeys: [] }),
    fc.jsonValue(),
  );
  const file = fc.oneof(
    fc.string(),
    fc.json(),
    fc.array(entry, { maxLength: 100, size: "max" }).map((tokens) =>
      JSON.stringify({ version: 1, tokens })
    ),
  );
  let kept = 0;
  fc.assert(
    fc.property(file, (content) => {
      const store = TokenStore.parse(content);
      assert(store.size <= TOKENS_MAX);
      assertEquals(TokenStore.parse(store.format()).format(), store.format());
      kept += store.size;
    }),
    { numRuns: 1000 },
  );
  assert(kept > 100, `too tame: ${kept}`);
});
