/** The lists of what a LAN may tell are in order. */
import { assert, assertEquals } from "@std/assert";
import { DHCP_OPTIONS, DHCPV6_OPTIONS, ROUTER_OPTIONS } from "../../../src/client/dhcp_options.ts";

Deno.test("each option is listed once, by its number, with a reason", () => {
  for (const rules of [DHCP_OPTIONS, DHCPV6_OPTIONS, ROUTER_OPTIONS]) {
    const codes = rules.map(({ code }) => code);
    assertEquals(codes, [...new Set(codes)].sort((one, other) => one - other));
    for (const { reason } of rules) {
      assert(reason.length > 10 && !/^(It|The|A|Who|How)\b|\.$/.test(reason), reason);
    }
  }
});
