import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatIdentity, loadIdentity } from "../../../src/client/identity.ts";
import { isIdentityMac } from "../../../src/proto/mac.ts";

/** A number and no time: how much is tried does not depend on how busy the machine is. */
const RUNS = { numRuns: 5000 };

const digits = fc.constantFrom(..."0123456789abcdefABCDEF:- ");
const macLike = fc.oneof(
  fc.array(digits, { maxLength: 20 }).map((all) => all.join("")),
  fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) =>
    [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":")
  ),
);

Deno.test("whatever the identity file holds, a usable MAC comes out, and stays from then on", () => {
  const file = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ version: fc.jsonValue(), mac: macLike, name: fc.string() }, { requiredKeys: [] })
      .map((fields) => JSON.stringify(fields)),
  );
  const origins = new Map<string, number>();
  fc.assert(
    fc.property(file, fc.uint8Array({ minLength: 6, maxLength: 6 }), (text, random) => {
      const { identity, origin } = loadIdentity(text, () => random);
      assert(isIdentityMac(identity.mac, 0), identity.mac.toHex());
      const again = loadIdentity(formatIdentity(identity), () => new Uint8Array(6));
      assertEquals(again.identity.mac, identity.mac);
      assertEquals([again.origin, again.changed], ["kept", false]);
      origins.set(origin, (origins.get(origin) ?? 0) + 1);
    }),
    RUNS,
  );
  for (const origin of ["kept", "repaired", "created"]) {
    assert((origins.get(origin) ?? 0) > 20, `too tame: ${[...origins]}`);
  }
});
