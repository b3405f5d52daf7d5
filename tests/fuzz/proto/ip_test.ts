import { isIP } from "node:net";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseIpAddress, parseIpv4, parseIpv6 } from "../../../src/proto/ip.ts";

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
      // Another reader, of the standard library, on what both take: no zones, no leading zeros.
      assertEquals(bytes !== undefined, isIP(text) !== 0, text);
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

Deno.test("every IP address is known as one, by the reading of the URL standard, too", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV6(), (v4, v6) => {
      assert(parseIpv4(v4) !== undefined && parseIpv6(v4) === undefined, v4);
      assert(parseIpv6(v6) !== undefined && parseIpv4(v6) === undefined, v6);
    }),
    RUNS,
  );
  fc.assert(
    fc.property(addressLike, (maybe) => {
      const known = /^[0-9A-Fa-f:.]*$/.test(maybe) && URL.canParse(`http://[${maybe}]/`);
      assertEquals(parseIpv6(maybe) !== undefined, known, JSON.stringify(maybe));
    }),
    RUNS,
  );
});
