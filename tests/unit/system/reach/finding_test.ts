/** What ICMP says of a packet that cannot arrive. */
import { assertEquals } from "@std/assert";
import { readUnreachable } from "../../../../src/system/reach/finding.ts";

Deno.test("ICMP's reasons are told apart", () => {
  const cases = [
    [4, 3, 0, "unreachable"],
    [4, 3, 1, "unreachable"],
    [4, 3, 3, "nobodyListens"],
    [4, 3, 4, undefined], // too long for the path: another size arrives
    [4, 3, 9, "prohibited"],
    [4, 3, 10, "prohibited"],
    [4, 3, 13, "prohibited"],
    [4, 11, 0, undefined],
    [6, 1, 0, "unreachable"],
    [6, 1, 1, "prohibited"],
    [6, 1, 3, "unreachable"],
    [6, 1, 4, "nobodyListens"],
    [6, 1, 5, "prohibited"],
    [6, 1, 6, "prohibited"],
    [6, 2, 0, undefined],
    [6, 3, 3, undefined],
  ] as const;
  for (const [version, type, code, expected] of cases) {
    assertEquals(readUnreachable(version, type, code), expected, `${version} ${type} ${code}`);
  }
});
