import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isIpv4, isIpv6 } from "../../src/ctrl/address.ts";
import { parseIpAddress } from "../../src/endpoint/ip_address.ts";
import { TOKENS_MAX, TokenStore } from "../../src/endpoint/token_store.ts";

/** A number and no time: how much is tried does not depend on how busy the machine is. */
const RUNS = { numRuns: 10_000 };

const part = fc.constantFrom("0", "1", "ff", "FFFF", "12345", ":", "::", ".", "255", "256", "g");
const addressLike = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.array(part, { maxLength: 18 }).map((parts) => parts.join("")),
  fc.array(part, { maxLength: 9 }).map((parts) => parts.join(":")),
  fc.string(),
);

Deno.test("an address is read if and only if it is one, and means what it says", () => {
  let read = 0;
  fc.assert(
    fc.property(addressLike, (text) => {
      const bytes = parseIpAddress(text);
      assertEquals(bytes !== undefined, isIpv4(text) || isIpv6(text), text);
      if (bytes === undefined) return;
      read++;
      // The platform's own reader of addresses says the same.
      const host = bytes.length === 4 && !text.includes(":")
        ? [...bytes].join(".")
        : new URL(`http://[${text}]/`).hostname.slice(1, -1);
      const again = parseIpAddress(host);
      assertEquals(again, bytes, text);
    }),
    RUNS,
  );
  assert(read > 100, `too tame: ${read}`);
});

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
