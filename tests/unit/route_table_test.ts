import { assertEquals, assertThrows } from "@std/assert";
import { openRouteTable } from "../../src/route/table.ts";
import { UnsupportedPlatformError } from "../../src/route/unsupported.ts";

Deno.test("without an implementation the routing table is refused in plain words", () => {
  const error = assertThrows(openRouteTable, UnsupportedPlatformError);
  assertEquals(error.platform, Deno.build.os);
  assertEquals(error.message, `changing the routing table is not supported on ${Deno.build.os}`);
});
